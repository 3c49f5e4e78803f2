/** Who may ask what: a question needs its own right and the right to read what it is about, and tells nothing beyond that. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { owner, reader } from '#access/roles.ts';
import type { JsonObject } from '#base/json.ts';
import { standingEditsMax } from '#base/limits.ts';
import { digestOf } from '#base/tree.ts';
import type { Refusal } from '#base/wrong.ts';
import type { Flow } from '#compile/answer/flow.ts';
import { StandingPrograms } from '#engine/questions/standing-programs.ts';
import {
  assignment,
  base,
  callerOf,
  location,
  net,
  ownerOid,
  place,
  ruleBody,
  stamps,
  strangerOid,
  testEngine,
  type TestEngine,
} from '#test/sim/engine.ts';

const nic = net('red', 'networkInterfaces/n');
const watcher = net('red', 'networkWatchers/w');
const machine = `${base}/resourceGroups/red/providers/Microsoft.Compute/virtualMachines/m`;
const [nsg, table] = [net('blue', 'networkSecurityGroups/guard'), net('blue', 'routeTables/table')];
const target = { machine, nic: undefined };
const flow: Flow = {
  direction: 'inbound',
  protocol: 'tcp',
  local: { address: '10.0.1.4', port: 80 },
  remote: { address: '203.0.113.9', port: 50_000 },
};
const checked = { machine, to: '203.0.113.9', check: { protocol: 'tcp', port: 443 } } as const;
const profiles = [
  { direction: 'inbound', protocol: 'tcp', source: 'Internet', target: '10.0.1.4', ports: [80, 80] },
] as const;
const hop = { target, source: '10.0.1.4', address: '203.0.113.9' };

/** A machine and its NIC in `red`, judged by an NSG and a route table of `blue`. */
async function world(): Promise<TestEngine> {
  const stamp = await testEngine();
  const put = async (id: string, properties: JsonObject) => await stamp.settle(stamp.put(id, { location, properties }));
  await put(nsg, {});
  await stamp.settle(stamp.put(`${nsg}/securityRules/web`, ruleBody(200)));
  await put(table, {});
  const route = { addressPrefix: '203.0.113.0/24', nextHopType: 'None' };
  await stamp.settle(stamp.put(`${table}/routes/lost`, { properties: route }));
  const subnet = { addressPrefix: '10.0.1.0/24', routeTable: { id: table }, networkSecurityGroup: { id: nsg } };
  await put(net('red', 'virtualNetworks/v1'), {
    addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
    subnets: [{ name: 's', properties: subnet }],
  });
  const link = { subnet: { id: net('red', 'virtualNetworks/v1/subnets/s') } };
  await put(nic, { ipConfigurations: [{ name: 'one', properties: link }] });
  await put(net('red', 'networkInterfaces/loose'), { ipConfigurations: [{ name: 'one', properties: link }] });
  await put(watcher, {});
  await put(machine, {
    hardwareProfile: { vmSize: 'Standard_DS1_v2' },
    storageProfile: {
      imageReference: { publisher: 'Ringwall', offer: 'lab', sku: 'tiny', version: 'latest' },
      osDisk: { createOption: 'FromImage' },
    },
    osProfile: { computerName: 'm', adminUsername: 'someone', adminPassword: 'vRx7-quiet-Lantern-52' },
    networkProfile: { networkInterfaces: [{ id: nic }] },
  });
  return stamp;
}

/** The code of the refusal, or the answer as text. */
async function answer(work: () => unknown): Promise<string> {
  try {
    return JSON.stringify(await work());
  } catch (error) {
    return (error as Refusal).code;
  }
}

test('who holds all rights is told rules, routes, verdicts and hops by name', async () => {
  const stamp = await world();
  const { questions } = stamp.engine;
  const me = callerOf(ownerOid);
  const [layer] = await questions.rules(nic, me);
  assert.equal(layer?.nsg?.id, nsg);
  assert.ok(layer.rules.some(({ name }) => name === 'securityRules/web'));
  assert.ok((await questions.routes(nic, me)).some(({ name }) => name === 'lost'));
  assert.deepEqual(await questions.flow(watcher, { target, flow }, me), {
    access: 'allow',
    ruleName: 'securityRules/web',
  });
  const { table: told, hop: next } = await questions.hop(watcher, hop, me);
  assert.deepEqual([next.kind, typeof told === 'string' ? told : told.id], ['none', table]);
  assert.equal((await questions.groups(watcher, machine, me))[0]?.layers.length, 1);
  const { hops, status } = await questions.check(watcher, checked, me);
  assert.equal(status, 'Unreachable');
  assert.deepEqual(hops[0]?.issues[0]?.context.at(-1), { key: 'RouteName', value: 'lost' });
  const [diagnosed] = await questions.diagnose(watcher, { target: machine, profiles }, me);
  const verdict = diagnosed?.nics[0]?.layers[0];
  assert.deepEqual([verdict?.access, verdict?.matched, verdict?.nsg?.id], ['allow', 'securityRules/web', nsg]);
  assert.ok(layer.rules.every(({ state }) => state !== 'unjudged'));
  const group = `${base}/resourceGroups/red`;
  assert.ok(questions.topology(watcher, { kind: 'group', id: group }, me).length >= 5);
});

test('a rule written after the last question is in the next answer', async () => {
  const stamp = await world();
  const me = callerOf(ownerOid);
  const ask = () => stamp.engine.questions.flow(watcher, { target, flow }, me);
  assert.equal((await ask()).access, 'allow');
  await stamp.settle(stamp.put(`${nsg}/securityRules/closed`, ruleBody(100, { access: 'Deny' })));
  assert.deepEqual(await ask(), { access: 'deny', ruleName: 'securityRules/closed' });
  await stamp.settle(stamp.remove(`${nsg}/securityRules/closed`));
  assert.equal((await ask()).access, 'allow');
  // What was kept up by edits is what the prover has.
  const known = await stamp.engine.questions.parts.programs();
  assert.equal(digestOf(known), digestOf((await stamp.engine.gate.standing()).programs));
});

test('who may not read the security group or the route table is told the verdict and the kind of hop, not their names', async () => {
  const stamp = await world();
  const { questions } = stamp.engine;
  await place(stamp, assignment(`${base}/resourceGroups/red`, strangerOid, owner.id));
  const me = callerOf(strangerOid);
  const [layer] = await questions.rules(nic, me);
  assert.deepEqual([layer?.nsg, layer?.rules, layer?.subnet?.split('/').at(-1)], [undefined, [], 's']);
  assert.deepEqual(await questions.flow(watcher, { target, flow }, me), { access: 'allow' });
  assert.equal((await questions.hop(watcher, hop, me)).table, 'hidden');
  assert.ok((await questions.routes(nic, me)).every(({ name }) => name === undefined));
  const { hops, steps, status } = await questions.check(watcher, checked, me);
  assert.deepEqual([status, hops[0]?.issues[0]?.context], ['Unreachable', [{ key: 'RouteType', value: 'User' }]]);
  assert.ok(steps.some((step) => step.layer === 'routeTable' && step.verdict === 'deny'));
  const [diagnosed] = await questions.diagnose(watcher, { target: nic, profiles }, me);
  const [verdict] = diagnosed?.nics[0]?.layers ?? [];
  assert.deepEqual([verdict?.access, verdict?.matched, verdict?.rules], ['allow', undefined, []]);
  const elsewhere = { ...checked, to: { id: net('blue', 'publicIPAddresses/absent') } };
  assert.equal(await answer(() => questions.check(watcher, elsewhere, me)), 'AuthorizationFailed');
  const told = JSON.stringify([
    ...[await questions.groups(watcher, machine, me), await questions.routes(nic, me)],
    ...[hops, steps, diagnosed],
  ]);
  assert.ok(!/guard|lost|securityRules/.test(told), told);
  assert.equal(
    await answer(() => questions.topology(watcher, { kind: 'group', id: `${base}/resourceGroups/blue` }, me)),
    'AuthorizationFailed',
  );
});

test('without the right to ask, or to read the machine, nothing is told, not even whether it is there', async () => {
  const stamp = await world();
  const { questions } = stamp.engine;
  const absent = { machine: machine.replace('/m', '/absent'), nic: undefined };
  const all = (me: ReturnType<typeof callerOf>): readonly (() => unknown)[] => [
    () => questions.rules(nic, me),
    () => questions.routes(nic, me),
    () => questions.rules(net('red', 'networkInterfaces/absent'), me),
    () => questions.flow(watcher, { target, flow }, me),
    () => questions.hop(watcher, hop, me),
    () => questions.groups(watcher, machine, me),
    () => questions.check(watcher, checked, me),
    () => questions.diagnose(watcher, { target: machine, profiles }, me),
    () => questions.diagnose(watcher, { target: nic, profiles }, me),
    () => questions.topology(watcher, { kind: 'group', id: `${base}/resourceGroups/red` }, me),
  ];
  for (const ask of all(callerOf(strangerOid))) assert.equal(await answer(ask), 'AuthorizationFailed');
  // A reader may look at everything and asks nothing: a question is an action, as in Azure.
  await place(stamp, assignment(base, strangerOid, reader.id));
  for (const ask of all(callerOf(strangerOid))) assert.equal(await answer(ask), 'AuthorizationFailed');
  const other = '44444444-4444-4444-8444-444444444444';
  await place(stamp, assignment(watcher, other, owner.id));
  const me = callerOf(other);
  assert.equal(await answer(() => questions.flow(watcher, { target, flow }, me)), 'AuthorizationFailed');
  assert.equal(await answer(() => questions.flow(watcher, { target: absent, flow }, me)), 'AuthorizationFailed');
  assert.equal(
    await answer(() => questions.flow(watcher, { target: absent, flow }, callerOf(ownerOid))),
    'ResourceNotFound',
  );
});

test('a question that makes no sense is refused with what would', async () => {
  const stamp = await world();
  const { questions } = stamp.engine;
  const me = callerOf(ownerOid);
  const loose = net('red', 'networkInterfaces/loose');
  const rows: readonly (readonly [string, () => unknown])[] = [
    ['NetworkInterfaceNotAttachedToVirtualMachine', () => questions.rules(loose, me)],
    ['NetworkInterfaceNotAttachedToVirtualMachine', () => questions.routes(loose, me)],
    ['InvalidParameter', () => questions.flow(watcher, { target: { machine, nic: loose }, flow }, me)],
    ['InvalidParameter', () => questions.flow(watcher, { target: { machine: nic, nic: undefined }, flow }, me)],
    ['InvalidParameter', () => questions.hop(watcher, { ...hop, source: '10.0.1.99' }, me)],
    ['NetworkInterfaceNotAttachedToVirtualMachine', () => questions.diagnose(watcher, { target: loose, profiles }, me)],
    ['InvalidParameter', () => questions.check(watcher, { ...checked, to: { id: nsg } }, me)],
    ['ResourceNotFound', () => questions.check(watcher, { ...checked, to: { id: `${machine}x` } }, me)],
    ['ResourceNotFound', () => questions.rules(net('red', 'networkInterfaces/absent'), me)],
    ['ResourceNotFound', () => questions.groups(net('red', 'networkWatchers/absent'), machine, me)],
  ];
  for (const [code, ask] of rows) assert.equal(await answer(ask), code);
  const lock = {
    id: `${nic}/providers/Microsoft.Authorization/locks/l`,
    type: 'Microsoft.Authorization/locks',
    name: 'l',
    properties: { level: 'ReadOnly' },
    ...stamps,
  };
  await place(stamp, lock);
  assert.equal(await answer(() => questions.rules(nic, me)), 'ScopeLocked');
});

test('programs are asked for once, kept up by commits, and never wait for writes without end', async () => {
  let [asked, revision] = [0, 1];
  let isRestless = false;
  const gate = {
    get revision() {
      return revision;
    },
    standing: () => {
      asked += 1;
      const record = { stamp: 0, revision, base: '', root: '', invariants: '' };
      if (isRestless) revision += 1;
      return Promise.resolve({ record, signature: '', programs: { made: { at: record.revision } } });
    },
  };
  const programs = new StandingPrograms(gate);
  const commit = (): void => {
    revision += 1;
    programs.onCommit({ revision, programEdits: [{ path: ['made', 'by'], value: revision }] });
  };
  commit();
  const [first, second] = await Promise.all([programs.get(), programs.get()]);
  assert.equal(first, second);
  assert.deepEqual([asked, first], [1, { made: { at: 2 } }]);
  commit();
  commit();
  assert.deepEqual(await programs.get(), { made: { at: 2, by: 4 } });
  assert.equal(asked, 1);
  // A commit that was not heard: nothing is guessed.
  revision += 1;
  commit();
  assert.deepEqual(await programs.get(), { made: { at: 6 } });
  assert.equal(asked, 2);
  for (let commits = 0; commits <= standingEditsMax; commits += 1) commit();
  assert.deepEqual(await programs.get(), { made: { at: revision } });
  assert.equal(asked, 3);
  isRestless = true;
  revision += 1;
  assert.ok(Object.isFrozen(await programs.get()));
  assert.ok(asked < 10);
});
