/** Flows of the kernel against a program: what it must say is agreed to, and each other thing that it may say is told. */

import { deepEqual, equal, match } from 'node:assert/strict';
import { test } from 'node:test';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { filterKey } from '#compile/sdn/nsg.ts';
import type { Flow } from '#engine/flow-logs/flow.ts';
import { FlowChecker } from '#engine/flow-logs/flow-checker.ts';
import { judgeFlow } from '#engine/flow-logs/flow-judge.ts';
import type { Programs, RouterProgram } from '#program/program.ts';
import { addNic, addNsg, addSubnet, addVnet, idOf, labStamp, newBuild, viewOf } from '#test/generate/build.ts';

const [subnetGroup, nicGroup] = ['subnet', 'nic'].map((name) => idOf(`networkSecurityGroups/${name}`).toLowerCase());
const [one, two] = ['one', 'two'].map((name) => idOf(`networkInterfaces/${name}`)) as [string, string];

/** NIC one is behind two groups; of what comes in the subnet's is asked first. */
function programsWith(sshIs: 'Allow' | 'Deny'): Programs {
  const build = newBuild();
  addNsg(build, 'subnet', [
    ['web', 100, 'In', 'Allow', 'Tcp', '*', '*', '80'],
    ['ssh', 110, 'In', sshIs, 'Tcp', '10.0.0.0/24', '*', '22'],
    ['rest', 200, 'In', 'Deny', '*', '*', '*', '*'],
  ]);
  addNsg(build, 'nic', [['all', 100, 'In', 'Allow', '*', '*', '*', '*']]);
  addVnet(build, 'a', ['10.0.0.0/16']);
  addSubnet(build, 'a/s', [['10.0.0.0/24'], { nsg: 'subnet' }]);
  addNic(build, 'one', { subnet: 'a/s', addresses: ['10.0.0.4'], nsg: 'nic' });
  addNic(build, 'two', { subnet: 'a/s', addresses: ['10.0.0.5'] });
  return compileStamp(viewOf(build), labStamp, new CompileMemo());
}

function routerOf(programs: Programs): RouterProgram {
  for (const program of Object.values(programs)) if (program.kind === 'router') return program;
  throw new Error('There is no router.');
}

const flow: Flow = {
  at: 0,
  nic: one,
  mac: '',
  direction: 'inbound',
  source: '10.0.0.5',
  target: '10.0.0.4',
  protocol: 'tcp',
  sourcePort: 50_000,
  targetPort: 80,
  filter: filterKey(subnetGroup ?? '', 'inbound'),
  rule: '0100/web',
  because: '',
  access: 'allow',
};
const outbound = { nic: two, direction: 'outbound', filter: filterKey(subnetGroup ?? '', 'outbound') } as const;

// What the kernel tells, and what must be said of it.
const rows: readonly (readonly [Partial<Flow>, RegExp])[] = [
  [{}, /^agrees/],
  [{ targetPort: 23, rule: '0200/rest', access: 'deny' }, /^agrees/],
  [{ filter: filterKey(nicGroup ?? '', 'inbound'), rule: '0100/all' }, /^agrees/],
  [{ ...outbound, rule: '65000/AllowVnetOutBound' }, /^agrees/],
  [{ targetPort: 22 }, /deny by .*0110\/ssh/],
  [{ access: 'deny' }, /allow by .*0100\/web/],
  // The right verdict for a wrong reason.
  [{ rule: '0110/ssh' }, /allow by .*0100\/web/],
  [{ rule: '' }, /allow by .*0100\/web/],
  // It should never have come so far.
  [{ targetPort: 23, filter: filterKey(nicGroup ?? '', 'inbound'), rule: '0100/all' }, /deny by .*subnet.*, before /],
  [{ nic: two, filter: filterKey(nicGroup ?? '', 'inbound'), rule: '0100/all' }, /does not judge what is inbound/],
  [{ ...outbound, source: '10.0.0.77', rule: '65000/AllowVnetOutBound' }, /10\.0\.0\.77 is not an address of the NIC/],
  [{ ...outbound, target: '168.63.129.16', rule: '65000/AllowVnetOutBound' }, /the platform's/],
  [{ ...outbound, target: '127.0.0.1', rule: '65001/AllowInternetOutBound' }, /no unicast target/],
  [{ nic: idOf('networkInterfaces/none') }, /no port of the NIC/],
];

test('[S2.3] what the kernel tells of a flow is held against the program in force', () => {
  const router = routerOf(programsWith('Deny'));
  for (const [change, wanted] of rows) {
    const judgement = judgeFlow(router, { ...flow, ...change });
    match(judgement.kind === 'differs' ? judgement.says : judgement.kind, wanted, JSON.stringify(change));
  }
});

test('what an opening lets past the filters is not judged: only the kernel knows whether its time is over', () => {
  const router = routerOf(programsWith('Deny'));
  const mark = Object.values(router.ports).find(({ nic }) => nic === one)?.mark ?? 0;
  const opening = { mark, address: '10.0.0.4', protocol: 'tcp', port: 22, source: '10.0.0.5/32', until: 9 } as const;
  const opened = { ...router, openings: { o: { ...opening, because: 'jit' } } };
  equal(judgeFlow(opened, { ...flow, targetPort: 22 }).kind, 'unspoken');
  equal(judgeFlow(opened, { ...flow, targetPort: 22, source: '10.0.0.6' }).kind, 'differs');
});

/** A checker on a stamp whose programs and kernel are moved by hand. */
function checking() {
  const state = { revision: 1, confirmed: 1 as number | undefined, programs: programsWith('Deny'), at: 10_000 };
  const checker = new FlowChecker({
    revision: () => state.revision,
    confirmed: () => state.confirmed,
    programs: () => Promise.resolve(state.programs),
    clock: { now: () => state.at },
  });
  const told = (...flows: Partial<Flow>[]) => {
    state.at += 1000;
    const batch = { flows: flows.map((one) => ({ ...flow, ...one })), notLogged: {}, disagreements: [] };
    return checker.check({ ...batch, compared: 0, troubles: [] }, state.at);
  };
  return { state, checker, told };
}
const wrong: Partial<Flow> = { targetPort: 22, rule: '0110/ssh' };

test('[S2.3] only a flow that began under one confirmed program is judged, and then a wrong one is found', async () => {
  const { state, checker, told } = checking();
  // Nobody knows when the first batch began, and the second may have begun before the first look.
  for (let round = 0; round < 2; round++) deepEqual(await told(wrong), []);
  await told();
  const [found] = await told(wrong, {});
  equal(found?.flow.targetPort, 22);
  match(found?.says ?? '', /deny by /);
  deepEqual(checker.counts, { judged: 2, passedOver: 2, disagreements: 1 });
  // The rule is turned: what the kernel let in while that went through may have met either.
  [state.revision, state.programs] = [2, programsWith('Allow')];
  state.confirmed = undefined;
  deepEqual(await told(wrong), []);
  state.confirmed = 2;
  deepEqual(await told({ ...wrong, access: 'deny' }), []);
  deepEqual(await told({ ...wrong, access: 'deny' }), []);
  deepEqual(await told(wrong), []);
  equal((await told({ ...wrong, access: 'deny' })).length, 1);
});

test('a flow that goes on after a rule was changed is nobody’s fault (decision D2.2)', async () => {
  const { checker, told } = checking();
  for (let round = 0; round < 3; round++) await told();
  const none = { packets: 1, bytes: 60 };
  deepEqual(await told({ ...wrong, carried: { isEnded: false, sent: none, received: none } }), []);
  deepEqual(checker.counts, { judged: 0, passedOver: 0, disagreements: 0 });
});

test('of a flood a bounded sample is judged, from its beginning to its end', async () => {
  const { checker, told } = checking();
  for (let round = 0; round < 3; round++) await told();
  const flows = Array.from({ length: 3000 }, (_, index): Partial<Flow> => (index === 2994 ? wrong : {}));
  equal((await told(...flows)).length, 1);
  deepEqual(checker.counts, { judged: 500, passedOver: 2500, disagreements: 1 });
});
