/** Connectivity checks: what the programs say, what connections from the guest say, and that neither is bent to the other. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { portOfNic } from '#compile/answer/port.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import type { GuestExit } from '#engine/guest-port.ts';
import type { Knock, Knocked } from '#engine/ports.ts';
import { type Check, checkConnectivity } from '#engine/questions/connectivity.ts';
import { guestKnocker } from '#engine/questions/guest-knock.ts';
import { Fault } from '#base/wrong.ts';
import * as build from '#test/generate/build.ts';

/** `web` may reach `app` on 80 alone, and the internet through the appliance `nva`; `far` lies in a network of its own. */
function sample() {
  const made = build.newBuild();
  build.addNsg(made, 'guard', [
    ['web', 100, 'In', 'Allow', 'Tcp', '*', '*', '80'],
    ['shut', 200, 'In', 'Deny', '*', '*', '*'],
  ]);
  build.addRoutes(made, 'table', [
    ['out', '0.0.0.0/0', 'VirtualAppliance', '10.0.3.4'],
    ['lost', '198.51.100.0/24', 'None'],
  ]);
  build.addVnet(made, 'net', ['10.0.0.0/16']);
  build.addVnet(made, 'other', ['10.9.0.0/16']);
  build.addSubnet(made, 'net/web', [['10.0.1.0/24'], { routeTable: 'table' }]);
  build.addSubnet(made, 'net/app', [['10.0.2.0/24'], { nsg: 'guard' }]);
  build.addSubnet(made, 'net/hub', [['10.0.3.0/24']]);
  build.addSubnet(made, 'other/one', [['10.9.1.0/24']]);
  build.addNic(made, 'web', { subnet: 'net/web', addresses: ['10.0.1.4'] });
  build.addNic(made, 'app', { subnet: 'net/app', addresses: ['10.0.2.4'], host: 'h2' });
  build.addNic(made, 'nva', { subnet: 'net/hub', addresses: ['10.0.3.4'], forwarding: true });
  build.addNic(made, 'far', { subnet: 'other/one', addresses: ['10.9.1.4'] });
  const view = build.viewOf(made);
  const programs = compileStamp(view, build.labStamp, new CompileMemo());
  const placed = portOfNic(programs, build.idOf('networkInterfaces/web'));
  const machine = view.get(build.idOf('virtualMachines/web'));
  assert.ok(placed !== undefined && machine !== undefined);
  return { world: { programs, view }, placed: [placed], machine };
}

const parts = sample();

type Asking = { readonly states?: readonly Knocked['state'][]; readonly hidden?: RegExp; readonly sent?: Knock[] };

async function checked(check: Partial<Check>, { states, hidden = /^$/, sent = [] }: Asking = {}) {
  let next = 0;
  const knock = (_: unknown, one: Knock): Promise<Knocked> => {
    sent.push(one);
    const state = states?.[next++ % states.length] ?? 'open';
    return Promise.resolve({
      state,
      ms: 3,
      says: state,
      ...(one.request === undefined ? {} : { answer: 'HTTP/1.1 404 no' }),
    });
  };
  const full: Check = { protocol: 'tcp', host: '10.0.2.4', port: 80, ...check };
  const knocker = states === undefined ? undefined : { knock };
  return await checkConnectivity(full, { ...parts, mayRead: (id) => !hidden.test(id), knocker });
}

// One row is one check in a model: what is asked, the word of the programs, and the issues as origin, type and context.
const rows: readonly (readonly [Partial<Check>, string, string])[] = [
  [{}, 'Reachable', ''],
  [{ port: 22 }, 'Unreachable', 'Inbound NetworkSecurityRule RuleName=securityRules/shut'],
  [{ protocol: 'icmp', port: 0 }, 'Unreachable', 'Inbound NetworkSecurityRule RuleName=securityRules/shut'],
  [{ host: '198.51.100.7' }, 'Unreachable', 'Outbound UserDefinedRoute RouteType=User,RouteName=lost'],
  [{ host: '203.0.113.9', port: 443 }, 'Reachable', ''],
  [{ host: '10.9.1.4' }, 'Unreachable', 'Local Platform Layer=router.route'],
  [{ host: 'app' }, 'Reachable', ''],
  [{ host: `app.internal.cloudapp.${build.labStamp.zone}` }, 'Reachable', ''],
  [
    { host: 'nobody.example' },
    'Unreachable',
    'Local DnsResolution Says=the stamp\'s resolver knows no address of "nobody.example"',
  ],
];

test('[S2.19] a model tells the word of the programs, hop by hop, and says that nothing was sent', async () => {
  for (const [check, status, issues] of rows) {
    const answer = await checked(check);
    const told = answer.hops.flatMap((hop) => hop.issues);
    const text = told.map(
      ({ origin, kind, context }) => `${origin} ${kind} ${context.map(({ key, value }) => `${key}=${value}`).join()}`,
    );
    assert.deepEqual([answer.status, answer.proof, text.join('; ')], [status, status, issues], JSON.stringify(check));
    assert.deepEqual([answer.probe.from, answer.probe.tried], ['nothing', []]);
  }
  const through = await checked({ host: '203.0.113.9', port: 443 });
  assert.deepEqual(
    through.hops.map(({ kind, address, resource }) => [kind, address, resource?.split('/').at(-1)]),
    [
      ['Source', '10.0.1.4', 'web'],
      ['VirtualAppliance', '10.0.3.4', 'nva'],
      ['Internet', '203.0.113.9', undefined],
    ],
  );
});

// One row is one outcome: what the connections say, where to, and the status with the issues that tell of the difference.
const outcomes: readonly (readonly [readonly Knocked['state'][], Partial<Check>, string, string])[] = [
  [['open'], {}, 'Reachable', ''],
  [['open', 'silent'], {}, 'Degraded', 'Unknown Warning'],
  [['closed'], {}, 'Unreachable', 'Unknown Warning'],
  [['silent'], {}, 'Unreachable', 'Unknown Warning'],
  [['silent'], { port: 22 }, 'Unreachable', 'NetworkSecurityRule Error'],
  [['open'], { port: 22 }, 'Reachable', 'NetworkSecurityRule Error; Platform Error'],
  [['untried'], {}, 'Unknown', 'AgentStopped Error'],
  [['open'], { http: { request: 'GET / HTTP/1.1', statuses: [200] } }, 'Unreachable', 'Unknown Warning'],
  [['open'], { http: { request: 'GET / HTTP/1.1', statuses: [404] } }, 'Reachable', ''],
];

test('the status is that of the connections, the issues are those of the programs, and a difference is said', async () => {
  for (const [states, check, status, issues] of outcomes) {
    const answer = await checked(check, { states });
    const told = answer.hops.flatMap((hop) => hop.issues.map(({ kind, severity }) => `${kind} ${severity}`));
    assert.deepEqual([answer.status, told.join('; ')], [status, issues], `${states.join()} ${JSON.stringify(check)}`);
    assert.equal(answer.probe.from, 'guest');
    const failed = { Reachable: 0, Degraded: 2, Unreachable: 4, Unknown: 0 }[answer.status];
    assert.equal(answer.probe.failed, failed);
  }
  const sent: Knock[] = [];
  await checked({ sourcePort: 4000 }, { states: ['open'], sent });
  assert.deepEqual(sent, [{ protocol: 'tcp', port: 80, source: '10.0.1.4', target: '10.0.2.4', sourcePort: 4000 }]);
});

test('[S2.19] who may not read a group, a table or an appliance is told layer and verdict, and no name or address of it', async () => {
  const hidden = /networkSecurityGroups|routeTables|networkInterfaces\/(?:nva|app)/i;
  for (const check of [{ port: 22 }, { host: '198.51.100.7' }, { host: '203.0.113.9', port: 443 }]) {
    const answer = await checked(check, { hidden });
    const text = JSON.stringify(answer);
    assert.ok(!/guard|table\/|lost|shut|nva|10\.0\.3\.4|networkInterfaces\/app/.test(text), text);
    assert.ok(answer.steps.every((step) => Object.keys(step).every((key) => key === 'layer' || key === 'verdict')));
    assert.ok(answer.hops.length >= 2);
  }
});

test('a guest is asked with its own tools, and what they say is read as it is meant', async () => {
  const asked: unknown[] = [];
  const exits: (GuestExit | Fault)[] = [
    { code: 0, stdout: '', stderr: 'Connection to 10.0.2.4 80 port [tcp/*] succeeded!' },
    { code: 1, stdout: '', stderr: 'nc: connect to 10.0.2.4 port 80 (tcp) failed: Connection refused' },
    { code: 1, stdout: '', stderr: 'nc: connect to 10.0.2.4 port 80 (tcp) timed out: Operation now in progress' },
    { code: 127, stdout: '', stderr: 'nc: not found' },
    new Fault('GuestNotRunning', 'The guest does not run.'),
    { code: 0, stdout: 'HTTP/1.1 200 OK\r\n', stderr: 'Connection to 10.0.2.4 80 port [tcp/*] succeeded!' },
  ];
  const exec = (_key: string, argv: readonly string[], options?: { stdin?: string }): Promise<GuestExit> => {
    asked.push([argv, options?.stdin]);
    const exit = exits[asked.length - 1];
    return exit instanceof Fault || exit === undefined
      ? Promise.reject(exit ?? new Error('none'))
      : Promise.resolve(exit);
  };
  const knocker = guestKnocker({ guests: { exec }, clock: { now: () => 0 } });
  const machine = { ...parts.machine, internal: { key: 'a1' } };
  const knock: Knock = { protocol: 'tcp', source: '10.0.1.4', target: '10.0.2.4', port: 80 };
  const states: string[] = [];
  for (let each = 0; each < 5; each += 1) states.push((await knocker.knock(machine, knock)).state);
  assert.deepEqual(states, ['open', 'closed', 'silent', 'untried', 'untried']);
  const answer = await knocker.knock(machine, { ...knock, request: 'GET / HTTP/1.1' });
  assert.deepEqual([answer.state, answer.answer], ['open', 'HTTP/1.1 200 OK\r\n']);
  assert.deepEqual(asked[0], [['nc', '-n', '-z', '-v', '-w', '2', '-s', '10.0.1.4', '10.0.2.4', '80'], undefined]);
});
