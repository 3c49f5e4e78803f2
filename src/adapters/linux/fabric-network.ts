/** Routes and neighbours of the fabric's namespaces: internet, boundary, switch, hosts, endpoints. */

import { familyOf } from '#adapters/linux/builder.ts';
import { routerLink } from '#adapters/linux/fabric-rules.ts';
import { wireFour, wireMacs, wireSix } from '#adapters/linux/names.ts';
import { emptyNetwork, type Network } from '#adapters/linux/network.ts';
import { tryPrefix, printPrefix } from '#base/prefix.ts';
import type { EdgeProgram, HostProgram, InfraProgram, SwitchProgram } from '#program/program.ts';

/** Every wire has an upper and a lower end; each end knows the other's hardware address for ever. */
function wireNeighbours(links: readonly { readonly name: string; readonly isUpper: boolean }[]): Set<string> {
  return new Set(
    links.flatMap(({ name, isUpper }) =>
      [wireFour, wireSix].map((hop) => `${hop} lladdr ${wireMacs[isUpper ? 1 : 0]} dev ${name}`),
    ),
  );
}

function via(prefix: string, link: string): string {
  const whole = tryPrefix(prefix);
  const text = whole === undefined ? prefix : printPrefix(whole);
  return `${text} via ${familyOf(prefix) === 4 ? wireFour : wireSix} dev ${link} table 254 onlink`;
}

/** Prefixes that are the lab's own internet. */
const internetPrefixes = ['198.51.100.0/24', '203.0.113.0/24', '2001:db8:ffff::/48'] as const;

/** The internet namespace answers for its prefixes itself and sends the rest to the boundary. */
export function inetNetwork(): Network {
  return {
    ...emptyNetwork,
    routes: new Set([
      ...internetPrefixes.map((prefix) => `local ${prefix} dev lo table 255`),
      via('0.0.0.0/0', 'edge'),
      via('::/0', 'edge'),
    ]),
    neighbours: wireNeighbours([{ name: 'edge', isUpper: true }]),
  };
}

export function edgeNetwork(
  program: EdgeProgram,
  { stamp, infra }: { stamp: number; infra: readonly string[] },
): Network {
  const operator = `169.254.${64 + stamp}`;
  const link = `${operator}.0/30`;
  const beyond = program.operator.filter((prefix) => prefix !== link && prefix !== `${operator}.1/32`);
  const routes = [
    ...[...program.labels, ...infra].map((prefix) => via(prefix, 'tor')),
    ...program.pool.map((prefix) => `blackhole ${prefix} table 254`),
    ...beyond
      .filter((prefix) => familyOf(prefix) === 4)
      .map((prefix) => `${prefix} via ${operator}.1 dev oper table 254 onlink`),
    ...beyond
      .filter((prefix) => familyOf(prefix) === 6)
      .map((prefix) => `${prefix} via ${wireSix} dev oper table 254 onlink`),
    via('0.0.0.0/0', 'net'),
    via('::/0', 'net'),
  ];
  const neighbours = wireNeighbours([
    { name: 'net', isUpper: false },
    { name: 'tor', isUpper: true },
    { name: 'oper', isUpper: false },
  ]);
  neighbours.add(`${operator}.1 lladdr ${wireMacs[0]} dev oper`);
  return { ...emptyNetwork, routes: new Set(routes), neighbours, addresses: new Set([`${operator}.2/30 dev oper`]) };
}

export function switchNetwork(program: SwitchProgram, underlays: { readonly [host: string]: string }): Network {
  const hosts = Object.keys(underlays);
  const routes = [
    ...Object.entries(program.routes).map(([prefix, at]) => via(prefix, at.replace(/^host\//, ''))),
    ...Object.entries(underlays).map(([host, address]) => via(`${address}/32`, host)),
    via('0.0.0.0/0', 'edge'),
    via('::/0', 'edge'),
  ];
  const neighbours = wireNeighbours([
    { name: 'edge', isUpper: false },
    ...['infra', ...hosts].map((name) => ({ name, isUpper: true })),
  ]);
  return { ...emptyNetwork, routes: new Set(routes), neighbours };
}

export function hostNetwork(program: HostProgram, routers: readonly string[]): Network {
  const links = new Set(routers.map((point) => routerLink(point)));
  const labels = Object.entries(program.routes).filter(([, point]) => links.has(routerLink(point)));
  const routes = [
    ...labels.map(([label, point]) => via(label, routerLink(point))),
    via('0.0.0.0/0', 'tor'),
    via('::/0', 'tor'),
  ];
  const neighbours = wireNeighbours([
    { name: 'tor', isUpper: false },
    ...[...links].sort().map((name) => ({ name, isUpper: true })),
  ]);
  return {
    ...emptyNetwork,
    routes: new Set(routes),
    neighbours,
    addresses: new Set([`${program.underlay}/32 dev tor`]),
  };
}

export function infraNetwork(program: InfraProgram): Network {
  return {
    ...emptyNetwork,
    addresses: new Set(program.addresses.map((address) => `${address}/${familyOf(address) === 4 ? 32 : 128} dev lo`)),
    routes: new Set([via('0.0.0.0/0', 'tor'), via('::/0', 'tor')]),
    neighbours: wireNeighbours([{ name: 'tor', isUpper: false }]),
  };
}
