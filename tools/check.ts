/** Runs everything that a commit must pass (`npm run check`): types, lint, format and unit tests, in parallel, in under 15 s. */

import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { addCounts, noCounts, printCounts, readCounts, type Counts } from '#tools/counts.ts';
import { root } from '#tools/sources.ts';
import { places } from '#tools/unit.ts';

type Step = { readonly name: string; readonly argv: readonly string[] };
type Ended = {
  readonly step: Step;
  readonly ok: boolean;
  readonly output: string;
  readonly counts: Counts;
  readonly seconds: number;
};

/** The flags that our processes run with: a unit test must not need what they forbid. */
const processFlags = [
  '--disallow-code-generation-from-strings',
  '--disable-proto=throw',
  '--disable-warning=ExperimentalWarning',
];

const ringsAround = ['src/engine', 'src/adapters', 'src/main'];

const steps: readonly Step[] = [
  { name: 'types', argv: [binary('typescript', 'tsc'), '--noEmit', '-p', '.'] },
  { name: 'lint', argv: [binary('oxlint', 'oxlint'), '--type-aware', '--deny-warnings', '-f', 'unix'] },
  { name: 'format', argv: [binary('@biomejs/biome', 'biome'), 'format', '--colors=off', '--reporter=summary'] },
  // Two processes, since there are two cores: about half of the work each.
  { name: 'core', argv: [...processFlags, 'tools/unit.ts', 'src/core', 'src/faces'] },
  {
    name: 'tests',
    argv: [...processFlags, 'tools/unit.ts', ...places.filter((place) => place !== 'src'), ...ringsAround],
  },
];

/** Runs the named steps (all when none is named) and answers whether all passed. */
export async function check(names: readonly string[]): Promise<boolean> {
  const unknown = names.filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0)
    throw new Error(`No step is named ${unknown.join(', ')}; there are ${steps.map(({ name }) => name).join(', ')}.`);
  const begun = performance.now();
  const chosen = steps.filter(({ name }) => names.length === 0 || names.includes(name));
  const ended = await Promise.all(chosen.map(runStep));
  const counts = ended.map((one) => one.counts).reduce(addCounts, noCounts);
  console.log(`${seconds(begun)} s in all`);
  console.log(printCounts(counts));
  return ended.every(({ ok }) => ok);
}

async function runStep(step: Step): Promise<Ended> {
  const begun = performance.now();
  const child = spawn(process.execPath, step.argv, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const output = Buffer.concat(chunks).toString('utf8').trim();
  const ok = code === 0;
  // A tool without tests of its own counts as one.
  const counts = readCounts(output) ?? { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
  const ended = { step, ok, output, counts, seconds: Number(seconds(begun)) };
  report(ended);
  return ended;
}

function report({ step, ok, output, seconds }: Ended): void {
  console.log(`${ok ? '✔' : '✖'} ${step.name} ${seconds.toFixed(1)} s`);
  const worthSaying = ok
    ? output
        .split('\n')
        .filter((line) => line.startsWith('slow: '))
        .join('\n')
    : output;
  if (worthSaying !== '') console.log(worthSaying.replaceAll(/^/gm, '  '));
}

function seconds(begun: number): string {
  return ((performance.now() - begun) / 1000).toFixed(1);
}

// The tool's own entry file: no PATH look-up, and the pinned Node runs it.
function binary(packageName: string, name: string): string {
  const at = join(root, 'node_modules', packageName, 'package.json');
  const manifest: { bin: string | Record<string, string> } = createRequire(import.meta.url)(at);
  const entry = typeof manifest.bin === 'string' ? manifest.bin : manifest.bin[name];
  if (entry === undefined) throw new Error(`${packageName} has no command ${name}.`);
  return join(dirname(at), entry);
}

if (import.meta.main) process.exit((await check(process.argv.slice(2))) ? 0 : 1);
