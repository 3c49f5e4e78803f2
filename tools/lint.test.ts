/** Shows that the linter, as configured, catches what the rules of style leave to it. */

import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '#tools/sources.ts';

// One row is one made-up file and the rule that must fire on it.
const rows: [string, string, string][] = [
  ['long-function', `export function a(): void {\n${'  console.log(1);\n'.repeat(60)}}\n`, 'max-lines-per-function'],
  ['long-file', '// a line\n'.repeat(401), 'max-lines'],
  ['parameters', 'export const a = (b: 1, c: 2, d: 3, e: 4): number => b + c + d + e;\n', 'max-params'],
  ['default', 'export default 1;\n', 'no-default-export'],
  ['eval', 'export const a: unknown = eval("1");\n', 'no-eval'],
  ['function', 'export const a: unknown = new Function("return 1");\n', 'new-func'],
  ['any', 'export const a: any = 1;\n', 'no-explicit-any'],
  ['bang', 'export const a = (b?: string): string => b!;\n', 'no-non-null-assertion'],
  ['floating', 'export function a(): void {\n  Promise.resolve(1);\n}\n', 'no-floating-promises'],
  [
    'switch',
    "export function a(b: 'x' | 'y'): number {\n  switch (b) {\n    case 'x':\n      return 1;\n  }\n  return 0;\n}\n",
    'switch-exhaustiveness-check',
  ],
  ['cycle', "import { b } from './cycle-back.ts';\nexport const a = (): number => b();\n", 'no-cycle'],
  ['cycle-back', "import { a } from './cycle.ts';\nexport const b = (): number => a();\n", 'no-cycle'],
];

test('the linter catches what style leaves to it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringwall-lint-'));
  try {
    const compilerOptions = {
      strict: true,
      module: 'nodenext',
      target: 'es2024',
      noEmit: true,
      types: [],
      allowImportingTsExtensions: true,
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
    // The linter looks for its type-aware half from the working directory.
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    for (const [name, text] of rows) writeFileSync(join(folder, `${name}.ts`), text);
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [
        join(root, 'node_modules/oxlint/bin/oxlint'),
        '--type-aware',
        '-f',
        'unix',
        '-c',
        join(root, '.oxlintrc.json'),
        ...rows.map(([name]) => `${name}.ts`),
      ],
      { cwd: folder, encoding: 'utf8' },
    );
    for (const [name, , rule] of rows) {
      const said = stdout.split('\n').filter((line) => line.includes(`${name}.ts:`));
      assert.ok(
        said.some((line) => line.includes(rule)),
        `${name}: wanted ${rule}, got ${JSON.stringify(said)} ${stderr}`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
