/** Shows how packets pass the boundary: published endpoints, outbound translation, what is closed until opened. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addBalancer, addNatGateway, addNic, addPublicIp, addSubnet, addVnet, newBuild } from '#test/generate/build.ts';
import { checkFlows, programsOf } from '#test/generate/flow.ts';
import { twoNics } from '#test/generate/two-nics.ts';

test('[S2.1, S2.22] the published endpoints take whom they are for', () => {
  checkFlows(twoNics([]), [
    ['operator', 'tcp 169.254.64.1 > 198.18.0.5:443', 'infra 169.254.64.1 > 10.255.0.5:443'],
    ['operator', 'tcp 203.0.113.9 > 198.18.0.5:443', "operator: 203.0.113.9 is not on the operator's link"],
    ['internet', 'tcp 203.0.113.9 > 198.18.0.5:443', 'published/adminmanagement: 203.0.113.9 may not connect'],
    ['internet', 'tcp 203.0.113.9 > 198.18.0.4:443', 'infra 203.0.113.9 > 10.255.0.4:443'],
    ['internet', 'tcp 203.0.113.9 > 198.18.0.4:22', 'boundary: 198.18.0.4 is nobody'],
    [1, 'tcp 10.0.0.4 > 198.18.0.4:443', 'infra 198.18.0.16 > 10.255.0.4:443'],
    [1, 'tcp 10.0.0.4 > 198.18.0.5:443', 'published/adminmanagement: 198.18.0.16 may not connect'],
    [1, 'tcp 10.0.0.4 > 10.255.0.4:443', 'system/private'],
  ]);
});

test('[S1.3] outbound goes by NAT gateway, then own address, then load balancer, then the default', () => {
  const build = newBuild();
  addVnet(build, 'a', ['10.0.0.0/16', 'fd00::/48']);
  addSubnet(build, 'a/plain', [['10.0.0.0/24', 'fd00::/64']]);
  addSubnet(build, 'a/gateway', [['10.0.1.0/24'], { natGateway: 'gw' }]);
  addSubnet(build, 'a/closed', [['10.0.2.0/24'], { isClosed: true }]);
  addPublicIp(build, 'pip', ['198.18.0.40']);
  addPublicIp(build, 'pip2', ['198.18.0.41']);
  addPublicIp(build, 'six', ['2001:db8::40']);
  addPublicIp(build, 'gw', ['198.18.0.42', 'Standard']);
  addPublicIp(build, 'lb', ['198.18.0.43']);
  addPublicIp(build, 'std', ['198.18.0.44', 'Standard']);
  addNatGateway(build, 'gw', [['gw']]);
  addBalancer(build, 'lb', { publicIp: 'lb', rules: [{ frontendPort: 80, backendPort: 80 }] });
  addBalancer(build, 'inner', { subnet: 'a/plain', address: '10.0.0.100', sku: 'Standard' });
  addBalancer(build, 'std', { publicIp: 'std', sku: 'Standard', outboundRules: [{ allocatedOutboundPorts: 10_000 }] });
  addNic(build, 'default', { subnet: 'a/plain', addresses: ['10.0.0.4', 'fd00::4'] });
  addNic(build, 'own', {
    subnet: 'a/plain',
    addresses: [
      { address: '10.0.0.5', publicIp: 'pip' },
      { address: 'fd00::5', publicIp: 'six' },
    ],
  });
  addNic(build, 'gateway', { subnet: 'a/gateway', addresses: [{ address: '10.0.1.4', publicIp: 'pip2' }] });
  addNic(build, 'pool', { subnet: 'a/plain', addresses: [{ address: '10.0.0.6', pools: ['lb/pool'] }] });
  addNic(build, 'closed', { subnet: 'a/closed', addresses: ['10.0.2.4'] });
  addNic(build, 'inner', { subnet: 'a/plain', addresses: [{ address: '10.0.0.7', pools: ['inner/pool'] }] });
  addNic(build, 'std1', { subnet: 'a/plain', addresses: [{ address: '10.0.0.8', pools: ['std/pool'] }] });
  addNic(build, 'std2', { subnet: 'a/plain', addresses: [{ address: '10.0.0.9', pools: ['std/pool'] }] });
  const programs = programsOf(build);
  checkFlows(programs, [
    [1, 'tcp 10.0.0.4 > 203.0.113.9:443', 'internet 198.18.0.16 > 203.0.113.9:443'],
    [1, 'icmp 10.0.0.4 > 203.0.113.9', 'internet 198.18.0.16 > 203.0.113.9'],
    [1, 'esp 10.0.0.4 > 203.0.113.9', 'snat/default: only TCP, UDP and ICMP share an address'],
    [1, 'tcp [fd00::4] > [2001:db8:ffff::1]:443', 'translate: fd52:5700::2 has no way out'],
    [2, 'tcp 10.0.0.5 > 203.0.113.9:443', 'internet 198.18.0.40 > 203.0.113.9:443'],
    [2, 'tcp [fd00::5] > [2001:db8:ffff::1]:443', 'internet 2001:db8::40 > 2001:db8:ffff::1:443'],
    [3, 'tcp 10.0.1.4 > 203.0.113.9:443', 'internet 198.18.0.42 > 203.0.113.9:443'],
    ['internet', 'tcp 203.0.113.9 > 198.18.0.41:80', 'nic 3 203.0.113.9 > 10.0.1.4:80'],
    [4, 'tcp 10.0.0.6 > 203.0.113.9:443', 'internet 198.18.0.43 > 203.0.113.9:443'],
    [5, 'tcp 10.0.2.4 > 203.0.113.9:443', 'translate: 100.64.0.7 has no way out'],
    [6, 'tcp 10.0.0.7 > 203.0.113.9:443', 'translate: 100.64.0.8 has no way out'],
    [7, 'tcp 10.0.0.8 > 203.0.113.9:443', 'internet 198.18.0.44 > 203.0.113.9:443'],
    // A hairpin passes the same tables as any internet host, and the target's NSG sees the public source.
    [1, 'tcp 10.0.0.4 > 198.18.0.40:80', 'nic 2 198.18.0.16 > 10.0.0.5:80'],
    [1, 'tcp 10.0.0.4 > 198.18.0.99:80', 'boundary: 198.18.0.99 is nobody'],
  ]);
  const edge = programs['edge'];
  assert.ok(edge?.kind === 'edge');
  assert.deepEqual(edge.blocks['100.64.0.1']?.ports, [1024, 1279]);
  assert.deepEqual(
    [edge.blocks['100.64.0.9']?.ports, edge.blocks['100.64.0.10']?.ports],
    [
      [1024, 11_023],
      [11_024, 21_023],
    ],
  );
});

test('a Standard public address without any NSG is closed to the outside, not to its network', () => {
  const build = newBuild();
  addVnet(build, 'a', ['10.0.0.0/16']);
  addSubnet(build, 'a/s', [['10.0.0.0/24']]);
  addPublicIp(build, 'pip', ['198.18.0.40', 'Standard']);
  addNic(build, 'one', { subnet: 'a/s', addresses: [{ address: '10.0.0.4', publicIp: 'pip' }] });
  addNic(build, 'two', { subnet: 'a/s', addresses: ['10.0.0.5'] });
  checkFlows(programsOf(build), [
    ['internet', 'tcp 203.0.113.9 > 198.18.0.40:80', 'standard-closed/outside'],
    [2, 'tcp 10.0.0.5 > 10.0.0.4:80', 'nic 1 10.0.0.5 > 10.0.0.4:80'],
    [1, 'tcp 10.0.0.4 > 203.0.113.9:80', 'internet 198.18.0.40 > 203.0.113.9:80'],
  ]);
});

test('an outbound rule is for its own protocol; rules of one address never share a port', () => {
  const build = newBuild();
  addVnet(build, 'a', ['10.0.0.0/16']);
  addSubnet(build, 'a/s', [['10.0.0.0/24']]);
  addPublicIp(build, 'std', ['198.18.0.44', 'Standard']);
  addBalancer(build, 'std', {
    publicIp: 'std',
    sku: 'Standard',
    outboundRules: [
      { name: 'streams', protocol: 'Tcp', allocatedOutboundPorts: 64 },
      { name: 'datagrams', protocol: 'Udp', allocatedOutboundPorts: 128 },
    ],
  });
  addPublicIp(build, 'tcp', ['198.18.0.45', 'Standard']);
  addBalancer(build, 'tcp', { publicIp: 'tcp', sku: 'Standard', outboundRules: [{ protocol: 'Tcp' }] });
  addNic(build, 'both', { subnet: 'a/s', addresses: [{ address: '10.0.0.4', pools: ['std/pool'] }] });
  addNic(build, 'second', { subnet: 'a/s', addresses: [{ address: '10.0.0.5', pools: ['std/pool'] }] });
  addNic(build, 'tcp', { subnet: 'a/s', addresses: [{ address: '10.0.0.6', pools: ['tcp/pool'] }] });
  const programs = programsOf(build);
  checkFlows(programs, [
    [1, 'tcp 10.0.0.4 > 203.0.113.9:443', 'internet 198.18.0.44 > 203.0.113.9:443'],
    [1, 'udp 10.0.0.4 > 203.0.113.9:53', 'internet 198.18.0.44 > 203.0.113.9:53'],
    [1, 'icmp 10.0.0.4 > 203.0.113.9', 'translate: 100.64.0.1 has no way out'],
    [3, 'tcp 10.0.0.6 > 203.0.113.9:443', 'internet 198.18.0.45 > 203.0.113.9:443'],
    [3, 'udp 10.0.0.6 > 203.0.113.9:53', 'translate: 100.64.0.3 has no way out'],
    [3, 'icmp 10.0.0.6 > 203.0.113.9', 'translate: 100.64.0.3 has no way out'],
  ]);
  const edge = programs['edge'];
  assert.ok(edge?.kind === 'edge');
  assert.deepEqual(
    Object.entries(edge.blocks).map(([key, { ports, because }]) => [key, ports, because]),
    [
      ['100.64.0.1/tcp', [1024, 1087], 'lb/std/streams'],
      ['100.64.0.1/udp', [1152, 1279], 'lb/std/datagrams'],
      ['100.64.0.2/tcp', [1088, 1151], 'lb/std/streams'],
      ['100.64.0.2/udp', [1280, 1407], 'lb/std/datagrams'],
      ['100.64.0.3/tcp', [1024, 2047], 'lb/tcp/o1'],
    ],
  );
});

test('a rule of a Standard balancer lets its own protocol out, that of a Basic one all', () => {
  const build = newBuild();
  addVnet(build, 'a', ['10.0.0.0/16']);
  addSubnet(build, 'a/s', [['10.0.0.0/24']]);
  addPublicIp(build, 'std', ['198.18.0.44', 'Standard']);
  addPublicIp(build, 'both', ['198.18.0.45', 'Standard']);
  addPublicIp(build, 'basic', ['198.18.0.46']);
  addPublicIp(build, 'out', ['198.18.0.47', 'Standard']);
  const tcp = { frontendPort: 80, backendPort: 80 };
  const udp = { protocol: 'Udp', frontendPort: 53, backendPort: 53 };
  addBalancer(build, 'std', { publicIp: 'std', sku: 'Standard', rules: [tcp] });
  addBalancer(build, 'both', { publicIp: 'both', sku: 'Standard', rules: [tcp, udp] });
  addBalancer(build, 'basic', { publicIp: 'basic', rules: [tcp] });
  addBalancer(build, 'out', { publicIp: 'out', sku: 'Standard', rules: [], outboundRules: [{}] });
  addNic(build, 'std', { subnet: 'a/s', addresses: [{ address: '10.0.0.4', pools: ['std/pool'] }] });
  addNic(build, 'both', { subnet: 'a/s', addresses: [{ address: '10.0.0.5', pools: ['both/pool'] }] });
  addNic(build, 'basic', { subnet: 'a/s', addresses: [{ address: '10.0.0.6', pools: ['basic/pool'] }] });
  addNic(build, 'out', { subnet: 'a/s', addresses: [{ address: '10.0.0.7', pools: ['std/pool', 'out/pool'] }] });
  checkFlows(programsOf(build), [
    [1, 'tcp 10.0.0.4 > 203.0.113.9:443', 'internet 198.18.0.44 > 203.0.113.9:443'],
    [1, 'udp 10.0.0.4 > 203.0.113.9:53', 'translate: 100.64.0.1 has no way out'],
    [1, 'icmp 10.0.0.4 > 203.0.113.9', 'translate: 100.64.0.1 has no way out'],
    [2, 'tcp 10.0.0.5 > 203.0.113.9:443', 'internet 198.18.0.45 > 203.0.113.9:443'],
    [2, 'udp 10.0.0.5 > 203.0.113.9:53', 'internet 198.18.0.45 > 203.0.113.9:53'],
    [2, 'icmp 10.0.0.5 > 203.0.113.9', 'translate: 100.64.0.2 has no way out'],
    [3, 'udp 10.0.0.6 > 203.0.113.9:53', 'internet 198.18.0.46 > 203.0.113.9:53'],
    [3, 'icmp 10.0.0.6 > 203.0.113.9', 'internet 198.18.0.46 > 203.0.113.9'],
    // An outbound rule goes before the rules, for every protocol.
    [4, 'tcp 10.0.0.7 > 203.0.113.9:443', 'internet 198.18.0.47 > 203.0.113.9:443'],
    [4, 'udp 10.0.0.7 > 203.0.113.9:53', 'internet 198.18.0.47 > 203.0.113.9:53'],
  ]);
});

test('two pools behind one frontend get blocks of their own', () => {
  const build = newBuild();
  addVnet(build, 'a', ['10.0.0.0/16']);
  addSubnet(build, 'a/s', [['10.0.0.0/24']]);
  addPublicIp(build, 'lb', ['198.18.0.43']);
  const other = { id: 'loadBalancers/lb/backendAddressPools/other' };
  addBalancer(build, 'lb', {
    publicIp: 'lb',
    rules: [
      { frontendPort: 80, backendPort: 80 },
      { frontendPort: 81, backendPort: 81, backendAddressPool: other },
    ],
  });
  addNic(build, 'one', { subnet: 'a/s', addresses: [{ address: '10.0.0.4', pools: ['lb/pool'] }] });
  addNic(build, 'two', { subnet: 'a/s', addresses: [{ address: '10.0.0.5', pools: ['lb/other'] }] });
  const edge = programsOf(build)['edge'];
  assert.ok(edge?.kind === 'edge');
  assert.deepEqual(
    Object.values(edge.blocks).map(({ address, ports }) => [address, ports]),
    [
      ['198.18.0.43', [1024, 2047]],
      ['198.18.0.43', [2048, 3071]],
    ],
  );
});

test('a guest that calls its own public address is filtered, unless what comes back is the answer to itself', () => {
  checkFlows(twoNics([]), [
    [2, 'tcp 10.0.1.4 > 198.18.0.40:443', 'nsg/sub/DenyAllInBound'],
    [2, 'tcp 10.0.1.4:443 > 198.18.0.40:443', 'nic 2 198.18.0.40 > 10.0.1.4:443'],
    [2, 'udp 10.0.1.4:53 > 198.18.0.40:53', 'nic 2 198.18.0.40 > 10.0.1.4:53'],
    [2, 'icmp 10.0.1.4 > 198.18.0.40', 'nsg/sub/DenyAllInBound'],
    [2, 'ah 10.0.1.4 > 198.18.0.40', 'nic 2 198.18.0.40 > 10.0.1.4'],
  ]);
});

test('[S1.3] each public address of a NIC stands for its own private one', () => {
  const build = newBuild();
  addVnet(build, 'a', ['10.0.0.0/16']);
  addSubnet(build, 'a/s', [['10.0.0.0/24']]);
  addPublicIp(build, 'one', ['198.18.0.40']);
  addPublicIp(build, 'two', ['198.18.0.41']);
  const addresses = [
    { address: '10.0.0.4', publicIp: 'one' },
    { address: '10.0.0.5', publicIp: 'two' },
  ];
  addNic(build, 'both', { subnet: 'a/s', addresses });
  checkFlows(programsOf(build), [
    ['internet', 'tcp 203.0.113.9 > 198.18.0.40:443', 'nic 1 203.0.113.9 > 10.0.0.4:443'],
    ['internet', 'tcp 203.0.113.9 > 198.18.0.41:443', 'nic 1 203.0.113.9 > 10.0.0.5:443'],
    [1, 'tcp 10.0.0.4 > 203.0.113.9:443', 'internet 198.18.0.40 > 203.0.113.9:443'],
    [1, 'tcp 10.0.0.5 > 203.0.113.9:443', 'internet 198.18.0.41 > 203.0.113.9:443'],
  ]);
});
