/** The kernel's own text and JSON, read into the same structures that rendering makes, so that the two compare. */

import { isObject, type JsonObject } from '#base/json.ts';
import { routeProtocol } from '#adapters/linux/names.ts';
import { markRule } from '#adapters/linux/strange.ts';
import type { Network, PortLink } from '#adapters/linux/network.ts';
import type { ActualChain, ActualRule, ActualRuleset, ActualTable, NftSet } from '#adapters/linux/ruleset.ts';

/** A table that somebody else made. */
export type ForeignTable = { readonly family: string; readonly name: string; readonly handle: number };

/** Parses `nft -s -a list ruleset`. Tables that are not ours are left out of the answer and named in `foreign`. */
export function readRuleset(text: string): {
  readonly ruleset: ActualRuleset;
  readonly foreign: readonly ForeignTable[];
} {
  const ruleset = new Map<string, ActualTable>();
  const foreign: ForeignTable[] = [];
  const lines = text.split('\n');
  let at = 0;
  while (at < lines.length) {
    const head = /^table (\S+) (.+) \{(?: # handle (\d+))?$/.exec(lines[at] ?? '');
    at++;
    if (head === null) continue;
    const [, family = '', name = '', handle] = head;
    const end = lines.indexOf('}', at);
    const body = lines.slice(at, end < 0 ? lines.length : end);
    if (name === 'rw') ruleset.set(family, readTable(body));
    else foreign.push({ family, name, handle: Number(handle) });
    at = end < 0 ? lines.length : end + 1;
  }
  return { ruleset, foreign };
}

function readTable(lines: readonly string[]): ActualTable {
  const sets = new Map<string, NftSet>();
  const chains = new Map<string, ActualChain>();
  const strange: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const head = /^\t(set|map|chain|ct timeout) (\S+) \{/.exec(line);
    if (head === null) {
      // A flag such as `dormant`, or an object of a kind that we never make, with its body.
      if (line.trim() === '') continue;
      strange.push(line.trim());
      if (line.endsWith('{')) at = lines.indexOf('\t}', at);
      if (at < 0) break;
      continue;
    }
    const [, kind = '', name = ''] = head;
    const end = lines.indexOf('\t}', at);
    const body = lines.slice(at + 1, end);
    if (kind === 'chain') chains.set(name, readChain(body));
    else sets.set(name, readSet(kind as NftSet['kind'], body));
    at = end;
  }
  return strange.length === 0 ? { sets, chains } : { sets, chains, strange };
}

function readSet(kind: NftSet['kind'], lines: readonly string[]): NftSet {
  const start = lines.findIndex((line) => line.startsWith('\t\telements = {'));
  const spec = (start < 0 ? lines : lines.slice(0, start)).map((line) => line.trim());
  if (start < 0) return { kind, spec, elements: new Set() };
  const isDynamic = spec.some((line) => line.startsWith('flags') && line.includes('dynamic'));
  const isTimed = spec.some((line) => line.startsWith('flags') && line.includes('timeout'));
  const joined = lines
    .slice(start)
    .map((line) => line.trim())
    .join(' ');
  const inner = joined.slice(joined.indexOf('{') + 1, joined.lastIndexOf('}'));
  return {
    kind,
    spec,
    elements: new Set(
      inner
        .split(',')
        .map((element) => element.trim())
        // What packets put into a set is the kernel's own affair; with a time of its own it was put there by somebody else.
        .filter((element) => element !== '' && (!isDynamic || element.includes(' timeout ')))
        .map((element) => (isTimed ? withoutTimeout(element) : element)),
    ),
  };
}

/** An element of a set with timeouts; one that the kernel would keep for ever is none of ours, and is read as such. */
function withoutTimeout(element: string): string {
  const [text = '', timeout] = element.split(' timeout ');
  return timeout === undefined ? `${text} for ever` : text;
}

function readChain(lines: readonly string[]): ActualChain {
  let hook: string | undefined;
  const rules: ActualRule[] = [];
  for (const line of lines) {
    const text = line.trim();
    const rule = /^(.*) # handle (\d+)$/.exec(text);
    if (rule !== null) rules.push({ text: rule[1] ?? '', handle: Number(rule[2]) });
    else if (text.startsWith('type ')) hook = text;
  }
  return { hook, rules };
}

/** What `ip -j` and `bridge -j` said of one namespace. */
export type NetworkListing = {
  readonly links: readonly JsonObject[];
  readonly addresses: readonly JsonObject[];
  readonly routes: readonly JsonObject[];
  readonly rules: readonly JsonObject[];
  readonly neighbours: readonly JsonObject[];
  readonly forwarding: readonly JsonObject[];
  /** Ports whose reverse-path filter is off, as NICs that forward have it. */
  readonly loose: ReadonlySet<string>;
};

/** Reads listings into the same texts that rendering makes. Only what carries our marks counts: protocol of routes, permanent neighbours. */
export function readNetwork(listing: NetworkListing): Network {
  return {
    ports: readPorts(listing),
    addresses: new Set(listing.addresses.flatMap(readAddresses)),
    routes: new Set(listing.routes.flatMap(readRoute)),
    rules: new Set(listing.rules.flatMap(readRule)),
    neighbours: new Set(
      listing.neighbours.flatMap(({ dst, lladdr, dev }) =>
        typeof lladdr === 'string' ? [`${String(dst)} lladdr ${lladdr} dev ${String(dev)}`] : [],
      ),
    ),
    forwarding: new Set(
      listing.forwarding.flatMap(({ mac, ifname, dst }) =>
        ifname === 'vx' && typeof dst === 'string' ? [`${String(mac)} dev vx dst ${dst}`] : [],
      ),
    ),
  };
}

function readPorts({ links, loose }: NetworkListing): ReadonlyMap<number, PortLink> {
  const ports = new Map<number, PortLink>();
  for (const { ifname, mtu } of links) {
    const mark = Number(/^n(\d+)$/.exec(String(ifname))?.[1]);
    if (Number.isInteger(mark))
      ports.set(mark, { mark, mac: '', mtu: Number(mtu), isForwarding: loose.has(String(ifname)) });
  }
  return ports;
}

function readAddresses({ ifname, addr_info }: JsonObject): string[] {
  if (!Array.isArray(addr_info)) return [];
  return addr_info.filter(isObject).flatMap((info) => {
    const text = `${String(info.local)}/${String(info.prefixlen)} dev ${String(ifname)}`;
    return text === '127.0.0.1/8 dev lo' || text === '::1/128 dev lo' ? [] : [text];
  });
}

/** rtnetlink.h, RTN_*: the types that our routes have. */
const routeTypes: { readonly [type: string]: string } = { 1: '', 2: 'local ', 6: 'blackhole ', 9: 'throw ' };

function readRoute(route: JsonObject): string[] {
  if (Number(route.protocol) !== routeProtocol) return [];
  const type = routeTypes[String(route.type ?? 1)] ?? `${String(route.type)} `;
  const gateway = route.gateway === undefined ? '' : ` via ${String(route.gateway)}`;
  const hasNoLink = type === 'throw ' || type === 'blackhole ';
  const dev = route.dev === undefined || hasNoLink ? '' : ` dev ${String(route.dev)}`;
  const table = tableNumber(route.table);
  const isOnlink = Array.isArray(route.flags) && route.flags.includes('onlink');
  return [
    `${type}${prefixOf(String(route.dst), String(route.family ?? ''))}${gateway}${dev} table ${table}${isOnlink ? ' onlink' : ''}`,
  ];
}

function tableNumber(table: unknown): number {
  if (table === undefined || table === 'main') return 254;
  return table === 'local' ? 255 : Number(table);
}

function prefixOf(text: string, family: string): string {
  if (text === 'default') return family === '6' ? '::/0' : '0.0.0.0/0';
  return text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`;
}

function readRule(rule: JsonObject): string[] {
  const text = markRule(rule);
  return text === undefined ? [] : [text];
}
