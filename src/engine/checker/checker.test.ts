/** The checker: it finds a planted violation that nobody told of, is content when it was told, and sees an invented witness. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { check, type Claim } from '#engine/checker/checker.ts';
import { estateOf } from '#engine/proof/estate.ts';
import type { Programs } from '#program/program.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';
import {
  addNic,
  addNsg,
  addPublicIp,
  addRoutes,
  addSubnet,
  addVnet,
  idOf,
  labStamp,
  newBuild,
  viewOf,
} from '#test/generate/build.ts';

const about = { title: 't', effect: 'deny', owner: 'baseline', exclude: [] } as const;
const ssh: Invariant = {
  ...about,
  id: 'ssh',
  kind: 'never',
  from: [{ kind: 'internet' }],
  to: [{ kind: 'nics' }],
  services: [{ protocol: 'tcp', ports: [[22, 22]] }],
  exceptFrom: [],
  exceptTo: [],
};

/** Two networks; `web` has a public address and an NSG; `app` goes out by itself or through the appliance. */
function claimOf(invariants: readonly Invariant[], options: { open?: boolean; routed?: boolean } = {}): Claim {
  const build = newBuild();
  addNsg(build, 'g', [['r', 100, 'In', 'Allow', 'Tcp', 'Internet', '*', options.open === true ? '20-30' : '443']]);
  addVnet(build, 'a', ['10.0.0.0/16']);
  addVnet(build, 'b', ['10.1.0.0/16']);
  addRoutes(build, 't', options.routed === true ? [['out', '0.0.0.0/0', 'VirtualAppliance', '10.0.9.4']] : []);
  addSubnet(build, 'a/s', [['10.0.0.0/24'], { nsg: 'g' }]);
  addSubnet(build, 'a/app', [['10.0.1.0/24'], { routeTable: 't' }]);
  addSubnet(build, 'a/hub', [['10.0.9.0/24']]);
  addSubnet(build, 'b/s', [['10.1.0.0/24']]);
  addPublicIp(build, 'p', ['198.18.0.40', 'Standard']);
  addNic(build, 'web', { subnet: 'a/s', addresses: [{ address: '10.0.0.4', publicIp: 'p' }] });
  addNic(build, 'app', { subnet: 'a/app', addresses: ['10.0.1.4'] });
  addNic(build, 'nva', { subnet: 'a/hub', addresses: ['10.0.9.4'], forwarding: true });
  addNic(build, 'other', { subnet: 'b/s', addresses: ['10.1.0.4'] });
  const view = viewOf(build);
  const programs = compileStamp(view, labStamp, new CompileMemo());
  return { programs, estate: estateOf(view, labStamp, new CompileMemo()), invariants, told: [] };
}

const scope = (name: string) => ({ kind: 'scope', ids: [idOf(name).toLowerCase()] }) as const;
const via: Invariant = {
  ...about,
  id: 'via',
  kind: 'via',
  from: [scope('virtualNetworks/a/subnets/app')],
  to: [{ kind: 'internet' }],
  through: [scope('networkInterfaces/nva')],
};
const isolated: Invariant = {
  ...about,
  id: 'isolated',
  kind: 'isolated',
  inside: [scope('virtualNetworks/a')],
  except: [],
};
const tenants: Invariant = { ...about, id: 'tenants', kind: 'tenants' };
const spoofing: Invariant = { ...about, id: 'spoofing', kind: 'spoofing' };
const infrastructure: Invariant = { ...about, id: 'infrastructure', kind: 'infrastructure' };

const options = { seed: 7, packets: 4000 };

test('a violation that nobody told of is found, and one that was told is not news', () => {
  const open = claimOf([ssh], { open: true });
  const found = check(open, options);
  assert.ok(found.length > 0 && found.every(({ kind, invariant }) => kind === 'missed' && invariant === 'ssh'));
  const [first] = found;
  assert.equal(first?.packet.origin.kind, 'internet');
  assert.deepEqual(check({ ...open, told: [{ invariant: 'ssh', mark: first?.mark }] }, options), []);
  assert.deepEqual(check(claimOf([ssh]), options), []);
});

test('a way out that goes around the appliance is found, whichever kind forbids it', () => {
  assert.ok(check(claimOf([via]), options).length > 0);
  assert.deepEqual(check(claimOf([via], { routed: true }), options), []);
  assert.ok(check(claimOf([isolated]), options).length > 0);
});

test('a compiler that joins two networks contradicts the estate', () => {
  const claim = claimOf([tenants, spoofing, infrastructure]);
  assert.deepEqual(check(claim, options), []);
  const routers = Object.entries(claim.programs).filter(([, program]) => program.kind === 'router');
  const [[point, router] = ['', undefined]] = routers;
  assert.ok(router?.kind === 'router');
  const { other } = { other: Object.values(claim.estate.nics).find(({ nic }) => nic.endsWith('/other')) };
  const foreign = routers.flatMap(([, program]) => (program.kind === 'router' ? Object.values(program.ports) : []));
  const port = foreign.find(({ nic }) => nic.toLowerCase() === other?.nic);
  assert.ok(port !== undefined);
  const joined = { ...router, ports: { ...router.ports, foreign: { ...port, table: 'system' } } };
  const programs = { ...claim.programs, [point]: joined } as Programs;
  const found = check({ ...claim, programs }, { seed: 3, packets: 20_000 });
  assert.ok(found.some(({ invariant }) => invariant === 'tenants'));
});

test('a witness that the oracle treats otherwise is told', () => {
  const claim = claimOf([ssh]);
  const packet = {
    origin: { kind: 'internet' },
    source: '203.0.113.9',
    target: '198.18.0.40',
    protocol: 'tcp',
    sourcePort: 50_000,
    targetPort: 22,
  } as const;
  const told = [{ invariant: 'ssh', mark: 1, witness: { packet, verdict: 'deliver' } }] as const;
  const [found, ...others] = check({ ...claim, told }, { seed: 1, packets: 0 });
  assert.deepEqual([found?.kind, others.length], ['invented', 0]);
});
