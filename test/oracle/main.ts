/** `npm run oracle [-- --quick] [--seed N] [--only PART]`: the verifier against the oracle, against Z3, against itself and against the kernel; and planted faults. */

import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { printCounts } from '#tools/counts.ts';
import { kernelPart } from '#test/oracle/kernel.ts';
import { faultsPart } from '#test/oracle/mutation.ts';
import { packetsPart } from '#test/oracle/packets.ts';
import { pairsPart } from '#test/oracle/pairs.ts';
import type { PartEnd, PartOrder } from '#test/oracle/part.ts';
import { stepsPart } from '#test/oracle/steps.ts';

type Part = {
  readonly name: string;
  readonly says: string;
  readonly run: (order: PartOrder) => PartEnd | Promise<PartEnd>;
  /** How much is asked, whole and quick; 0: not in the quick form. */
  readonly counts: readonly [full: number, quick: number];
  readonly whySkipped?: () => string | undefined;
};

const needsRoot = (): string | undefined => (process.getuid?.() === 0 ? undefined : 'skipped: needs root');
const needsSolver = (): string | undefined =>
  spawnSync('z3', ['--version']).status === 0 ? undefined : 'skipped: no z3 (Debian package z3)';

const parts: readonly Part[] = [
  {
    name: 'packets',
    says: 'sets and oracle agree on random packets',
    run: packetsPart,
    counts: [1_000_000, 40_000],
  },
  {
    name: 'pairs',
    says: 'verifier and Z3 agree whether two filters are the same',
    run: pairsPart,
    counts: [1000, 60],
    whySkipped: needsSolver,
  },
  {
    name: 'steps',
    says: 'step by step, with small memories and changes taken back, finds what from scratch finds',
    run: stepsPart,
    counts: [10_000, 160],
  },
  {
    name: 'kernel',
    says: 'kernel, oracle and sets agree on real packets',
    run: kernelPart,
    counts: [100_000, 0],
    whySkipped: needsRoot,
  },
  { name: 'faults', says: 'planted faults are noticed by a test', run: faultsPart, counts: [Infinity, 0] },
];

const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, seed: { type: 'string' }, only: { type: 'string' } },
});
/** The quick form asks the same questions every time; the whole one others each time. */
const seed = Number(values.seed ?? (values.quick === true ? 1 : Math.floor(Math.random() * 1_000_000)));
const sum = { passed: 0, failed: 0, skipped: 0 };

for (const part of parts) await runPart(part);
console.log(printCounts(sum));
process.exit(sum.failed === 0 && sum.passed > 0 ? 0 : 1);

async function runPart({ name, says, run, counts, whySkipped }: Part): Promise<void> {
  const count = values.quick === true ? counts[1] : counts[0];
  if (count === 0 || (values.only !== undefined && values.only !== name)) return;
  const reason = whySkipped?.();
  if (reason !== undefined) {
    sum.skipped += 1;
    console.log(`${name}: ${reason}`);
    return;
  }
  const begun = performance.now();
  const end = await run({ seed, count, onProgress: tenths(name) });
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  for (const line of end.disagreements.slice(0, 20)) console.log(`FAIL ${line}`);
  console.log(
    `${name}: ${says}: ${end.checked} asked from seed ${seed} (${end.says}), ${end.disagreements.length} disagreements, ${seconds} s`,
  );
  if (end.disagreements.length === 0 && end.checked > 0) sum.passed += 1;
  else sum.failed += 1;
}

/** Tells every tenth of a part that takes long. */
function tenths(name: string): (share: number) => void {
  let [told, at] = [0, performance.now()];
  return (share) => {
    const tenth = Math.floor(share * 10);
    if (tenth <= told || share >= 1 || performance.now() - at < 5000) return;
    [told, at] = [tenth, performance.now()];
    console.log(`  ${name}: ${tenth * 10} %`);
  };
}
