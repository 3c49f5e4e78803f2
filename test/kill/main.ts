/** `npm run kill [-- --quick] [--seed N]`: `kill -9` of each process at random points under load; nothing acknowledged is lost, nothing is half applied, packets go on. */

import { parseArgs } from 'node:util';
import { printCounts } from '#tools/counts.ts';
import { say } from '#bench/progress.ts';
import { runKills } from '#test/kill/run.ts';

const killsFull = 200;
const killsQuick = 10;

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, seed: { type: 'string' }, kills: { type: 'string' } },
});

if (process.geteuid?.() !== 0) {
  say(process.stdout, 'skipped: needs root');
  say(process.stdout, printCounts({ passed: 0, failed: 0, skipped: 1 }));
} else {
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const kills = Number(values.kills ?? (values.quick ? killsQuick : killsFull));
  say(process.stdout, `seed ${seed}, ${kills} kills`);
  const counts = await runKills({ seed, kills });
  say(process.stdout, printCounts(counts));
  process.exitCode = counts.failed > 0 ? 1 : 0;
}
