/** The proof: what each kind demands, and what a change newly breaks. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { type MemoryView } from '#model/memory.ts';
import type { Invariant, Parties } from '#verify/invariant/invariant.ts';
import { Proof } from '#verify/proof/proof.ts';
import type { World } from '#verify/proof/standing.ts';
import type { Breach } from '#verify/proof/verdict.ts';
import {
  addBalancer,
  addNic,
  addNsg,
  addPeering,
  addPublicIp,
  addRoutes,
  addSubnet,
  addVnet,
  type Build,
  idOf,
  labStamp,
  newBuild,
  type RuleRow,
  viewOf,
} from '#test/generate/build.ts';
import { testEstate } from '#test/generate/estate.ts';

const about = { title: 'it holds', effect: 'deny', owner: 'operator', exclude: [] } as const;
const scope = (...paths: string[]): Parties => ({ kind: 'scope', ids: paths.map((path) => idOf(path).toLowerCase()) });
const internet: Parties = { kind: 'internet' };
const management = [
  {
    protocol: 'tcp',
    ports: [
      [22, 22],
      [3389, 3389],
    ],
  },
] as const;

const shells: Invariant = {
  ...about,
  id: 'shells',
  kind: 'never',
  from: [internet],
  to: [{ kind: 'nics' }],
  services: management as never,
  exceptFrom: [],
  exceptTo: [],
};
const baseline: readonly Invariant[] = [
  shells,
  { ...about, id: 'tenants', kind: 'tenants' },
  { ...about, id: 'infrastructure', kind: 'infrastructure' },
  { ...about, id: 'spoofing', kind: 'spoofing' },
  { ...about, id: 'loops', kind: 'loops' },
  { ...about, id: 'return', kind: 'return' },
];

function worldOf(view: MemoryView, invariants: readonly Invariant[], memo = new CompileMemo()): World {
  const estates = estateMemos.get(view) ?? new CompileMemo();
  estateMemos.set(view, estates);
  return { programs: compileStamp(view, labStamp, memo), estate: testEstate(view, labStamp, estates), invariants };
}

/** Kept with the view: what did not change must be the same objects, or everything is looked at again and nothing is tested. */
const estateMemos = new WeakMap<MemoryView, CompileMemo>();

type Options = { readonly rules?: readonly RuleRow[]; readonly more?: (build: Build) => void };

/** A web NIC with a public address and a group, an app NIC, an appliance, and another network with a NIC. */
function buildOf({ rules = [], more = () => undefined }: Options = {}): Build {
  const build = newBuild();
  addNsg(build, 'g', rules);
  addVnet(build, 'a', ['10.0.0.0/16', 'fd00::/48']);
  addVnet(build, 'b', ['10.1.0.0/16']);
  addRoutes(build, 't', []);
  addSubnet(build, 'a/web', [['10.0.0.0/24', 'fd00::/64'], { nsg: 'g' }]);
  addSubnet(build, 'a/app', [['10.0.1.0/24', 'fd00:0:0:1::/64'], { routeTable: 't' }]);
  addSubnet(build, 'a/hub', [['10.0.9.0/24']]);
  addSubnet(build, 'b/s', [['10.1.0.0/24']]);
  addPublicIp(build, 'p', ['198.18.0.40', 'Standard']);
  addNic(build, 'web', { subnet: 'a/web', addresses: [{ address: '10.0.0.4', publicIp: 'p' }] });
  addNic(build, 'app', { subnet: 'a/app', addresses: ['10.0.1.4', 'fd00:0:0:1::4'], host: 'h2' });
  addNic(build, 'nva', { subnet: 'a/hub', addresses: ['10.0.9.4'], forwarding: true });
  addNic(build, 'other', { subnet: 'b/s', addresses: ['10.1.0.4'] });
  more(build);
  return build;
}

function broken(invariant: Invariant, options: Options = {}): readonly string[] {
  return new Proof()
    .load(worldOf(viewOf(buildOf(options)), [invariant]))
    .map(({ subject, witness }) => `${subject.kind === 'nic' ? subject.mark : subject.kind} ${packetOf(witness)}`);
}

function packetOf(witness: Breach['witness']): string {
  if (witness === undefined) return '';
  const { origin, protocol, target, targetPort } = witness.packet;
  return `${origin.kind === 'nic' ? `nic ${origin.mark}` : origin.kind} ${protocol} ${target}:${targetPort}`;
}

const open: RuleRow = ['ssh', 100, 'In', 'Allow', 'Tcp', '*', '*', '20-30'];

test('management ports: a group that opens one is shown by a packet, at the target’s own port', () => {
  assert.deepEqual(broken(shells), []);
  assert.deepEqual(broken(shells, { rules: [open] }), ['1 internet tcp 198.18.0.40:22']);
  assert.deepEqual(broken(shells, { rules: [['a', 100, 'In', 'Allow', 'Udp', '*', '*', '22']] }), []);
  // Azure: `*` with ports means TCP and UDP to these ports.
  assert.deepEqual(broken(shells, { rules: [['a', 100, 'In', 'Allow', '*', '*', '*', '22']] }), [
    '1 internet tcp 198.18.0.40:22',
  ]);
  assert.deepEqual(broken(shells, { rules: [['a', 90, 'In', 'Deny', '*', 'Internet', '*'], open] }), []);
  const balanced = (build: Build): void => {
    addPublicIp(build, 'l', ['198.18.0.41']);
    addBalancer(build, 'lb', { publicIp: 'l', rules: [{ frontendPort: 50_022, backendPort: 22 }] });
    addNic(build, 'pool', { subnet: 'a/hub', addresses: [{ address: '10.0.9.5', pools: ['lb/pool'] }] });
  };
  assert.deepEqual(broken(shells, { more: balanced }), ['5 internet tcp 198.18.0.41:50022']);
  assert.deepEqual(
    broken({ ...shells, exclude: [idOf('networkInterfaces/web').toLowerCase()] }, { rules: [open] }),
    [],
  );
  assert.deepEqual(broken({ ...shells, scope: idOf('virtualNetworks/b').toLowerCase() }, { rules: [open] }), []);
});

test('both the subnet’s and the NIC’s group must let a packet in: and, not or', () => {
  const more = (build: Build): void => {
    addNsg(build, 'own', [open]);
    addPublicIp(build, 'q', ['198.18.0.42', 'Standard']);
    addNic(build, 'two', { subnet: 'a/web', addresses: [{ address: '10.0.0.9', publicIp: 'q' }], nsg: 'own' });
  };
  assert.deepEqual(broken(shells, { more }), []);
  assert.deepEqual(broken(shells, { more, rules: [open] }), [
    '1 internet tcp 198.18.0.40:22',
    '5 internet tcp 198.18.0.42:22',
  ]);
});

test('an appliance that the internet reaches sends on what it gets, the source kept', () => {
  const relay = (rules: readonly RuleRow[]) => (build: Build) => {
    addPublicIp(build, 'n', ['198.18.0.43']);
    addNsg(build, 'in', rules);
    addSubnet(build, 'a/deep', [['10.0.3.0/24'], { nsg: 'in' }]);
    addNic(build, 'nva2', { subnet: 'a/hub', addresses: [{ address: '10.0.9.6', publicIp: 'n' }], forwarding: true });
    addNic(build, 'deep', { subnet: 'a/deep', addresses: ['10.0.3.4'] });
  };
  const mine = (list: readonly string[]): readonly string[] => list.filter((one) => one.startsWith('6 '));
  assert.deepEqual(mine(broken(shells, { more: relay([]) })), []);
  assert.deepEqual(mine(broken(shells, { more: relay([open]) })), ['6 nic 5 tcp 10.0.3.4:22']);
});

const via: Invariant = {
  ...about,
  id: 'via',
  kind: 'via',
  from: [scope('virtualNetworks/a/subnets/app')],
  to: [internet],
  through: [scope('networkInterfaces/nva')],
};

test('[S1.12] egress through the firewall: every exit counts, and both families', () => {
  const route = (build: Build): void => addRoutes(build, 't', [['out', '0.0.0.0/0', 'VirtualAppliance', '10.0.9.4']]);
  assert.deepEqual(broken(via), ['2 nic 2 tcp 203.0.113.9:22']);
  assert.deepEqual(broken(via, { more: route }), []);
  const six = (build: Build): void => {
    route(build);
    addPublicIp(build, 'six', ['2001:db8::40', 'Standard']);
    addNic(build, 'dual', {
      subnet: 'a/app',
      addresses: ['10.0.1.9', { address: 'fd00:0:0:1::9', publicIp: 'six' }],
    });
  };
  const found = broken(via, { more: six });
  assert.equal(found.length, 1);
  assert.match(found[0] ?? '', /^5 nic 5 tcp 2001:db8:ffff::9/);
  // Another appliance is no firewall.
  const other = (build: Build): void => {
    addNic(build, 'else', { subnet: 'a/hub', addresses: ['10.0.9.7'], forwarding: true });
    addRoutes(build, 't', [['out', '0.0.0.0/0', 'VirtualAppliance', '10.0.9.7']]);
  };
  assert.equal(broken(via, { more: other }).length, 1);
});

test('[S1.9, S1.11] only, isolated, always, exposure: each holds and breaks', () => {
  const only: Invariant = {
    ...about,
    id: 'only',
    kind: 'only',
    to: [scope('networkInterfaces/app')],
    from: [scope('virtualNetworks/a/subnets/web')],
    services: [{ protocol: 'tcp', ports: [[443, 443]] }],
  };
  assert.ok(broken(only).length > 0);
  const closed = (build: Build): void => {
    addNsg(build, 'app', [
      ['web', 100, 'In', 'Allow', 'Tcp', '10.0.0.0/24', '*', '443'],
      ['none', 200, 'In', 'Deny', '*', '*', '*'],
    ]);
    addSubnet(build, 'a/app', [['10.0.1.0/24', 'fd00:0:0:1::/64'], { nsg: 'app' }]);
  };
  assert.deepEqual(broken(only, { more: closed }), []);
  const isolated: Invariant = {
    ...about,
    id: 'i',
    kind: 'isolated',
    inside: [scope('virtualNetworks/b')],
    except: [internet],
  };
  assert.deepEqual(broken(isolated), []);
  const peered = (build: Build): void => {
    addPeering(build, ['a', 'b']);
    addPeering(build, ['b', 'a']);
  };
  assert.ok(broken(isolated, { more: peered }).length > 0);
  assert.deepEqual(broken({ ...isolated, except: [] }), ['4 nic 4 tcp 203.0.113.9:22']);
  const always: Invariant = {
    ...about,
    id: 'always',
    kind: 'always',
    from: [scope('virtualNetworks/a/subnets/web')],
    to: [scope('networkInterfaces/app')],
    services: [{ protocol: 'tcp', ports: [[443, 443]] }],
  };
  assert.deepEqual(broken(always), []);
  const denied: RuleRow = ['no', 100, 'Out', 'Deny', 'Tcp', '*', '*', '443'];
  assert.deepEqual(broken(always, { rules: [denied] }), ['2 nic 1 tcp 10.0.1.4:443']);
  const exposure: Invariant = { ...about, id: 'e', kind: 'exposure', of: [{ kind: 'nics' }], max: 0 };
  assert.deepEqual(broken(exposure), []);
  assert.equal(broken(exposure, { rules: [['web', 100, 'In', 'Allow', 'Tcp', 'Internet', '*', '443']] }).length, 1);
  assert.deepEqual(broken({ ...exposure, max: 1 }, { rules: [open] }), []);
});

test('a compiler that mixes tenants up, lets others send, or opens the stamp contradicts the estate', () => {
  const view = viewOf(buildOf());
  const world = worldOf(view, baseline);
  assert.deepEqual(new Proof().load(world), []);
  const [first, second] = ['router/v1/h1', 'router/v2/h1'].map((point) => world.programs[point]);
  assert.ok(first?.kind === 'router' && second?.kind === 'router');
  const judge = (programs: World['programs']): readonly string[] =>
    new Proof().load({ ...world, programs }).map(({ invariant }) => invariant.id);
  const mixed = { ...first, ports: { ...first.ports, ...second.ports } };
  assert.ok(judge({ ...world.programs, 'router/v1/h1': mixed }).includes('tenants'));
  const ports = Object.fromEntries(
    Object.entries(first.ports).map(([name, port]) => [name, { ...port, forwarding: true }]),
  );
  assert.ok(judge({ ...world.programs, 'router/v1/h1': { ...first, ports } }).includes('spoofing'));
  const fabric = world.programs['switch'];
  assert.ok(fabric?.kind === 'switch');
  const all = {
    access: 'allow',
    protocol: 'any',
    source: 'any',
    target: 'any',
    sourcePorts: [],
    targetPorts: [],
    because: 'x',
  } as const;
  const leaky = { ...fabric, filter: { rules: { '0000/all': all, ...fabric.filter.rules } } };
  assert.deepEqual([...new Set(judge({ ...world.programs, switch: leaky }))].sort(), ['infrastructure', 'tenants']);
  const { edge } = world.programs;
  assert.ok(edge?.kind === 'edge');
  assert.ok(judge({ ...world.programs, edge: { ...edge, bogons: [] } }).includes('spoofing'));
});

test('appliances that send to each other in circles are found', () => {
  const loops: Invariant = { ...about, id: 'loops', kind: 'loops' };
  const circle = (back: string) => (build: Build) => {
    addRoutes(build, 'one', [['r', '203.0.113.0/24', 'VirtualAppliance', '10.0.8.4']]);
    addRoutes(build, 'two', [['r', back, 'VirtualAppliance', '10.0.9.4']]);
    addSubnet(build, 'a/hub', [['10.0.9.0/24'], { routeTable: 'one' }]);
    addSubnet(build, 'a/hub2', [['10.0.8.0/24'], { routeTable: 'two' }]);
    addNic(build, 'nva2', { subnet: 'a/hub2', addresses: ['10.0.8.4'], forwarding: true });
  };
  assert.deepEqual(broken(loops, { more: circle('198.51.100.0/24') }), []);
  assert.equal(broken(loops, { more: circle('203.0.113.128/25') }).length, 1);
});

test('a change is refused for what it newly breaks; what stood is a finding, and a new demand refuses nothing', () => {
  const view = viewOf(buildOf({ rules: [['web', 100, 'In', 'Allow', 'Tcp', 'Internet', '*', '443']] }));
  const memo = new CompileMemo();
  const proof = new Proof();
  assert.deepEqual(proof.load(worldOf(view, baseline, memo)), []);
  const put = (row: RuleRow): void => {
    const { resources } = buildOf({ rules: [row] });
    const id = idOf(`networkSecurityGroups/g/securityRules/${row[0]}`);
    const after = resources.get(id.toLowerCase());
    assert.ok(after !== undefined);
    view.commit([{ id, before: view.get(id), after } as never]);
  };
  put(open);
  const judgement = proof.propose(worldOf(view, baseline, memo));
  assert.equal(judgement.refused.length, 1);
  const [breach] = judgement.refused;
  assert.match(
    breach?.says ?? '',
    /^tcp 203\.0\.113\.9:\d+ -> 198\.18\.0\.40:22 \(delivered to 10\.0\.0\.4:22\) breaks/,
  );
  assert.deepEqual(
    breach?.fixes.map(({ kind }) => kind),
    ['narrowRule', 'removeRule', 'detachAddress'],
  );
  const blast = proof.blast();
  assert.deepEqual(
    blast.gained.filter(({ from }) => from.name === 'internet').map(({ services }) => services),
    [['tcp/20-30']],
  );
  assert.equal(blast.lost.length, 0);
  proof.drop();
  // Demanded first by the change itself: told, not refused.
  const fresh = new Proof();
  fresh.load(worldOf(view, [], memo));
  const late = fresh.propose(worldOf(view, baseline, memo));
  assert.deepEqual([late.refused.length, late.noted.length], [0, 1]);
  fresh.keep();
  // Standing now: a change that leaves it as it is passes.
  put(['web', 100, 'In', 'Allow', 'Tcp', 'Internet', '*', '8443']);
  const calm = fresh.propose(worldOf(view, baseline, memo));
  assert.deepEqual([calm.refused.length, calm.noted.length], [0, 0]);
  fresh.keep();
  assert.equal(fresh.standing().length, 1);
});

test('unchanged: a write may make possible what is declared, and nothing else', () => {
  const declared: Invariant = {
    ...about,
    id: 'u',
    kind: 'unchanged',
    declared: [
      {
        from: [internet, { kind: 'operator' }],
        to: [scope('networkInterfaces/web')],
        services: [{ protocol: 'tcp', ports: [[443, 443]] }],
      },
    ],
  };
  const judge = (row: RuleRow): number => {
    const proof = new Proof();
    proof.load(worldOf(viewOf(buildOf()), [declared]));
    return proof.propose(worldOf(viewOf(buildOf({ rules: [row] })), [declared])).refused.length;
  };
  assert.equal(judge(['web', 100, 'In', 'Allow', 'Tcp', 'Internet', '*', '443']), 0);
  assert.equal(judge(['web', 100, 'In', 'Allow', 'Tcp', 'Internet', '*', '80']), 1);
});
