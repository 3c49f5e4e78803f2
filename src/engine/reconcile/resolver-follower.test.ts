/** Shows that the resolver ends at the newest names whatever fails on the way, and hears nothing of what is not about names. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { deepFreeze, type JsonObject } from '#base/json.ts';
import { digestOf, digestOfMembers, treeDifference } from '#base/tree.ts';
import { Fault } from '#base/wrong.ts';
import type { Commit, Standing } from '#engine/gate/gate.ts';
import { ResolverFollower } from '#engine/reconcile/resolver-follower.ts';

/** A gate with programs of two points, and an edge that notes what it is given and fails as often as it is told. */
function makeStage() {
  let programs: JsonObject = deepFreeze({ edge: { n: 0 }, resolver: { names: 0 } });
  let revision = 1;
  const given: unknown[] = [];
  const troubles: boolean[] = [];
  const stage = { fails: 0, loads: 0, hold: Promise.resolve() };
  const standing = (): Standing => ({ ...record(''), programs });
  const record = (base: string) => ({
    record: { stamp: 0, revision, base, root: digestOf(programs), invariants: '' },
    signature: '',
  });
  const follower = new ResolverFollower({
    edge: {
      resolve: async ({ record: { root } }, program, digests) => {
        await stage.hold;
        if (stage.fails-- > 0) throw new Fault('LinkDown', 'down');
        assert.equal(digestOfMembers({ ...digests, resolver: digestOf(program) }), root);
        given.push(program['names']);
      },
    },
    standing: async () => {
      stage.loads += 1;
      const answer = standing();
      await turn();
      return answer;
    },
    clock: { now: () => 0, sleep: () => turn() as Promise<void> },
    onTrouble: ({ over }) => troubles.push(over),
  });
  const commit = (change: JsonObject, isHeard = true): void => {
    const before = programs;
    programs = deepFreeze({ ...programs, ...change });
    revision += 1;
    const made: Commit = {
      revision,
      edits: [],
      signed: record(digestOf(before)),
      programEdits: treeDifference(before, programs),
    };
    if (isHeard) follower.push(made);
  };
  const settled = async () => {
    for (let round = 0; round < 50; round++) await turn();
  };
  return { follower, given, troubles, stage, commit, settled };
}

test('the first program is what stands; later ones come with their commits; other changes are not its business', async () => {
  const { follower, given, stage, commit, settled } = makeStage();
  commit({ resolver: { names: 1 } });
  follower.start();
  await settled();
  commit({ edge: { n: 1 } });
  await settled();
  commit({ resolver: { names: 2 }, edge: { n: 2 } });
  await settled();
  assert.deepEqual([given, stage.loads], [[1, 2], 1]);
});

test('what is committed while it reads, or while it gives, is not lost', async () => {
  const { follower, given, commit, settled } = makeStage();
  follower.start();
  commit({ resolver: { names: 1 } });
  await turn();
  commit({ resolver: { names: 2 } });
  await settled();
  assert.equal(given.at(-1), 2);
});

test('while one is given the next ones wait, and only the last of them is given', async () => {
  const { follower, given, stage, commit, settled } = makeStage();
  follower.start();
  await settled();
  let release: () => void = () => undefined;
  stage.hold = new Promise((resolve) => {
    release = resolve;
  });
  for (const names of [1, 2, 3]) commit({ resolver: { names } });
  release();
  await settled();
  assert.deepEqual(given, [0, 1, 3]);
});

test('after a failure, a loss or a revision that was missed all is read again', async () => {
  const { follower, given, troubles, stage, commit, settled } = makeStage();
  stage.fails = 3;
  follower.start();
  await settled();
  assert.deepEqual([given, troubles], [[0], [false, false, false, true]]);
  follower.lost();
  await settled();
  assert.deepEqual(given, [0, 0]);
  commit({ resolver: { names: 1 } }, false);
  commit({ resolver: { names: 2 } });
  await settled();
  assert.deepEqual(given, [0, 0, 2]);
});

test('once stopped it gives nothing more', async () => {
  const { follower, given, commit, settled } = makeStage();
  follower.start();
  await settled();
  follower.stop();
  commit({ resolver: { names: 1 } });
  await settled();
  assert.deepEqual(given, [0]);
});
