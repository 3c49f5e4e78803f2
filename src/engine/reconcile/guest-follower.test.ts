/** The guests' follower: the newest wish wins, a key never serves two machines, and faults are retried but not for ever. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { Fault } from '#base/wrong.ts';
import type { GuestDriver, GuestSpec, GuestState } from '#engine/guest-port.ts';
import type { PlaneLink } from '#engine/ports.ts';
import { GuestFollower } from '#engine/reconcile/guest-follower.ts';
import { MemoryView } from '#model/memory.ts';
import type { Resource } from '#model/resource.ts';
import { randomFrom, type Random } from '#test/generate/random.ts';
import { SimClock } from '#test/sim/clock.ts';

type Power = 'running' | 'stopped' | 'deallocated';

function machine(name: string, key: string, { power = 'running' as Power, createdAt = '1' } = {}): Resource {
  const id = `/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/${name}`;
  return {
    id,
    type: 'Microsoft.Compute/virtualMachines',
    name,
    properties: {},
    internal: { key, power },
    etag: `${name}${key}${power}${createdAt}`,
    createdAt,
    changedAt: createdAt,
  };
}

type Guest = { owner: string; pid: number; isReady: boolean; links: string[] };

/** A host that runs guests: who made the disk under a key is what must never be mixed up. */
class FakeHost {
  readonly guests = new Map<string, Guest>();
  readonly log: string[] = [];
  readonly #clock: SimClock;
  readonly #faults: number;
  readonly #random: Random;
  #pids = 100;
  #busy = 0;
  busyMax = 0;
  isHealed = false;

  constructor(clock: SimClock, { faults, seed }: { faults: number; seed: number }) {
    this.#clock = clock;
    this.#faults = faults;
    this.#random = randomFrom(seed);
  }

  driver(): GuestDriver {
    const change = (key: string, more: Partial<Guest>): void => void Object.assign(this.guests.get(key) ?? {}, more);
    return {
      start: ({ key, id }: GuestSpec) => this.slow(`start ${key}`, () => this.#start(key, id)),
      ready: (key: string) => this.slow(`ready ${key}`, () => change(key, { isReady: true })),
      restart: ({ key, id }: GuestSpec) =>
        this.slow(`restart ${key}`, () => {
          change(key, { pid: 0, links: [] });
          return this.#start(key, id);
        }),
      stop: (key: string) => this.slow(`stop ${key}`, () => change(key, { pid: 0, links: [] })),
      remove: (key: string) => this.slow(`remove ${key}`, () => void this.guests.delete(key)),
      list: () => Promise.resolve([...this.guests].map(([key, guest]) => stateOf(key, guest))),
    } as unknown as GuestDriver;
  }

  attach(mark: number, pid: number, name: string): Promise<void> {
    return this.slow(`attach ${mark}`, () => {
      const guest = [...this.guests.values()].find((one) => one.pid === pid);
      if (guest === undefined) throw new Fault('NoSuchProcess', String(pid));
      if (!guest.links.includes(name)) guest.links.push(name);
    });
  }

  #start(key: string, owner: string): { pid: number } {
    const known = this.guests.get(key) ?? { owner, pid: 0, isReady: false, links: [] };
    const guest = { ...known, pid: known.pid || this.#pids++ };
    this.guests.set(key, guest);
    return { pid: guest.pid };
  }

  async slow<T>(says: string, work: () => T): Promise<T> {
    this.#busy += 1;
    this.busyMax = Math.max(this.busyMax, this.#busy);
    await this.#clock.sleep(1 + this.#random.below(9));
    this.#busy -= 1;
    if (!this.isHealed && this.#random.chance(this.#faults)) throw new Fault('GuestFault', says);
    this.log.push(says);
    return work();
  }
}

function stateOf(key: string, { pid, owner: id }: Guest): GuestState {
  return { key, id, pid, state: pid === 0 ? 'stopped' : 'running', startedAt: 0 };
}

function open({ faults = 0, seed = 1 } = {}) {
  const clock = new SimClock();
  const fake = new FakeHost(clock, { faults, seed });
  let view = new MemoryView();
  const troubles: string[] = [];
  const parts = {
    view: () => view,
    wantedOf: ({ id, internal, createdAt }: Resource) => {
      const { key, power, restarts = 0 } = internal as { key: string; power: Power; restarts?: number };
      return { key, power, restarts, marks: [7, 8], spec: { key, id: `${id}|${createdAt}` } as GuestSpec };
    },
    guests: fake.driver(),
    plane: { attach: (...about) => fake.attach(...about) } as PlaneLink,
    clock,
    planeReached: () => Promise.resolve(),
    onTrouble: (_: string, error: unknown) => void troubles.push(error instanceof Fault ? error.code : String(error)),
  };
  return {
    clock,
    troubles,
    die: (key: string) => void Object.assign(fake.guests.get(key) ?? {}, { pid: 0, links: [] }),
    host: fake.guests,
    log: fake.log,
    follower: new GuestFollower(parts),
    again: () => new GuestFollower(parts),
    have: (...machines: Resource[]) => (view = new MemoryView(machines)),
    heal: () => (fake.isHealed = true),
    busyMax: () => fake.busyMax,
    settle: async (work: Promise<unknown>) => {
      work.catch(() => undefined);
      while (await clock.tick());
      await work;
    },
  };
}

test('a machine is started, linked and ready; stopped and removed when it is wished so', async () => {
  const { host, follower, have, settle, log } = open();
  have(machine('a', 'g1'));
  const id = machine('a', 'g1').id;
  await settle(follower.follow(id));
  assert.deepEqual(log, ['start g1', 'attach 7', 'attach 8', 'ready g1']);
  assert.deepEqual(host.get('g1')?.links, ['eth0', 'eth1']);
  have(machine('a', 'g1', { power: 'deallocated' }));
  await settle(follower.follow(id.toUpperCase()));
  assert.equal(host.get('g1')?.pid, 0);
  have();
  await settle(follower.follow(id));
  assert.equal(host.size, 0);
  await settle(follower.follow(id));
});

test('a restart that was asked for happens once, is linked again, and is not repeated after a start of ours', async () => {
  const { host, follower, again, have, settle, log } = open();
  const restarted = (restarts: number): Resource => {
    const { internal, ...rest } = machine('a', 'g1');
    return { ...rest, internal: { ...internal, restarts } };
  };
  have(machine('a', 'g1'));
  const { id } = machine('a', 'g1');
  await settle(follower.follow(id));
  const before = host.get('g1')?.pid;
  have(restarted(1));
  await settle(follower.follow(id));
  await settle(follower.follow(id));
  assert.equal(log.filter((line) => line === 'restart g1').length, 1);
  assert.notEqual(host.get('g1')?.pid, before);
  assert.deepEqual(host.get('g1')?.links, ['eth0', 'eth1']);
  const next = again();
  await settle(next.adopt());
  await settle(next.follow(id));
  assert.equal(log.filter((line) => line === 'restart g1').length, 1);
});

test('whoever asks while another waits shares its turn, and the newest wish is what counts', async () => {
  const { follower, have, settle, log, host } = open();
  have(machine('a', 'g1'));
  const all = Array.from({ length: 50 }, () => follower.follow(machine('a', 'g1').id));
  have(machine('a', 'g1', { power: 'stopped' }));
  await settle(Promise.all(all));
  assert.deepEqual(log, ['stop g1']);
  assert.equal(host.size, 0);
});

test('a key that is given anew never brings the former machine back: its guest is removed before the next starts', async () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const { follower, have, settle, host } = open({ seed });
    have(machine('a', 'g1'));
    const first = follower.follow(machine('a', 'g1').id);
    await settle(first);
    have(machine('b', 'g1'));
    // In whichever order they are followed.
    const both =
      seed % 2 === 0
        ? [follower.follow(machine('a', 'g1').id), follower.follow(machine('b', 'g1').id)]
        : [follower.follow(machine('b', 'g1').id), follower.follow(machine('a', 'g1').id)];
    await settle(Promise.all(both));
    assert.equal(host.get('g1')?.owner, `${machine('b', 'g1').id}|1`, `seed ${seed}`);
    have(machine('b', 'g1', { createdAt: '2' }));
    await settle(follower.follow(machine('b', 'g1').id));
    assert.equal(host.get('g1')?.owner, `${machine('b', 'g1').id}|2`, 'made anew under the same name and key');
    have(machine('b', 'g2', { createdAt: '3' }));
    await settle(follower.follow(machine('b', 'g2').id));
    assert.deepEqual([...host.keys()], ['g2']);
  }
});

test('after a restart what runs is taken up, what is gone is removed, what is of another is not kept', async () => {
  const { follower, again, have, settle, host, log } = open();
  const [kept, gone, other] = [machine('kept', 'g1'), machine('gone', 'g2'), machine('other', 'g3')];
  have(kept, gone, other);
  await settle(Promise.all([kept, gone, other].map(({ id }) => follower.follow(id))));
  const pid = host.get('g1')?.pid;
  log.length = 0;
  have(kept, machine('fresh', 'g3'), machine('missing', 'g4'));
  await settle(again().adopt());
  assert.equal(host.get('g1')?.pid, pid);
  assert.deepEqual([...host.keys()].sort(), ['g1', 'g3', 'g4']);
  assert.equal(host.get('g3')?.owner, `${machine('fresh', 'g3').id}|1`);
  assert.ok(log.includes('remove g2') && log.includes('remove g3'));
});

test('faults are retried, then told; a later wish is tried again; few are worked on at once', async () => {
  const { follower, have, settle, heal, host, busyMax } = open({ faults: 1 });
  const machines = Array.from({ length: 20 }, (_, index) => machine(`m${index}`, `g${index}`));
  have(...machines);
  const ends = Promise.allSettled(machines.map(({ id }) => follower.follow(id)));
  await settle(ends);
  assert.ok((await ends).every(({ status }) => status === 'rejected'));
  assert.ok(busyMax() <= 4, String(busyMax()));
  heal();
  await settle(Promise.all(machines.map(({ id }) => follower.follow(id))));
  assert.ok([...host.values()].every(({ isReady }) => isReady) && host.size === 20);
});

test('linking again gives every running guest its links, and touches no other', async () => {
  const { follower, have, settle, host } = open();
  have(machine('a', 'g1'), machine('b', 'g2', { power: 'stopped' }));
  await settle(Promise.all(['a', 'b'].map((name) => follower.follow(machine(name, '').id))));
  for (const guest of host.values()) guest.links = [];
  await settle(follower.relink());
  assert.deepEqual(
    [...host].map(([key, { links }]) => [key, links.length]),
    [['g1', 2]],
  );
});

/** What a world does every two seconds, with all that follows from it. */
async function round({ clock, follower, settle }: ReturnType<typeof open>): Promise<void> {
  await settle(clock.sleep(2000));
  await settle(follower.watch());
}

test('a guest that ended by itself is started and linked again, told once; what is to be off or is unknown stays as it is', async () => {
  const it = open();
  it.have(machine('a', 'g1'), machine('b', 'g2'), machine('c', 'g3'));
  await it.settle(Promise.all(['a', 'b', 'c'].map((name) => it.follower.follow(machine(name, '').id))));
  it.have(machine('a', 'g1'), machine('b', 'g2', { power: 'stopped' }), machine('c', 'g3', { power: 'deallocated' }));
  await it.settle(Promise.all(['b', 'c'].map((name) => it.follower.follow(machine(name, '').id))));
  it.host.set('g9', { owner: 'nobody', pid: 0, isReady: false, links: [] });
  it.log.length = 0;
  await round(it);
  assert.deepEqual(it.log, []);
  const before = it.host.get('g1')?.pid;
  it.die('g1');
  await round(it);
  await round(it);
  assert.deepEqual(it.log, ['start g1', 'attach 7', 'attach 8']);
  assert.deepEqual(it.host.get('g1')?.links, ['eth0', 'eth1']);
  assert.notEqual(it.host.get('g1')?.pid, before);
  assert.deepEqual(it.troubles, ['GuestEnded']);
  assert.deepEqual(
    ['g2', 'g3', 'g9'].map((key) => it.host.get(key)?.pid),
    [0, 0, 0],
  );
});

test('a guest that keeps dying waits longer each time, up to a minute; one that stayed up is started at once again', async () => {
  const it = open();
  it.have(machine('a', 'g1'));
  await it.settle(it.follower.follow(machine('a', 'g1').id));
  const starts: number[] = [];
  for (let rounds = 0; rounds < 300; rounds += 1) {
    it.die('g1');
    const known = it.log.filter((line) => line === 'start g1').length;
    await round(it);
    if (it.log.filter((line) => line === 'start g1').length > known) starts.push(it.clock.now());
  }
  const waits = starts.slice(1).map((at, index) => Math.round((at - (starts[index] ?? 0)) / 1000));
  assert.deepEqual(waits.slice(0, 6), [2, 4, 8, 16, 32, 60]);
  assert.ok(waits.slice(6).length > 3 && waits.slice(6).every((wait) => wait >= 60 && wait <= 62), waits.join());
  const waiting = it.host.get('g1')?.pid === 0 ? 1 : 0;
  assert.equal(it.troubles.length, starts.length + waiting, 'each death is told once');
  await it.settle(it.clock.sleep(60_000));
  await round(it);
  for (const isSoon of [false, true]) {
    if (!isSoon) await it.settle(it.clock.sleep(125_000));
    it.die('g1');
    await round(it);
    assert.notEqual(it.host.get('g1')?.pid, 0, isSoon ? 'the first wait again' : 'up for long');
  }
});

test('a watch takes no part in what is under way: a machine being followed is left to its turn', async () => {
  const it = open();
  it.have(machine('a', 'g1'));
  const { id } = machine('a', 'g1');
  await it.settle(it.follower.follow(id));
  it.log.length = 0;
  it.die('g1');
  const following = it.follower.follow(id);
  const watching = it.follower.watch();
  await it.settle(Promise.all([following, watching]));
  assert.deepEqual(it.log, ['start g1', 'attach 7', 'attach 8', 'ready g1']);
  assert.deepEqual(it.troubles, []);
});

test('a start after a death that fails half-way is made whole by a later look', async () => {
  const it = open({ faults: 1 });
  it.have(machine('a', 'g1'));
  const { id } = machine('a', 'g1');
  await it.settle(it.follower.follow(id).catch(() => undefined));
  it.host.set('g1', { owner: `${id}|1`, pid: 5, isReady: true, links: [] });
  it.die('g1');
  await round(it);
  assert.equal(it.host.get('g1')?.pid, 0);
  // As if the start had gone well and only the link had not.
  it.host.set('g1', { owner: `${id}|1`, pid: 77, isReady: true, links: [] });
  it.heal();
  for (let rounds = 0; rounds < 3; rounds += 1) await round(it);
  assert.deepEqual(it.host.get('g1')?.links, ['eth0', 'eth1']);
  assert.deepEqual(it.troubles, ['GuestFault']);
});
