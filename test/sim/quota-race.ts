/** Clients that create and delete at the edge of their quotas while the operator changes these and the stamp dies: never one over, at no commit. */

import type { Json } from '#base/json.ts';
import { Fault, Refusal } from '#base/wrong.ts';
import type { Request } from '#engine/engine.ts';
import type { Judged, Prover, SignedRecord } from '#engine/ports.ts';
import type { Store } from '#engine/store/store.ts';
import { randomFrom, type Random } from '#test/generate/random.ts';
import { place, testEngine, type TestEngine } from '#test/sim/engine.ts';
import { SimDisk } from '#test/sim/disk.ts';
import { countOf, ground, groupOf, kinds, limitOf, quotasOf, racing, subscriptionWith } from '#test/sim/quota-world.ts';

/** What a race saw. */
export type Race = {
  operations: number;
  acknowledged: number;
  overQuota: number;
  refused: number;
  faulted: number;
  crashes: number;
  changesOfQuota: number;
};

const clients = 8;
const names = 7;

/** One life of the control plane: it ends in the middle of an append, which is durable or not. */
type Life = { stamp?: TestEngine; isOver: boolean };

/** Runs one race of so many operations; throws at the first commit that is over. */
export async function race(seed: number, operations: number): Promise<Race> {
  const random = randomFrom(seed);
  const disk = new SimDisk();
  const seen: Race = {
    operations: 0,
    acknowledged: 0,
    overQuota: 0,
    refused: 0,
    faulted: 0,
    crashes: 0,
    changesOfQuota: 0,
  };
  await place(await started(disk, random, { isOver: true }), ...ground());
  while (seen.operations < operations) {
    const life: Life = { isOver: false };
    const stamp = await started(disk, random, life);
    await Promise.all(Array.from({ length: clients }, () => client(stamp, { random, seen, operations, life })));
    if (life.isOver) seen.crashes += 1;
  }
  await lastPlaceGoes(await started(disk, random, { isOver: true }));
  return seen;
}

type Parts = { readonly random: Random; readonly seen: Race; readonly operations: number; readonly life: Life };

async function client(stamp: TestEngine, { random, seen, operations, life }: Parts): Promise<void> {
  while (seen.operations < operations && !life.isOver) {
    seen.operations += 1;
    if (random.chance(0.01)) await changedQuota(stamp, random, seen);
    await stamp.send(requestOf(random)).then(
      () => (seen.acknowledged += 1),
      (error: unknown) => {
        if (error instanceof Fault) seen.faulted += 1;
        else if (error instanceof Refusal && error.details[0]?.code === 'QuotaExceeded') seen.overQuota += 1;
        else if (error instanceof Refusal) seen.refused += 1;
        else throw error;
      },
    );
    const bug = stamp.bugs.find((one) => !(one instanceof Fault));
    if (bug !== undefined) throw new Error(`a bug: ${String(bug)}`);
  }
}

function requestOf(random: Random): Request {
  const kind = random.pick(kinds);
  const number = random.below(names);
  const id = `${groupOf(random.pick(racing))}/providers/${kind.path(`n${number}`)}`;
  if (random.chance(0.4)) return { kind: 'delete', id, type: kind.type };
  const body = kind.body(random);
  const properties = body['properties'] as { [name: string]: Json } | undefined;
  const isRule = kind.type.endsWith('securityRules');
  return {
    kind: 'put',
    id,
    type: kind.type,
    body: isRule ? { properties: { ...properties, priority: 100 + number } } : body,
  };
}

/** The operator widens or narrows a quota, or gives and takes a plan. */
async function changedQuota(stamp: TestEngine, random: Random, seen: Race): Promise<void> {
  const changed = random.chance(0.5)
    ? quotasOf(random.pick(['small', 'more']), random.below(5) - 2)
    : [subscriptionWith(random.pick(racing), random.pick([['small'], ['small', 'more'], ['more']]))];
  await place(stamp, ...changed).then(
    () => (seen.changesOfQuota += 1),
    (error: unknown) => {
      if (!(error instanceof Fault)) throw error;
    },
  );
}

/** The engine on the disk; every commit is judged as it happens, by counts of the race's own. A life that is over from the start never fails. */
async function started(disk: SimDisk, random: Random, life: Life): Promise<TestEngine> {
  const before = new Map<string, number>();
  const judge = (): void => judged(life.stamp, before);
  const world = { onProved: () => undefined, onCommit: judge, follow: () => Promise.resolve() };
  const isImmortal = life.isOver;
  const store = (plain: Store): Store => (isImmortal ? plain : failing(plain, random, life));
  const stamp = await testEngine({ disk, world, prover: signing, store });
  life.stamp = stamp;
  judge();
  return stamp;
}

/** What the engine keeps is what is there, and no count of what a commit made more of is over its limit. */
function judged(stamp: TestEngine | undefined, before: Map<string, number>): void {
  if (stamp === undefined) return;
  const rows = stamp.engine.parts.view.all();
  for (const subscription of racing)
    for (const kind of kinds) {
      const key = `${subscription} ${kind.field}`;
      const count = countOf(rows, subscription, kind);
      const limit = rows.some(({ id }) => id === `/subscriptions/${subscription}`)
        ? limitOf(rows, subscription, kind.field)
        : 0;
      const kept = stamp.engine.use.used(subscription, kind.field);
      if (kept !== count) throw new Error(`${kind.field} of ${subscription} is kept as ${kept} and is ${count}`);
      const last = before.get(key);
      before.set(key, count);
      if (last !== undefined && count > last && count > limit)
        throw new Error(`${kind.field} of ${subscription} went from ${last} to ${count}; ${limit} are allowed`);
    }
}

/** When nothing races, what is full refuses, and takes one again as soon as one is gone. */
async function lastPlaceGoes(stamp: TestEngine): Promise<void> {
  const [subscription] = racing;
  await place(stamp, ...quotasOf('small'), subscriptionWith(subscription, ['small']));
  const put = (number: number) =>
    stamp.put(`${groupOf(subscription)}/providers/Microsoft.Compute/availabilitySets/last${number}`, {
      location: 'local',
    });
  const answers: string[] = [];
  for (let number = 0; number < 4; number += 1)
    answers.push(
      await put(number).then(
        () => 'taken',
        (error: unknown) => (error instanceof Refusal ? error.code : String(error)),
      ),
    );
  if (!answers.includes('OperationNotAllowed')) throw new Error(`four more than two sets: ${answers.join(', ')}`);
}

/** A store that finds the disk full now and then, and dies more rarely: before the entry is durable, or after. */
function failing(plain: Store, random: Random, life: Life): Store {
  const append: Store['append'] = async (entry) => {
    if (life.isOver) throw new Fault('StoreStopped', 'The process has died.');
    if (random.chance(0.002)) throw new Fault('StoreFull', 'The disk is full.');
    if (!random.chance(0.002)) return await plain.append(entry);
    life.isOver = true;
    if (random.chance(0.5)) await plain.append(entry);
    throw new Fault('StoreStopped', 'The process has died.');
  };
  return { ...plain, append };
}

const nothing: Judged = { noted: [], notedMore: 0, blast: { gained: [], lost: [], more: { gained: 0, lost: 0 } } };
const signed: SignedRecord = { record: { stamp: 0, revision: 0, base: '', root: '', invariants: '' }, signature: '' };

/** Says yes to everything: a race is about counts, and a million proofs would take an hour. */
const signing = {
  load: () => Promise.resolve(signed),
  current: () => Promise.resolve({ ...signed, programs: {} }),
  propose: () => Promise.resolve({ ...signed, verdict: 'proved', edits: [], steps: 0 }),
  judged: () => Promise.resolve(nothing),
  settle: () => Promise.resolve(),
} as unknown as Prover;
