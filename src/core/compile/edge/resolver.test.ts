/** Shows whose name stands when two machines want it, and that what is no name leaves the resolver's program alone. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { compileResolver } from '#compile/edge/resolver.ts';
import { nicFacts } from '#compile/sdn/nic.ts';
import { hostNameOf } from '#model/compute/host-name.ts';
import type { Resource } from '#model/resource.ts';
import {
  addNic,
  addNsg,
  addRule,
  addSubnet,
  addVnet,
  labStamp,
  newBuild,
  resourceOf,
  viewOf,
} from '#test/generate/build.ts';

/** One machine of one VNet: its computer name, when it was made, and the last number of its address. */
type Machine = readonly [computerName: string, createdAt: string, last: number];

function namesOf(machines: readonly Machine[]): { readonly [name: string]: readonly string[] } {
  const parts = machines.map(([computerName, createdAt, last]) => {
    const nic = resourceOf({
      path: `networkInterfaces/n${last}`,
      properties: {
        ipConfigurations: [
          {
            name: 'ip',
            properties: { privateIPAddress: `10.0.0.${last}`, subnet: { id: 'virtualNetworks/a/subnets/s' } },
          },
        ],
      },
      internal: { mark: last, mac: '02:57:00:00:00:01', labels: { ip: last } },
    });
    const vm: Resource = {
      ...resourceOf({
        path: `virtualMachines/m${last}`,
        properties: { osProfile: { computerName }, networkProfile: { networkInterfaces: [{ id: nic.id }] } },
      }),
      createdAt,
    };
    return { vm, nic: nicFacts(nic, 'h1', 0) };
  });
  const nics = parts.flatMap(({ nic }) => nic ?? []);
  const keys = new Map(nics.map(({ vnet }) => [vnet, 'v1']));
  const program = compileResolver({ nics, vms: parts.map(({ vm }) => vm), publicIps: [], keys, stamp: labStamp });
  assert.deepEqual(Object.keys(program.clients).length, machines.length);
  return program.networks['v1']?.names ?? {};
}

test('the machine that was there first keeps a name, in whatever order they are read', () => {
  const [old, young]: Machine[] = [
    ['db', '2026-01-01T00:00:00.000Z', 9],
    ['DB', '2026-01-02T00:00:00.000Z', 4],
  ];
  assert.ok(old !== undefined && young !== undefined);
  for (const machines of [
    [old, young],
    [young, old],
  ])
    assert.deepEqual(namesOf(machines), { db: ['10.0.0.9'] });
});

test('a computer name becomes one label of letters, digits and inner hyphens, whatever it was', () => {
  const rows: [string, string][] = [
    ['web', 'web'],
    ['Web.Example', 'web-example'],
    ['a"\nlocal-data: "x', 'a--local-data---x'],
    ['-_-', 'guest'],
    ['', 'guest'],
    [`${'a'.repeat(62)}-b`, 'a'.repeat(62)],
  ];
  for (const [given, wanted] of rows) assert.equal(hostNameOf(given), wanted);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (given) => {
      assert.match(hostNameOf(given), /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
    }),
  );
});

test('names that programs ask for by themselves are nobody’s', () => {
  const at = '2026-01-01T00:00:00.000Z';
  const names = namesOf([
    ['wpad', at, 4],
    ['ISATAP', at, 5],
    ['localhost', at, 6],
    ['constructor', at, 7],
  ]);
  assert.deepEqual(names, { constructor: ['10.0.0.7'] });
});

test('a rule of an NSG leaves the resolver’s program the same object', () => {
  const build = newBuild();
  addNsg(build, 'n');
  addVnet(build, 'a', ['10.0.0.0/16']);
  addSubnet(build, 'a/s', [['10.0.0.0/24'], { nsg: 'n' }]);
  addNic(build, 'one', { subnet: 'a/s', addresses: ['10.0.0.4'] });
  const view = viewOf(build);
  const memo = new CompileMemo();
  const before = compileStamp(view, labStamp, memo);
  const rule = addRule(build, 'n', ['web', 100, 'In', 'Allow', 'Tcp', '*', '*', '80']);
  view.commit([{ id: rule.id, after: rule }]);
  const after = compileStamp(view, labStamp, memo);
  assert.notEqual(after['router/v1/h1'], before['router/v1/h1']);
  assert.equal(after['resolver'], before['resolver']);
});
