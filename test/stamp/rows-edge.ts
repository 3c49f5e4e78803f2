/** The boundary by packet: public addresses, shared source addresses, load balancers, NAT gateway, published endpoints, what may not come in. */

import {
  addBalancer,
  addNatGateway,
  addNic,
  addNsg,
  addPublicIp,
  addSubnet,
  addVnet,
  type Build,
} from '#test/generate/build.ts';
import type { Scenario } from '#test/stamp/scenario.ts';

const open = ['open', 100, 'In', 'Allow', '*', '*', '*'] as const;

function pool(build: Build): string {
  return `198.18.${build.stamp.number}`;
}

export const edgeScenarios: readonly Scenario[] = [
  {
    name: '[S1.3] public address in both directions, in both families, and between guests; a Standard one without an NSG is closed',
    build: (build) => {
      addNsg(build, 'open', [open]);
      addVnet(build, 'a', ['10.0.0.0/16', 'fd00::/48']);
      addSubnet(build, 'a/s', [['10.0.0.0/24', 'fd00::/64']]);
      addPublicIp(build, 'one', [`${pool(build)}.40`]);
      addPublicIp(build, 'six', [`2001:db8:${build.stamp.number.toString(16)}::40`]);
      addPublicIp(build, 'closed', [`${pool(build)}.41`, 'Standard']);
      addNic(build, 'one', {
        subnet: 'a/s',
        addresses: [
          { address: '10.0.0.4', publicIp: 'one' },
          { address: 'fd00::4', publicIp: 'six' },
        ],
        nsg: 'open',
      });
      addNic(build, 'two', { subnet: 'a/s', addresses: [{ address: '10.0.0.5', publicIp: 'closed' }], host: 'h2' });
    },
    rows: [
      ['internet', 'tcp 203.0.113.9 > 198.18.{N}.40:80', '* nic 1 as tcp 203.0.113.9:50000 > 10.0.0.4:80'],
      ['internet', 'icmp 203.0.113.9 > 198.18.{N}.40', '* nic 1 as icmp 203.0.113.9 > 10.0.0.4'],
      [
        'internet',
        'tcp [2001:db8:ffff::9] > [2001:db8:{X}::40]:80',
        '* nic 1 as tcp [2001:db8:ffff::9] > [fd00::4]:80',
      ],
      [1, 'tcp [fd00::4] > [2001:db8:ffff::9]:80', '* internet as tcp [2001:db8:{X}::40] > [2001:db8:ffff::9]:80'],
      ['operator', 'tcp 169.254.{O}.1 > 198.18.{N}.40:22', '* nic 1 as tcp 198.18.{N}.1:50000 > 10.0.0.4:22'],
      ['operator', 'tcp 203.0.113.9 > 198.18.{N}.40:22', 'nothing'],
      ['internet', 'tcp 203.0.113.9 > 198.18.{N}.41:80', 'nothing'],
      [2, 'tcp 10.0.0.5 > 198.18.{N}.40:80', '* nic 1 as tcp 198.18.{N}.41:50000 > 10.0.0.4:80'],
      // Its own closed address: from the port that it calls, what comes back is the answer to itself.
      [2, 'tcp 10.0.0.5 > 198.18.{N}.41:80', 'nothing'],
      [2, 'tcp 10.0.0.5:80 > 198.18.{N}.41:80', 'nic 2 as tcp 198.18.{N}.41:80 > 10.0.0.5:80'],
      [2, 'icmp 10.0.0.5 > 198.18.{N}.41', 'nothing'],
      [2, 'esp 10.0.0.5 > 198.18.{N}.41', 'nic 2 as esp 198.18.{N}.41 > 10.0.0.5'],
      ['internet', 'tcp 203.0.113.9 > 198.18.{N}.99:80', 'nothing'],
      ['internet', 'tcp 203.0.113.9 > 100.{O}.0.1:80', 'nothing'],
      ['internet', 'tcp 203.0.113.9 > 10.0.0.4:80', 'nothing'],
      ['internet', 'tcp 10.0.0.9 > 198.18.{N}.40:80', 'nothing'],
      ['internet', 'tcp 100.{O}.0.1 > 198.18.{N}.40:80', 'nothing'],
      ['internet', 'tcp 198.18.{N}.41 > 198.18.{N}.40:80', 'nothing'],
      ['internet', 'udp 127.0.0.1 > 198.18.{N}.40:53', 'nothing'],
    ],
  },
  {
    name: '[S2.1, S2.22] published endpoints: management for all, administration for the operator only',
    build: (build) => {
      addVnet(build, 'a', ['10.0.0.0/16']);
      addSubnet(build, 'a/s', [['10.0.0.0/24']]);
      addNic(build, 'one', { subnet: 'a/s', addresses: ['10.0.0.4'] });
    },
    rows: [
      ['internet', 'tcp 203.0.113.9 > 198.18.{N}.4:443', 'infra'],
      ['operator', 'tcp 169.254.{O}.1 > 198.18.{N}.5:443', 'infra'],
      ['internet', 'tcp 203.0.113.9 > 198.18.{N}.4:22', 'nothing'],
      ['internet', 'tcp 203.0.113.9 > 10.255.{N}.4:443', 'nothing'],
      [1, 'tcp 10.0.0.4 > 198.18.{N}.4:443', 'infra'],
      [1, 'tcp 10.0.0.4 > 10.255.{N}.4:443', 'nothing'],
    ],
  },
  {
    name: 'load balancers: public and internal, spread over hosts, NAT rules, outbound, only healthy targets',
    build: (build) => {
      addNsg(build, 'open', [open]);
      addVnet(build, 'a', ['10.0.0.0/16']);
      addSubnet(build, 'a/s', [['10.0.0.0/24'], { nsg: 'open' }]);
      addPublicIp(build, 'f', [`${pool(build)}.50`]);
      addBalancer(build, 'out', {
        publicIp: 'f',
        rules: [{ name: 'web', frontendPort: 80, backendPort: 8080 }],
        natRules: [{ name: 'ssh', frontendPort: 50022, backendPort: 22 }],
      });
      addBalancer(build, 'in', {
        subnet: 'a/s',
        address: '10.0.0.100',
        rules: [{ name: 'app', frontendPort: 81, backendPort: 81 }],
      });
      addNic(build, 'one', {
        subnet: 'a/s',
        addresses: [{ address: '10.0.0.4', pools: ['out/pool', 'in/pool'], natRules: ['out/ssh'] }],
      });
      addNic(build, 'two', {
        subnet: 'a/s',
        addresses: [{ address: '10.0.0.5', pools: ['out/pool', 'in/pool'] }],
        host: 'h2',
      });
      addNic(build, 'client', { subnet: 'a/s', addresses: ['10.0.0.9'] });
    },
    rows: [
      [
        'internet',
        'tcp 203.0.113.9:50001 > 198.18.{N}.50:80',
        '* nic 1|2 as tcp 203.0.113.9:50001 > 10.0.0.4:8080 ANY ',
      ],
      ['internet', 'tcp 203.0.113.9 > 198.18.{N}.50:81', 'nothing'],
      ['internet', 'tcp 203.0.113.9 > 198.18.{N}.50:50022', '* nic 1 as tcp 203.0.113.9:50000 > 10.0.0.4:22'],
      [3, 'tcp 10.0.0.9 > 10.0.0.100:81', '* nic 1|2 as tcp 10.0.0.9:50000 > 10.0.0.4:81 ANY '],
      [3, 'tcp 10.0.0.9:50007 > 10.0.0.100:81', '* nic 1|2 as tcp 10.0.0.9:50007 > 10.0.0.4:81 ANY '],
      [3, 'tcp 10.0.0.9 > 10.0.0.100:80', 'nothing'],
      [3, 'icmp 10.0.0.9 > 10.0.0.100', 'nothing'],
      [1, 'tcp 10.0.0.4 > 203.0.113.9:443', '* internet as tcp 198.18.{N}.50:* > 203.0.113.9:443'],
    ],
  },
  {
    name: 'a NAT gateway goes before everything else that could translate',
    build: (build) => {
      addVnet(build, 'a', ['10.0.0.0/16']);
      addPublicIp(build, 'gateway', [`${pool(build)}.60`, 'Standard']);
      addNatGateway(build, 'nat', [['gateway']]);
      addSubnet(build, 'a/s', [['10.0.0.0/24'], { natGateway: 'nat' }]);
      addNic(build, 'one', { subnet: 'a/s', addresses: ['10.0.0.4'] });
      addNic(build, 'two', { subnet: 'a/s', addresses: ['10.0.0.5'], host: 'h2' });
    },
    rows: [
      [1, 'tcp 10.0.0.4 > 203.0.113.9:443', '* internet as tcp 198.18.{N}.60:* > 203.0.113.9:443'],
      [2, 'udp 10.0.0.5 > 203.0.113.9:53', '* internet as udp 198.18.{N}.60:* > 203.0.113.9:53'],
      [1, 'icmp 10.0.0.4 > 203.0.113.9', 'internet as icmp 198.18.{N}.60 > 203.0.113.9'],
      ['internet', 'tcp 203.0.113.9 > 198.18.{N}.60:443', 'nothing'],
    ],
  },
];
