/** Routes by packet: each kind of next hop, NVAs here and on another host, peering, overlapping tenants, spoofing. */

import {
  addBalancer,
  addNic,
  addNsg,
  addPeering,
  addRoutes,
  addSubnet,
  addVnet,
  type Build,
} from '#test/generate/build.ts';
import type { Scenario } from '#test/stamp/scenario.ts';

/** One, two, and an NVA that each must pass to reach the other; two refuses SSH (and UDP 22) from one. */
export function nvaStamp(hosts: readonly [one: string, two: string, nva: string]): (build: Build) => void {
  return (build) => {
    addNsg(build, 'guard', [['ssh', 100, 'In', 'Deny', '*', '10.0.0.4/32', '*', '22']]);
    addRoutes(build, 'to-two', [['r', '10.0.1.0/24', 'VirtualAppliance', '10.0.2.4']]);
    addRoutes(build, 'to-one', [
      ['r', '10.0.0.0/24', 'VirtualAppliance', '10.0.2.4'],
      ['out', '0.0.0.0/0', 'VirtualAppliance', '10.0.2.4'],
    ]);
    addVnet(build, 'a', ['10.0.0.0/16']);
    addSubnet(build, 'a/one', [['10.0.0.0/24'], { routeTable: 'to-two' }]);
    addSubnet(build, 'a/two', [['10.0.1.0/24'], { routeTable: 'to-one', nsg: 'guard' }]);
    addSubnet(build, 'a/nva', [['10.0.2.0/24']]);
    addNic(build, 'one', { subnet: 'a/one', addresses: ['10.0.0.4'], host: hosts[0] });
    addNic(build, 'two', { subnet: 'a/two', addresses: ['10.0.1.4'], host: hosts[1] });
    addNic(build, 'nva', { subnet: 'a/nva', addresses: ['10.0.2.4'], host: hosts[2], forwarding: true });
  };
}

const nvaRows = [
  [1, 'tcp 10.0.0.4 > 10.0.1.4:80', 'nic 3'],
  [1, 'tcp 10.0.0.4:50001 > 10.0.1.4:80', '* nic 2 by 3'],
  [1, 'udp 10.0.0.4 > 10.0.1.4:53', '* nic 2 by 3'],
  [1, 'icmp 10.0.0.4 > 10.0.1.4', '* nic 2 by 3'],
  [2, 'tcp 10.0.1.4 > 10.0.0.4:80', '* nic 1 by 3'],
  [2, 'tcp 10.0.1.4 > 203.0.113.9:443', 'nic 3'],
  [1, 'tcp 10.0.0.4 > 10.0.2.4:22', '* nic 3'],
  [3, 'tcp 10.0.2.4 > 10.0.0.4:22', '* nic 1'],
  // The NVA may send for others, but what the target refuses to that source it still refuses; and it has no label for them.
  [3, 'tcp 10.0.0.4:50003 > 10.0.1.4:22', 'nothing'],
  [3, 'tcp 10.0.0.4 > 203.0.113.9:443', 'nothing'],
  [3, 'tcp 10.0.2.4 > 203.0.113.9:443', '* internet as tcp 198.18.{N}.16:* > 203.0.113.9:443'],
  [3, 'tcp 168.63.129.16 > 10.0.1.4:80', 'nothing'],
  [3, 'tcp 127.0.0.1 > 10.0.1.4:80', 'nothing'],
] as const;

/** A sender that reaches one subnet through an NVA, and load balancers inside: members behind the NVA, direct ones, and both. */
function balancedStamp(hosts: readonly [one: string, two: string, nva: string]): (build: Build) => void {
  return (build) => {
    addRoutes(build, 'to-two', [['r', '10.0.1.0/24', 'VirtualAppliance', '10.0.2.4']]);
    addRoutes(build, 'to-one', [['r', '10.0.0.0/24', 'VirtualAppliance', '10.0.2.4']]);
    addVnet(build, 'a', ['10.0.0.0/16']);
    addSubnet(build, 'a/one', [['10.0.0.0/24'], { routeTable: 'to-two' }]);
    addSubnet(build, 'a/two', [['10.0.1.0/24'], { routeTable: 'to-one' }]);
    addSubnet(build, 'a/nva', [['10.0.2.0/24']]);
    addSubnet(build, 'a/plain', [['10.0.3.0/24']]);
    const rules = [{ frontendPort: 80, backendPort: 80 }];
    addBalancer(build, 'behind', { subnet: 'a/plain', address: '10.0.3.100', rules });
    addBalancer(build, 'direct', { subnet: 'a/two', address: '10.0.1.100', rules });
    addBalancer(build, 'both', { subnet: 'a/plain', address: '10.0.3.101', rules });
    addNic(build, 'one', { subnet: 'a/one', addresses: ['10.0.0.4'], host: hosts[0] });
    addNic(build, 'two', {
      subnet: 'a/two',
      addresses: [{ address: '10.0.1.4', pools: ['behind/pool', 'both/pool'] }],
      host: hosts[1],
    });
    addNic(build, 'nva', { subnet: 'a/nva', addresses: ['10.0.2.4'], host: hosts[2], forwarding: true });
    addNic(build, 'plain', {
      subnet: 'a/plain',
      addresses: [{ address: '10.0.3.4', pools: ['direct/pool', 'both/pool'] }],
      host: hosts[1],
    });
  };
}

const balancedRows = [
  [1, 'tcp 10.0.0.4 > 10.0.3.100:80', '* nic 2 as tcp 10.0.0.4 > 10.0.1.4:80 by 3'],
  // The frontend lies where the NVA's route leads, its member does not: what counts is where the packet goes.
  [1, 'tcp 10.0.0.4 > 10.0.1.100:80', '* nic 4 as tcp 10.0.0.4 > 10.0.3.4:80'],
  ...[50_001, 50_002, 50_003, 50_004].map(
    (port) =>
      [1, `tcp 10.0.0.4:${port} > 10.0.3.101:80`, `* nic 2 as tcp 10.0.0.4:${port} > 10.0.1.4:80 by 3`] as const,
  ),
  [1, 'tcp 10.0.0.4:50005 > 10.0.1.4:80', '* nic 2 by 3'],
  [1, 'tcp 10.0.0.4:50006 > 10.0.3.4:80', '* nic 4'],
] as const;

export const routeScenarios: readonly Scenario[] = [
  { name: '[S1.7] NVA, all on one host', build: nvaStamp(['h1', 'h1', 'h1']), rows: nvaRows },
  { name: '[S1.7] NVA on another host than both', build: nvaStamp(['h1', 'h1', 'h2']), rows: nvaRows },
  { name: '[S1.7] NVA beside the sender, target far', build: nvaStamp(['h1', 'h2', 'h1']), rows: nvaRows },
  { name: '[S1.7] NVA beside the target, sender far', build: nvaStamp(['h1', 'h2', 'h2']), rows: nvaRows },
  { name: 'balances and an NVA, all on one host', build: balancedStamp(['h1', 'h1', 'h1']), rows: balancedRows },
  { name: 'balances and an NVA beside the sender', build: balancedStamp(['h1', 'h2', 'h1']), rows: balancedRows },
  { name: 'balances and an NVA beside the targets', build: balancedStamp(['h1', 'h2', 'h2']), rows: balancedRows },
  {
    name: 'one way through an NVA, the other past it: answers are nobody’s (decision 0005)',
    build: (build) => {
      addRoutes(build, 'to-two', [['r', '10.0.1.0/24', 'VirtualAppliance', '10.0.2.4']]);
      addVnet(build, 'a', ['10.0.0.0/16']);
      addSubnet(build, 'a/one', [['10.0.0.0/24'], { routeTable: 'to-two' }]);
      addSubnet(build, 'a/two', [['10.0.1.0/24']]);
      addSubnet(build, 'a/nva', [['10.0.2.0/24']]);
      addNic(build, 'one', { subnet: 'a/one', addresses: ['10.0.0.4'] });
      addNic(build, 'two', { subnet: 'a/two', addresses: ['10.0.1.4'] });
      addNic(build, 'nva', { subnet: 'a/nva', addresses: ['10.0.2.4'], forwarding: true });
    },
    rows: [
      [1, 'tcp 10.0.0.4 > 10.0.1.4:80', '! nic 2 by 3'],
      [2, 'tcp 10.0.1.4:50001 > 10.0.0.4:80', '! nic 1 by 3'],
    ],
  },
  {
    name: 'a network’s own addresses never come from elsewhere',
    build: (build) => {
      for (const [index, name] of ['a', 'b'].entries()) {
        addVnet(build, name, [`10.${index}.0.0/16`, `fd00:${index}::/48`]);
        addSubnet(build, `${name}/s`, [[`10.${index}.0.0/24`, `fd00:${index}::/64`]]);
        addNic(build, name, {
          subnet: `${name}/s`,
          addresses: [`10.${index}.0.4`, `fd00:${index}::4`],
          forwarding: true,
        });
      }
      for (const pair of [
        ['a', 'b'],
        ['b', 'a'],
      ] as const)
        addPeering(build, pair, { allowForwardedTraffic: true });
    },
    rows: [
      [1, 'tcp 10.0.0.99 > 10.1.0.4:80', 'nic 2'],
      [1, 'tcp 10.1.0.1 > 10.1.0.4:80', 'nothing'],
      [1, 'udp [fd00::99] > [fd00:1::4]:80', 'nic 2'],
      [1, 'udp [fd00:1::1] > [fd00:1::4]:80', 'nothing'],
      [2, 'tcp 10.0.0.1 > 10.0.0.4:80', 'nothing'],
    ],
  },
  {
    name: '[S1.6] next hops none, internet, local, and an appliance that does not forward',
    build: (build) => {
      addRoutes(build, 'odd', [
        ['none', '203.0.113.0/24', 'None'],
        ['hole', '10.0.1.0/24', 'None'],
        ['back', '10.0.1.5/32', 'VnetLocal'],
        ['dead', '198.51.100.0/24', 'VirtualAppliance', '10.0.1.5'],
        ['ghost', '192.0.2.0/24', 'VirtualAppliance', '10.0.1.77'],
      ]);
      addVnet(build, 'a', ['10.0.0.0/16']);
      addSubnet(build, 'a/one', [['10.0.0.0/24'], { routeTable: 'odd' }]);
      addSubnet(build, 'a/two', [['10.0.1.0/24']]);
      addNic(build, 'one', { subnet: 'a/one', addresses: ['10.0.0.4'] });
      addNic(build, 'two', { subnet: 'a/two', addresses: ['10.0.1.4'] });
      addNic(build, 'three', { subnet: 'a/two', addresses: ['10.0.1.5'], host: 'h2' });
    },
    rows: [
      [1, 'tcp 10.0.0.4 > 203.0.113.9:80', 'nothing'],
      [1, 'tcp 10.0.0.4 > 10.0.1.4:80', 'nothing'],
      [1, 'tcp 10.0.0.4 > 10.0.1.5:80', '* nic 3'],
      [1, 'tcp 10.0.0.4 > 198.51.100.1:80', 'nothing'],
      [1, 'tcp 10.0.0.4 > 192.0.2.1:80', 'nothing'],
      [1, 'tcp 10.0.0.4 > 8.8.8.8:53', '* internet as tcp 198.18.{N}.16:* > 8.8.8.8:53'],
      [1, 'tcp 10.0.0.4 > 10.9.0.4:80', 'nothing'],
    ],
  },
  {
    name: '[S1.4] peering: both ways, across hosts, not beyond',
    build: (build) => {
      for (const [index, name] of ['a', 'b', 'c'].entries()) {
        addVnet(build, name, [`10.${index}.0.0/16`]);
        addSubnet(build, `${name}/s`, [[`10.${index}.0.0/24`]]);
        addNic(build, `${name}1`, { subnet: `${name}/s`, addresses: [`10.${index}.0.4`] });
        addNic(build, `${name}2`, { subnet: `${name}/s`, addresses: [`10.${index}.0.5`], host: 'h2' });
      }
      for (const pair of [
        ['a', 'b'],
        ['b', 'a'],
        ['b', 'c'],
        ['c', 'b'],
      ] as const)
        addPeering(build, pair);
    },
    rows: [
      [1, 'tcp 10.0.0.4 > 10.1.0.4:80', '* nic 3'],
      [1, 'tcp 10.0.0.4 > 10.1.0.5:80', '* nic 4'],
      [2, 'udp 10.0.0.5 > 10.1.0.4:53', '* nic 3'],
      [4, 'icmp 10.1.0.5 > 10.0.0.4', '* nic 1'],
      [3, 'tcp 10.1.0.4 > 10.2.0.5:80', '* nic 6'],
      [1, 'tcp 10.0.0.4 > 10.2.0.4:80', 'nothing'],
      [5, 'tcp 10.2.0.4 > 10.0.0.4:80', 'nothing'],
      [1, 'tcp 10.0.0.4 > 10.1.0.99:80', 'nothing'],
    ],
  },
  {
    name: '[S1.4] two tenants with the same addresses never meet; nobody speaks as another',
    build: (build) => {
      for (const name of ['a', 'b']) {
        addVnet(build, name, ['10.0.0.0/16', 'fd00::/48']);
        addSubnet(build, `${name}/s`, [['10.0.0.0/24', 'fd00::/64']]);
        addNic(build, `${name}1`, { subnet: `${name}/s`, addresses: ['10.0.0.4', 'fd00::4'] });
        addNic(build, `${name}2`, { subnet: `${name}/s`, addresses: ['10.0.0.5', 'fd00::5'], host: 'h2' });
      }
    },
    rows: [
      [1, 'tcp 10.0.0.4 > 10.0.0.5:80', '* nic 2'],
      [3, 'tcp 10.0.0.4 > 10.0.0.5:80', '* nic 4'],
      [1, 'tcp 10.0.0.4:50005 > 203.0.113.9:80', '* internet as tcp 198.18.{N}.16:* > 203.0.113.9:80'],
      [3, 'tcp 10.0.0.4:50005 > 203.0.113.9:80', '* internet as tcp 198.18.{N}.16:* > 203.0.113.9:80'],
      [1, 'tcp 10.0.0.5 > 10.0.0.5:80', 'nothing'],
      [1, 'tcp 10.0.0.6 > 10.0.0.5:80', 'nothing'],
      [1, 'icmp fd00::9 > fd00::5', 'nothing'],
      [1, 'icmp fd00::4 > fd00::5', '* nic 2'],
      [1, 'udp 10.0.0.4 > 224.0.0.1:53', 'nothing'],
      [1, 'udp 10.0.0.4 > 255.255.255.255:67', 'nothing'],
      [1, 'tcp 10.0.0.4 > 100.{O}.0.2:80', 'nothing'],
      [1, 'tcp 10.0.0.4 > 10.255.{N}.4:443', 'nothing'],
      [1, 'udp 10.0.0.4 > 10.254.{N}.2:4789', 'nothing'],
    ],
  },
];
