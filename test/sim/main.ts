/** The simulation suite (`./ringwall test sim [--quick] [--seeds N] [--seed S] [--races N]`): the real engine in a fake world with faults from seeds. */

import { parseArgs } from 'node:util';
import { printCounts } from '#tools/counts.ts';
import { type Race, race } from '#test/sim/quota-race.ts';
import { runSeed } from '#test/sim/run.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    seeds: { type: 'string' },
    seed: { type: 'string' },
    races: { type: 'string' },
  },
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
await raceForQuotas();
console.log(printCounts(sum));
process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1;

/** Races for the last place of a quota; each is a test of its own, with its seed. */
async function raceForQuotas(): Promise<void> {
  const operationsEach = 10_000;
  const races = Number(values.races ?? (values.seed === undefined ? (values.quick === true ? 1 : 100) : 0));
  const first = values.quick === true ? Date.now() % 1_000_000 : start;
  const all: Partial<Race> = {};
  const begin = performance.now();
  for (let index = 0; index < races; index += 1) {
    try {
      const seen = await race(first + index, operationsEach);
      sum.passed += 1;
      for (const key of Object.keys(seen) as (keyof Race)[]) all[key] = (all[key] ?? 0) + seen[key];
      if (races > 1 && (index + 1) % 10 === 0) console.log(`${(index + 1) * operationsEach} operations raced`);
    } catch (error) {
      sum.failed += 1;
      console.log(`race ${first + index}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const counts = Object.entries(all).map(([name, count]) => `${name} ${count}`);
  const took = ((performance.now() - begin) / 1000).toFixed(1);
  if (races > 0) console.log(`quota races from seed ${first} in ${took} s: ${counts.join(', ')}`);
}
