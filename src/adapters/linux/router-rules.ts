/** The nftables of a VNet's router on one host: who may send what as whom, which state it belongs to, and what NSGs say of it. */

import { flowLogRate } from '#base/limits.ts';
import type { Family } from '#base/prefix.ts';
import { balanceRules, type Narrowed } from '#adapters/linux/balance.ts';
import { apartForward, budgetChains, budgetSets, paceRule, spendRule } from '#adapters/linux/budget-rules.ts';
import { both, families, familyOf, familyWord, hook, markText, quoted, TableBuilder } from '#adapters/linux/builder.ts';
import { comment, filterChain, filterSets, prefixSet, prefixSetName } from '#adapters/linux/filter.ts';
import { filterMark, loggedChain, portChain } from '#adapters/linux/flow-log-prefix.ts';
import {
  foreignBit,
  kernelName,
  labelledBit,
  labelMac,
  peerMac,
  peerName,
  portName,
  tableIndexMask,
  tableShift,
  tunnelMac,
} from '#adapters/linux/names.ts';
import {
  homesSet,
  openedChain,
  openedRule,
  openingsSet,
  openingsSetName,
  openRules,
} from '#adapters/linux/openings.ts';
import { rawChains } from '#adapters/linux/router-gates.ts';
import {
  heldSet,
  platformMark,
  portMark,
  portsOf,
  type RouterPlace,
  tableNumbers,
} from '#adapters/linux/router-place.ts';
import { inputRules, outputRules } from '#adapters/linux/router-ends.ts';
import type { NftTable, Ruleset } from '#adapters/linux/ruleset.ts';
import { holdRules } from '#adapters/linux/share-rules.ts';
import { balanceTargets } from '#program/eval-router.ts';
import { martians, platformAddress } from '#program/martian.ts';
import type { Balance, Port, RouterProgram } from '#program/program.ts';

const nothing: readonly string[] = [];

/** Renders the router's tables: `inet` judges, `arp` keeps neighbours honest, `netdev` reads next-hop labels off tunnels. */
export function renderRouter(program: RouterProgram, place: RouterPlace): Ruleset {
  const { inet, arp, netdev } = ground(program, place);
  const sets = new Map(inet.sets);
  const chains = new Map(inet.chains);
  // A set that rules speak of and the program lacks is empty (program/filter.ts, `matchesAddress`).
  const spoken = Object.values(program.filters).flatMap((filter) => filterSets(filter));
  for (const key of new Set([...Object.keys(program.sets), ...spoken])) {
    const prefixes = Object.hasOwn(program.sets, key) ? (program.sets[key] ?? nothing) : nothing;
    for (const family of families) sets.set(prefixSetName(key, family), prefixSet(prefixes, family));
  }
  for (const family of families) sets.set(openingsSetName(family), openingsSet(program, family));
  for (const [key, filter] of Object.entries(program.filters)) {
    chains.set(kernelName('f', key), filterChain(key, filter, { allow: 'return', deny: 'drop' }));
  }
  for (const key of Object.keys(program.flowLogs ?? {})) {
    const filter = Object.hasOwn(program.filters, key) ? program.filters[key] : undefined;
    if (filter !== undefined)
      chains.set(loggedChain(key), filterChain(key, filter, { allow: 'return', deny: 'drop', log: filterMark(key) }));
  }
  return new Map([
    ['inet', { sets, chains }],
    ['arp', arp],
    ['netdev', netdev],
  ]);
}

type Ground = {
  readonly parts: readonly unknown[];
  readonly inet: NftTable;
  readonly arp: NftTable;
  readonly netdev: NftTable;
};
const grounds = new WeakMap<object, Ground>();

/** All but filters and named sets: rendered anew only when ports, routes, peers or balances changed. */
function ground(program: RouterProgram, place: RouterPlace): Ground {
  const { ports, remotes, peers, tables, balances, gateways } = program;
  const parts = [
    remotes,
    peers,
    tables,
    balances,
    gateways,
    Object.keys(program.filters).join(),
    program.flowLogs,
    program.budgets,
    program.spenders,
    program.holds,
    place.peers.join(),
    place.resolver,
  ];
  const known = grounds.get(ports);
  if (known !== undefined && parts.every((part, index) => part === known.parts[index])) return known;
  const fresh = { parts, inet: inetTable(program, place), arp: arpTable(program), netdev: netdevTable(program, place) };
  grounds.set(ports, fresh);
  return fresh;
}

function inetTable(program: RouterProgram, place: RouterPlace): NftTable {
  const builder = new TableBuilder();
  declareSets(builder, program, place);
  rawChains(builder, program, place);
  builder.chain('error_from_port', errorRules);
  budgetChains(builder, program);
  builder.chain(
    'mangle',
    mangleRules(holdRules(builder, program)),
    hook('filter', 'prerouting priority mangle', 'accept'),
  );
  portChains(builder, program);
  natChains(builder, program, place);
  builder.chain('inward', [
    `oifname @held counter drop${comment('held: between two waves')}`,
    ...openRules,
    'oifname vmap @inbound',
    'counter accept',
  ]);
  openedChain(builder);
  builder.chain(
    'forward',
    [...apartForward(program), ...forwardRules],
    hook('filter', 'forward priority filter', 'drop'),
  );
  builder.chain('input', inputRules, hook('filter', 'input priority filter', 'drop'));
  builder.chain('output', outputRules, hook('filter', 'output priority filter', 'drop'));
  return builder.table();
}

function declareSets(builder: TableBuilder, program: RouterProgram, place: RouterPlace): void {
  const ports = portsOf(program);
  const tables = tableNumbers(program);
  const forwarding = ports.filter((port) => port.forwarding);
  builder.set(
    'ports',
    ['type ifname'],
    ports.map(({ mark }) => quoted(portName(mark))),
  );
  // Ports whose new flows wait while a change that both removes and adds goes through several namespaces (decision D3.1).
  builder.set(heldSet, ['type ifname'], []);
  builder.set(
    'peers',
    ['type ifname'],
    place.peers.map((key) => quoted(peerName(key))),
  );
  builder.set(
    'macs',
    ['type ifname . ether_addr'],
    ports.map(({ mark, mac }) => `${quoted(portName(mark))} . ${mac}`),
  );
  builder.set(
    'forwarders',
    ['type ifname . ether_addr'],
    forwarding.map(({ mark, mac }) => `${quoted(portName(mark))} . ${mac}`),
  );
  builder.map(
    'tables',
    ['type ifname : mark'],
    ports.map((port) => `${quoted(portName(port.mark))} : ${markText(portMark(port, tables))}`),
  );
  builder.map(
    'platform',
    ['type ifname : mark'],
    ports.map((port) => `${quoted(portName(port.mark))} : ${markText(platformMark(port))}`),
  );
  const foreign = (port: Port) => `${quoted(portName(port.mark))} : ${markText(foreignBit | portMark(port, tables))}`;
  builder.map('foreign_tables', ['type ifname : mark'], forwarding.map(foreign));
  builder.map(
    'port_zones',
    ['typeof iifname : ct zone'],
    ports.map(({ mark }) => `${quoted(portName(mark))} : ${mark}`),
  );
  builder.map(
    'label_zones',
    ['typeof meta mark : ct zone'],
    forwarding.map(({ mark }) => `${markText(labelledBit | mark)} : ${mark}`),
  );
  const far = Object.values(program.remotes).filter((remote) => remote.forwarding);
  builder.set('far_labels', ['type mark'], new Set(far.map(({ mark }) => markText(labelledBit | mark))));
  for (const family of families) addressSets(builder, { program, ports, tables }, family);
  budgetSets(builder, program);
}

type Ports = {
  readonly program: RouterProgram;
  readonly ports: readonly Port[];
  readonly tables: ReadonlyMap<string, number>;
};

function addressSets(builder: TableBuilder, { program, ports, tables }: Ports, family: Family): void {
  const [type, word] = [`ipv${family}_addr`, familyWord(family)];
  const owned = ports.flatMap((port) =>
    Object.entries(port.addresses)
      .filter(([address]) => familyOf(address) === family)
      .map(([address, { label }]) => ({ port, address, label })),
  );
  const ofFamily = (texts: readonly string[]) => texts.filter((text) => familyOf(text) === family);
  const own = owned.map(({ port, address }) => `${quoted(portName(port.mark))} . ${port.mac} . ${address}`);
  builder.set(`own${family}`, [`type ifname . ether_addr . ${type}`], own);
  builder.set(`gateways${family}`, [`type ${type}`], ofFamily([...program.gateways, platformAddress]));
  builder.put(`martians${family}`, prefixSet(martians, family));
  builder.set(
    `labels${family}`,
    [`type ${type}`],
    owned.map(({ label }) => label),
  );
  builder.set(`far${family}`, [`type ${type}`], ofFamily(Object.keys(program.remotes)));
  builder.map(
    `zones${family}`,
    [`typeof ${word} daddr : ct zone`],
    owned.map(({ port, address }) => `${address} : ${port.mark}`),
  );
  builder.map(
    `to_private${family}`,
    [`type ${type} : ${type}`],
    owned.map(({ address, label }) => `${label} : ${address}`),
  );
  // Keyed by mark and address (decision D3.5): the label of an address is only for the NIC that owns it.
  const marksOf = (port: Port) =>
    family === 4 ? [portMark(port, tables), platformMark(port)] : [portMark(port, tables)];
  const toLabel = owned.flatMap(({ port, address, label }) =>
    marksOf(port).map((mark) => `${markText(mark)} . ${address} : ${label}`),
  );
  builder.map(`to_label${family}`, [`type mark . ${type} : ${type}`], toLabel);
  const frontends = new Set(ofFamily(Object.values(program.balances).map(({ frontend }) => frontend)));
  homesSet(builder, program, family);
  builder.set(`frontends${family}`, [`type ${type}`], frontends);
}

const mangleRules = (holds: readonly string[]) => [
  paceRule,
  'ct state established accept',
  'ct state untracked accept',
  `ct state invalid counter drop${comment('state: invalid')}`,
  `iifname @ports meta mark < ${markText(foreignBit)} ct state related goto error_from_port`,
  'ct state related accept',
  `iifname @held counter drop${comment('held: between two waves')}`,
  spendRule,
  ...holds,
  ...both((word, family) => `${word} daddr @gateways${family} accept`),
  'iifname vmap @outbound',
];

/**
 * An ICMP error belongs to the flow that it quotes, and passes as that flow does. A guest may only complain of flows that it
 * is an end of: else it would reach either end of any flow whose ports it guesses, past all filters (RFC 5927). What an NVA
 * passes on for others has a mark of its own and is not asked.
 */
const errorRules = [
  ...both(
    (word, family) => `ct direction original iifname . ether saddr . ct original ${word} saddr @own${family} accept`,
  ),
  ...both((word, family) => `ct direction reply iifname . ether saddr . ct reply ${word} saddr @own${family} accept`),
  `counter drop${comment('state: an error about a foreign flow')}`,
];

const forwardRules = [
  openedRule,
  'ct state established,related accept',
  `ct state invalid counter drop${comment('state: invalid')}`,
  'oifname @ports goto inward',
  'iifname @ports accept',
  'iifname @peers oifname "vx" accept',
];

/** One chain per list of filters that ports share. */
function portChains(builder: TableBuilder, program: RouterProgram): void {
  for (const direction of ['outbound', 'inbound'] as const) {
    const elements: string[] = [];
    for (const port of portsOf(program)) {
      const filters = port[direction];
      if (filters.length === 0) continue;
      const chain = kernelName(direction === 'outbound' ? 'o' : 'i', filters.join('+'));
      builder.chain(
        chain,
        filters.map((key) => filterJump(program, key)),
      );
      const logged = loggedFilters(program, port, direction);
      if (logged.size > 0)
        builder.chain(portChain(port.mark, direction), [
          // Over the rate the same filters decide without logging: nothing of this may change a verdict.
          `limit rate over ${flowLogRate}/second burst ${flowLogRate} packets counter goto ${chain}${comment('flow log: over the rate')}`,
          ...filters.map((key) => (logged.has(key) ? `jump ${loggedChain(key)}` : filterJump(program, key))),
        ]);
      const start = logged.size > 0 ? portChain(port.mark, direction) : chain;
      elements.push(`${quoted(portName(port.mark))} : jump ${start}`);
    }
    builder.map(direction, ['type ifname : verdict'], elements);
  }
}

/** The filters of a port whose verdicts on it are logged. */
function loggedFilters(
  { flowLogs, filters }: RouterProgram,
  port: Port,
  direction: 'outbound' | 'inbound',
): ReadonlySet<string> {
  if (flowLogs === undefined) return new Set();
  const isLogged = (key: string): boolean =>
    Object.hasOwn(flowLogs, key) &&
    Object.hasOwn(filters, key) &&
    flowLogs[key]?.ports.includes(portName(port.mark)) === true;
  return new Set(port[direction].filter(isLogged));
}

function filterJump(program: RouterProgram, key: string): string {
  return Object.hasOwn(program.filters, key)
    ? `jump ${kernelName('f', key)}`
    : `counter drop${comment(`${key}: no such filter`)}`;
}

function natChains(builder: TableBuilder, program: RouterProgram, { resolver }: RouterPlace): void {
  const balances = balanceRules(builder, program.balances, {
    narrowed: (balance) => narrowedTargets(program, balance),
  });
  builder.chain('balance', [...balances, `counter drop${comment('balance: no rule for this')}`]);
  // A packet that an NVA sends on has no label: whoever answered it would not know to whom.
  const asks = (protocol: string) =>
    `iifname @ports ip daddr ${platformAddress} ${protocol} dport 53 meta mark < ${markText(foreignBit)} dnat ip to ${resolver}${comment('platform: resolver')}`;
  builder.chain(
    'dnat_in',
    [
      ...(resolver === '' ? [] : ['udp', 'tcp'].map(asks)),
      ...both((word, family) => `iifname "uplink" dnat ${word} to ${word} daddr map @to_private${family}`),
      ...both((word, family) => `iifname @ports ${word} daddr @frontends${family} goto balance`),
    ],
    hook('nat', 'prerouting priority dstnat', 'accept'),
  );
  builder.chain(
    'snat_out',
    both((word, family) => `oifname "uplink" snat ${word} to meta mark . ${word} saddr map @to_label${family}`),
    hook('nat', 'postrouting priority srcnat', 'accept'),
  );
}

/** Senders whose table leads some of the targets, not all, through an appliance get those alone (eval-router.ts, `balanceTargets`). */
function narrowedTargets(program: RouterProgram, balance: Balance): Narrowed[] {
  const numbers = tableNumbers(program);
  const count = Object.keys(balance.targets).length;
  return Object.entries(program.tables).flatMap(([name, table]) => {
    const { targets } = balanceTargets(balance, table);
    if (targets.length === count) return [];
    const number = (numbers.get(name) ?? 0) << tableShift;
    const mask = tableIndexMask << tableShift;
    return [{ match: `meta mark & ${markText(mask)} == ${markText(number)}`, name, targets }];
  });
}

function arpTable(program: RouterProgram): NftTable {
  const owned = portsOf(program).flatMap(({ mark, mac, addresses }) =>
    Object.keys(addresses)
      .filter((address) => familyOf(address) === 4)
      .map((address) => `${quoted(portName(mark))} . ${mac} . ${address}`),
  );
  return new TableBuilder()
    .set('own', ['type ifname . ether_addr . ipv4_addr'], owned)
    .chain(
      'input',
      ['arp operation request iifname . arp saddr ether . arp saddr ip @own accept'],
      hook('filter', 'input priority filter', 'drop'),
    )
    .table();
}

/** Next-hop labels: a frame for a label's hardware address is ours, and its mark says which NIC, or that its source is foreign. */
function netdevTable(program: RouterProgram, place: RouterPlace): NftTable {
  const builder = new TableBuilder();
  const local = portsOf(program)
    .filter((port) => port.forwarding)
    .map(({ mark }) => mark);
  const far = Object.values(program.remotes)
    .filter((remote) => remote.forwarding)
    .map(({ mark }) => mark);
  const label = (mark: number) => `${labelMac(mark)} : ${markText(labelledBit | mark)}`;
  const device = (name: string, labels: ReadonlySet<string>, map: string) => {
    builder.map(map, ['type ether_addr : mark'], labels);
    const rules = [`meta mark set ether daddr map @${map} meta pkttype set host`];
    builder.chain(`${map}_in`, rules, hook('filter', `ingress device ${quoted(name)} priority -500`, 'accept'));
  };
  device(
    'vx',
    new Set([...local.map(label), `${tunnelMac(program.host, true)} : ${markText(foreignBit)}`]),
    'tunnel_labels',
  );
  for (const key of place.peers) {
    const foreign = `${peerMac(program.key, key, true)} : ${markText(foreignBit)}`;
    device(peerName(key), new Set([...local, ...far].map(label).concat(foreign)), kernelName('labels', key));
  }
  return builder.table();
}
