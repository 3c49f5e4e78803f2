/** From the kernel's flows to files, alarms and suggestions, with a clock that is set by hand. */

import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { after, test } from 'node:test';
import { isObject, type JsonObject } from '#base/json.ts';
import { filterKey } from '#compile/sdn/nsg.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { listAlerts } from '#engine/alerts/alerts.ts';
import { FlowCollector } from '#engine/flow-logs/collector.ts';
import { FlowFiles } from '#engine/flow-logs/files.ts';
import type { Flow, FlowBatch } from '#engine/flow-logs/flow.ts';
import { suggestFor } from '#engine/flow-logs/suggest.ts';
import { openAt, scratch } from '#engine/store/scratch.ts';
import { addNic, addNsg, addSubnet, addVnet, idOf, newBuild, resourceOf, viewOf } from '#test/generate/build.ts';

const { folder, remove } = scratch();
after(remove);

const group = idOf('networkSecurityGroups/g');
const nic = idOf('networkInterfaces/one');
const noon = Date.UTC(2026, 2, 4, 12, 30);
const quiet: FlowBatch = { flows: [], notLogged: {}, disagreements: [], compared: 0, troubles: [] };

/** One group with a web rule, one NIC, and a flow log on each of the targets. */
function stamp(...targets: string[]) {
  const build = newBuild();
  addNsg(build, 'g', [['web', 100, 'In', 'Allow', 'Tcp', '10.0.0.0/24', '*', ['80', '443']]]);
  addVnet(build, 'a', ['10.0.0.0/16']);
  addSubnet(build, 'a/s', [['10.0.0.0/24'], { nsg: 'g' }]);
  addNic(build, 'one', { subnet: 'a/s', addresses: ['10.0.0.4'] });
  targets.forEach((target, index) => {
    const retentionPolicy = { days: 1, enabled: true };
    const properties = { targetResourceId: target, enabled: true, retentionPolicy, format: { version: 2 } };
    const log = resourceOf({ path: `networkWatchers/w/flowLogs/f${index}`, properties });
    build.resources.set(log.id.toLowerCase(), log);
  });
  return build;
}

function flowOf(change: Partial<Flow> = {}): Flow {
  const ends = { source: '10.0.0.9', target: '10.0.0.4', protocol: 'tcp', sourcePort: 50_000, targetPort: 80 } as const;
  const named = { filter: filterKey(group.toLowerCase(), 'inbound'), rule: '0100/web', because: 'nsg/g/web' };
  return {
    ...ends,
    ...named,
    at: noon,
    nic,
    mac: '02:57:00:00:00:01',
    direction: 'inbound',
    access: 'allow',
    ...change,
  };
}

let made = 0;
function collecting(...targets: string[]) {
  const build = stamp(...targets);
  const root = `${folder}/${(made += 1)}`;
  const files = new FlowFiles(root);
  const store = openAt(`${root}.db`);
  const batches: FlowBatch[] = [];
  const clock = { at: noon, now: () => clock.at, sleep: () => Promise.resolve() };
  const asked = { count: 0 };
  const source = {
    flows: () => {
      asked.count += 1;
      return Promise.resolve(batches.shift() ?? quiet);
    },
  };
  const view = viewOf(build);
  const trouble: unknown[] = [];
  const onTrouble = (_: string, error: unknown): void => void trouble.push(error);
  const collector = new FlowCollector({ source, view: () => view, files, store, clock, onTrouble });
  return { build, files, store, batches, clock, asked, collector };
}

const flowsIn = (files: FlowFiles, target: string): JsonObject[] =>
  [...files.records(target, 0)].flatMap(({ properties }) => (isObject(properties) ? [properties] : []));

test('each flow goes to every log that its target asks for, with what was not logged', async () => {
  const subnet = idOf('virtualNetworks/a/subnets/s');
  const { collector, batches, files, store } = collecting(group, subnet, idOf('networkInterfaces/other'));
  batches.push({ ...quiet, flows: [flowOf()], notLogged: { [nic]: 5, '': 2 }, compared: 1 });
  await collector.round();
  for (const target of [group, subnet]) {
    const [told] = flowsIn(files, target);
    equal(told?.['flowsNotLogged'], 7, target);
    ok(JSON.stringify(told).includes('10.0.0.9,10.0.0.4,50000,80,T,I,A,B'), target);
  }
  equal(files.bytes(idOf('networkInterfaces/other')), 0);
  equal(collector.compared, 1);
  store.close();
});

test('without a flow log nothing is asked of the kernel', async () => {
  const { collector, asked, store } = collecting();
  for (let round = 0; round < 3; round++) await collector.round();
  equal(asked.count, 0);
  store.close();
});

test('a verdict that is not the program’s raises one alarm with the evidence', async () => {
  const { collector, batches, store } = collecting(group);
  const wanted = { access: 'deny', rule: '65500/DenyAllInBound' } as const;
  for (let round = 0; round < 2; round++) {
    batches.push({ ...quiet, disagreements: [{ point: 'router/v1/h1', flow: flowOf(), wanted }] });
    await collector.round();
  }
  const alerts = listAlerts(store, { state: 'Active' });
  deepEqual(
    alerts.map(({ code, severity, resource }) => [code, severity, resource]),
    [['FlowLogDisagrees', 'Critical', nic]],
  );
  ok(alerts[0]?.says.includes('10.0.0.9:50000 > 10.0.0.4:80') && alerts[0].says.includes('DenyAllInBound'));
  store.close();
});

test('old hours go after the days of the resource', async () => {
  const { collector, batches, files, clock, store } = collecting(group);
  batches.push({ ...quiet, flows: [flowOf()] });
  await collector.round();
  ok(files.bytes(group) > 0);
  clock.at = noon + 26 * 3_600_000;
  for (let round = 0; round < 61; round++) await collector.round();
  equal(files.bytes(group), 0);
  store.close();
});

test('a suggestion admits what was seen and is allowed, and no more than today', async () => {
  const { build, collector, batches, files, store } = collecting(group);
  const programs = compileStamp(viewOf(build), build.stamp, new CompileMemo());
  const suggest = () => suggestFor(group, { programs, files, since: 0 });
  throws(suggest, { code: 'FlowsNotSeen' });
  const many = Array.from({ length: 20 }, (_, index) => flowOf({ source: `10.0.0.${index * 3 + 5}` }));
  const ssh = flowOf({ source: '203.0.113.9', targetPort: 22 });
  batches.push({
    ...quiet,
    flows: [...many, ssh, flowOf({ access: 'deny', targetPort: 23 })],
    notLogged: { [nic]: 2 },
  });
  await collector.round();
  const { rules, flows, left, notLogged } = suggest();
  deepEqual([flows, left, notLogged], [20, 1, 2]);
  const shown = rules.map(({ name, properties: { access, sourceAddressPrefix, destinationPortRange } }) =>
    [name, access, sourceAddressPrefix, destinationPortRange].join(' '),
  );
  deepEqual(shown, ['seen-in-1 Allow 10.0.0.0/24 80', 'unseen-in Deny * *', 'unseen-out Deny * *']);
  store.close();
});
