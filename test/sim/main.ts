/** The simulation suite (`./ringwall test sim [--quick] [--seeds N] [--seed S]`): the real engine in a fake world with faults from seeds. */

import { parseArgs } from 'node:util';
import { printCounts } from '#tools/counts.ts';
import { runSeed } from '#test/sim/run.ts';

const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, seeds: { type: 'string' }, seed: { type: 'string' } },
});
const count = Number(values.seeds ?? (values.quick === true ? 250 : 3000));
const start = Number(values.seed ?? 1);
const last = values.seed === undefined ? start + count - 1 : start;
const sum = { passed: 0, failed: 0, skipped: 0 };
const seen = { writes: 0, refused: 0, faulted: 0, crashes: 0, revision: 0 };
const begun = performance.now();

for (let seed = start; seed <= last; seed += 1) {
  try {
    const run = await runSeed(seed);
    sum.passed += 1;
    for (const key of Object.keys(seen) as (keyof typeof seen)[]) seen[key] += run[key];
  } catch (error) {
    sum.failed += 1;
    if (sum.failed <= 10)
      console.log(
        `seed ${seed}: ${error instanceof Error ? (error.name === 'Broken' ? error.message : error.stack) : String(error)}`,
      );
  }
}

const seconds = ((performance.now() - begun) / 1000).toFixed(1);
console.log(
  `seeds ${start} to ${last} in ${seconds} s: ${seen.writes} writes acknowledged, ${seen.refused} refused, ${seen.faulted} faulted, ` +
    `${seen.crashes} crashes, ${seen.revision} revisions`,
);
console.log(printCounts(sum));
process.exit(sum.failed === 0 && sum.passed > 0 ? 0 : 1);
