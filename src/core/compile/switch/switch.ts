/** The top-of-rack switch: stateless permits in pairs, and where each label and infrastructure address lives. */

import { parsePrefix, printPrefix } from '#base/prefix.ts';
import type { NicFacts } from '#compile/sdn/nic.ts';
import { privatePrefixes, publishedEndpoints, resolverAddress, stampNetworks, underlayAddress } from '#model/infra.ts';
import type { StampFacts } from '#model/resource.ts';
import type { AddressMatch, PortRange, Protocol, Rule, SwitchProgram } from '#program/program.ts';

/** The switch's program. */
export function compileSwitch(stamp: StampFacts, nics: readonly NicFacts[]): SwitchProgram {
  const routes: { [prefix: string]: string } = { [stampNetworks(stamp.number).infra]: 'infra' };
  for (const nic of nics) {
    for (const { label, family } of nic.addresses) routes[`${label}/${family === 4 ? 32 : 128}`] = `host/${nic.host}`;
  }
  return { kind: 'switch', filter: { rules: compileRules(stamp) }, routes };
}

/**
 * No state, so each permit is written with its reply. Labels speak with the internet, the stamp's public addresses and the
 * operator's link, never with each other, and of infrastructure with the resolver alone; a guest reaches a published endpoint
 * through the boundary, which has given it a public source by then.
 */
function compileRules(stamp: StampFacts): { readonly [key: string]: Rule } {
  const { labels, operator } = stampNetworks(stamp.number);
  const near: AddressMatch = {
    prefixes: [operator, ...stamp.publicPools.map((text) => printPrefix(parsePrefix(text)))],
    sets: [],
  };
  const closed: AddressMatch = { prefixes: privatePrefixes(stamp.profile), sets: [] };
  const guests: AddressMatch = { prefixes: labels, sets: [] };
  const endpoints = publishedEndpoints(stamp);
  const infra: AddressMatch = { prefixes: endpoints.map(({ target }) => `${target}/32`), sets: [] };
  const ports = [...new Set(endpoints.map(({ port }) => port))].map((port): PortRange => [port, port]);
  const hosts: AddressMatch = {
    prefixes: stamp.hosts.map((_, index) => `${underlayAddress(stamp.number, index)}/32`),
    sets: [],
  };
  const asking: AddressMatch = { prefixes: labels.filter((text) => !text.includes(':')), sets: [] };
  const resolver: AddressMatch = { prefixes: [`${resolverAddress(stamp.number)}/32`], sets: [] };
  const rows: readonly Row[] = [
    ['0100/near-out', 'allow', 'any', guests, near],
    ['0110/near-in', 'allow', 'any', near, guests],
    ['0120/resolver-in', 'allow', 'any', asking, resolver, [], [[53, 53]]],
    ['0130/resolver-out', 'allow', 'any', resolver, asking, [[53, 53]], []],
    ['0200/closed-out', 'deny', 'any', guests, closed],
    ['0210/closed-in', 'deny', 'any', closed, guests],
    ['0300/internet-out', 'allow', 'any', guests, 'any'],
    ['0310/internet-in', 'allow', 'any', 'any', guests],
    ['0400/infra-near-in', 'allow', 'tcp', near, infra, [], ports],
    ['0410/infra-near-out', 'allow', 'tcp', infra, near, ports, []],
    ['0420/infra-closed-in', 'deny', 'any', closed, infra],
    ['0430/infra-closed-out', 'deny', 'any', infra, closed],
    ['0440/infra-in', 'allow', 'tcp', 'any', infra, [], ports],
    ['0450/infra-out', 'allow', 'tcp', infra, 'any', ports, []],
    ['0500/tunnel', 'allow', 'udp', hosts, hosts, [], [[4789, 4789]]],
  ];
  return Object.fromEntries(rows.map((row) => [row[0], ruleOf(row)]));
}

type Row = readonly [
  key: string,
  access: Rule['access'],
  protocol: Protocol,
  source: AddressMatch,
  target: AddressMatch,
  sourcePorts?: readonly PortRange[],
  targetPorts?: readonly PortRange[],
];

function ruleOf([key, access, protocol, source, target, sourcePorts = [], targetPorts = []]: Row): Rule {
  return { access, protocol, source, target, sourcePorts, targetPorts, because: `switch/${key.slice(5)}` };
}
