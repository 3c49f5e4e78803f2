/** NSGs by packet: every field, both directions, subnet and NIC, default rules, tags, groups, protocols, both families. */

import { addNic, addNsg, addPublicIp, addSubnet, addVnet } from '#test/generate/build.ts';
import type { Scenario } from '#test/stamp/scenario.ts';

export const nsgScenarios: readonly Scenario[] = [
  {
    name: '[S1.5] default rules: the VNet reaches itself, the internet does not reach in, guests reach out',
    build: (build) => {
      addNsg(build, 'plain');
      addVnet(build, 'a', ['10.0.0.0/16', 'fd00::/48']);
      addSubnet(build, 'a/web', [['10.0.0.0/24', 'fd00::/64'], { nsg: 'plain' }]);
      addPublicIp(build, 'p', [`198.18.${build.stamp.number}.40`]);
      addNic(build, 'one', { subnet: 'a/web', addresses: [{ address: '10.0.0.4', publicIp: 'p' }, 'fd00::4'] });
      addNic(build, 'two', { subnet: 'a/web', addresses: ['10.0.0.5', 'fd00::5'] });
      addNic(build, 'far', { subnet: 'a/web', addresses: ['10.0.0.6', 'fd00::6'], host: 'h2' });
    },
    rows: [
      [1, 'tcp 10.0.0.4 > 10.0.0.5:80', '* nic 2'],
      [1, 'udp 10.0.0.4 > 10.0.0.6:53', '* nic 3'],
      [1, 'icmp 10.0.0.4 > 10.0.0.6', '* nic 3'],
      [1, 'esp 10.0.0.4 > 10.0.0.5', '* nic 2'],
      [1, 'ah 10.0.0.4 > 10.0.0.6', 'nic 3'],
      [1, 'tcp [fd00::4] > [fd00::5]:80', '* nic 2'],
      [1, 'udp [fd00::4] > [fd00::6]:53', '* nic 3'],
      [1, 'icmp fd00::4 > fd00::6', '* nic 3'],
      [1, 'tcp 10.0.0.4 > 10.0.0.99:80', 'nothing'],
      [1, 'tcp 10.0.0.4 > 203.0.113.9:443', '* internet as tcp 198.18.{N}.40:50000 > 203.0.113.9:443'],
      [2, 'tcp 10.0.0.5 > 203.0.113.9:443', '* internet as tcp 198.18.{N}.16:* > 203.0.113.9:443'],
      ['internet', 'tcp 203.0.113.9 > 198.18.{N}.40:80', 'nothing'],
      ['probe router/v1/h1', 'tcp 168.63.129.16 > 10.0.0.4:80', 'nic 1'],
      ['probe router/v1/h1', 'tcp 168.63.129.16 > 10.0.0.6:80', 'nothing'],
    ],
  },
  {
    name: '[S1.5] fields of a rule: protocol, plural prefixes and ports, source ports, lower number first',
    build: (build) => {
      addNsg(build, 'in', [
        ['deny-80-from-5', 100, 'In', 'Deny', 'Tcp', '10.0.0.5/32', '*', '80'],
        ['allow-80', 110, 'In', 'Allow', 'Tcp', '10.0.0.0/24', '*', ['80', '8000-8010']],
        ['allow-dns', 120, 'In', 'Allow', 'Udp', ['10.0.0.5/32', '10.0.0.6/32'], '*', '53'],
        ['allow-from-port', 130, 'In', 'Allow', 'Tcp', '*', '*', '9', '1000-1001'],
        ['allow-ping', 140, 'In', 'Allow', 'Icmp', '10.0.0.5/32', '*'],
        ['allow-esp', 150, 'In', 'Allow', 'Esp', '10.0.0.5/32', '*'],
        ['allow-any-port', 160, 'In', 'Allow', '*', '10.0.0.5/32', '*', '7'],
        ['deny-rest', 4000, 'In', 'Deny', '*', '*', '*'],
      ]);
      addVnet(build, 'a', ['10.0.0.0/16']);
      addSubnet(build, 'a/web', [['10.0.0.0/24']]);
      addNic(build, 'one', { subnet: 'a/web', addresses: ['10.0.0.4'], nsg: 'in' });
      addNic(build, 'two', { subnet: 'a/web', addresses: ['10.0.0.5'] });
      addNic(build, 'far', { subnet: 'a/web', addresses: ['10.0.0.6'], host: 'h2' });
    },
    rows: [
      [2, 'tcp 10.0.0.5 > 10.0.0.4:80', 'nothing'],
      [3, 'tcp 10.0.0.6 > 10.0.0.4:80', '* nic 1'],
      [2, 'tcp 10.0.0.5 > 10.0.0.4:7999', 'nothing'],
      [2, 'tcp 10.0.0.5 > 10.0.0.4:8000', '* nic 1'],
      [2, 'tcp 10.0.0.5 > 10.0.0.4:8010', '* nic 1'],
      [2, 'tcp 10.0.0.5 > 10.0.0.4:8011', 'nothing'],
      [2, 'udp 10.0.0.5 > 10.0.0.4:53', '* nic 1'],
      [2, 'tcp 10.0.0.5 > 10.0.0.4:53', 'nothing'],
      [3, 'tcp 10.0.0.6:1001 > 10.0.0.4:9', '* nic 1'],
      [3, 'tcp 10.0.0.6:1002 > 10.0.0.4:9', 'nothing'],
      [2, 'icmp 10.0.0.5 > 10.0.0.4', '* nic 1'],
      [3, 'icmp 10.0.0.6 > 10.0.0.4', 'nothing'],
      [2, 'esp 10.0.0.5 > 10.0.0.4', 'nic 1'],
      [2, 'ah 10.0.0.5 > 10.0.0.4', 'nothing'],
      [2, 'udp 10.0.0.5 > 10.0.0.4:7', '* nic 1'],
    ],
  },
  {
    name: '[S1.5] subnet and NIC in a chain, both directions: all must allow',
    build: (build) => {
      addNsg(build, 'subnet', [
        ['in', 100, 'In', 'Allow', 'Tcp', '*', '*', ['80', '81']],
        ['in-rest', 4000, 'In', 'Deny', '*', '*', '*'],
        ['out', 100, 'Out', 'Allow', 'Tcp', '*', '*', ['82', '83']],
        ['out-rest', 4000, 'Out', 'Deny', '*', '*', '*'],
      ]);
      addNsg(build, 'nic', [
        ['in', 100, 'In', 'Deny', 'Tcp', '*', '*', '81'],
        ['out', 100, 'Out', 'Deny', 'Tcp', '*', '*', '83'],
      ]);
      addVnet(build, 'a', ['10.0.0.0/16']);
      addSubnet(build, 'a/guarded', [['10.0.0.0/24'], { nsg: 'subnet' }]);
      addSubnet(build, 'a/open', [['10.0.1.0/24']]);
      addNic(build, 'one', { subnet: 'a/guarded', addresses: ['10.0.0.4'], nsg: 'nic' });
      addNic(build, 'two', { subnet: 'a/open', addresses: ['10.0.1.4'], host: 'h2' });
    },
    rows: [
      [2, 'tcp 10.0.1.4 > 10.0.0.4:80', '* nic 1'],
      [2, 'tcp 10.0.1.4 > 10.0.0.4:81', 'nothing'],
      [2, 'tcp 10.0.1.4 > 10.0.0.4:82', 'nothing'],
      [1, 'tcp 10.0.0.4 > 10.0.1.4:82', '* nic 2'],
      [1, 'tcp 10.0.0.4 > 10.0.1.4:83', 'nothing'],
      [1, 'tcp 10.0.0.4 > 10.0.1.4:80', 'nothing'],
    ],
  },
  {
    name: '[S1.5] tags and groups: Internet, VirtualNetwork, AzureLoadBalancer, application security groups',
    build: (build) => {
      addNsg(build, 'tags', [
        ['from-web', 100, 'In', 'Allow', 'Tcp', 'asg:web', 'asg:app', '8080'],
        ['from-internet', 110, 'In', 'Allow', 'Tcp', 'Internet', '*', '443'],
        ['probe', 115, 'In', 'Allow', 'Tcp', 'AzureLoadBalancer', '*', '80'],
        ['no-probe', 120, 'In', 'Deny', 'Tcp', 'AzureLoadBalancer', '*', '81'],
        ['rest', 4000, 'In', 'Deny', '*', 'VirtualNetwork', '*'],
      ]);
      addVnet(build, 'a', ['10.0.0.0/16']);
      addSubnet(build, 'a/all', [['10.0.0.0/24'], { nsg: 'tags' }]);
      addPublicIp(build, 'p', [`198.18.${build.stamp.number}.41`]);
      addNic(build, 'web', { subnet: 'a/all', addresses: [{ address: '10.0.0.4', groups: ['web'] }] });
      addNic(build, 'app', { subnet: 'a/all', addresses: [{ address: '10.0.0.5', groups: ['app'], publicIp: 'p' }] });
      addNic(build, 'else', { subnet: 'a/all', addresses: ['10.0.0.6'], host: 'h2' });
    },
    rows: [
      [1, 'tcp 10.0.0.4 > 10.0.0.5:8080', '* nic 2'],
      [3, 'tcp 10.0.0.6 > 10.0.0.5:8080', 'nothing'],
      [1, 'tcp 10.0.0.4 > 10.0.0.6:8080', 'nothing'],
      ['internet', 'tcp 203.0.113.9 > 198.18.{N}.41:443', '* nic 2 as tcp 203.0.113.9:50000 > 10.0.0.5:443'],
      ['internet', 'tcp 203.0.113.9 > 198.18.{N}.41:444', 'nothing'],
      [1, 'tcp 10.0.0.4 > 10.0.0.5:443', 'nothing'],
      ['probe router/v1/h1', 'tcp 168.63.129.16 > 10.0.0.5:80', 'nic 2'],
      ['probe router/v1/h1', 'tcp 168.63.129.16 > 10.0.0.5:81', 'nothing'],
    ],
  },
];
