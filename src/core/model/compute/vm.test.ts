/** Virtual machines, disks, availability sets and extensions: credentials, placement, attachment. */

import { deepEqual, equal, match, ok, throws } from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { guestsPerStampMax } from '#base/limits.ts';
import { group, makeWorld, net, nicBody, outcome, refusalOf, withVnet, type World } from '#model/test-world.ts';
import { passwordFault, sshKeyFault, userNameFault } from '#model/compute/credentials.ts';
import { imageOf, offers, publishers, skus, versions } from '#model/compute/image.ts';
import { hashPassword, isPasswordOf } from '#model/compute/password-hash.ts';
import { instanceView, setPower, vm } from '#model/compute/vm.ts';
import { testStamp } from '#model/test-world.ts';

const compute = (path: string) => `${group}/providers/Microsoft.Compute/${path}`;
const vm1 = compute('virtualMachines/vm1');
const secret = 'Harbour-Lantern-42';
const ed25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPCz+3J4bm8xUPvP1mN7LfEwq3o0VxkVnZ0rC2gJm4eT me@here';

function body(more: JsonObject = {}, nic = 'n1'): JsonObject {
  const properties = {
    hardwareProfile: { vmSize: 'Standard_D2s_v5' },
    storageProfile: {
      imageReference: { publisher: 'Ringwall', offer: 'lab', sku: 'tiny', version: 'latest' },
      osDisk: { createOption: 'fromImage' },
    },
    osProfile: { computerName: 'vm1', adminUsername: 'azureuser', adminPassword: secret },
    networkProfile: { networkInterfaces: [{ id: net(`networkInterfaces/${nic}`) }] },
    ...more,
  };
  return { properties };
}

function prepared(nics = 2): World {
  const world = withVnet(makeWorld());
  for (let n = 1; n <= nics; n += 1) world.put(net(`networkInterfaces/n${n}`), nicBody());
  return world;
}

const os = (more: JsonObject) =>
  body({ osProfile: { computerName: 'vm1', adminUsername: 'azureuser', adminPassword: secret, ...more } });
const image = (...[publisher, offer, sku, version = 'latest']: string[]) =>
  body({ storageProfile: { imageReference: { publisher, offer, sku, version } } });
const ssh = (keyData: string, path = '/home/azureuser/.ssh/authorized_keys') =>
  os({
    adminPassword: undefined,
    linuxConfiguration: { disablePasswordAuthentication: true, ssh: { publicKeys: [{ path, keyData }] } },
  });
const at = '/properties/';

// Each row: a machine's body and the outcome of its PUT.
const rows: [JsonObject, string][] = [
  [body(), 'ok'],
  [body({ hardwareProfile: { vmSize: 'standard_a2' } }), 'ok'],
  [body({ hardwareProfile: { vmSize: 'Huge' } }), `InvalidParameter ${at}hardwareProfile/vmSize`],
  [body({ osProfile: undefined }), `InvalidParameter ${at}osProfile`],
  [os({ adminUsername: 'root' }), `InvalidParameter ${at}osProfile/adminUsername`],
  [os({ adminUsername: 'a b' }), `InvalidParameter ${at}osProfile/adminUsername`],
  [os({ adminPassword: 'Password1234!' }), `InvalidParameter ${at}osProfile/adminPassword`],
  [os({ adminPassword: 'short1A!' }), `InvalidParameter ${at}osProfile/adminPassword`],
  [os({ adminPassword: undefined }), `InvalidRequestFormat ${at}osProfile/adminPassword`],
  [os({ customData: 'aGVsbG8=' }), 'ok'],
  [os({ customData: 'hello' }), `InvalidParameter ${at}osProfile/customData`],
  [os({ customData: 'A'.repeat(87_384) }), `InvalidParameter ${at}osProfile/customData`],
  [ssh(ed25519), 'ok'],
  [
    ssh(ed25519, '/root/.ssh/authorized_keys'),
    `InvalidParameter ${at}osProfile/linuxConfiguration/ssh/publicKeys/0/path`,
  ],
  [ssh(`${ed25519}\nssh-rsa AAAA`), `InvalidParameter ${at}osProfile/linuxConfiguration/ssh/publicKeys/0/keyData`],
  [
    os({ linuxConfiguration: { disablePasswordAuthentication: true } }),
    `InvalidParameter ${at}osProfile/linuxConfiguration`,
  ],
  [image('Canonical', 'UbuntuServer', '18.04-LTS'), 'ok'],
  [image('MicrosoftWindowsServer', 'WindowsServer', '2019-Datacenter'), 'ok'],
  [image('Nobody', 'x', 'y'), `PlatformImageNotFound ${at}storageProfile/imageReference`],
  [image('Debian', 'debian-12', '12', '9.9.9'), `PlatformImageNotFound ${at}storageProfile/imageReference`],
  [body({ networkProfile: { networkInterfaces: [] } }), `InvalidRequestFormat ${at}networkProfile/networkInterfaces`],
  [body({}, 'n9'), `InvalidResourceReference ${at}networkProfile/networkInterfaces/0/id`],
  [
    body({
      networkProfile: { networkInterfaces: [{ id: net('networkInterfaces/n1') }, { id: net('networkInterfaces/n2') }] },
    }),
    `VirtualMachineMustHaveOneNetworkInterfaceAsPrimary ${at}networkProfile/networkInterfaces`,
  ],
  [
    body({
      networkProfile: {
        networkInterfaces: [
          { id: net('networkInterfaces/n1'), properties: { primary: true } },
          { id: net('networkInterfaces/n2'), properties: { primary: false } },
          { id: net('networkInterfaces/n3') },
        ],
      },
    }),
    `NetworkInterfaceCountExceeded ${at}networkProfile/networkInterfaces`,
  ],
  [body({ securityProfile: { securityType: 'TrustedLaunch' } }), `InvalidParameter ${at}securityProfile/securityType`],
  [body({ securityProfile: { encryptionAtHost: false } }), 'ok'],
  [{ ...body(), identity: { type: 'SystemAssigned' } }, 'InvalidParameter /identity'],
  [
    body({ availabilitySet: { id: compute('availabilitySets/none') } }),
    `InvalidResourceReference ${at}availabilitySet/id`,
  ],
];

test('a machine body is accepted or refused with its code and place', () => {
  for (const [stated, expected] of rows)
    equal(
      outcome(() => prepared(3).put(vm1, stated)),
      expected,
      JSON.stringify(stated).slice(0, 400),
    );
});

test('[S1.10] secrets are never shown, and the password is kept as a hash only', () => {
  const world = prepared();
  world.put(vm1, os({ customData: 'aGVsbG8=' }));
  const shown = JSON.stringify(world.show(vm1));
  const kept = JSON.stringify(world.get(vm1));
  ok(!shown.includes(secret) && !shown.includes('aGVsbG8=') && !shown.includes('$6$'));
  ok(!kept.includes(secret));
  match(String(world.get(vm1).internal?.['adminPasswordHash']), /^\$6\$/);
  ok(isPasswordOf(secret, String(world.get(vm1).internal?.['adminPasswordHash'])));
});

test('the hash is the one that shadow files use', () => {
  equal(
    hashPassword('Hello world!', 'saltstring'),
    '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
  );
  equal(isPasswordOf('Hello world?', hashPassword('Hello world!', 'saltstring')), false);
});

test('[S1.10] weak and well-known credentials are refused', () => {
  for (const weak of [
    'P@ssw0rd1234!',
    'Password1234',
    'aaaaaaaaaaaa1A!',
    'onlylowercase',
    'Azureuser-2024',
    'Welcome@2025!!',
    'ChangeMe-123456',
    `Tab\tHarbour-4242`,
    'x'.repeat(73),
  ]) {
    ok(passwordFault(weak, 'azureuser') !== undefined, weak);
  }
  for (const good of [secret, 'correct-Horse7battery', 'Tr0mbone.Quay.Ivory'])
    equal(passwordFault(good, 'azureuser'), undefined);
  for (const name of ['admin', 'ROOT', 'guest', '1', 'a', 'www-data', 'x y', '-x'])
    ok(userNameFault(name) !== undefined, name);
  equal(userNameFault('azureuser'), undefined);
  equal(sshKeyFault(ed25519), undefined);
  ok(sshKeyFault('ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQDB') !== undefined);
  ok(sshKeyFault('command="x" ssh-ed25519 AAAA') !== undefined);
  ok(sshKeyFault(ed25519.replace('ssh-ed25519 ', 'ssh-rsa ')) !== undefined);
});

/** An RSA key of so many bits, as far as its outside goes. */
function rsaKey(bits: number): string {
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, bytes.length >> 8, bytes.length & 255]), bytes]);
  const modulus = Buffer.concat([Buffer.from([0]), Buffer.alloc(bits / 8, 0xc1)]);
  return `ssh-rsa ${Buffer.concat([Buffer.from('ssh-rsa'), Buffer.from([1, 0, 1]), modulus].map(field)).toString('base64')} me`;
}

test('[S1.10] RSA keys have at least 2048 bits', () => {
  deepEqual(
    [1024, 2040, 2048, 4096].map((bits) => sshKeyFault(rsaKey(bits)) === undefined),
    [false, false, true, true],
  );
});

test('a machine is written again without its secrets, and nothing of it can change that must not', () => {
  const world = prepared();
  world.put(vm1, body());
  const before = world.get(vm1);
  const { properties } = world.show(vm1) as { properties: JsonObject };
  equal(
    outcome(() => world.put(vm1, { properties })),
    'ok',
  );
  deepEqual(world.get(vm1).internal, before.internal);
  deepEqual(world.get(vm1).properties, before.properties);
  equal(
    outcome(() => world.put(vm1, body())),
    'ok',
  );
  equal(
    outcome(() => world.put(vm1, os({ adminPassword: 'Another-Lantern-42' }))),
    'PropertyChangeNotAllowed /properties/osProfile/adminPassword',
  );
  equal(
    outcome(() => world.put(vm1, os({ adminUsername: 'other' }))),
    'PropertyChangeNotAllowed /properties/osProfile/adminUsername',
  );
  equal(
    outcome(() => world.put(vm1, image('Debian', 'debian-12', '12'))),
    'PropertyChangeNotAllowed /properties/storageProfile/imageReference',
  );
  equal(
    outcome(() => world.put(vm1, body({}, 'n2'))),
    'AddingOrDeletingNetworkInterfacesOnARunningVirtualMachineNotSupported /properties/networkProfile/networkInterfaces',
  );
  setPower(world.get(vm1), 'deallocated', world);
  equal(
    outcome(() => world.put(vm1, body({}, 'n2'))),
    'ok',
  );
  const patched = vm.patch?.(
    world.get(vm1),
    { tags: { a: 'b' }, properties: { hardwareProfile: { vmSize: 'Standard_B2s' } } },
    world.draft,
    world.context,
  );
  deepEqual([patched?.tags, patched?.properties['hardwareProfile']], [{ a: 'b' }, { vmSize: 'Standard_B2s' }]);
});

test('a NIC in use is held, shown with its machine, and free when the machine is gone', () => {
  const world = prepared();
  const n1 = net('networkInterfaces/n1');
  world.put(vm1, body());
  deepEqual(world.properties(n1)['virtualMachine'], { id: vm1 });
  equal(world.properties(n1)['primary'], true);
  equal(
    outcome(() => world.remove(n1)),
    `NicInUse ${n1}`,
  );
  equal(
    outcome(() => world.put(compute('virtualMachines/vm2'), body())),
    'NicInUse /properties/networkProfile/networkInterfaces',
  );
  world.remove(vm1);
  equal(
    outcome(() => world.remove(n1)),
    'ok',
  );
});

test('a machine is refused while no host of the stamp takes any', () => {
  const world = withVnet(makeWorld({ hosts: ['h1', 'h2'], remoteHosts: ['h1', 'h2'] }));
  world.put(net('networkInterfaces/n1'), nicBody());
  const refusal = refusalOf(() => world.put(vm1, body()));
  deepEqual([refusal?.code, refusal?.status], ['AllocationFailed', 409]);
});

test('machines are spread over hosts, and apart within an availability set', () => {
  const world = prepared(6);
  const set = compute('availabilitySets/as1');
  world.put(set, { sku: { name: 'Aligned' } });
  const host = (n: number, more: JsonObject = {}) =>
    world.put(compute(`virtualMachines/m${n}`), body(more, `n${n}`)).internal;
  const placed = [
    host(1),
    host(2, { availabilitySet: { id: set } }),
    host(3, { availabilitySet: { id: set } }),
    host(4),
    host(5),
  ];
  deepEqual(
    placed.map((one) => one?.['host']),
    ['h1', 'h2', 'h1', 'h2', 'h1'],
  );
  deepEqual(
    placed.map((one) => one?.['key']),
    ['g1', 'g2', 'g3', 'g4', 'g5'],
  );
  equal(
    outcome(() => world.remove(set)),
    `OperationNotAllowed ${set}`,
  );
  world.remove(compute('virtualMachines/m2'));
  equal(host(6)?.['slot'], 2);
});

test('disks are made with the machine, held by it, and stay or go as asked', () => {
  const world = prepared();
  const storageProfile = {
    imageReference: { publisher: 'Ringwall', offer: 'lab', sku: 'tiny', version: 'latest' },
    osDisk: { name: 'os1', createOption: 'FromImage', deleteOption: 'Delete' },
    dataDisks: [{ lun: 0, name: 'data1', createOption: 'Empty', diskSizeGB: 10 }],
  };
  world.put(vm1, body({ storageProfile }));
  const data = compute('disks/data1');
  equal(world.properties(data)['diskState'], 'Attached');
  equal(
    outcome(() => world.remove(data)),
    `OperationNotAllowed ${data}`,
  );
  world.remove(vm1);
  equal(world.draft.get(compute('disks/os1')), undefined);
  equal(world.properties(data)['diskState'], 'Unattached');
  const twice = {
    ...storageProfile,
    dataDisks: [
      { lun: 0, diskSizeGB: 1 },
      { lun: 0, diskSizeGB: 1 },
    ],
  };
  equal(
    outcome(() => world.put(vm1, body({ storageProfile: twice }))),
    'InvalidParameter /properties/storageProfile/dataDisks/1/lun',
  );
});

test('the instance view tells power, and the image that stands in for another', () => {
  const world = prepared();
  world.put(vm1, image('Canonical', 'UbuntuServer', '18.04-LTS'));
  const codes = (resource = world.get(vm1)) =>
    (instanceView(resource)['statuses'] as { code: string }[]).map(({ code }) => code);
  deepEqual(codes(), ['ProvisioningState/succeeded', 'PowerState/running', 'ImageState/substituted']);
  deepEqual(codes(setPower(world.get(vm1), 'stopped', world)).slice(1, 2), ['PowerState/stopped']);
});

test('the image catalog lists what can be named, stand-ins in labs only', () => {
  const host = { ...testStamp, profile: 'host' as const };
  deepEqual(publishers(host), ['Ringwall', 'Debian']);
  ok(publishers(testStamp).includes('Canonical'));
  ok(offers(testStamp, 'canonical').includes('UbuntuServer'));
  ok(skus(testStamp, ['Canonical', 'UbuntuServer']).includes('18.04-LTS'));
  deepEqual(versions(testStamp, ['Canonical', 'anything', 'else']), ['1.0.0']);
  deepEqual(versions(host, ['Canonical', 'UbuntuServer', '18.04-LTS']), []);
  equal(imageOf({ publisher: 'debian', offer: 'Debian-12', sku: '12', version: '1.0' }, host)?.guest, 'debian-12');
});

test('an extension keeps its protected settings to itself', () => {
  const world = prepared();
  world.put(vm1, body());
  const id = `${vm1}/extensions/script`;
  const stated = {
    publisher: 'Microsoft.Azure.Extensions',
    type: 'CustomScript',
    typeHandlerVersion: '2.1',
    settings: { a: 1 },
    protectedSettings: { commandToExecute: 'hidden words' },
  };
  world.put(id, { properties: stated });
  ok(!JSON.stringify([world.show(id), world.show(vm1)]).includes('hidden words'));
  deepEqual(world.get(id).internal, { protectedSettings: { commandToExecute: 'hidden words' } });
  equal(
    outcome(() => world.put(id, { properties: { ...stated, publisher: undefined } })),
    'InvalidRequestFormat /properties/publisher',
  );
  world.remove(vm1);
  equal(world.draft.get(id), undefined);
});

test('[D4.7] the machine beyond the last slot of the stamp is refused as a quota, and a freed slot is given anew', () => {
  const world = prepared(2);
  const first = world.put(vm1, body());
  for (let slot = 2; slot <= guestsPerStampMax; slot += 1)
    world.draft.put({ ...first, id: compute(`virtualMachines/m${slot}`), name: `m${slot}`, internal: { slot } });
  const full = world.settled();
  throws(() => full.put(compute('virtualMachines/more'), body({}, 'n2')), {
    name: 'Refusal',
    code: 'OperationNotAllowed',
    status: 409,
    message: /Current Limit: 511, Current Usage: 511/,
  });
  equal(
    outcome(() => full.put(vm1, body())),
    'ok',
    'one that is there is no further one',
  );
  full.draft.delete(compute('virtualMachines/m300'));
  equal(full.put(compute('virtualMachines/more'), body({}, 'n2')).internal?.['slot'], 300);
});
