/** From what went over a budget to a quarantine: written once with its evidence, told of, and undone by the operator alone. */

import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { test } from 'node:test';
import { Refusal } from '#base/wrong.ts';
import { listAlerts } from '#engine/alerts/alerts.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import { ContainmentFollower, quarantines, releaseNic } from '#engine/containment/follower.ts';
import type { Spent } from '#engine/containment/spent.ts';
import { openAt, scratch } from '#engine/store/scratch.ts';
import { nic as nicNoun } from '#model/network/nic.ts';
import type { MemoryDraft } from '#model/memory.ts';
import { net, nicBody, outcome, makeWorld, withVnet } from '#model/test-world.ts';
import { appeal, quarantineOf } from '#model/security/quarantine.ts';

const id = net('networkInterfaces/n1');
const budget = {
  newPerSecond: 500,
  mailPerMinute: 10,
  targetsPerMinute: 1000,
  packetsPerSecond: 100_000,
  forgedPerMinute: 100,
};

function open({ isRefused = false } = {}) {
  const world = withVnet(makeWorld());
  world.put(id, nicBody());
  const mark = Number(world.get(id).internal?.['mark']);
  const { folder, remove } = scratch();
  const store = openAt(join(folder, 'stamp.db'));
  const queue: Spent[] = [];
  const audits: AuditEntry[] = [];
  let now = 1_000_000;
  type Draw = (draft: MemoryDraft) => { readonly value: unknown; readonly about: { readonly audit?: AuditEntry } };
  const gate = {
    change: ((draw: Draw) => {
      if (isRefused) return Promise.reject(new Refusal('RequestDisallowedByPolicy', 'it breaks something'));
      const { value, about } = draw(world.draft);
      if (about.audit !== undefined) audits.push(about.audit);
      return Promise.resolve({ value, revision: 1, edits: [] });
    }) as never,
  };
  const auditOf = (nic: string, says: string): AuditEntry => ({
    at: now,
    who: {},
    operation: 'quarantine',
    resource: nic,
    outcome: 'Succeeded',
    says,
    correlationId: '',
  });
  const parts = { view: () => world.draft, gate, store, clock: { now: () => now, sleep: () => Promise.resolve() } };
  const follower = new ContainmentFollower({
    ...parts,
    source: { spent: () => Promise.resolve(queue.splice(0)), held: () => Promise.resolve([]) },
    flowsOf: () => Array.from({ length: 40 }, (_, index) => `flow ${index}`),
    auditOf,
    onTrouble: (what, error) => assert.fail(`${what}: ${String(error)}`),
  });
  const spend = async (dropped: number, more: Partial<Spent> = {}) => {
    const packets = Array.from({ length: 16 }, (_, index) => `tcp ${index}`);
    queue.push({ point: 'router/v1/h1', nic: id, mark, abuse: 'new', dropped, budget, packets, ...more });
    await follower.look();
    now += 500;
  };
  const release = (wanted: string) => releaseNic(wanted, parts, auditOf);
  const close = () => {
    store.close();
    remove();
  };
  return { world, store, audits, spend, release, close, later: (ms: number) => void (now += ms) };
}

test('[S1.21] who goes on beyond its budget is set apart once, with bounded evidence, an alert and a line in the log', async () => {
  const { world, store, audits, spend, close } = open();
  await spend(300);
  assert.equal(quarantineOf(world.get(id)), undefined);
  await spend(300);
  const quarantine = quarantineOf(world.get(id));
  assert.equal(quarantine?.abuse, 'new');
  assert.deepEqual(quarantine?.dropped, { new: 600 });
  assert.deepEqual(
    [quarantine?.packets.length, quarantine?.flows.length, quarantine?.flows.at(-1)],
    [16, 16, 'flow 39'],
  );
  assert.match(audits[0]?.says ?? '', /budget of 500 .*600 were dropped/);
  assert.deepEqual([listAlerts(store)[0]?.code, listAlerts(store)[0]?.severity], ['NicQuarantined', 'Critical']);
  await spend(10_000);
  assert.deepEqual([audits.length, quarantineOf(world.get(id))], [1, quarantine]);
  close();
});

test('a quarantine that the proof refuses is a critical alert, not silence', async () => {
  const { world, store, spend, close } = open({ isRefused: true });
  await spend(600);
  assert.equal(quarantineOf(world.get(id)), undefined);
  const [alert] = listAlerts(store);
  assert.deepEqual([alert?.code, alert?.severity], ['QuarantineRefused', 'Critical']);
  assert.match(alert?.says ?? '', /600 were dropped .*it breaks something/);
  close();
});

test('a burst that ends is no abuse, and what was long ago is forgotten', async () => {
  const { world, spend, later, close } = open();
  for (let round = 0; round < 5; round++) {
    await spend(499);
    later(3500);
  }
  assert.equal(quarantineOf(world.get(id)), undefined);
  close();
});

test('a NIC that was made anew, or never was, is not set apart for another', async () => {
  const { world, spend, close } = open();
  await spend(9999, { mark: 77 });
  await spend(9999, { nic: net('networkInterfaces/none') });
  await spend(9999, { nic: net('virtualNetworks/v1') });
  assert.deepEqual(quarantines(world.draft), []);
  close();
});

test('the tenant appeals, cannot write or delete its way out, and the operator releases', async () => {
  const { world, store, spend, release, close } = open();
  const ask = (body: unknown) =>
    outcome(() =>
      appeal(world.get(id), { body: body as never, query: new Map() }, world.draft, {
        ...world.context,
        caller: 'ada',
      }),
    );
  assert.match(ask({ text: 'please' }), /^NotQuarantined/);
  await spend(600);
  for (const body of [{}, { text: '' }, { text: 7 }, { text: 'x'.repeat(2001) }, []])
    assert.match(ask(body), /^InvalidAppeal/, JSON.stringify(body).slice(0, 40));
  assert.equal(ask({ text: 'a backup ran wild' }), 'ok');
  assert.deepEqual(
    [quarantineOf(world.get(id))?.appeal?.by, quarantineOf(world.get(id))?.appeal?.text],
    ['ada', 'a backup ran wild'],
  );
  world.put(id, nicBody({}, { enableIPForwarding: true }));
  assert.ok(quarantineOf(world.get(id)) !== undefined, 'a write keeps it');
  assert.match(
    outcome(() => nicNoun.remove(world.get(id), world.draft, world.context)),
    /^NicQuarantined/,
  );
  await assert.rejects(release('n7'), /No NIC n7 is in quarantine. In quarantine: .*n1/);
  assert.equal(await release('N1'), id);
  assert.equal(quarantineOf(world.get(id)), undefined);
  assert.equal(listAlerts(store, { state: 'Active' }).length, 0);
  assert.equal(
    outcome(() => nicNoun.remove(world.get(id), world.draft, world.context)),
    'ok',
  );
  close();
});
