/** Lists the project's own source files, so that every check looks at the same ones. */

import { globSync } from 'node:fs';
import { join } from 'node:path';

/** The root of the repository. */
export const root = join(import.meta.dirname, '..');

const folders = ['src', 'test', 'bench', 'tools'];
const skipped = new Set(['node_modules', 'fixtures']);

/** Paths of our TypeScript files relative to the root, sorted; neither generated ones nor fixtures. */
export function sourcePaths(): string[] {
  return folders
    .flatMap((folder) =>
      globSync(`${folder}/**/*.ts`, { cwd: root, exclude: (name) => skipped.has(name.split('/').at(-1) ?? '') }),
    )
    .filter((path) => !/\.gen\.ts$|\.d\.ts$/.test(path))
    .sort();
}
