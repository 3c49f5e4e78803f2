/** The stamp's fixed namespaces and wires, and the ones that come and go with VNets: made idempotently, found again by name, removed by prefix. */

import { Fault } from '#base/wrong.ts';
import { ipBatch, ipJson } from '#adapters/linux/ip.ts';
import { type Names, peerMac, tunnelMac, wireMacs } from '#adapters/linux/names.ts';
import { hasNamespace, linksOf, namespacesWith, writeSysctls } from '#adapters/linux/netns.ts';

/** MTU of the fabric: a guest's full packet with the tunnel's headers fits without fragments. */
const fabricMtu = 9000;

/** Sysctls of every namespace of ours (decisions D2.2, D3.4): no redirects, no source routes, no loose pick-up of flows. */
export const sysctls: { readonly [path: string]: number } = {
  'net/ipv4/ip_forward': 1,
  'net/ipv4/conf/all/rp_filter': 0,
  'net/ipv4/conf/default/rp_filter': 0,
  'net/ipv4/conf/all/send_redirects': 0,
  'net/ipv4/conf/default/send_redirects': 0,
  'net/ipv4/conf/all/accept_redirects': 0,
  'net/ipv4/conf/default/accept_redirects': 0,
  'net/ipv4/conf/all/accept_source_route': 0,
  'net/ipv4/conf/default/accept_source_route': 0,
  'net/ipv6/conf/all/forwarding': 1,
  'net/ipv6/conf/default/forwarding': 1,
  'net/ipv6/conf/all/accept_ra': 0,
  'net/ipv6/conf/default/accept_ra': 0,
  'net/ipv6/conf/all/accept_redirects': 0,
  'net/ipv6/conf/default/accept_redirects': 0,
  'net/ipv6/conf/default/accept_dad': 0,
  'net/ipv6/conf/default/addr_gen_mode': 1,
  'net/netfilter/nf_conntrack_tcp_loose': 0,
};

export const routerSysctls: { readonly [path: string]: number } = {
  ...sysctls,
  'net/ipv4/conf/default/proxy_arp': 1,
};

/** What links inherit at their making and must keep. A guest's end waits here only until it is moved into the guest. */
export function linkSysctls(links: readonly string[]): { readonly [path: string]: number } {
  const values: { [path: string]: number } = {};
  for (const link of links) {
    if (link === 'lo' || /^g\d+$/.test(link)) continue;
    for (const name of ['accept_redirects', 'send_redirects']) values[`net/ipv4/conf/${link}/${name}`] = 0;
    for (const name of ['accept_redirects', 'accept_ra']) values[`net/ipv6/conf/${link}/${name}`] = 0;
    for (const family of ['ipv4', 'ipv6']) values[`net/${family}/conf/${link}/forwarding`] = 1;
  }
  return values;
}

type Wire = { readonly upper: string; readonly upperName: string; readonly lower: string; readonly lowerName: string };

/** Makes what is missing of the fabric: six namespaces and their wires. */
export async function fabricUp(names: Names, hosts: readonly string[]): Promise<void> {
  const all = [names.inet, names.edge, names.tor, names.infra, ...hosts.map((host) => names.host(host)), names.scratch];
  await makeNamespaces(all, sysctls);
  const wires: Wire[] = [
    { upper: names.inet, upperName: 'edge', lower: names.edge, lowerName: 'net' },
    { upper: names.edge, upperName: 'tor', lower: names.tor, lowerName: 'edge' },
    { upper: names.tor, upperName: 'infra', lower: names.infra, lowerName: 'tor' },
    ...hosts.map((host) => ({ upper: names.tor, upperName: host, lower: names.host(host), lowerName: 'tor' })),
  ];
  for (const wire of wires) await makeWire(wire);
  writeSysctls(names.infra, { 'net/ipv4/ip_unprivileged_port_start': 0 });
  await operatorLink(names);
}

async function makeNamespaces(
  wanted: readonly string[],
  values: { readonly [path: string]: string | number },
): Promise<void> {
  const missing = wanted.filter((name) => !hasNamespace(name));
  if (missing.length === 0) return;
  await ipBatch(
    undefined,
    missing.map((name) => `netns add ${name}`),
  );
  for (const name of missing) {
    writeSysctls(name, values);
    await ipBatch(name, ['link set lo up']);
  }
}

async function makeWire({ upper, upperName, lower, lowerName }: Wire): Promise<void> {
  if (linksOf(upper).includes(upperName)) return;
  await ipBatch(upper, [
    `link add ${upperName} mtu ${fabricMtu} address ${wireMacs[0]} type veth peer name ${lowerName} netns ${lower} address ${wireMacs[1]} mtu ${fabricMtu}`,
    `link set ${upperName} up`,
  ]);
  await ipBatch(lower, [`link set ${lowerName} up`]);
}

/** The one link of the root namespace: the operator's, with the routes to the public pool (decision D5). */
async function operatorLink(names: Names): Promise<void> {
  const { stamp, up } = names;
  const has = (await ipJson(undefined, ['link', 'show'])).some((link) => link.ifname === up);
  if (has) return;
  await ipBatch(undefined, [
    `link add ${up} address ${wireMacs[0]} type veth peer name oper netns ${names.edge} address ${wireMacs[1]}`,
    `link set ${up} up`,
    `addr add 169.254.${64 + stamp}.1/30 dev ${up}`,
    `route replace 198.18.${stamp}.0/24 via 169.254.${64 + stamp}.2 dev ${up}`,
    `neigh replace 169.254.${64 + stamp}.2 lladdr ${wireMacs[1]} dev ${up} nud permanent`,
  ]);
  await ipBatch(names.edge, ['link set oper up']);
}

/** The namespace of a router with its link to the host and its end of the VNet's tunnel. */
export async function routerUp(
  names: Names,
  { key, host, vni, underlay }: { key: string; host: string; vni: number; underlay: string },
): Promise<void> {
  const [router, hostNamespace] = [names.router(key, host), names.host(host)];
  await makeNamespaces([router], routerSysctls);
  const links = linksOf(router);
  if (!links.includes('uplink'))
    await makeWire({ upper: hostNamespace, upperName: `r${key}`, lower: router, lowerName: 'uplink' });
  if (!links.includes('vx')) {
    // Made in the host's namespace so that its socket stays on the underlay, then moved (dataplane.md §1.1).
    await ipBatch(hostNamespace, [
      `link add t${key} address ${tunnelMac(host, false)} type vxlan id ${vni} local ${underlay} dstport 4789 srcport 49152 65535 nolearning`,
      `link set t${key} netns ${router} name vx`,
    ]);
    await ipBatch(router, [`link set vx mtu ${fabricMtu - 100} up`]);
  }
}

/** A wire between the routers of two peered VNets on one host. */
export async function peerUp(
  names: Names,
  { first, second, host }: { first: string; second: string; host: string },
): Promise<void> {
  const [left, right] = [names.router(first, host), names.router(second, host)];
  if (linksOf(left).includes(`p${second}`)) return;
  await ipBatch(left, [
    `link add p${second} mtu ${fabricMtu} address ${peerMac(first, second, false)} type veth peer name p${first} netns ${right} address ${peerMac(second, first, false)} mtu ${fabricMtu}`,
    `link set p${second} up`,
  ]);
  await ipBatch(right, [`link set p${first} up`]);
}

export async function peerDown(
  names: Names,
  { first, second, host }: { first: string; second: string; host: string },
): Promise<void> {
  const left = names.router(first, host);
  if (hasNamespace(left) && linksOf(left).includes(`p${second}`)) await ipBatch(left, [`link del p${second}`]);
}

/** Removes one router's namespace and all its links. */
export async function routerDown(names: Names, key: string, host: string): Promise<void> {
  await removeNamespace(names, names.router(key, host));
}

async function removeNamespace(names: Names, name: string): Promise<void> {
  if (!name.startsWith(names.prefix)) throw new Fault('NotOurs', `The namespace ${name} is not of this stamp.`);
  if (!hasNamespace(name)) return;
  // The kernel clears a namespace later, in its own time: links go first, so that their names are free at once.
  await ipBatch(
    name,
    linksOf(name)
      .filter((link) => link !== 'lo')
      .map((link) => `link del ${link}`),
  );
  await ipBatch(undefined, [`netns del ${name}`]);
}

/** Removes everything of the stamp by name; needs no state and may run again. */
export async function fabricDown(names: Names): Promise<void> {
  const links = await ipJson(undefined, ['link', 'show']);
  if (links.some((link) => link.ifname === names.up)) await ipBatch(undefined, [`link del ${names.up}`]);
  const namespaces = namespacesWith(names.prefix);
  if (namespaces.length > 0)
    await ipBatch(
      undefined,
      namespaces.map((name) => `netns del ${name}`),
    );
}
