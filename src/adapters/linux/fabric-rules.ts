/** The nftables of the fabric: boundary, switch, hosts and the stamp's own endpoints. */

import type { Family } from '#base/prefix.ts';
import { balanceRules } from '#adapters/linux/balance.ts';
import { type ShareRules, shareRules } from '#adapters/linux/share-rules.ts';
import { idlePolicies, idleRules, timeoutLine } from '#adapters/linux/idle.ts';
import { both, families, familyOf, familyWord, hook, quoted, TableBuilder } from '#adapters/linux/builder.ts';
import { comment, filterChain, intervalTexts, prefixSet, prefixText } from '#adapters/linux/filter.ts';
import { kernelName } from '#adapters/linux/names.ts';
import type { Ruleset } from '#adapters/linux/ruleset.ts';
import { blockKinds, sharedBlocks } from '#adapters/linux/shared-block.ts';
import { isIn } from '#program/filter.ts';
import type { EdgeProgram, HostProgram, InfraProgram, Published, SwitchProgram } from '#program/program.ts';

const ofFamily = (texts: readonly string[], family: Family) => texts.filter((text) => familyOf(text) === family);
const wire = { edge: 'edge', tor: 'tor', net: 'net', operator: 'oper', infra: 'infra' } as const;

/** The boundary: who may come in, what each public address stands for, and as whom guests go out (program.ts, `EdgeProgram`). */
export function renderEdge(program: EdgeProgram): Ruleset {
  const builder = new TableBuilder();
  const ones = Object.entries(program.ones);
  const blocks = sharedBlocks(program);
  for (const family of families) {
    const type = `ipv${family}_addr`;
    builder.put(`bogons${family}`, prefixSet(program.bogons, family));
    builder.put(`pool${family}`, prefixSet(program.pool, family));
    builder.put(`labels${family}`, prefixSet(program.labels, family));
    builder.put(`operator${family}`, prefixSet(program.operator, family));
    const isOf = ([label]: [string, unknown]) => familyOf(label) === family;
    builder.set(
      `ones${family}`,
      [`type ${type}`],
      ones.filter(isOf).map(([label]) => label),
    );
    for (const kind of blockKinds) {
      const sharing = blocks.filter((block) => block.kind === kind && familyOf(block.label) === family);
      builder.set(
        `sharing_${kind}${family}`,
        [`type ${type}`],
        sharing.map(({ label }) => label),
      );
    }
    builder.map(
      `one_to${family}`,
      [`type ${type} : ${type}`],
      ones.filter(isOf).map(([label, { address }]) => `${label} : ${address}`),
    );
    const publics = Object.entries(program.publics).filter(([address]) => familyOf(address) === family);
    builder.map(
      `public_to${family}`,
      [`type ${type} : ${type}`],
      publics.map(([address, { label }]) => `${address} : ${label}`),
    );
  }
  for (const kind of blockKinds) {
    const four = blocks
      .filter((block) => block.kind === kind && familyOf(block.label) === 4)
      .map(({ label, address, ports }) => `${label} : ${address} . ${ports[0]}-${ports[1]}`);
    builder.map(`block_${kind}4`, ['type ipv4_addr : interval ipv4_addr . inet_service', 'flags interval'], four);
  }
  idlePolicies(builder, program);
  edgeGates(builder, program);
  edgeTranslation(builder, program);
  const shares = shareRules(builder, program, wire.tor);
  builder.chain('forward', edgeForward(shares), hook('filter', 'forward priority filter', 'drop'));
  closedEnds(builder);
  return new Map([['inet', builder.table()]]);
}

function edgeGates(builder: TableBuilder, program: EdgeProgram): void {
  builder.chain(
    'raw',
    [
      'iifname "lo" accept',
      ...both(
        (word, family) =>
          `iifname "${wire.net}" ${word} saddr @bogons${family} counter drop${comment('bogon: never comes from the internet')}`,
      ),
      ...both(
        (word, family) =>
          `iifname "${wire.operator}" ${word} saddr != @operator${family} counter drop${comment('operator: not on the operator link')}`,
      ),
    ],
    hook('filter', 'prerouting priority raw', 'accept'),
  );
  builder.chain(
    'mangle',
    [
      'ct state established,related accept',
      `ct state invalid counter drop${comment('state: invalid')}`,
      ...idleRules(program, wire.tor),
      `iifname "${wire.tor}" goto outward`,
    ],
    hook('filter', 'prerouting priority mangle', 'accept'),
  );
  builder.chain('outward', [
    ...both((word, family) => `${word} saddr @ones${family} goto outward_target`),
    ...(['tcp', 'udp'] as const).flatMap((kind) =>
      both((word, family) => `meta l4proto ${kind} ${word} saddr @sharing_${kind}${family} goto outward_target`),
    ),
    ...both((word, family) => `${word} saddr @sharing_any${family} goto sharing`),
    `counter drop${comment('translate: no way out')}`,
  ]);
  builder.chain('sharing', [
    ...['tcp', 'udp', 'icmp', 'ipv6-icmp'].map((protocol) => `meta l4proto ${protocol} goto outward_target`),
    `counter drop${comment('translate: only TCP, UDP and ICMP share an address')}`,
  ]);
  builder.chain('outward_target', [
    ...both((word, family) => `${word} daddr @pool${family} accept`),
    ...both((word, family) => `${word} daddr @bogons${family} counter drop${comment('bogon: not on the internet')}`),
    'accept',
  ]);
}

function edgeTranslation(builder: TableBuilder, program: EdgeProgram): void {
  const published = publishedRules(builder, program);
  builder.chain('inward', [
    ...published,
    ...balanceRules(builder, program.balances, { timeout: timeoutLine }),
    ...both((word, family) => `dnat ${word} to ${word} daddr map @public_to${family}`),
    `counter drop${comment('boundary: is nobody')}`,
  ]);
  builder.chain(
    'dnat_in',
    [
      `iifname "${wire.net}" goto inward`,
      `iifname "${wire.operator}" goto inward`,
      ...both((word, family) => `iifname "${wire.tor}" ${word} daddr @pool${family} goto inward`),
    ],
    hook('nat', 'prerouting priority dstnat', 'accept'),
  );
  builder.chain(
    'snat_out',
    [
      `ip saddr @operator4 ip daddr @labels4 snat ip to ${program.operatorSource}`,
      ...both((word, family) => `snat ${word} to ${word} saddr map @one_to${family}`),
      ...['tcp', 'udp'].map((protocol) => `meta l4proto ${protocol} snat ip to ip saddr map @block_${protocol}4`),
      ...['tcp', 'udp', 'icmp'].map((protocol) => `meta l4proto ${protocol} snat ip to ip saddr map @block_any4`),
      ...blocksSix(program),
    ],
    hook('nat', 'postrouting priority srcnat', 'accept'),
  );
}

/** One line per label: the kernel has no map from an address to an IPv6 address with a range of ports. */
function blocksSix(program: EdgeProgram): string[] {
  const lines = sharedBlocks(program)
    .filter(({ label }) => familyOf(label) === 6)
    .map(({ label, kind, address, ports: [first, last] }) => ({
      kind,
      texts: (kind === 'any' ? ['tcp', 'udp', 'ipv6-icmp'] : [kind]).map(
        (protocol) => `ip6 saddr ${label} meta l4proto ${protocol} snat ip6 to [${address}]:${first}-${last}`,
      ),
    }));
  // A block for one protocol goes before one for all.
  return blockKinds.flatMap((kind) => lines.filter((line) => line.kind === kind).flatMap(({ texts }) => texts));
}

/**
 * Published endpoints with the sources that may connect. A guest's packet has its label here, and becomes public only after
 * this hook: the labels whose public address may connect stand for it.
 */
function publishedRules(builder: TableBuilder, program: EdgeProgram): string[] {
  const rules: string[] = [];
  for (const [key, one] of Object.entries(program.published)) {
    const family = familyOf(one.address);
    const word = familyWord(family);
    const chain = kernelName('e', key);
    builder.put(`${chain}_from`, prefixSet(one.sources, family));
    builder.set(
      `${chain}_guests`,
      [`type ipv${family}_addr`],
      guestsWhoMay(program, one).filter((label) => familyOf(label) === family),
    );
    const target = family === 4 ? `${one.target}:${one.targetPort}` : `[${one.target}]:${one.targetPort}`;
    const to = `counter dnat ${word} to ${target}${comment(one.because)}`;
    builder.chain(chain, [
      `iifname "${wire.tor}" meta l4proto ${one.protocol} ${word} saddr @${chain}_guests ${to}`,
      `iifname != "${wire.tor}" meta l4proto ${one.protocol} ${word} saddr @${chain}_from ${to}`,
      `counter drop${comment(`${one.because}: may not connect`)}`,
    ]);
    rules.push(`${word} daddr ${one.address} ${one.protocol} dport ${one.port} goto ${chain}`);
  }
  return rules;
}

function guestsWhoMay(program: EdgeProgram, { sources, protocol }: Published): string[] {
  const addresses = new Map<string, string>();
  const blocks = sharedBlocks(program);
  for (const kind of ['any', protocol]) {
    for (const block of blocks) if (block.kind === kind) addresses.set(block.label, block.address);
  }
  for (const [label, { address }] of Object.entries(program.ones)) addresses.set(label, address);
  return [...addresses].filter(([, address]) => isIn(sources, address)).map(([label]) => label);
}

const edgeForward = (shares: ShareRules) => [
  ...shares.every,
  'ct state established,related accept',
  `ct state invalid counter drop${comment('state: invalid')}`,
  ...shares.first,
  ...[wire.net, wire.operator, wire.tor].map((name) => `iifname "${name}" oifname "${wire.tor}" ct status dnat accept`),
  `iifname "${wire.tor}" oifname "${wire.net}" accept`,
];

/** Nothing is for this namespace itself, and it says nothing but errors about flows that it carries. */
function closedEnds(builder: TableBuilder): void {
  builder.chain('input', ['iifname "lo" accept'], hook('filter', 'input priority filter', 'drop'));
  builder.chain(
    'output',
    ['oifname "lo" accept', 'ct state established,related accept'],
    hook('filter', 'output priority filter', 'drop'),
  );
}

/** The switch: stateless, and a source only comes from where it lives. */
export function renderSwitch(program: SwitchProgram, underlays: { readonly [host: string]: string }): Ruleset {
  const builder = new TableBuilder();
  const places = [
    ...Object.entries(program.routes).map(([prefix, at]) => ({ prefix, at: at.replace(/^host\//, '') })),
    ...Object.entries(underlays).map(([host, address]) => ({ prefix: address, at: host })),
  ];
  for (const family of families) {
    const here = places.filter(({ prefix }) => familyOf(prefix) === family);
    builder.set(
      `places${family}`,
      [`type ifname . ipv${family}_addr`, 'flags interval'],
      here.map(({ prefix, at }) => `${quoted(at)} . ${prefixText(prefix)}`),
    );
    builder.set(
      `inside${family}`,
      [`type ipv${family}_addr`, 'flags interval'],
      intervalTexts(
        here.map(({ prefix }) => prefix),
        family,
      ),
    );
  }
  builder.chain(
    'raw',
    [
      `ip frag-off & 16383 != 0 counter drop${comment('switch: fragment')}`,
      `exthdr frag exists counter drop${comment('switch: fragment')}`,
      ...both(
        (word, family) =>
          `iifname "${wire.edge}" ${word} saddr @inside${family} counter drop${comment('switch: source of the inside from outside')}`,
      ),
      ...both(
        (word, family) =>
          `iifname != "${wire.edge}" iifname . ${word} saddr != @places${family} counter drop${comment('switch: source lives elsewhere')}`,
      ),
    ],
    hook('filter', 'prerouting priority raw', 'accept'),
  );
  builder.putChain('filter', filterChain('switch', program.filter, { allow: 'accept', deny: 'drop' }));
  builder.chain('forward', ['goto filter'], hook('filter', 'forward priority filter', 'drop'));
  builder.chain('input', [], hook('filter', 'input priority filter', 'drop'));
  builder.chain('output', [], hook('filter', 'output priority filter', 'drop'));
  return new Map([['inet', builder.table()]]);
}

/** A host: tunnels with the other hosts, labels to and from the routers that own them. */
export function renderHost(program: HostProgram): Ruleset {
  const builder = new TableBuilder();
  const labels = Object.entries(program.routes).map(([label, point]) => ({ label, link: routerLink(point) }));
  for (const family of families) {
    const here = labels.filter(({ label }) => familyOf(label) === family);
    builder.set(
      `labels${family}`,
      [`type ifname . ipv${family}_addr`],
      here.map(({ label, link }) => `${quoted(link)} . ${label}`),
    );
  }
  builder.set('others', ['type ipv4_addr'], ofFamily(Object.values(program.others), 4));
  builder.chain(
    'forward',
    [
      ...both((word, family) => `iifname "${wire.tor}" oifname . ${word} daddr @labels${family} accept`),
      ...both((word, family) => `oifname "${wire.tor}" iifname . ${word} saddr @labels${family} accept`),
      `counter drop${comment('host: no such label')}`,
    ],
    hook('filter', 'forward priority filter', 'drop'),
  );
  const tunnel = (direction: 'saddr' | 'daddr') => `ip ${direction} @others udp dport 4789 accept`;
  builder.chain(
    'input',
    ['iifname "lo" accept', `iifname "${wire.tor}" ${tunnel('saddr')}`],
    hook('filter', 'input priority filter', 'drop'),
  );
  builder.chain(
    'output',
    ['oifname "lo" accept', `oifname "${wire.tor}" ${tunnel('daddr')}`],
    hook('filter', 'output priority filter', 'drop'),
  );
  return new Map([['inet', builder.table()]]);
}

/** The host's link to a router: `router/v12/h1` is behind `rv12`. */
export function routerLink(point: string): string {
  return `r${point.split('/')[1] ?? ''}`;
}

/** The stamp's endpoints: their own firewall behind the switch's, and no connection of their own to anywhere. */
export function renderInfra(program: InfraProgram): Ruleset {
  const builder = new TableBuilder();
  builder.putChain('filter', filterChain('infra', program.filter, { allow: 'accept', deny: 'drop' }));
  builder.chain(
    'input',
    [
      'iifname "lo" accept',
      'ct state established,related accept',
      `ct state invalid counter drop${comment('state: invalid')}`,
      'goto filter',
    ],
    hook('filter', 'input priority filter', 'drop'),
  );
  builder.chain('forward', [], hook('filter', 'forward priority filter', 'drop'));
  builder.chain(
    'output',
    ['oifname "lo" accept', 'ct state established,related accept'],
    hook('filter', 'output priority filter', 'drop'),
  );
  return new Map([['inet', builder.table()]]);
}
