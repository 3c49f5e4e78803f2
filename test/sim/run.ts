/** One seed: clients write, processes die, links break; after every step nothing acknowledged is lost and nothing unacknowledged is half seen. */

import { canonical } from '#base/json.ts';
import { Fault, Refusal } from '#base/wrong.ts';
import type { Caller, Outcome, Request } from '#engine/engine.ts';
import { isRunning } from '#engine/deployments/records.ts';
import { owner } from '#access/roles.ts';
import type { Resource } from '#model/resource.ts';
import { labStamp } from '#test/generate/build.ts';
import { randomFrom, type Random } from '#test/generate/random.ts';
import { Broken, SimStamp, type Incarnation } from '#test/sim/stamp.ts';
import { base, groups, randomRequest, randomTemplate, subscription } from '#test/sim/writes.ts';

/** What one seed did. */
export type Run = {
  readonly writes: number;
  readonly refused: number;
  readonly faulted: number;
  readonly crashes: number;
  readonly revision: number;
};

const clients = 4;
const requestsEach = 12;
const ticksMax = 60_000;
const oid = '22222222-2222-4222-8222-222222222222';

type Told = { readonly request: Request; readonly outcome: Outcome };
type Count = { writes: number; refused: number; faulted: number };

/** Runs a seed to its end; throws Broken with what was seen. */
export async function runSeed(seed: number): Promise<Run> {
  const random = randomFrom(seed);
  const stamp = new SimStamp(random, { crash: random.pick([0, 0.005, 0.02]), fault: random.pick([0, 0.03, 0.1]) });
  const told: Told[] = [];
  const count: Count = { writes: 0, refused: 0, faulted: 0 };
  let left = clients;
  const work = supervised(stamp, async () => {
    const begun = Array.from({ length: clients }, (_, index) =>
      client({ stamp, random, told, count }, index).finally(() => (left -= 1)),
    );
    await Promise.all(begun);
  });
  await until(stamp, () => left === 0 || stamp.broken !== undefined);
  stamp.heal(true);
  await until(stamp, () => isQuiet(stamp) || stamp.broken !== undefined);
  await work;
  await checkLife(stamp);
  checkEnd(stamp, told);
  return { ...count, crashes: stamp.crashes.length, revision: stamp.durableRevision() };
}

/** Starts the stamp and the work; the supervisor that starts a dead stamp again is the loop in `until`. */
async function supervised(stamp: SimStamp, work: () => Promise<void>): Promise<void> {
  const { engine } = await stamp.start();
  await first(engine.gate);
  stamp.heal(false);
  await work();
}

async function first(gate: Incarnation['engine']['gate']): Promise<void> {
  const common = { etag: 'W/"first"', createdAt: '2030-01-01T00:00:00.000Z', changedAt: '2030-01-01T00:00:00.000Z' };
  const type = 'Microsoft.Authorization/roleAssignments';
  const properties = { principalId: oid, roleDefinitionId: owner.id };
  await gate.change((draft) => {
    draft.put({ id: base, type: 'Microsoft.Resources/subscriptions', name: subscription, properties: {}, ...common });
    draft.put({ id: `${base}/providers/${type}/a`, type, name: 'a', properties, ...common });
    for (const id of groups) {
      draft.put({
        id,
        type: 'Microsoft.Resources/resourceGroups',
        name: id.split('/').at(-1) ?? '',
        location: labStamp.location,
        properties: {},
        ...common,
      });
    }
    return { value: undefined, about: { subscription } };
  });
}

/** Moves time until the claim holds. A stamp that has died is started again after a while, as the process supervisor does. */
async function until(stamp: SimStamp, holds: () => boolean): Promise<void> {
  for (let ticks = 0; !holds(); ticks += 1) {
    if (ticks > ticksMax) throw new Broken(`it did not come to rest: ${describe(stamp)}`);
    const goesOn = await stamp.clock.tick();
    if (stamp.broken !== undefined) throw stamp.broken;
    if (stamp.bugs.length > 0)
      throw new Broken(`a bug: ${String((stamp.bugs[0] as Error | undefined)?.stack ?? stamp.bugs[0])}`);
    if (stamp.isUp) checkView(stamp);
    if (stamp.isDead && !stamp.isRestarting) void restart(stamp);
    else if (!goesOn && !holds()) throw new Broken(`nothing moves any more: ${describe(stamp)}`);
  }
}

async function restart(stamp: SimStamp): Promise<void> {
  stamp.isUp = false;
  stamp.isRestarting = true;
  await stamp.clock.sleep(20);
  stamp.isRestarting = false;
  await stamp.start();
}

function describe(stamp: SimStamp): string {
  const { gate, operations } = stamp.now.engine;
  return canonical({
    revision: gate.revision,
    durable: stamp.durableRevision(),
    keeper: stamp.keeper.state(),
    underWay: operations.underWay().length,
    crashes: stamp.crashes,
  });
}

function isQuiet(stamp: SimStamp): boolean {
  if (!stamp.isUp || stamp.isDead) return false;
  const { engine } = stamp.now;
  const isFollowed = stamp.keeper.state().root === stamp.durableRoot();
  const deployments = groups.flatMap((scope) => engine.deployments.list(scope));
  return (
    isFollowed &&
    engine.gate.revision === stamp.durableRevision() &&
    engine.operations.underWay().length === 0 &&
    !deployments.some(isRunning)
  );
}

type ClientParts = { readonly stamp: SimStamp; readonly random: Random; readonly told: Told[]; readonly count: Count };

/** A client sends one request after another; one that gets no answer within its time goes on with the next. */
async function client({ stamp, random, told, count }: ClientParts, index: number): Promise<void> {
  for (let turn = 0; turn < requestsEach; turn += 1) {
    await stamp.clock.sleep(random.below(30));
    if (random.chance(0.08)) await deployed({ stamp, random, count });
    const request = randomRequest(random);
    const answered = submitted(stamp, request, `${index}/${turn}`).then(
      (outcome) => {
        count.writes += 1;
        told.push({ request, outcome });
        const wroteAt = outcome.resource === undefined ? undefined : stamp.wroteAt(outcome.resource);
        if (outcome.kind === 'settled' && wroteAt !== undefined && wroteAt > stamp.confirmed) {
          stamp.broken ??= new Broken(
            `revision ${wroteAt} was told as enforced when the keeper had ${stamp.confirmed}`,
          );
        }
      },
      (error: unknown) => {
        if (error instanceof Refusal) count.refused += 1;
        else if (error instanceof Fault) count.faulted += 1;
        else stamp.bugs.push(error);
      },
    );
    await Promise.race([answered, stamp.clock.sleep(2000)]);
  }
}

/** Starts a deployment; that it ends, whatever dies meanwhile, is judged when the stamp is quiet. */
async function deployed({ stamp, random, count }: Pick<ClientParts, 'stamp' | 'random' | 'count'>): Promise<void> {
  const scope = random.pick(groups);
  const name = `d${random.below(3)}`;
  const id = `${scope}/providers/Microsoft.Resources/deployments/${name}`;
  const properties = { mode: 'Incremental', template: randomTemplate(random) };
  const started = stamp.now.engine.deployments.start({ id, name, scope, properties }, callerOf('deploys')).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof Refusal) count.refused += 1;
      else if (error instanceof Fault) count.faulted += 1;
      else stamp.bugs.push(error);
    },
  );
  await Promise.race([started, stamp.clock.sleep(500)]);
}

function callerOf(correlationId: string): Caller {
  const from = '203.0.113.9';
  return { oid, kind: 'user', tenantId: labStamp.tenantId, groups: [], from, correlationId, requestId: correlationId };
}

async function submitted(stamp: SimStamp, request: Request, correlationId: string): Promise<Outcome> {
  const caller = callerOf(correlationId);
  const { engine } = stamp.now;
  return await engine.submit({ request, apiVersion: '2021-04-01' }, caller);
}

/** What the engine shows is what is durable at its revision: never less, never more, never a part. */
function checkView(stamp: SimStamp): void {
  const { engine } = stamp.now;
  const wanted = stamp.historyAt(engine.gate.revision);
  const seen = engine.parts.view.all();
  const isSame = seen.length === wanted.size && seen.every(({ id, etag }) => wanted.get(id.toLowerCase()) === etag);
  if (!isSame) throw new Broken(`the view of revision ${engine.gate.revision} is not what is durable of it`);
}

/** When nothing fails any more, a write passes: no fault of before has left the stamp stuck. */
async function checkLife(stamp: SimStamp): Promise<void> {
  let end: Outcome | Error | undefined;
  const id = groups[0];
  submitted(
    stamp,
    {
      kind: 'put',
      id,
      type: 'Microsoft.Resources/resourceGroups',
      body: { location: labStamp.location, tags: { last: 'one' } },
    },
    'last',
  ).then(
    (outcome) => (end = outcome),
    (error: Error) => (end = error),
  );
  await until(stamp, () => end !== undefined);
  if (end instanceof Error) throw new Broken(`after all faults a write still fails: ${end.message}`);
  await until(stamp, () => isQuiet(stamp));
}

function checkEnd(stamp: SimStamp, told: readonly Told[]): void {
  stamp.historyAt(stamp.durableRevision());
  for (const { request, outcome } of told) {
    const { resource } = outcome;
    if (request.kind === 'delete' || resource === undefined) continue;
    if (stamp.wroteAt(resource) === undefined)
      throw new Broken(`an acknowledged write of ${resource.id} (${resource.etag}) is not durable`);
  }
  const shown = [...stamp.now.engine.parts.view.all()].map(byIdAndText).sort();
  if (canonical(shown) !== canonical(stamp.durable().map(byIdAndText).sort()))
    throw new Broken('the view differs from the durable rows');
}

function byIdAndText(resource: Resource): string {
  return `${resource.id.toLowerCase()} ${canonical(resource)}`;
}
