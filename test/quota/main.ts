/** `./ringwall test quota [--quick] [--writes N] [--crashes N] [--clients N] [--seed N]`: clients at the edge of their quotas over HTTPS, and a stamp that is killed: never one over, nothing acknowledged lost. */

import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { printCounts } from '#tools/counts.ts';
import { randomFrom } from '#test/generate/random.ts';
import { furnish, Lives, type Ground } from '#test/quota/ground.ts';
import { kinds } from '#test/quota/kinds.ts';
import { startLoad, targetsOf, type Load } from '#test/quota/load.ts';
import { replayAudit } from '#test/quota/replay.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    writes: { type: 'string' },
    crashes: { type: 'string' },
    clients: { type: 'string' },
    seed: { type: 'string' },
  },
});
const writes = Number(values.writes ?? (values.quick ? 2000 : 20_000));
const crashes = Number(values.crashes ?? (values.quick ? 3 : 20));
const clients = Number(values.clients ?? 64);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const random = randomFrom(seed);
const sum = { passed: 0, failed: 0, skipped: 0 };
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const check = (says: string, faults: readonly string[]): void => {
  sum[faults.length === 0 ? 'passed' : 'failed'] += 1;
  if (faults.length > 0) say(`✖ ${says}: ${faults.slice(0, 5).join('; ')}`);
};

say(`seed ${seed}: ${writes} writes by ${clients} clients, ${crashes} crashes`);
const lives = new Lives();
try {
  await race();
} finally {
  await lives.kill();
  lives.remove();
}
say(printCounts(sum));
process.exitCode = sum.failed > 0 ? 1 : 0;

async function race(): Promise<void> {
  const ready = await lives.start();
  const ground = await furnish(ready, lives.told);
  const load = startLoad(ground, { location: ready.location, clients, seed });
  const begun = performance.now();
  for (let crash = 1; crash <= crashes; crash += 1) {
    load.run();
    await reached(load, Math.floor((writes * crash) / (crashes + 1)));
    // At any point of a write: between two of its steps as well as between two writes.
    await sleep(random.below(20));
    await lives.kill();
    await load.pause();
    await lives.start();
    await compare(`crash ${crash}`, ground, load);
    const { acknowledged, overQuota, unanswered } = load.answers;
    say(
      `crash ${crash} at ${load.sent()} writes: ${acknowledged} acknowledged, ${overQuota} over quota, ${unanswered} unanswered`,
    );
  }
  load.run();
  await reached(load, writes);
  await load.stop();
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  await compare('the end', ground, load);
  ground.tenant.close();
  await lives.kill('SIGTERM');
  judge(ground, load);
  say(`${load.sent()} writes in ${seconds} s`);
}

async function reached(load: Load, count: number): Promise<void> {
  while (load.sent() < count) await sleep(2);
}

/** What stands beside what was acknowledged, and none of a kind over its limit. */
async function compare(when: string, ground: Ground, load: Load): Promise<void> {
  const standing = await listed(ground);
  const faults: string[] = [];
  for (let client = 0; client < clients; client += 1)
    for (const { path } of targetsOf(client, ground.group)) {
      const fault = load.ledger.seen(path, standing.has(path.toLowerCase()) ? 'made' : undefined);
      if (fault !== undefined) faults.push(fault);
    }
  check(`${when}: what was acknowledged stands`, faults);
  check(
    `${when}: no quota is exceeded`,
    kinds.flatMap(({ type, limit }) => {
      const count = [...standing].filter((id) => typeIn(id) === type.toLowerCase()).length;
      return count > limit ? [`${count} ${type}, allowed are ${limit}`] : [];
    }),
  );
}

/** Ids of all resources of the kinds, with those that the ground itself has. */
async function listed({ tenant, group }: Ground): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (const { type, version, parent } of kinds) {
    const path = `${group}/providers/${parent === undefined ? type : `${parent}/${type.split('/').at(-1) ?? ''}`}`;
    const { value } = (await tenant.want('GET', `${path}?api-version=${version}`)) as unknown as {
      value: { id: string }[];
    };
    for (const { id } of value) ids.add(id.toLowerCase());
  }
  return ids;
}

function typeIn(id: string): string {
  const [namespace = '', ...rest] = id.slice(id.lastIndexOf('/providers/') + '/providers/'.length).split('/');
  return [namespace, ...rest.filter((_, index) => index % 2 === 0)].join('/');
}

/** The whole story: what the audit tells, the limits that were reached, and answers that nobody expects. */
function judge({ subscription }: Ground, load: Load): void {
  const { entries, most } = replayAudit(lives.told.state, subscription);
  check(
    'the audit: never one over',
    kinds.flatMap(({ type, limit }) =>
      (most.get(type) ?? 0) > limit ? [`${most.get(type)} ${type}, allowed are ${limit}`] : [],
    ),
  );
  check(
    'every quota was used to its end',
    kinds.flatMap(({ type, limit }) =>
      (most.get(type) ?? 0) < limit ? [`${most.get(type) ?? 0} of ${limit} ${type}`] : [],
    ),
  );
  const { strange, overQuota } = load.answers;
  check(
    'nothing else was refused',
    [...strange].map(([what, times]) => `${what} × ${times}`),
  );
  check('quotas refused', overQuota > 0 ? [] : ['none was over quota']);
  say(
    `audit: ${entries} entries; most at once: ${kinds.map(({ type, limit }) => `${type.split('/').at(-1) ?? ''} ${most.get(type) ?? 0}/${limit}`).join(', ')}`,
  );
}
