/** The way to the resolver by packet: past every rule and route of the tenant's, for those who ask for themselves, and for nobody else. */

import { addNic, addNsg, addPublicIp, addRoutes, addSubnet, addVnet, type Build } from '#test/generate/build.ts';
import type { Scenario } from '#test/stamp/scenario.ts';

/** A VNet that has the infrastructure's own addresses, shut by rules and routes as far as a tenant can; and an equal one. */
function shutStamp(build: Build): void {
  const space = `10.255.${build.stamp.number}.0/24`;
  addNsg(build, 'shut', [
    ['out', 100, 'Out', 'Deny', '*', '*', '*'],
    ['in', 100, 'In', 'Deny', '*', '*', '*'],
  ]);
  addRoutes(build, 'nowhere', [
    ['all', '0.0.0.0/0', 'None'],
    ['platform', '168.63.129.16/32', 'VirtualAppliance', `10.255.${build.stamp.number}.54`],
  ]);
  for (const name of ['a', 'b']) {
    addVnet(build, name, [space, 'fd00::/48']);
    addSubnet(build, `${name}/s`, [[space, 'fd00::/64'], { nsg: 'shut', routeTable: 'nowhere' }]);
  }
  const n = build.stamp.number;
  addPublicIp(build, 'open', [`198.18.${n}.40`]);
  addNic(build, 'one', { subnet: 'a/s', addresses: [`10.255.${n}.52`, 'fd00::4'] });
  // It has the resolver's very address.
  addNic(build, 'same', { subnet: 'a/s', addresses: [`10.255.${n}.53`], host: 'h2' });
  addNic(build, 'nva', { subnet: 'a/s', addresses: [`10.255.${n}.54`], forwarding: true });
  addNic(build, 'twin', { subnet: 'b/s', addresses: [{ address: `10.255.${n}.52`, publicIp: 'open' }] });
}

export const resolverScenarios: readonly Scenario[] = [
  {
    name: 'the resolver: reached past all rules and routes, with nothing else behind its address',
    build: shutStamp,
    rows: [
      [1, 'udp 10.255.{N}.52 > 168.63.129.16:53', 'infra'],
      [1, 'tcp 10.255.{N}.52 > 168.63.129.16:53', 'infra'],
      [2, 'udp 10.255.{N}.53 > 168.63.129.16:53', 'infra'],
      [3, 'udp 10.255.{N}.54 > 168.63.129.16:53', 'infra'],
      [4, 'udp 10.255.{N}.52 > 168.63.129.16:53', 'infra'],
      [4, 'tcp 10.255.{N}.52 > 168.63.129.16:53', 'infra'],
      // An NVA has no label for those whose packets it sends on.
      [3, 'udp 10.255.{N}.52 > 168.63.129.16:53', 'nothing'],
      [3, 'udp 192.0.2.1 > 168.63.129.16:53', 'nothing'],
      [1, 'udp 10.255.{N}.54 > 168.63.129.16:53', 'nothing'],
      [1, 'udp 10.255.{N}.52 > 168.63.129.16:54', 'nothing'],
      [1, 'tcp 10.255.{N}.52 > 168.63.129.16:80', 'nothing'],
      [1, 'tcp 10.255.{N}.52 > 168.63.129.16:443', 'nothing'],
      [1, 'icmp 10.255.{N}.52 > 168.63.129.16', 'nothing'],
      [1, 'udp 10.255.{N}.52 > 10.255.{N}.53:53', 'nothing'],
      ['internet', 'udp 203.0.113.9 > 10.255.{N}.53:53', 'nothing'],
      ['internet', 'udp 203.0.113.9 > 168.63.129.16:53', 'nothing'],
      ['internet', 'udp 100.{O}.0.1 > 10.255.{N}.53:53', 'nothing'],
      ['operator', 'udp 169.254.{O}.1 > 10.255.{N}.53:53', 'nothing'],
      ['internet', 'udp 203.0.113.9 > 198.18.{N}.4:53', 'nothing'],
    ],
  },
];
