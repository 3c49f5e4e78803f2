/** What a router asks of a packet before connection tracking: who sends, as whom, by which table, and to which state it belongs. */

import { type Prefix, printPrefix, subtract, tryPrefix } from '#base/prefix.ts';
import { both, families, familyWord, hook, markText, quoted, type TableBuilder } from '#adapters/linux/builder.ts';
import { orderedBalances } from '#adapters/linux/balance.ts';
import { forgedRule } from '#adapters/linux/budget-rules.ts';
import { comment, prefixSet } from '#adapters/linux/filter.ts';
import { foreignBit, kernelName, labelledBit, peerName, portName } from '#adapters/linux/names.ts';
import { portsOf, type RouterPlace } from '#adapters/linux/router-place.ts';
import { balanceTargets } from '#program/eval-router.ts';
import { platformAddress, probeSources } from '#program/martian.ts';
import type { RouterProgram, RouteTable } from '#program/program.ts';

/**
 * Before connection tracking: who may send, as whom, with which table. State is kept apart per NIC wherever an NVA takes
 * part (dataplane.md §2, "NVA conntrack trap"): a packet between an NVA and a NIC is tracked in that NIC's own zone, so
 * the second leg of a flow never rides on the state of the first. Plain flows share zone 0.
 */
export function rawChains(builder: TableBuilder, program: RouterProgram, place: RouterPlace): void {
  builder.chain(
    'raw',
    [
      'iifname "lo" accept',
      ...['hbh', 'rt', 'dst', 'mh'].map(
        (header) => `exthdr ${header} exists counter drop${comment('boundary: IPv6 extension header')}`,
      ),
      // The kernel reads an IPv6 AH packet as what it carries (RFC 4302 makes it an extension header): what rules would
      // then judge as another protocol is dropped.
      ...['tcp', 'udp', 'icmp', 'ipv6-icmp', 'esp'].map(
        (inner) => `ip6 nexthdr ah meta l4proto ${inner} counter drop${comment(`boundary: AH around ${inner}`)}`,
      ),
      'iifname @ports goto from_port',
      ...both(
        (word, family) => `${word} daddr @gateways${family} counter drop${comment('platform: not from elsewhere')}`,
      ),
      // The router's own addresses as a source: from the boundary or a peer's NVA, never from itself.
      ...both(
        (word, family) =>
          `${word} saddr @gateways${family} counter drop${comment('platform: its own address from elsewhere')}`,
      ),
      'iifname "uplink" goto from_uplink',
      'iifname "vx" goto from_tunnel',
      'iifname @peers goto from_peer',
    ],
    hook('filter', 'prerouting priority raw', 'drop'),
  );
  fromPort(builder, program);
  builder.chain('from_uplink', [
    ...both((word, family) => `${word} daddr @labels${family} accept`),
    `counter drop${comment('uplink: no such label')}`,
  ]);
  const labelled = ['ct zone set meta mark map @label_zones'];
  const foreign = both(
    (word, family) => `meta mark ${markText(foreignBit)} ct zone set ${word} daddr map @zones${family}`,
  );
  builder.chain('from_tunnel', [...labelled, ...foreign, 'accept']);
  const transit = ['meta mark @far_labels notrack', `meta mark < ${markText(labelledBit)} goto from_peer_plain`];
  builder.chain('from_peer_plain', [
    ...both((word, family) => `${word} daddr @far${family} notrack`),
    ...foreign,
    'accept',
  ]);
  builder.chain('from_peer', [...peerSources(builder, program, place), ...transit, ...labelled, 'accept']);
}

function fromPort(builder: TableBuilder, program: RouterProgram): void {
  const forbidden = ['nd-neighbor-advert', 'nd-router-solicit', 'nd-router-advert', 'nd-redirect'];
  builder.chain('from_port', [
    'icmpv6 type nd-neighbor-solicit goto from_port_nd',
    ...forbidden.map((type) => `icmpv6 type ${type} counter drop${comment(`spoof: ${type} from a guest`)}`),
    // Answers to the platform's IPv6 probe go to a link-local address; the input chain takes nothing else there.
    `ip6 daddr ${probeSources[6]} iifname . ether saddr . ip6 saddr @own6 accept`,
    ...both(
      (word, family) => `${word} daddr @martians${family} counter drop${comment('martian: not a unicast target')}`,
    ),
    ...both((word, family) => `iifname . ether saddr . ${word} saddr @own${family} goto own`),
    'iifname . ether saddr @forwarders goto foreign',
    forgedRule,
    `counter drop${comment('spoof: not an address of the NIC')}`,
  ]);
  // A guest may only ask for its gateway (decision D3.4); whatever else it solicits has no answer.
  builder.chain('from_port_nd', [
    'iifname . ether saddr @macs icmpv6 type nd-neighbor-solicit @th,64,128 0xfe800000000000000000000000000001 accept',
    'iifname . ether saddr @macs icmpv6 type nd-neighbor-solicit @th,64,128 0xfe800000000000000000123456789abc accept',
    `counter drop${comment('spoof: neighbour solicitation')}`,
  ]);
  const toGateways = both((word, family) => `${word} daddr @gateways${family} accept`);
  // Whatever is for the platform's address goes by its own table once it is translated: a tenant's routes may say anything.
  const toPlatform = `ip daddr ${platformAddress} meta mark set iifname map @platform accept`;
  builder.chain('own', [
    toPlatform,
    'meta mark set iifname map @tables',
    ...toGateways,
    'iifname vmap @zoned',
    'accept',
  ]);
  builder.chain('foreign', [
    ...both((word, family) => `${word} saddr @martians${family} counter drop${comment('spoof: may not be forwarded')}`),
    ...both((word, family) => `${word} saddr @gateways${family} counter drop${comment('spoof: may not be forwarded')}`),
    'meta mark set iifname map @foreign_tables',
    ...toGateways,
    ...both((word, family) => `ct zone set ${word} daddr map @zones${family}`),
    'ct zone set iifname map @port_zones',
    'accept',
  ]);
  applianceZones(builder, program);
}

/** Flows that a table sends to an NVA, themselves or after a balance, belong to the sender's own zone. */
function applianceZones(builder: TableBuilder, program: RouterProgram): void {
  const zoned = new Map<string, string>();
  for (const [key, table] of Object.entries(program.tables)) {
    const prefixes = appliancePrefixes(table);
    if (prefixes.length === 0) continue;
    const chain = kernelName('z', key);
    zoned.set(key, chain);
    for (const family of families) builder.put(`${chain}_${family}`, prefixSet(prefixes, family));
    // A frontend goes where its targets are: it is them that the packet is for once it is tracked.
    const frontends = orderedBalances(program.balances).flatMap(({ balance, matches }) => {
      const zone = balanceTargets(balance, table).areBehindAppliance ? 'ct zone set iifname map @port_zones ' : '';
      return matches.map(({ text }) => `${text} ${zone}accept`);
    });
    builder.chain(chain, [
      ...frontends,
      ...both((word, family) => `${word} daddr @${chain}_${family} ct zone set iifname map @port_zones`),
    ]);
  }
  const elements = portsOf(program).flatMap(({ mark, table }) => {
    const chain = zoned.get(table);
    return chain === undefined ? [] : [`${quoted(portName(mark))} : jump ${chain}`];
  });
  builder.map('zoned', ['type ifname : verdict'], elements);
}

const applianceMemo = new WeakMap<RouteTable, readonly string[]>();

/** The addresses that a table sends to an NVA: its appliance prefixes without the longer ones that go elsewhere. */
function appliancePrefixes(table: RouteTable): readonly string[] {
  const known = applianceMemo.get(table);
  if (known !== undefined) return known;
  const routes = Object.entries(table.routes).flatMap(([text, { hop: next }]) => {
    const prefix = tryPrefix(text);
    return prefix === undefined ? [] : [{ prefix, isAppliance: next.kind === 'appliance' }];
  });
  const found: string[] = [];
  for (const { prefix, isAppliance } of routes) {
    if (!isAppliance) continue;
    let left: Prefix[] = [prefix];
    for (const other of routes) {
      if (other.prefix.family !== prefix.family || other.prefix.length <= prefix.length) continue;
      left = left.flatMap((part) => subtract(part, other.prefix));
    }
    for (const part of left) found.push(printPrefix(part));
  }
  applianceMemo.set(table, found);
  return found;
}

function peerSources(builder: TableBuilder, program: RouterProgram, place: RouterPlace): string[] {
  const rules: string[] = [];
  for (const key of place.peers) {
    const peer = program.peers[key];
    if (peer === undefined || peer.forwarded) continue;
    for (const family of families) {
      const name = kernelName(`peer${family}`, key);
      builder.put(name, prefixSet(peer.prefixes, family));
      rules.push(
        `iifname ${quoted(peerName(key))} ${familyWord(family)} saddr != @${name} counter drop${comment(`peer/${key}: forwarded traffic is not accepted`)}`,
      );
    }
  }
  return rules;
}
