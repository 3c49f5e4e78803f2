/** `npm run stamp`: real packets through real namespaces. Ends with the plain line `N passed, N failed, N skipped`. */

import { parseArgs } from 'node:util';
import { askedTests } from '#test/stamp/asked.ts';
import { differential } from '#test/stamp/differential.ts';
import { flowLogTests } from '#test/stamp/flow-log.ts';
import { freeStamp, Harness } from '#test/stamp/harness.ts';
import { budgetTests } from '#test/stamp/budgets.ts';
import { idleTests } from '#test/stamp/idle.ts';
import { lifeTests } from '#test/stamp/life.ts';
import { openingTests } from '#test/stamp/opening.ts';
import { edgeScenarios } from '#test/stamp/rows-edge.ts';
import { nsgScenarios } from '#test/stamp/rows-nsg.ts';
import { resolverTests } from '#test/stamp/resolver.ts';
import { resolverScenarios } from '#test/stamp/rows-resolver.ts';
import { routeScenarios } from '#test/stamp/rows-route.ts';
import { programsFrom, runRow, type Scenario } from '#test/stamp/scenario.ts';
import { waysTests } from '#test/stamp/ways.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    seed: { type: 'string' },
    stamps: { type: 'string' },
    packets: { type: 'string' },
    only: { type: 'string' },
  },
});
const count = { passed: 0, failed: 0, skipped: 0 };

if (process.getuid?.() !== 0) {
  console.log('skipped: needs root');
  count.skipped = 1;
} else await withHarness();
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
process.exit(count.failed === 0 ? 0 : 1);

async function withHarness(): Promise<void> {
  const harness = new Harness(freeStamp());
  let isClosing = false;
  const close = async () => {
    if (isClosing) return;
    isClosing = true;
    await harness.close();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void close().finally(() => process.exit(130)));
  try {
    await harness.open();
    await run(harness);
  } catch (error) {
    note(false, 'the suite ran to its end', error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    await close();
  }
}

async function run(harness: Harness): Promise<void> {
  for (const scenario of [...nsgScenarios, ...routeScenarios, ...edgeScenarios, ...resolverScenarios]) {
    if (values.only === undefined || scenario.name.includes(values.only)) await runScenario(harness, scenario);
  }
  for (const [group, tests] of Object.entries({
    asked: askedTests,
    life: lifeTests,
    idle: idleTests,
    budgets: budgetTests,
    opening: openingTests,
    'flow-log': flowLogTests,
    resolver: resolverTests,
    ways: waysTests,
  })) {
    if (values.only !== undefined && values.only !== group) continue;
    for (const { name, run: test } of tests) {
      const problem = await test(harness).catch((error: unknown) =>
        error instanceof Error ? (error.stack ?? error.message) : String(error),
      );
      note(problem === undefined, name, problem);
    }
  }
  if (values.only === undefined || values.only === 'differential') await runDifferential(harness);
}

async function runScenario(harness: Harness, { name, build, rows }: Scenario): Promise<void> {
  await harness.apply(programsFrom(harness.stamp, build));
  for (const row of rows) {
    const problem = await runRow(harness, row);
    note(problem === undefined, `${name}: ${row[0]} ${row[1]} → ${row[2]}`, problem);
  }
}

async function runDifferential(harness: Harness): Promise<void> {
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
  const stamps = Number(values.stamps ?? (values.quick === true ? 25 : 200));
  const packets = Number(values.packets ?? 110);
  console.log(`differential: ${stamps} stamps of ${packets} packets from seed ${seed}`);
  const result = await differential(harness, { seed, stamps, packets });
  for (const disagreement of result.disagreements.slice(0, 20)) console.log(disagreement);
  const says = `kernel and oracle agree on ${result.packets} packets (${result.delivered} delivered) over ${result.stamps} stamps, seed ${seed}`;
  note(result.disagreements.length === 0, says, `${result.disagreements.length} disagreements`);
}

function note(isGood: boolean, name: string, problem: string | undefined): void {
  if (isGood) count.passed++;
  else count.failed++;
  if (!isGood) console.log(`FAIL ${name}\n     ${problem ?? ''}`);
}
