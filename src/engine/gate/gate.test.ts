/** The gate: nothing is seen before it is durable, what fails leaves nothing behind, and changes never mix. */

import { strict as assert } from 'node:assert';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { Fault, Refusal } from '#base/wrong.ts';
import { gateWaitingMax } from '#base/limits.ts';
import { Gate, type Commit } from '#engine/gate/gate.ts';
import { ProofDesk } from '#engine/gate/proof-desk.ts';
import { isSigned } from '#engine/gate/record.ts';
import type { Prover } from '#engine/ports.ts';
import type { Entry, Store } from '#engine/store/store.ts';
import { MemoryView, type MemoryDraft } from '#model/memory.ts';
import { labStamp, resourceOf } from '#test/generate/build.ts';

const keys = generateKeyPairSync('ed25519');

/** A gate whose store and prover do what the test says next. */
function open({ fails = [] as Error[], prover = new ProofDesk(labStamp, keys.privateKey) as Prover } = {}) {
  const view = new MemoryView();
  const entries: Entry[] = [];
  const commits: Commit[] = [];
  const seen: string[] = [];
  const append = async (entry: Entry) => {
    seen.push(`append: the view has ${view.size}`);
    await new Promise((resolve) => setImmediate(resolve));
    const failure = fails.shift();
    if (failure instanceof Error) throw failure;
    entries.push(entry);
    return { sequence: entries.length, hash: '' };
  };
  const onCommit = (commit: Commit): void => {
    seen.push(`commit ${commit.revision}: the view has ${view.size}`);
    commits.push(commit);
  };
  const gate = new Gate({ view, revision: 0, store: { append } as Store, prover, clock: { now: () => 0 }, onCommit });
  return { gate, view, entries, commits, seen, prover };
}

/** Questions go to the desk that is there when they are asked, and so does what is told of a change. */
const questionsOf = (desk: () => ProofDesk) => ({
  findings: () => desk().findings(),
  exposure: () => desk().exposure(),
  matrix: (scope?: string) => desk().matrix(scope),
  compliance: (scope: string) => desk().compliance(scope),
  evidence: () => desk().evidence(),
  prove: (id: string) => desk().prove(id),
  judged: (revision: number) => desk().judged(revision),
});

const nsg = (name: string) => resourceOf({ path: `networkSecurityGroups/${name}` });
const put = (name: string) => (draft: MemoryDraft) => {
  draft.put(nsg(name));
  return { value: name, about: { subscription: 's' } };
};

test('a change is seen only after it is durable, and followers hear of it in order', async () => {
  const { gate, seen, prover, entries, commits } = open();
  await prover.load(0, []);
  const done = await Promise.all([gate.change(put('a')), gate.change(put('b'))]);
  assert.deepEqual(
    done.map(({ revision }) => revision),
    [1, 2],
  );
  assert.deepEqual(seen, [
    'append: the view has 0',
    'commit 1: the view has 1',
    'append: the view has 1',
    'commit 2: the view has 2',
  ]);
  assert.deepEqual(
    entries.map(({ payload }) => (payload as { revision: number }).revision),
    [1, 2],
  );
  for (const { signed } of commits) assert.ok(isSigned(signed.record, signed.signature, keys.publicKey));
  assert.equal(commits[1]?.signed.record.base, commits[0]?.signed.record.root);
});

test('a draft without edits asks nobody and answers the revision that stands', async () => {
  const { gate, seen } = open();
  assert.deepEqual(await gate.change(() => ({ value: 7, about: { subscription: '' } })), {
    value: 7,
    revision: 0,
    edits: [],
  });
  assert.deepEqual(seen, []);
});

// One row is how the store fails, what the caller gets, and whether the gate goes on.
const failures: [Error, string, boolean][] = [
  [new Refusal('RequestContentTooLarge', 'too large', { status: 413 }), 'RequestContentTooLarge', true],
  [new Refusal('TooManyRequests', 'busy', { status: 429 }), 'TooManyRequests', true],
  [new Fault('StoreFull', 'full'), 'StoreFull', true],
  [new Fault('StoreStopped', 'unknown'), 'StoreFault', false],
  [new Error('torn'), 'StoreFault', false],
];

test('a store that fails leaves nothing behind, and the prover takes the change back', async () => {
  for (const [failure, code, goesOn] of failures) {
    const { gate, view, prover, commits } = open({ fails: [failure] });
    await prover.load(0, []);
    await assert.rejects(gate.change(put('a')), { code });
    assert.equal(view.size, 0);
    assert.equal(gate.revision, 0);
    assert.equal((await prover.current()).record.revision, 0, code);
    assert.deepEqual(commits, []);
    const next = gate.change(put('b'));
    if (goesOn) assert.equal((await next).revision, 1);
    else await assert.rejects(next, { code });
  }
});

test('a refusal of the draft or the prover leaves nothing behind', async () => {
  const desk = new ProofDesk(labStamp, keys.privateKey);
  let isStrict = true;
  const prover: Prover = {
    load: (revision, resources) => desk.load(revision, resources),
    current: () => desk.current(),
    settle: (revision, kept) => desk.settle(revision, kept),
    plan: (edits) => desk.plan(edits),
    ...questionsOf(() => desk),
    propose: (revision, edits) =>
      isStrict ? Promise.reject(new Refusal('InvariantViolated', 'no')) : desk.propose(revision, edits),
  };
  const { gate, view, entries } = open({ prover });
  await prover.load(0, []);
  await assert.rejects(gate.change(put('a')), { code: 'InvariantViolated' });
  const refuse = (): never => {
    throw new Refusal('Conflict', 'no');
  };
  await assert.rejects(gate.change(refuse), { code: 'Conflict' });
  assert.deepEqual([view.size, entries.length, gate.revision], [0, 0, 0]);
  isStrict = false;
  assert.equal((await gate.change(put('a'))).revision, 1);
});

test('a change of which nothing can be told leaves nothing behind; an answer that was lost is asked for again', async () => {
  const desk = new ProofDesk(labStamp, keys.privateKey);
  let fails: Error[] = [];
  const prover: Prover = {
    load: (revision, resources) => desk.load(revision, resources),
    current: () => desk.current(),
    settle: (revision, kept) => desk.settle(revision, kept),
    plan: (edits) => desk.plan(edits),
    propose: (revision, edits) => desk.propose(revision, edits),
    ...questionsOf(() => desk),
    judged: async (revision) => {
      const failure = fails.shift();
      if (failure !== undefined) throw failure;
      return await desk.judged(revision);
    },
  };
  const { gate, view, entries } = open({ prover });
  await prover.load(0, []);
  for (const failing of [
    [new Refusal('ProofBudgetExceeded', 'costly')],
    [new Fault('LinkLost', 'lost'), new Fault('LinkLost', 'lost')],
  ]) {
    const { code } = failing[0] as Refusal | Fault;
    fails = failing;
    await assert.rejects(gate.change(put('a')), { code });
    assert.deepEqual([view.size, entries.length, gate.revision], [0, 0, 0]);
    assert.equal((await prover.current()).record.revision, 0);
  }
  fails = [new Fault('LinkLost', 'lost')];
  assert.equal((await gate.change(put('a'))).revision, 1);
  await assert.rejects(desk.judged(7), { code: 'ProverBehind' });
});

test('a prover that lost its model, or an answer, is given the model and asked again', async () => {
  let desk = new ProofDesk(labStamp, keys.privateKey);
  let isAnswerLost = false;
  const prover: Prover = {
    load: (revision, resources) => desk.load(revision, resources),
    current: () => desk.current(),
    settle: (revision, kept) => desk.settle(revision, kept),
    plan: (edits) => desk.plan(edits),
    ...questionsOf(() => desk),
    propose: async (revision, edits) => {
      const answer = await desk.propose(revision, edits);
      if (!isAnswerLost) return answer;
      isAnswerLost = false;
      throw new Fault('LinkLost', 'lost');
    },
  };
  const { gate } = open({ prover });
  await prover.load(0, []);
  await gate.change(put('a'));
  desk = new ProofDesk(labStamp, keys.privateKey);
  assert.equal((await gate.change(put('b'))).revision, 2);
  isAnswerLost = true;
  assert.equal((await gate.change(put('c'))).revision, 3);
  assert.equal((await gate.standing()).record.revision, 3);
});

test('all who ask what stands at one revision share one answer, and the next revision has its own', async () => {
  const { gate, prover } = open();
  await prover.load(0, []);
  await gate.change(put('a'));
  const [one, other] = await Promise.all([gate.standing(), gate.standing()]);
  assert.equal(one, other);
  await gate.change(put('b'));
  assert.equal((await gate.standing()).record.revision, 2);
  assert.equal(one.record.revision, 1);
});

test('what stands is never what is only proposed, also when the prover did not hear that it failed', async () => {
  const desk = new ProofDesk(labStamp, keys.privateKey);
  const prover: Prover = {
    load: (revision, resources) => desk.load(revision, resources),
    current: () => desk.current(),
    settle: () => Promise.reject(new Fault('LinkDown', 'down')),
    plan: (edits) => desk.plan(edits),
    ...questionsOf(() => desk),
    propose: (revision, edits) => desk.propose(revision, edits),
  };
  const { gate } = open({ prover, fails: [new Fault('StoreFull', 'full')] });
  await prover.load(0, []);
  const before = (await desk.current()).record.root;
  const failing = gate.change((draft) => {
    draft.put(
      resourceOf({
        path: 'virtualNetworks/v',
        properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] } },
        internal: { key: 1 },
      }),
    );
    return { value: undefined, about: { subscription: 's' } };
  });
  const asked = gate.standing();
  await assert.rejects(failing, { code: 'StoreFull' });
  const standing = await asked;
  assert.deepEqual([standing.record.revision, standing.record.root, standing.record.base], [0, before, '']);
});

test('more writes than may wait are refused at once, and the rest still pass', async () => {
  const { gate, prover } = open();
  await prover.load(0, []);
  const all = Array.from({ length: gateWaitingMax + 3 }, (_, index) => gate.change(put(`n${index % 3}`)));
  const ends = await Promise.allSettled(all);
  const refused = ends.filter((end) => end.status === 'rejected').map((end) => (end.reason as Refusal).status);
  assert.deepEqual(refused, [429, 429, 429]);
  assert.equal(gate.revision, gateWaitingMax);
});

test('a change that cannot be compiled is a fault, and the desk stands as before', async () => {
  const desk = new ProofDesk(labStamp, keys.privateKey);
  const { record } = await desk.load(0, [nsg('a')]);
  const bad = { ...nsg('a'), etag: 'W/"other"' };
  await assert.rejects(desk.propose(1, [{ id: bad.id, before: bad }]), { code: 'ProverBehind' });
  await assert.rejects(desk.current(), { code: 'ProverEmpty' });
  assert.deepEqual((await desk.load(0, [nsg('a')])).record.root, record.root);
  await assert.rejects(desk.propose(5, []), { code: 'ProverBehind' });
});
