/** An engine for tests: real nouns, real prover, a store in memory, and a world that the test moves. Nothing fails unless the test says so. */

import { generateKeyPairSync } from 'node:crypto';
import type { Json, JsonObject } from '#base/json.ts';
import { owner } from '#access/roles.ts';
import { startDeployments } from '#engine/deployments/deployments.ts';
import type { Caller, Operation, Outcome, Request } from '#engine/engine.ts';
import { ProofDesk } from '#engine/gate/proof-desk.ts';
import type { Prover } from '#engine/ports.ts';
import { StampEngine, type EngineParts, type World } from '#engine/stamp-engine.ts';
import type { Entry, Store } from '#engine/store/store.ts';
import { MemoryView } from '#model/memory.ts';
import { nouns } from '#model/nouns.ts';
import type { Resource } from '#model/resource.ts';
import { labStamp } from '#test/generate/build.ts';
import { randomFrom } from '#test/generate/random.ts';
import { SimClock } from '#test/sim/clock.ts';
import { SimDisk, simStore } from '#test/sim/disk.ts';
import { Faults } from '#test/sim/faults.ts';

const subscription = '11111111-1111-4111-8111-111111111111';
export const base = `/subscriptions/${subscription}`;
/** The owner of the subscription, and someone without any role. */
export const ownerOid = '22222222-2222-4222-8222-222222222222';
export const strangerOid = '33333333-3333-4333-8333-333333333333';
export const location = labStamp.location;

const keys = generateKeyPairSync('ed25519');

export type TestEngine = {
  readonly engine: StampEngine;
  readonly clock: SimClock;
  readonly disk: SimDisk;
  readonly store: Store;
  readonly bugs: unknown[];
  /** Sends a request as the owner, or as whoever is given. */
  send(request: Request, oid?: string): Promise<Outcome>;
  put(id: string, body: JsonObject, oid?: string): Promise<Outcome>;
  remove(id: string, oid?: string): Promise<Outcome>;
  /** Moves time until the promise has settled. */
  settle<T>(work: Promise<T>): Promise<T>;
  /** The log's entries, in order. */
  entries(): Entry[];
};

export type TestEngineOptions = {
  readonly disk?: SimDisk;
  readonly prover?: Prover;
  readonly store?: (store: Store) => Store;
  readonly world?: World;
  readonly inlineMs?: number;
  readonly principalNow?: EngineParts['principalNow'];
};

/** A fresh engine, or one that starts again from a disk. */
export async function testEngine(options: TestEngineOptions = {}): Promise<TestEngine> {
  const clock = new SimClock();
  const disk = options.disk ?? new SimDisk();
  const random = randomFrom(1);
  const faults = new Faults({
    clock,
    random: { ...random, chance: () => false },
    odds: { crash: 0, fault: 0 },
    onCrash: () => undefined,
  });
  const plain = simStore(disk, faults);
  const store = options.store?.(plain) ?? plain;
  const view = new MemoryView([...store.rows('resources')].map(({ value }) => value as unknown as Resource));
  const revision = (store.row('stamp', 'revision') as { revision?: number } | undefined)?.revision ?? 0;
  const prover = options.prover ?? new ProofDesk(labStamp, keys.privateKey);
  await prover.load(revision, view.all());
  const bugs: unknown[] = [];
  let guids = 0;
  const engine = new StampEngine({
    store,
    prover,
    view,
    revision,
    operations: [...store.rows('operations')].map(({ value }) => value as unknown as Operation),
    clock,
    dice: { guid: () => `00000000-0000-4000-8000-${(guids++).toString(16).padStart(12, '0')}` },
    stamp: labStamp,
    nouns,
    world: options.world ?? { onProved: () => undefined, onCommit: () => undefined, follow: () => Promise.resolve() },
    deployments: startDeployments,
    auditTrail: { page: () => Promise.resolve({ lines: [] }) },
    apiVersionsOf: () => ['2021-04-01'],
    environment: {},
    onBug: (error) => bugs.push(error),
    ...(options.principalNow === undefined ? {} : { principalNow: options.principalNow }),
    ...(options.inlineMs === undefined ? {} : { inlineMs: options.inlineMs }),
  });
  if (view.get(base) === undefined) await seed(engine);
  const send = (request: Request, oid = ownerOid): Promise<Outcome> =>
    engine.submit({ request, apiVersion: '2021-04-01' }, callerOf(oid));
  return {
    engine,
    clock,
    disk,
    store,
    bugs,
    send,
    put: (id, body, oid) => send({ kind: 'put', id, type: typeOf(id), body }, oid),
    remove: (id, oid) => send({ kind: 'delete', id, type: typeOf(id) }, oid),
    settle: (work) => settle(clock, work),
    entries: () => disk.log.map((text) => JSON.parse(text) as Entry),
  };
}

/** A caller as a face would make one. */
export function callerOf(oid: string): Caller {
  return {
    oid,
    kind: 'user',
    tenantId: labStamp.tenantId,
    groups: [],
    from: '203.0.113.9',
    correlationId: 'c-1',
    requestId: 'r-1',
  };
}

/** A role assignment as a resource. */
export function assignment(scope: string, principalId: string, role: string): Resource {
  const type = 'Microsoft.Authorization/roleAssignments';
  const name = `${principalId.slice(0, 8)}-${role.slice(0, 8)}`;
  const properties = { principalId, roleDefinitionId: role };
  return { id: `${scope}/providers/${type}/${name}`, type, name, properties, ...stamps };
}

/** Draws straight on the gate: what no noun writes. */
export async function place({ engine }: Pick<TestEngine, 'engine'>, ...resources: Resource[]): Promise<void> {
  await engine.gate.change((draft) => {
    for (const resource of resources) draft.put(resource);
    return { value: undefined, about: { subscription } };
  });
}

/** The id of a network resource: `red` and `virtualNetworks/v/subnets/s`. */
export function net(group: string, path: string): string {
  return `${base}/resourceGroups/${group}/providers/Microsoft.Network/${path}`;
}

export const stamps = {
  etag: 'W/"first"',
  createdAt: '2030-01-01T00:00:00.000Z',
  changedAt: '2030-01-01T00:00:00.000Z',
};

/** A virtual network's body with one subnet. */
export const vnetBody: JsonObject = {
  location,
  properties: {
    addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
    subnets: [{ name: 'web', properties: { addressPrefix: '10.0.1.0/24' } }],
  },
};

/** A security rule's body. */
export function ruleBody(priority: number, more: JsonObject = {}): JsonObject {
  const any = {
    sourceAddressPrefix: '*',
    sourcePortRange: '*',
    destinationAddressPrefix: '*',
    destinationPortRange: '80',
  };
  return {
    properties: {
      priority,
      direction: 'Inbound',
      access: 'Allow',
      protocol: 'Tcp',
      ...any,
      ...(more as { [key: string]: Json }),
    },
  };
}

async function seed(engine: StampEngine): Promise<void> {
  const groups = ['red', 'blue'].map((name) => ({
    id: `${base}/resourceGroups/${name}`,
    type: 'Microsoft.Resources/resourceGroups',
    name,
    location,
    properties: {},
    ...stamps,
  }));
  const top = { id: base, type: 'Microsoft.Resources/subscriptions', name: subscription, properties: {}, ...stamps };
  await place({ engine }, top, assignment(base, ownerOid, owner.id), ...groups);
}

async function settle<T>(clock: SimClock, work: Promise<T>): Promise<T> {
  let isOver = false;
  const over = (): void => void (isOver = true);
  work.then(over, over);
  for (let ticks = 0; !isOver && ticks < 100_000; ticks += 1) await clock.tick();
  if (!isOver) throw new Error('It does not settle.');
  return await work;
}

function typeOf(id: string): string {
  const at = id.lastIndexOf('/providers/');
  if (at < 0) return 'Microsoft.Resources/resourceGroups';
  const [provider, ...rest] = id.slice(at + '/providers/'.length).split('/');
  return [provider, ...rest.filter((_, index) => index % 2 === 0)].join('/');
}
