/** Plants each fault in a copy of the sources and runs the tests that must notice it; a fault that nothing notices is a hole in the tests. */

import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '#tools/sources.ts';
import { type Mutant, mutants } from '#test/oracle/mutants.ts';
import type { PartEnd, PartOrder } from '#test/oracle/part.ts';

/** A run that takes longer is ended, and proves nothing: the fault must be seen by a test. */
const secondsMax = 180;
const workers = 2;

export type Planted = { readonly mutant: Mutant; readonly isNoticed: boolean; readonly because: string };

/** Plants all of them (or those whose words contain `only`); tells each as it ends. */
export async function runMutants(tell: (planted: Planted) => void, only = ''): Promise<readonly Planted[]> {
  const chosen = mutants.filter(({ says, file }) => `${file} ${says}`.includes(only));
  const left = [...chosen];
  const done: Planted[] = [];
  const lane = async (): Promise<void> => {
    const folder = copyOfSources();
    try {
      await sound(folder, chosen);
      for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
        const planted = await plant(folder, mutant);
        done.push(planted);
        tell(planted);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
  await Promise.all(Array.from({ length: workers }, lane));
  return done;
}

/** All planted faults; one that no test notices is a disagreement. */
export async function faultsPart({ onProgress }: PartOrder): Promise<PartEnd> {
  let count = 0;
  const planted = await runMutants(() => onProgress((count += 1) / mutants.length));
  const missed = planted.filter(({ isNoticed }) => !isNoticed);
  return {
    checked: planted.length,
    says: `${planted.length - missed.length} noticed`,
    disagreements: missed.map(({ mutant, because }) => `${mutant.file}: ${mutant.says}: ${because}`),
  };
}

/** Without a fault the tests must pass: else they notice anything. */
async function sound(folder: string, chosen: readonly Mutant[]): Promise<void> {
  for (const tests of new Set(chosen.map((mutant) => mutant.tests))) {
    const { isNoticed, because } = await noticed(folder, tests);
    if (isNoticed) throw new Error(`Without a fault ${tests.join(' ')} fails: ${because}`);
  }
}

function copyOfSources(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ringwall-mutants-'));
  for (const name of ['src', 'test', 'tools', 'bench', 'lab', 'package.json', 'tsconfig.json']) {
    cpSync(join(root, name), join(folder, name), {
      recursive: true,
      filter: (path) => !path.includes('node_modules') && !path.includes('.ringwall'),
    });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

async function plant(folder: string, mutant: Mutant): Promise<Planted> {
  const path = join(folder, mutant.file);
  const text = readFileSync(path, 'utf8');
  const places = text.split(mutant.find).length - 1;
  if (places !== 1) return { mutant, isNoticed: false, because: `its place is there ${places} times, 1 is wanted` };
  writeFileSync(
    path,
    text.replace(mutant.find, () => mutant.replace),
  );
  try {
    return { mutant, ...(await noticed(folder, mutant.tests)) };
  } finally {
    writeFileSync(path, text);
  }
}

/** Do the tests fail? One that cannot even start proves nothing: the fault must be seen by a test. */
async function noticed(
  folder: string,
  tests: readonly string[],
): Promise<{ readonly isNoticed: boolean; readonly because: string }> {
  const child = spawn(process.execPath, ['tools/unit.ts', ...tests], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), secondsMax * 1000);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  const output = Buffer.concat(chunks).toString('utf8');
  if (code === null) return { isNoticed: false, because: `not done after ${secondsMax} s` };
  const failed = /(\d+) passed, (\d+) failed/.exec(output);
  if (failed === null) return { isNoticed: false, because: `the tests did not run: ${output.slice(-300)}` };
  const first = /^✖ \S*?([^/\s]+:\d+ .*)$/m.exec(output)?.[1];
  return Number(failed[2]) > 0
    ? { isNoticed: true, because: `${failed[2]} tests, first ${first ?? 'unnamed'}` }
    : { isNoticed: false, because: `${failed[1]} tests passed` };
}
