/** The estate: whose NICs and networks these are, as the resources say; equal parts keep their identity. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { estateOf } from '#engine/proof/estate.ts';
import { group, makeWorld, net, nicBody, withVnet, type World } from '#model/test-world.ts';
import { canonical } from '#base/json.ts';

function settled(): World {
  const world = withVnet(makeWorld());
  world.put(net('networkSecurityGroups/g'), { properties: { securityRules: [] } });
  world.put(net('networkInterfaces/n1'), nicBody({}, { enableIPForwarding: true }));
  world.put(net('networkInterfaces/n2'), nicBody());
  world.put(`${group}/providers/Microsoft.Compute/virtualMachines/m1`, {
    location: 'local',
    properties: {
      hardwareProfile: { vmSize: 'Standard_B1s' },
      storageProfile: { imageReference: { publisher: 'Debian', offer: 'debian-12', sku: '12', version: 'latest' } },
      osProfile: {
        computerName: 'm1',
        adminUsername: 'someone',
        linuxConfiguration: {
          disablePasswordAuthentication: true,
          ssh: {
            publicKeys: [
              {
                path: '/home/someone/.ssh/authorized_keys',
                keyData: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f',
              },
            ],
          },
        },
      },
      networkProfile: { networkInterfaces: [{ id: net('networkInterfaces/n1') }] },
    },
  });
  return world.settled();
}

test('a NIC of a machine is there with all that it is in; one that hangs on nothing is not', () => {
  const { view, context } = settled();
  const estate = estateOf(view, context.stamp, new CompileMemo());
  const [nic, ...others] = Object.values(estate.nics);
  assert.deepEqual(others, []);
  assert.equal(nic?.forwarding, true);
  assert.deepEqual(nic?.addresses.length, 1);
  const names = nic?.scopes.map((scope) => scope.split('/').at(-1));
  assert.deepEqual(names, ['s1', 'rg1', 'v1', 'a', 'm1', 'n1']);
  assert.ok(nic?.scopes.every((scope) => scope === scope.toLowerCase()));
  assert.deepEqual(estate.vnets['v1']?.peered, []);
});

test('what the estate says of addresses, MACs and forwarding is what the programs have', () => {
  const { view, context } = settled();
  const programs = compileStamp(view, context.stamp, new CompileMemo());
  const estate = estateOf(view, context.stamp, new CompileMemo());
  const ports = Object.values(programs).flatMap((program) =>
    program.kind === 'router' ? Object.values(program.ports) : [],
  );
  assert.equal(ports.length, 1);
  for (const { mark, mac, addresses, forwarding } of ports) {
    const known = estate.nics[String(mark)];
    assert.deepEqual([known?.mac, known?.forwarding], [mac, forwarding]);
    assert.deepEqual(known?.addresses.toSorted(), Object.keys(addresses).toSorted());
  }
});

test('a rule changes nothing of it, and a NIC changes itself alone', () => {
  const memo = new CompileMemo();
  const first = settled();
  const before = estateOf(first.view, first.context.stamp, memo);
  first.put(net('networkSecurityGroups/g/securityRules/r'), {
    properties: {
      priority: 100,
      direction: 'Inbound',
      access: 'Deny',
      protocol: '*',
      sourceAddressPrefix: '*',
      sourcePortRange: '*',
      destinationAddressPrefix: '*',
      destinationPortRange: '*',
    },
  });
  const second = first.settled();
  assert.equal(estateOf(second.view, second.context.stamp, memo), before);
  second.put(net('networkInterfaces/n1'), nicBody());
  const third = second.settled();
  const after = estateOf(third.view, third.context.stamp, memo);
  assert.notEqual(after, before);
  assert.equal(after.vnets, before.vnets);
  assert.equal(Object.values(after.nics)[0]?.forwarding, false);
  assert.equal(canonical(after), canonical(estateOf(third.view, third.context.stamp, new CompileMemo())));
});
