/** Shows where packets go: routes, appliances, peerings, and tenants that share addresses. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addNic, addPeering, addPublicIp, addRoutes, addSubnet, addVnet, newBuild } from '#test/generate/build.ts';
import { checkFlows, programsOf } from '#test/generate/flow.ts';

test('[S1.6] routes: the longest prefix, then the user’s over the system’s; every type of next hop', () => {
  const build = newBuild();
  addVnet(build, 'a', ['10.0.0.0/16', 'fd00::/48']);
  addRoutes(build, 'rt', [
    ['nva', '0.0.0.0/0', 'VirtualAppliance', '10.0.9.4'],
    ['none', '203.0.113.0/25', 'None'],
    ['net', '203.0.113.64/26', 'Internet'],
    ['gw', '198.51.100.0/24', 'VirtualNetworkGateway'],
    ['inside', '10.0.2.0/24', 'VirtualAppliance', '10.0.9.4'],
    ['back', '10.0.2.128/25', 'VnetLocal'],
    ['lame', '10.0.3.0/24', 'VirtualAppliance', '10.0.2.4'],
    ['gone', '10.0.4.0/24', 'VirtualAppliance', '10.0.2.99'],
    ['label', '100.64.0.0/16', 'Internet'],
  ]);
  addSubnet(build, 'a/s', [['10.0.1.0/24', 'fd00::/64'], { routeTable: 'rt' }]);
  addSubnet(build, 'a/t', [['10.0.2.0/24']]);
  addSubnet(build, 'a/nva', [['10.0.9.0/24']]);
  addNic(build, 'client', { subnet: 'a/s', addresses: ['10.0.1.4', 'fd00::4'] });
  addNic(build, 'near', { subnet: 'a/t', addresses: ['10.0.2.4'] });
  addNic(build, 'far', { subnet: 'a/t', addresses: ['10.0.2.200'], host: 'h2' });
  addPublicIp(build, 'pip', ['198.18.0.40']);
  addNic(build, 'nva', {
    subnet: 'a/nva',
    addresses: [{ address: '10.0.9.4', publicIp: 'pip' }],
    host: 'h2',
    forwarding: true,
  });
  checkFlows(programsOf(build), [
    [1, 'tcp 10.0.1.4 > 8.8.8.8:80', 'nic 4 10.0.1.4 > 8.8.8.8:80'],
    [1, 'tcp 10.0.1.4 > 203.0.113.1:80', 'udr/rt/none'],
    [1, 'tcp 10.0.1.4 > 203.0.113.64:80', 'internet 198.18.0.16 > 203.0.113.64:80'],
    [1, 'tcp 10.0.1.4 > 203.0.113.128:80', 'nic 4 10.0.1.4 > 203.0.113.128:80'],
    [1, 'tcp 10.0.1.4 > 198.51.100.1:80', 'udr/rt/gw: the virtual network has no gateway'],
    [1, 'tcp 10.0.1.4 > 10.0.2.4:80', 'nic 4 10.0.1.4 > 10.0.2.4:80'],
    [1, 'tcp 10.0.1.4 > 10.0.2.200:80', 'nic 3 10.0.1.4 > 10.0.2.200:80'],
    [1, 'tcp 10.0.1.4 > 10.0.3.4:80', 'udr/rt/lame: the NIC of 10.0.2.4 does not forward'],
    [1, 'tcp 10.0.1.4 > 10.0.4.4:80', 'udr/rt/gone: no NIC has 10.0.2.99'],
    [1, 'tcp 10.0.1.4 > 100.64.0.3:80', 'switch/closed-out'],
    // The user's table is of IPv4 only: IPv6 goes past the appliance.
    [1, 'tcp [fd00::4] > [2001:db8:ffff::1]:80', 'translate: fd52:5700::2 has no way out'],
    // What the appliance sends on is judged as its own: to the target, or out, when it has translated the source.
    [4, 'tcp 10.0.1.4 > 10.0.2.4:80', 'nic 2 10.0.1.4 > 10.0.2.4:80'],
    [4, 'tcp 10.0.1.4 > 8.8.8.8:80', 'translate: 10.0.1.4 is not an address of the NIC'],
    [4, 'tcp 10.0.9.4 > 8.8.8.8:80', 'internet 198.18.0.40 > 8.8.8.8:80'],
    // The resolver answers whoever asks for itself, past every route; it knows no sender that an appliance stands in for.
    [1, 'udp 10.0.1.4 > 168.63.129.16:53', 'infra 100.64.0.1 > 10.255.0.53:53'],
    [4, 'udp 10.0.1.4 > 168.63.129.16:53', 'translate: 10.0.1.4 is not an address of the NIC'],
    [4, 'tcp 127.0.0.1 > 10.0.2.4:80', 'spoof: 127.0.0.1 may not be forwarded'],
    [4, 'tcp 10.0.9.1 > 10.0.2.4:80', 'spoof: 10.0.9.1 may not be forwarded'],
    [4, 'tcp 168.63.129.16 > 10.0.2.4:80', 'spoof: 168.63.129.16 may not be forwarded'],
  ]);
});

test('a user’s route widens VirtualNetwork only when it has nothing of the internet', () => {
  const build = newBuild();
  addVnet(build, 'a', ['10.0.0.0/16']);
  addRoutes(build, 'rt', [
    ['default', '0.0.0.0/0', 'None'],
    ['half', '128.0.0.0/1', 'None'],
    ['hq', '172.16.0.0/12', 'None'],
  ]);
  addSubnet(build, 'a/s', [['10.0.0.0/24'], { routeTable: 'rt' }]);
  addNic(build, 'one', { subnet: 'a/s', addresses: ['10.0.0.4'] });
  const router = programsOf(build)['router/v1/h1'];
  assert.ok(router?.kind === 'router');
  assert.deepEqual(router.sets['vnet'], ['10.0.0.0/16', '168.63.129.16/32', '172.16.0.0/12']);
});

test('[S1.4] peering needs both sides and access, is not transitive, and takes forwarded packets only when told', () => {
  const build = newBuild();
  for (const [index, name] of ['a', 'b', 'c', 'd', 'e'].entries()) {
    addVnet(build, name, [`10.${index}.0.0/16`]);
    if (name === 'a')
      addRoutes(build, 'rt', [
        ['nva', '10.9.0.0/16', 'VirtualAppliance', '10.1.0.9'],
        ['nvb', '10.8.0.0/16', 'VirtualAppliance', '10.1.0.4'],
      ]);
    addSubnet(build, `${name}/s`, [[`10.${index}.0.0/24`], name === 'a' ? { routeTable: 'rt' } : {}]);
    addNic(build, name, { subnet: `${name}/s`, addresses: [`10.${index}.0.4`], host: index % 2 === 0 ? 'h1' : 'h2' });
  }
  addNic(build, 'nva', { subnet: 'b/s', addresses: ['10.1.0.9'], host: 'h2', forwarding: true });
  addNic(build, 'nva-a', { subnet: 'a/s', addresses: ['10.0.0.9'], forwarding: true });
  addPeering(build, ['a', 'b']);
  addPeering(build, ['b', 'a']);
  addPeering(build, ['b', 'c'], { allowForwardedTraffic: true });
  addPeering(build, ['c', 'b'], { allowForwardedTraffic: true });
  addPeering(build, ['a', 'd']);
  addPeering(build, ['a', 'e']);
  addPeering(build, ['e', 'a'], { allowVirtualNetworkAccess: false });
  checkFlows(programsOf(build), [
    [1, 'tcp 10.0.0.4 > 10.1.0.4:80', 'nic 2 10.0.0.4 > 10.1.0.4:80'],
    [2, 'tcp 10.1.0.4 > 10.0.0.4:80', 'nic 1 10.1.0.4 > 10.0.0.4:80'],
    [2, 'tcp 10.1.0.4 > 10.2.0.4:80', 'nic 3 10.1.0.4 > 10.2.0.4:80'],
    [1, 'tcp 10.0.0.4 > 10.2.0.4:80', 'system/private'],
    [1, 'tcp 10.0.0.4 > 10.3.0.4:80', 'system/private'],
    [1, 'tcp 10.0.0.4 > 10.4.0.4:80', 'system/private'],
    [1, 'tcp 10.0.0.4 > 10.1.0.200:80', 'peering/to-b: no NIC has 10.1.0.200'],
    [1, 'tcp 10.0.0.4 > 10.9.0.1:80', 'nic 6 10.0.0.4 > 10.9.0.1:80'],
    [1, 'tcp 10.0.0.4 > 10.8.0.1:80', 'udr/rt/nvb: the NIC of 10.1.0.4 does not forward'],
    [6, 'tcp 10.0.0.4 > 10.2.0.4:80', 'nic 3 10.0.0.4 > 10.2.0.4:80'],
    [7, 'tcp 10.2.0.4 > 10.1.0.4:80', 'peer/v1: forwarded traffic is not accepted'],
  ]);
});

test('[S1.4] two tenants with the same addresses never meet', () => {
  const build = newBuild();
  for (const name of ['a', 'b']) {
    addVnet(build, name, ['10.0.0.0/16']);
    addSubnet(build, `${name}/s`, [['10.0.0.0/24']]);
    addNic(build, `${name}1`, { subnet: `${name}/s`, addresses: ['10.0.0.4'] });
    addNic(build, `${name}2`, { subnet: `${name}/s`, addresses: ['10.0.0.5'], host: 'h2' });
  }
  checkFlows(programsOf(build), [
    [1, 'tcp 10.0.0.4 > 10.0.0.5:80', 'nic 2 10.0.0.4 > 10.0.0.5:80'],
    [3, 'tcp 10.0.0.4 > 10.0.0.5:80', 'nic 4 10.0.0.4 > 10.0.0.5:80'],
  ]);
});
