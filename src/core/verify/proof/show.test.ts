/** Witnesses are sent as the sender must send them: to a frontend where the target itself may not be asked, from a source port that may. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import type { Invariant, Parties } from '#verify/invariant/invariant.ts';
import { Proof } from '#verify/proof/proof.ts';
import {
  addBalancer,
  addNic,
  addNsg,
  addPublicIp,
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

const nic = (name: string): Parties => ({ kind: 'scope', ids: [idOf(`networkInterfaces/${name}`).toLowerCase()] });
const apart: Invariant = {
  id: 'apart',
  kind: 'never',
  title: 'apart',
  effect: 'deny',
  owner: 'operator',
  exclude: [],
  from: [nic('x')],
  to: [nic('y')],
  services: [{ protocol: 'tcp', ports: [[22, 22]] }],
  exceptFrom: [],
  exceptTo: [],
};

function witnesses(build: Build): readonly string[] {
  const view = viewOf(build);
  const programs = compileStamp(view, labStamp, new CompileMemo());
  const breaches = new Proof().load({ programs, estate: testEstate(view, labStamp), invariants: [apart] });
  return breaches.map(
    ({ witness: { packet } = assert.fail() }) => `${packet.sourcePort} > ${packet.target}:${packet.targetPort}`,
  );
}

function pair(outbound: readonly RuleRow[], more: (build: Build) => void): Build {
  const build = newBuild();
  addNsg(build, 'out', outbound);
  for (const [index, name] of ['a', 'b'].entries()) {
    addVnet(build, name, [`10.${index}.0.0/16`]);
    addSubnet(build, `${name}/s`, [[`10.${index}.0.0/24`]]);
  }
  more(build);
  return build;
}

test('what may not be asked of the target is asked of the frontend that leads there', () => {
  const build = pair([['direct', 100, 'Out', 'Deny', 'Tcp', '*', '10.0.0.5', '22']], (made) => {
    addBalancer(made, 'lb', {
      subnet: 'a/s',
      address: '10.0.0.200',
      rules: [{ frontendPort: 0, backendPort: 0, protocol: 'All' }],
    });
    addNic(made, 'x', { subnet: 'a/s', addresses: ['10.0.0.4'], nsg: 'out' });
    addNic(made, 'y', { subnet: 'a/s', addresses: [{ address: '10.0.0.5', pools: ['lb/pool'] }] });
  });
  assert.deepEqual(witnesses(build), ['50000 > 10.0.0.200:22']);
});

test('what comes back in by the boundary was sent from a source port that the sender may use', () => {
  const build = pair([['high', 100, 'Out', 'Deny', 'Tcp', '*', '*', '*']], (made) => {
    addPublicIp(made, 'p', ['198.18.0.40']);
    addPublicIp(made, 'q', ['198.18.0.41']);
    addNic(made, 'x', { subnet: 'a/s', addresses: [{ address: '10.0.0.4', publicIp: 'q' }], nsg: 'out' });
    addNic(made, 'y', { subnet: 'b/s', addresses: [{ address: '10.1.0.4', publicIp: 'p' }] });
  });
  assert.deepEqual(witnesses(build), []);
  const shared = pair([], (made) => {
    addPublicIp(made, 'p', ['198.18.0.40']);
    addNic(made, 'x', { subnet: 'a/s', addresses: ['10.0.0.4'], nsg: 'narrow' });
    addNic(made, 'y', { subnet: 'b/s', addresses: [{ address: '10.1.0.4', publicIp: 'p' }] });
    addNsg(made, 'narrow', [['high', 100, 'Out', 'Deny', 'Tcp', '*', '*', '22', '40000-60000']]);
  });
  const [shown] = witnesses(shared);
  assert.match(shown ?? '', /^\d+ > 198\.18\.0\.40:22$/);
  assert.ok(Number.parseInt(shown ?? '', 10) < 40_000 || Number.parseInt(shown ?? '', 10) > 60_000, shown);
});
