/** Shows that load balancers spread flows over healthy members only. */

import { test } from 'node:test';
import {
  addBalancer,
  addNic,
  addPeering,
  addPublicIp,
  addSubnet,
  addVnet,
  type Build,
  newBuild,
} from '#test/generate/build.ts';
import { checkFlows, programsOf } from '#test/generate/flow.ts';

function balancedStamp(): Build {
  const build = newBuild();
  addVnet(build, 'a', ['10.0.0.0/16']);
  addVnet(build, 'b', ['10.1.0.0/16']);
  addSubnet(build, 'a/s', [['10.0.0.0/24']]);
  addSubnet(build, 'b/s', [['10.1.0.0/24']]);
  addPeering(build, ['a', 'b']);
  addPeering(build, ['b', 'a']);
  addPublicIp(build, 'out', ['198.18.0.40']);
  const probe = { id: 'loadBalancers/in/probes/p' };
  const health = { p: { '10.0.0.5': 'up', '10.0.0.6': 'down' } };
  addBalancer(build, 'in', {
    subnet: 'a/s',
    address: '10.0.0.100',
    rules: [
      { frontendPort: 80, backendPort: 8080 },
      { frontendPort: 81, backendPort: 81, probe },
      { frontendPort: 82, backendPort: 82, probe: { id: 'loadBalancers/in/probes/never' } },
    ],
    health,
  });
  addBalancer(build, 'out', {
    publicIp: 'out',
    rules: [{ frontendPort: 80, backendPort: 8080, loadDistribution: 'SourceIP' }],
    natRules: [{ name: 'ssh', frontendPort: 50_001, backendPort: 22 }],
  });
  addBalancer(build, 'all', {
    subnet: 'a/s',
    address: '10.0.0.101',
    rules: [{ protocol: 'All', frontendPort: 0, backendPort: 0 }],
  });
  addNic(build, 'client', { subnet: 'a/s', addresses: ['10.0.0.4'] });
  addNic(build, 'one', {
    subnet: 'a/s',
    addresses: [{ address: '10.0.0.5', pools: ['in/pool', 'out/pool', 'all/pool'], natRules: ['out/ssh'] }],
  });
  addNic(build, 'two', {
    subnet: 'a/s',
    addresses: [{ address: '10.0.0.6', pools: ['in/pool', 'out/pool'] }],
    host: 'h2',
  });
  addNic(build, 'peer', { subnet: 'b/s', addresses: ['10.1.0.4'] });
  addNic(build, 'unplugged', { subnet: 'a/s', addresses: [{ address: '10.0.0.7', pools: ['in/pool'] }], host: '' });
  return build;
}

test('load balancers spread over healthy members, inside and at the boundary', () => {
  checkFlows(programsOf(balancedStamp()), [
    [1, 'tcp 10.0.0.4 > 10.0.0.100:80', 'nic 2 10.0.0.4 > 10.0.0.5:8080, nic 3 10.0.0.4 > 10.0.0.6:8080'],
    [1, 'tcp 10.0.0.4 > 10.0.0.100:81', 'nic 2 10.0.0.4 > 10.0.0.5:81'],
    [1, 'tcp 10.0.0.4 > 10.0.0.100:82', 'lb/in/r3: no healthy target'],
    [1, 'udp 10.0.0.4 > 10.0.0.100:80', 'balance: 10.0.0.100 has no rule for this'],
    [1, 'icmp 10.0.0.4 > 10.0.0.101', 'balance: 10.0.0.101 has no rule for this'],
    [1, 'udp 10.0.0.4 > 10.0.0.101:777', 'nic 2 10.0.0.4 > 10.0.0.5:777'],
    [4, 'tcp 10.1.0.4 > 10.0.0.100:81', 'nic 2 10.1.0.4 > 10.0.0.5:81'],
    [
      'internet',
      'tcp 203.0.113.9 > 198.18.0.40:80',
      'nic 2 203.0.113.9 > 10.0.0.5:8080, nic 3 203.0.113.9 > 10.0.0.6:8080',
    ],
    ['internet', 'tcp 203.0.113.9 > 198.18.0.40:50001', 'nic 2 203.0.113.9 > 10.0.0.5:22'],
    ['internet', 'tcp 203.0.113.9 > 198.18.0.40:22', 'boundary: 198.18.0.40 has no rule for this'],
    [4, 'tcp 10.1.0.4 > 198.18.0.40:80', 'nic 2 198.18.0.16 > 10.0.0.5:8080, nic 3 198.18.0.16 > 10.0.0.6:8080'],
  ]);
});
