/** What nobody of ours puts into a namespace: links, their state, routes and policy rules of others, each with the lines that undo it. */

import { isObject, type JsonObject } from '#base/json.ts';
import { lastOf, parseAddress, prefixOf, printAddress, printPrefix } from '#base/prefix.ts';
import { gatewayMac, peerMac, routeProtocol, tunnelMac, wireMacs } from '#adapters/linux/names.ts';

/** What the kernel listed of one namespace: `ip -j -N`, both families. */
export type StrangeListing = {
  readonly point: string;
  readonly links: readonly JsonObject[];
  readonly routes: readonly JsonObject[];
  readonly rulesFour: readonly JsonObject[];
  readonly rulesSix: readonly JsonObject[];
};

/** In words → the batch lines that mend it. Empty when all that is there is ours or the kernel's own. */
export function strangeIn({
  point,
  links,
  routes,
  rulesFour,
  rulesSix,
}: StrangeListing): ReadonlyMap<string, readonly string[]> {
  const own = kernelRoutes(links);
  return new Map([
    ...links.flatMap((link) => strangeLink(point, link)),
    ...routes.flatMap((route) => strangeRoute(route, own)),
    ...strangeRules(rulesFour, rulesSix),
  ]);
}

type Strange = [says: string, lines: readonly string[]];

/** How long a carrier is away so that its other end notices. */
export const carrierLossMs = 1100;

/** The lines that give ports their carrier back which others of these lines took away. */
export function carrierLines(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => (/^link set dev n\d+ down$/.test(line) ? [line.replace(/down$/, 'up')] : []));
}

/** A guest's end waits in its router until it is moved into the guest. */
const waiting = /^g\d+$/;

function strangeLink(point: string, link: JsonObject): Strange[] {
  const name = String(link['ifname']);
  if (name === 'lo' || waiting.test(name)) return [];
  // A name of odd characters must not become words of a batch: the kernel's number stands for it.
  const device = /^[A-Za-z0-9_.-]+$/.test(name) ? name : `if${Number(link['ifindex'])}`;
  const mac = macOf(point, name);
  if (mac === undefined)
    return [[`The link ${device} is not ours.`, [`link del dev ${device}`, `link set dev ${device} down`]]];
  const found: Strange[] = [];
  if (link['address'] !== mac)
    found.push([
      `The link ${name} has the address ${String(link['address'])}, wanted ${mac}.`,
      addressLines(name, mac),
    ]);
  if (link['master'] !== undefined)
    found.push([`The link ${name} is a part of ${JSON.stringify(link['master'])}.`, [`link set dev ${name} nomaster`]]);
  if (link['xdp'] !== undefined)
    found.push([`The link ${name} has a program of its own.`, [`link set dev ${name} xdp off`]]);
  if (!listOf(link['flags']).includes('UP')) found.push([`The link ${name} is down.`, [`link set dev ${name} up`]]);
  return found;
}

/**
 * A guest may have learned the wrong address meanwhile: only the loss of its carrier makes it ask again, and the kernel tells it of a loss only
 * when that lasts (link_watch.c: changes of carrier are told once a second). So the port goes up in a second part, after `carrierLossMs`.
 */
function addressLines(name: string, mac: string): readonly string[] {
  const set = `link set dev ${name} address ${mac}`;
  return /^n\d+$/.test(name) ? [`link set dev ${name} down`, set] : [set];
}

/** The hardware address that a link of this name has at a point; undefined when none of ours has the name. */
function macOf(point: string, name: string): string | undefined {
  const [kind, first = '', second = ''] = point.split('/');
  const [upper, lower] = wireMacs;
  if (kind === 'edge') return { net: lower, tor: upper, oper: lower }[name];
  if (kind === 'switch') return /^h\d+$/.test(name) ? upper : { edge: lower, infra: upper }[name];
  if (kind === 'infra') return { tor: lower }[name];
  if (kind === 'host') return /^rv\d+$/.test(name) ? upper : { tor: lower }[name];
  if (kind !== 'router') return undefined;
  if (/^n\d+$/.test(name)) return gatewayMac;
  const peer = /^p(v\d+)$/.exec(name)?.[1];
  if (peer !== undefined) return peerMac(first, peer, false);
  return { uplink: lower, vx: tunnelMac(second, false) }[name];
}

/** rtnetlink.h, RTN_*: names of the types in iproute2's words. */
const typeNames: { readonly [type: string]: string } = {
  1: '',
  2: 'local ',
  3: 'broadcast ',
  4: 'anycast ',
  5: 'multicast ',
  6: 'blackhole ',
  7: 'unreachable ',
  8: 'prohibit ',
  9: 'throw ',
};
/** rtnetlink.h, RTPROT_KERNEL: what the kernel adds by itself beside each address. */
const kernelProtocol = 2;
/** RTPROT_BOOT: what `ip route add` says by itself. */
const bootProtocol = 3;
/** What `ip -j -N route` says of our routes; anything more (an encapsulation, a metric of its own, several next hops) is not of ours. */
const ownMembers = new Set([
  'type',
  'dst',
  'gateway',
  'dev',
  'table',
  'protocol',
  'scope',
  'flags',
  'family',
  'metric',
  'pref',
  'via',
]);
/** The metric that the kernel gives to an IPv6 route that names none (`IP6_RT_PRIO_USER`). */
const metrics = new Set<unknown>([undefined, 0, 1024]);

function strangeRoute(route: JsonObject, own: ReadonlySet<string>): Strange[] {
  // iproute2 leaves out what it takes for granted: a route that a hand added.
  const protocol = Number(route['protocol'] ?? bootProtocol);
  const extra = Object.keys(route).find((member) => !ownMembers.has(member));
  if (protocol === routeProtocol && extra === undefined && metrics.has(route['metric'])) return [];
  const type = typeNames[String(route['type'] ?? 1)] ?? '';
  const dst = dstOf(route);
  const isKernels = protocol === kernelProtocol && ['1', '2', '3', '4', '5'].includes(String(route['type'] ?? 1));
  if (isKernels && route['gateway'] === undefined && own.has(`${dst} ${String(route['dev'])}`)) return [];
  const table = route['table'] === undefined ? 254 : Number(route['table']);
  const six = dst.includes(':') ? '-6 ' : '';
  const text = `${type}${dst} table ${table} proto ${protocol}`;
  const metric = typeof route['metric'] === 'number' ? ` metric ${route['metric']}` : '';
  return [
    [`The route ${text} is not ours${extra === undefined ? '' : ` (${extra})`}.`, [`${six}route del ${text}${metric}`]],
  ];
}

function dstOf(route: JsonObject): string {
  const text = String(route['dst']);
  if (text === 'default') return route['family'] === '6' ? '::/0' : '0.0.0.0/0';
  return text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`;
}

/** `PREFIX LINK` of every route that the kernel makes for the addresses of its links. */
function kernelRoutes(links: readonly JsonObject[]): ReadonlySet<string> {
  const own = new Set<string>();
  for (const link of links) {
    const name = String(link['ifname']);
    for (const prefix of ['fe80::/64', 'fe80::/128', 'ff00::/8']) own.add(`${prefix} ${name}`);
    for (const info of listOf(link['addr_info']).filter(isObject)) {
      const address = parseAddress(String(info['local']));
      const whole = address.family === 4 ? 32 : 128;
      const network = prefixOf(address, Number(info['prefixlen']));
      own.add(`${printAddress(address)}/${whole} ${name}`).add(`${printPrefix(network)} ${name}`);
      for (const value of [network.first, lastOf(network)])
        own.add(`${printAddress({ family: address.family, value })}/${whole} ${name}`);
    }
  }
  return own;
}

/** ip-rule(8): what every namespace begins with. */
const firstRules = {
  four: [
    [0, 255],
    [32_766, 254],
    [32_767, 253],
  ],
  six: [
    [0, 255],
    [32_766, 254],
  ],
} as const;
const ruleMembers = new Set(['priority', 'src', 'fwmark', 'fwmask', 'table']);

/** The text of a rule of our form: one mark, one table, and nothing else. */
export function markRule(rule: JsonObject): string | undefined {
  if (typeof rule['fwmark'] !== 'string' || (rule['src'] ?? 'all') !== 'all') return undefined;
  if (Object.keys(rule).some((member) => !ruleMembers.has(member))) return undefined;
  return `pref ${String(rule['priority'])} fwmark ${rule['fwmark']}/${String(rule['fwmask'] ?? '0xffffffff')} lookup ${Number(rule['table'])}`;
}

/** Rules of another form, rules that only one family has, and first rules that are gone. Ours of IPv4 are compared elsewhere. */
function strangeRules(four: readonly JsonObject[], six: readonly JsonObject[]): Strange[] {
  const marks = (rules: readonly JsonObject[]) => new Set(rules.map(markRule).filter((text) => text !== undefined));
  const [ours, oursSix] = [marks(four), marks(six)];
  return [
    ...ofFamily(four, { prefix: '', first: firstRules.four }),
    ...ofFamily(six, { prefix: '-6 ', first: firstRules.six }),
    ...[...ours]
      .filter((text) => !oursSix.has(text))
      .map((text): Strange => [`IPv6 lacks the rule ${text}.`, [`-6 rule add ${text}`]]),
    ...[...oursSix]
      .filter((text) => !ours.has(text))
      .map((text): Strange => [`IPv4 lacks the rule ${text}.`, [`-6 rule del ${text}`]]),
  ];
}

type Rules = { readonly prefix: string; readonly first: readonly (readonly [priority: number, table: number])[] };

function ofFamily(rules: readonly JsonObject[], { prefix, first }: Rules): Strange[] {
  const isFirst = (rule: JsonObject) =>
    Object.keys(rule).length === 3 &&
    rule['src'] === 'all' &&
    first.some(([priority, table]) => rule['priority'] === priority && Number(rule['table']) === table);
  const gone = first.filter(([priority]) => !rules.some((rule) => rule['priority'] === priority && isFirst(rule)));
  return [
    ...rules
      .filter((rule) => !isFirst(rule) && markRule(rule) === undefined)
      .map(
        (rule): Strange => [
          `The rule ${prefix}${JSON.stringify(rule)} is not ours.`,
          [`${prefix}rule del ${ruleWords(rule)}`],
        ],
      ),
    ...gone.map(
      ([priority, table]): Strange => [
        `The rule ${prefix}pref ${priority} lookup ${table} is gone.`,
        [`${prefix}rule add pref ${priority} lookup ${table}`],
      ],
    ),
  ];
}

/** Enough of a rule for the kernel to find it: what two rules of one priority differ in. */
function ruleWords(rule: JsonObject): string {
  const part = (member: string, word: string) => {
    const value = rule[member];
    return typeof value !== 'string' || !/^[A-Za-z0-9:._/-]+$/.test(value) ? '' : ` ${word} ${value}`;
  };
  const side = (member: 'src' | 'dst', word: string) => {
    const length = rule[`${member}len`];
    return rule[member] === 'all'
      ? ''
      : `${part(member, word)}${typeof length === 'number' && part(member, word) !== '' ? `/${length}` : ''}`;
  };
  const mark =
    typeof rule['fwmark'] === 'string' ? ` fwmark ${rule['fwmark']}/${String(rule['fwmask'] ?? '0xffffffff')}` : '';
  return `pref ${Number(rule['priority'])}${side('src', 'from')}${side('dst', 'to')}${part('iif', 'iif')}${part('oif', 'oif')}${mark}`;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
