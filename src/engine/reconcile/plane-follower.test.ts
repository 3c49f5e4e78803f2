/** The plane's follower: whatever breaks on the way, the plane ends with what stands, and `reached` is never told too early. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { planeQueueMax } from '#base/limits.ts';
import { Fault } from '#base/wrong.ts';
import type { Commit, Standing } from '#engine/gate/gate.ts';
import type { PlaneLink, SignedRecord } from '#engine/ports.ts';
import { PlaneFollower } from '#engine/reconcile/plane-follower.ts';
import { randomFrom, type Random } from '#test/generate/random.ts';
import { SimClock } from '#test/sim/clock.ts';

/** The program of a revision is its number: that is enough to see order and loss. */
function commitOf(revision: number): Commit {
  const record = { stamp: 0, revision, base: `root ${revision - 1}`, root: `root ${revision}`, invariants: '' };
  return { revision, edits: [], signed: { record, signature: '' }, programEdits: [] };
}

/** A plane that forgets, fails, and loses answers. */
class ForgetfulPlane {
  root = '';
  revision = 0;
  readonly steps: string[] = [];
  isHealed = false;
  readonly #clock: SimClock;
  readonly #random: Random;
  onRestart: () => void = () => undefined;

  constructor(clock: SimClock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  link(): PlaneLink {
    return {
      state: () => this.#faulty(() => ({ revision: this.revision, root: this.root })),
      replace: ({ record }: SignedRecord) => this.#faulty(() => this.#take('replace', record)),
      apply: ({ record }: SignedRecord) =>
        this.#faulty(() => {
          if (record.base !== this.root) throw new Fault('PlaneBehind', 'behind');
          this.#take('apply', record);
        }),
    } as unknown as PlaneLink;
  }

  #take(how: string, { revision, root }: { revision: number; root: string }): void {
    this.steps.push(`${how} ${revision}`);
    assert.ok(revision >= this.revision, `${how} ${revision} after ${this.revision}`);
    [this.revision, this.root] = [revision, root];
  }

  async #faulty<T>(work: () => T): Promise<T> {
    await this.#clock.sleep(this.#random.below(5));
    if (this.isHealed) return work();
    if (this.#random.chance(0.1)) throw new Fault('LinkDown', 'down');
    if (this.#random.chance(0.1)) this.restart();
    const answer = work();
    if (this.#random.chance(0.1)) throw new Fault('LinkLost', 'lost');
    if (this.#random.chance(0.05)) this.restart();
    return answer;
  }

  restart(): void {
    [this.root, this.revision] = ['', 0];
    this.onRestart();
  }
}

function open(seed: number, standing: () => Promise<Standing>) {
  const clock = new SimClock();
  const plane = new ForgetfulPlane(clock, randomFrom(seed));
  const troubles: boolean[] = [];
  let replaced = 0;
  const follower = new PlaneFollower({
    plane: plane.link(),
    standing,
    clock,
    onTrouble: ({ over }) => troubles.push(over),
    onReplaced: () => (replaced += 1),
  });
  plane.onRestart = () => follower.lost();
  return { clock, plane, follower, troubles, replaced: () => replaced };
}

function standingOf(revision: number): Standing {
  return { ...commitOf(revision).signed, programs: {} };
}

test('through a hundred seeds of faults the plane converges, in order, and nothing is told before it is so', async () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    let durable = 0;
    const { clock, plane, follower } = open(seed, () => Promise.resolve(standingOf(durable)));
    const random = randomFrom(seed + 1000);
    follower.start();
    const early: number[] = [];
    const told: Promise<void>[] = [];
    for (let revision = 1; revision <= 40; revision += 1) {
      durable = revision;
      follower.push(commitOf(revision));
      told.push(
        follower
          .reached(revision)
          .then(() =>
            plane.steps.some((step) => Number(step.split(' ')[1]) >= revision) ? undefined : void early.push(revision),
          ),
      );
      for (let ticks = random.below(6); ticks > 0; ticks -= 1) await clock.tick();
    }
    plane.isHealed = true;
    while (plane.root !== 'root 40' || plane.revision !== 40) await clock.tick();
    for (let ticks = 0; ticks < 100; ticks += 1) await clock.tick();
    await Promise.all(told);
    assert.deepEqual([early, plane.root], [[], 'root 40'], `seed ${seed}`);
    follower.stop();
  }
});

test('a loss while the plane is compared is not covered by that comparison', async () => {
  const clock = new SimClock();
  let states = 0;
  let isLostDuring = true;
  const plane = {
    state: () => Promise.resolve({ revision: 0, root: ++states > 5 ? 'root 1' : '' }),
    replace: async () => {
      await clock.sleep(1);
      if (isLostDuring) follower.lost();
      isLostDuring = false;
    },
  } as unknown as PlaneLink;
  const follower: PlaneFollower = new PlaneFollower({
    plane,
    standing: () => Promise.resolve(standingOf(1)),
    clock,
    onTrouble: () => undefined,
    onReplaced: () => undefined,
  });
  follower.start();
  while (await clock.tick());
  assert.equal(states, 2);
});

test('a plane that has the programs already is given nothing, and one that differs is given all', async () => {
  const rows: [string, string[]][] = [
    ['root 3', []],
    ['root 2', ['replace 3']],
    ['', ['replace 3']],
  ];
  for (const [root, steps] of rows) {
    const { clock, plane, follower, replaced } = open(1, () => Promise.resolve(standingOf(3)));
    plane.isHealed = true;
    plane.root = root;
    follower.start();
    while (await clock.tick());
    await follower.reached(3);
    assert.deepEqual([plane.steps, replaced()], [steps, 1]);
  }
});

test('a plane that does not follow for long costs bounded memory and is given all at once when it does', async () => {
  let durable = 0;
  const { clock, plane, follower, troubles } = open(7, () => Promise.resolve(standingOf(durable)));
  plane.isHealed = true;
  let isDown = true;
  const { state } = plane.link();
  const down = new PlaneFollower({
    plane: { ...plane.link(), state: () => (isDown ? Promise.reject(new Fault('LinkDown', 'down')) : state()) },
    standing: () => Promise.resolve(standingOf(durable)),
    clock,
    onTrouble: ({ over }) => troubles.push(over),
    onReplaced: () => undefined,
  });
  follower.stop();
  down.start();
  const total = planeQueueMax * 2 + 10;
  for (durable = 1; durable <= total; durable += 1) down.push(commitOf(durable));
  durable = total;
  for (let ticks = 0; ticks < 20; ticks += 1) await clock.tick();
  assert.ok(troubles.length > 3 && !troubles.includes(true));
  isDown = false;
  const reached = down.reached(total);
  while (await clock.tick());
  await reached;
  assert.deepEqual(plane.steps, [`replace ${total}`]);
  assert.equal(troubles.at(-1), true);
});

test('a stopped follower asks for nothing more', async () => {
  const { clock, plane, follower } = open(1, () => Promise.reject(new Fault('ProverEmpty', 'empty')));
  follower.start();
  await clock.tick();
  follower.stop();
  while (await clock.tick());
  follower.push(commitOf(1));
  follower.lost();
  while (await clock.tick());
  assert.deepEqual(plane.steps, []);
});
