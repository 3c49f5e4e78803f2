/** The keeper: nothing without the prover's signature, nothing old, nothing that the record does not name; what drifts is repaired. */

import { strict as assert } from 'node:assert';
import { generateKeyPairSync } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { deepFreeze, type JsonObject } from '#base/json.ts';
import { digestOf, treeDifference, type TreeEdit } from '#base/tree.ts';
import { Fault } from '#base/wrong.ts';
import { signRecord, type ProofRecord } from '#engine/gate/record.ts';
import { Keeper } from '#engine/keeper/keeper.ts';
import type { Plane } from '#engine/plane-port.ts';
import type { SignedRecord } from '#engine/ports.ts';
import type { Programs } from '#program/program.ts';

const keys = generateKeyPairSync('ed25519');
const strangers = generateKeyPairSync('ed25519');
const first = deepFreeze<JsonObject>({ edge: { publics: {} }, 'router/v1/h1': { ports: { a: 1 } } });
const second = deepFreeze<JsonObject>({ edge: { publics: {} }, 'router/v1/h1': { ports: { a: 2 } } });

function signed(more: Partial<ProofRecord>, key = keys.privateKey): SignedRecord {
  const record: ProofRecord = { stamp: 3, revision: 1, base: '', root: digestOf(first), invariants: 'none', ...more };
  return { record, signature: signRecord(record, key) };
}

function open(seen = 0) {
  const calls: string[] = [];
  const kernel: { fails: boolean; drifted: Set<string>; portless: Set<string>; isBroken: boolean } = {
    fails: false,
    drifted: new Set(),
    portless: new Set(),
    isBroken: false,
  };
  let noted = seen;
  const plane = {
    prepare: (_: Programs, after: Programs) => {
      calls.push(`prepare ${Object.keys(after).join()} at ${noted}`);
      return Promise.resolve();
    },
    apply: (_: Programs, after: Programs) => {
      calls.push(`apply ${Object.keys(after).join()} at ${noted}`);
      return kernel.fails ? Promise.reject(new Fault('KernelFault', 'no')) : Promise.resolve();
    },
    readBack: (point: string) => {
      calls.push(`read ${point}`);
      if (kernel.isBroken) return Promise.reject(new Fault('KernelFault', 'gone'));
      return Promise.resolve([
        ...(kernel.drifted.has(point) ? [{ point, kind: 'rule', says: 'a rule is missing' }] : []),
        ...(kernel.portless.has(point) ? [{ point, kind: 'port', says: 'a link is gone' }] : []),
      ]);
    },
    repair: (point: string) => {
      calls.push(`repair ${point}`);
      kernel.drifted.delete(point);
      kernel.portless.delete(point);
      return Promise.resolve();
    },
  } as unknown as Plane;
  const drifts: JsonObject[] = [];
  const troubles: string[] = [];
  const lost: string[] = [];
  const keeper = new Keeper({
    stamp: 3,
    plane,
    key: keys.publicKey,
    clock: { now: () => Date.now(), sleep: () => Promise.resolve() },
    revisionSeen: { read: () => noted, write: (revision) => (noted = revision) },
    onDrift: (drift) => drifts.push(drift),
    onPortsLost: ({ point, ports, total }) => lost.push(`${point} ${ports} ${total}`),
    onTrouble: (point) => troubles.push(point),
  });
  return { keeper, calls, kernel, drifts, troubles, lost, noted: () => noted };
}

const step = { revision: 2, base: digestOf(first), root: digestOf(second) };
const edits = treeDifference(first, second);

test('programs are replaced and patched by records that name them, and the revision is noted before the kernel is touched', async () => {
  const { keeper, calls } = open();
  assert.deepEqual(keeper.state(), { revision: 0, root: digestOf({}) });
  await keeper.replace(signed({}), first);
  await keeper.apply(signed(step), edits);
  assert.deepEqual(keeper.state(), { revision: 2, root: digestOf(second) });
  assert.deepEqual(calls, ['apply edge,router/v1/h1 at 1', 'apply edge,router/v1/h1 at 2']);
  await keeper.stop();
});

// One row: what is asked, with which record and content, and the code that refuses it.
const refused: [string, 'replace' | 'apply', SignedRecord, JsonObject | TreeEdit[], string][] = [
  ['a stranger signed', 'replace', signed({}, strangers.privateKey), first, 'RecordUnsigned'],
  ['no signature', 'replace', { ...signed({}), signature: '' }, first, 'RecordUnsigned'],
  [
    'a signature that is no text',
    'replace',
    { ...signed({}), signature: 7 as unknown as string },
    first,
    'RecordUnsigned',
  ],
  [
    'the record was changed',
    'replace',
    { ...signed({}), record: { ...signed({}).record, revision: 9 } },
    first,
    'RecordUnsigned',
  ],
  ['another stamp', 'replace', signed({ stamp: 4, revision: 5 }), first, 'RecordForeign'],
  ['other programs', 'replace', signed({ revision: 5 }), second, 'RecordMismatch'],
  ['older than seen', 'replace', signed({ revision: 0 }), first, 'RecordStale'],
  ['a revision that is no number', 'replace', signed({ revision: Number.NaN }), first, 'RecordStale'],
  ['a step as a whole', 'replace', signed({ ...step, revision: 5 }), second, 'RecordForStep'],
  ['the same step twice', 'apply', signed({ ...step, revision: 1 }), edits, 'RecordStale'],
  ['another base', 'apply', signed({ ...step, base: digestOf(second) }), edits, 'PlaneBehind'],
  ['other edits', 'apply', signed(step), [{ path: ['edge'] }], 'RecordMismatch'],
  ['more edits', 'apply', signed(step), [...edits, { path: ['evil'], value: {} }], 'RecordMismatch'],
  ['a stranger signed a step', 'apply', signed(step, strangers.privateKey), edits, 'RecordUnsigned'],
];

test('[S2.2] what no fitting record allows never reaches the kernel', async () => {
  const { keeper, calls, noted } = open();
  await keeper.replace(signed({}), first);
  const before = calls.length;
  for (const [says, how, record, content, code] of refused) {
    const asked =
      how === 'replace' ? keeper.replace(record, content as JsonObject) : keeper.apply(record, content as TreeEdit[]);
    await assert.rejects(asked, { code }, says);
  }
  await assert.rejects(keeper.apply(signed(step), [{ path: ['__proto__', 'x'], value: 1 }]));
  await assert.rejects(keeper.apply(signed(step), 'nonsense' as unknown as TreeEdit[]));
  assert.equal(calls.length, before);
  assert.deepEqual([keeper.state().revision, noted()], [1, 1]);
  await keeper.apply(signed(step), edits);
  await keeper.stop();
});

test('[S2.2] a step that is prepared is not applied, and no check of it is left out when it is', async () => {
  const { keeper, calls, noted } = open();
  await keeper.replace(signed({}), first);
  const before = calls.length;
  for (const [says, how, record, content, code] of refused) {
    if (how === 'apply') await assert.rejects(keeper.prepare(record, content as TreeEdit[]), { code }, says);
  }
  assert.equal(calls.length, before);
  await keeper.prepare(signed(step), edits);
  assert.deepEqual(calls.slice(before), ['prepare edge,router/v1/h1 at 1']);
  assert.deepEqual([keeper.state(), noted()], [{ revision: 1, root: digestOf(first) }, 1]);
  for (const [says, how, record, content, code] of refused) {
    const isTheStep = record.signature === signed(step).signature && record.record.revision === step.revision;
    if (how === 'apply' && !isTheStep) {
      await assert.rejects(keeper.apply(record, content as TreeEdit[]), { code }, says);
    }
  }
  const prepared = signed(step);
  await assert.rejects(keeper.apply({ ...prepared, record: { ...prepared.record, revision: 9 } }, edits), {
    code: 'RecordUnsigned',
  });
  // The signed programs are known already: other edits cannot change them.
  await keeper.apply(prepared, [{ path: ['edge'] }]);
  assert.deepEqual(keeper.state(), { revision: 2, root: digestOf(second) });
  await assert.rejects(keeper.apply(prepared, edits), { code: 'RecordStale' });
  await keeper.stop();
});

test('a step that was prepared on what stood before is applied to nothing else', async () => {
  const { keeper } = open();
  await keeper.replace(signed({}), first);
  await keeper.prepare(signed(step), edits);
  await keeper.replace(signed({ revision: 5 }), first);
  await assert.rejects(keeper.apply(signed(step), edits), { code: 'RecordStale' });
  const other = { revision: 6, base: '', root: digestOf(second) };
  await keeper.prepare(signed({ ...step, revision: 7 }), edits);
  await keeper.replace(signed(other), second);
  await assert.rejects(keeper.apply(signed({ ...step, revision: 7 }), edits), { code: 'PlaneBehind' });
  assert.deepEqual(keeper.state(), { revision: 6, root: digestOf(second) });
  await keeper.stop();
});

test('a keeper that starts again takes no older record than the last it saw', async () => {
  const { keeper } = open(7);
  await assert.rejects(keeper.replace(signed({ revision: 6 }), first), { code: 'RecordStale' });
  await keeper.replace(signed({ revision: 7 }), first);
  await assert.rejects(keeper.apply(signed({ ...step, revision: 7 }), edits), { code: 'RecordStale' });
  await keeper.apply(signed({ ...step, revision: 8 }), edits);
  await keeper.stop();
});

test('a kernel that fails leaves the keeper where it was, and what may be half done is read back', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const { keeper, kernel, calls, drifts } = open();
  await keeper.replace(signed({}), first);
  await tick(context, 500);
  kernel.fails = true;
  await assert.rejects(keeper.apply(signed(step), edits), { code: 'KernelFault' });
  assert.equal(keeper.state().revision, 1);
  kernel.fails = false;
  kernel.drifted.add('router/v1/h1');
  calls.length = 0;
  await tick(context, 500);
  assert.deepEqual(calls, ['read router/v1/h1', 'repair router/v1/h1']);
  assert.equal(drifts.length, 1);
  // The same revision again, as one that follows asks after a lost answer.
  await keeper.replace(signed({ revision: 2, root: digestOf(second) }), second);
  assert.equal(keeper.state().revision, 2);
  await keeper.stop();
});

test('[S2.3] touched points are read back within a second also under steady change, all of them on schedule, and drift is repaired and told', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const { keeper, kernel, calls, drifts } = open();
  keeper.start();
  await keeper.replace(signed({}), first);
  let [before, revision] = [first, 1];
  let readAt = 0;
  for (let ms = 0; ms < 2000 && readAt === 0; ms += 100) {
    const after = deepFreeze<JsonObject>({ ...before, 'router/v1/h1': { ports: { a: revision } } });
    revision += 1;
    await keeper.apply(
      signed({ revision, base: digestOf(before), root: digestOf(after) }),
      treeDifference(before, after),
    );
    before = after;
    await tick(context, 100);
    if (calls.includes('read router/v1/h1')) readAt = ms + 100;
  }
  assert.ok(readAt > 0 && readAt <= 1000, String(readAt));
  await tick(context, 1000);
  calls.length = 0;
  kernel.drifted.add('edge');
  await tick(context, 5100);
  assert.deepEqual(calls, ['read edge', 'repair edge', 'read router/v1/h1']);
  calls.length = 0;
  await tick(context, 5100);
  assert.deepEqual(calls, ['read edge', 'read router/v1/h1'], 'one sweep at a time');
  assert.deepEqual([drifts[0]?.['point'], keeper.drift().length, keeper.drift().length], ['edge', 1, 0]);
  await keeper.stop();
  calls.length = 0;
  await tick(context, 20_000);
  assert.deepEqual(calls, []);
});

test('a port that went with its guest is repaired and counted, and is no drift; what else differs beside it is', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const { keeper, kernel, calls, drifts, lost } = open();
  await keeper.replace(signed({}), first);
  await tick(context, 500);
  calls.length = 0;
  kernel.portless.add('router/v1/h1');
  await tick(context, 5100);
  assert.deepEqual(calls, ['read edge', 'read router/v1/h1', 'repair router/v1/h1']);
  assert.deepEqual([lost, drifts, keeper.drift()], [['router/v1/h1 1 1'], [], []]);
  kernel.portless.add('router/v1/h1');
  kernel.drifted.add('router/v1/h1');
  await tick(context, 5100);
  assert.deepEqual(lost, ['router/v1/h1 1 1', 'router/v1/h1 1 2']);
  const rule = { point: 'router/v1/h1', kind: 'rule', says: 'a rule is missing' };
  assert.deepEqual(
    drifts.map(({ differences }) => differences),
    [[rule]],
  );
  await keeper.stop();
});

test('a point that cannot be read back is told, and tried again', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const { keeper, kernel, troubles } = open();
  await keeper.replace(signed({}), first);
  kernel.isBroken = true;
  await tick(context, 500);
  assert.deepEqual(troubles, ['edge', 'router/v1/h1']);
  await tick(context, 5100);
  assert.equal(troubles.length, 4);
  await keeper.stop();
});

/** Moves the mocked time in small steps and lets what woke run. */
async function tick(context: TestContext, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 50) {
    context.mock.timers.tick(50);
    for (let turns = 0; turns < 20; turns += 1) await Promise.resolve();
  }
}
