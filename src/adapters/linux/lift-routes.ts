/** Where a namespace's kernel sends a packet, read from what it lists of policy rules, routes, neighbours and tunnel entries, for every target at once. */

import type { JsonObject } from '#base/json.ts';
import { bitsOf, lastOf, type Prefix, printAddress, printPrefix } from '#base/prefix.ts';
import { type Ground, levels } from '#adapters/linux/ground.ts';
import { UnknownExpression } from '#adapters/linux/lift-words.ts';

/** What `ip -j -N` and `bridge -j` said of one namespace; IPv6 routes have the member `family` "6". */
export type RouteListing = {
  readonly routes: readonly JsonObject[];
  readonly rulesFour: readonly JsonObject[];
  readonly rulesSix: readonly JsonObject[];
  readonly neighbours: readonly JsonObject[];
  readonly forwarding: readonly JsonObject[];
};

type Rule = { readonly mark: bigint; readonly mask: bigint; readonly table: number };
type Route = { readonly prefix: Prefix; readonly metric: number; readonly says: string };

const ruleMembers = new Set(['priority', 'src', 'fwmark', 'fwmask', 'table']);
const routeMembers = new Set([
  ...['type', 'dst', 'gateway', 'via', 'dev', 'table', 'protocol', 'scope', 'flags'],
  ...['family', 'metric', 'pref', 'prefsrc', 'error'],
]);
/** A link that is down keeps its routes (`ignore_routes_with_linkdown` is not set). */
const routeFlags = new Set<unknown>(['onlink', 'linkdown']);

/** What the target of a packet comes to: `self`, `drop`, or the link, the hardware address and the tunnel's end. */
export class RouteLifter {
  readonly #ground: Ground;
  readonly #rules: readonly Rule[];
  readonly #tables = new Map<number, Route[]>();
  readonly #lifted = new Map<number, number>();
  readonly #lookups = new Map<string, number>();
  readonly #neighbours = new Map<string, string>();
  readonly #ends = new Map<string, string>();

  /** Throws `UnknownExpression` for a rule or a route that says more than is known here. */
  constructor(ground: Ground, listing: RouteListing) {
    this.#ground = ground;
    this.#rules = readRules(ground.family === 4 ? listing.rulesFour : listing.rulesSix);
    for (const { dst, dev, lladdr } of listing.neighbours)
      if (typeof lladdr === 'string') this.#neighbours.set(`${String(dst)} ${String(dev)}`, lladdr);
    for (const { mac, ifname, dst } of listing.forwarding)
      if (typeof dst === 'string') this.#ends.set(`${String(mac)} ${String(ifname)}`, dst);
    for (const route of listing.routes) {
      if ((route['family'] === '6' ? 6 : 4) === ground.family) this.#add(route);
    }
  }

  /** Where packets of a mark go, by their target: the first rule of its mark whose table has an answer. */
  lookup(mark: bigint): number {
    const { store } = this.#ground;
    const tables = this.#rules.filter((rule) => ((mark ^ rule.mark) & rule.mask) === 0n).map(({ table }) => table);
    const key = tables.join();
    const known =
      this.#lookups.get(key) ?? store.inOrder([...tables.map((one) => this.#table(one)), store.end('drop')]);
    this.#lookups.set(key, known);
    return known;
  }

  #add(route: JsonObject): void {
    const flags = Array.isArray(route['flags']) ? (route['flags'] as readonly unknown[]) : [];
    const extra = Object.keys(route).find((member) => !routeMembers.has(member));
    if (extra !== undefined) throw new UnknownExpression(JSON.stringify(route), extra);
    // The kernel passes a dead route over.
    if (flags.includes('dead')) return;
    const strange = flags.find((flag) => !routeFlags.has(flag));
    if (strange !== undefined) throw new UnknownExpression(JSON.stringify(route), String(strange));
    const prefix = prefixOf(this.#ground, String(route['dst']));
    if (prefix === undefined) throw new UnknownExpression(JSON.stringify(route), String(route['dst']));
    const table = tableOf(route['table']);
    const known = this.#tables.get(table);
    const read = { prefix, metric: Number(route['metric'] ?? 0), says: this.#saysOf(route, prefix) };
    if (known === undefined) this.#tables.set(table, [read]);
    else known.push(read);
  }

  /** rtnetlink.h, RTN_*. */
  #saysOf(route: JsonObject, prefix: Prefix): string {
    switch (String(route['type'] ?? 1)) {
      case '1':
        return this.#hop(route, prefix);
      case '2':
      case '4':
        return 'self';
      case '3':
        return 'broadcast';
      case '5':
        return 'multicast';
      case '6':
      case '7':
      case '8':
        return 'drop';
      case '9':
        return 'throw';
      default:
        throw new UnknownExpression(JSON.stringify(route), `type ${String(route['type'])}`);
    }
  }

  #hop({ dev, gateway, via }: JsonObject, prefix: Prefix): string {
    if (via !== undefined || typeof dev !== 'string') return 'a hop of another kind';
    const isOne = prefix.length === bitsOf(prefix.family);
    const next = typeof gateway === 'string' ? gateway : isOne ? printAddress(addressOf(prefix)) : undefined;
    const mac = next === undefined ? undefined : this.#neighbours.get(`${next} ${dev}`);
    if (mac === undefined) return `${dev} to whoever answers for ${next ?? 'the target'}`;
    const end = this.#ends.get(`${mac} ${dev}`);
    return `${dev} ${mac}${end === undefined ? '' : ` over ${end}`}`;
  }

  /** The longest prefix decides, then the lowest metric. `throw` goes on with the next rule. */
  #table(number: number): number {
    const lifted = this.#lifted.get(number);
    if (lifted !== undefined) return lifted;
    const { store } = this.#ground;
    const best = new Map<string, Route>();
    for (const route of this.#tables.get(number) ?? []) {
      const key = printPrefix(route.prefix);
      const other = best.get(key);
      if (other === undefined || route.metric < other.metric) best.set(key, route);
      else if (route.metric === other.metric && route.says !== other.says)
        best.set(key, { ...route, says: [route.says, other.says].toSorted().join(' or ') });
    }
    const byLength = new Map<number, Route[]>();
    for (const route of best.values()) {
      const { length } = route.prefix;
      const known = byLength.get(length);
      if (known === undefined) byLength.set(length, [route]);
      else known.push(route);
    }
    const layers = [...byLength].toSorted(([left], [right]) => right - left).map(([, routes]) => this.#layer(routes));
    // Only now may a `throw` go on: within its table it has hidden what is shorter.
    const result = store.changed(store.inOrder(layers), (act) =>
      act.says === 'throw' ? { isEnd: false, mark: undefined, says: '' } : act,
    );
    this.#lifted.set(number, result);
    return result;
  }

  /** Prefixes of one length never meet. */
  #layer(routes: readonly Route[]): number {
    const { store } = this.#ground;
    return store.bySpan(
      levels.target,
      routes.map(({ prefix, says }) => [[prefix.first, lastOf(prefix)], store.end(says)] as const),
      store.on,
    );
  }
}

function addressOf({ family, first }: Prefix) {
  return { family, value: first };
}

function readRules(listed: readonly JsonObject[]): readonly Rule[] {
  const rules = listed.map((rule) => {
    const extra = Object.keys(rule).find((member) => !ruleMembers.has(member));
    if (extra !== undefined) throw new UnknownExpression(JSON.stringify(rule), extra);
    if ((rule['src'] ?? 'all') !== 'all') throw new UnknownExpression(JSON.stringify(rule), 'src');
    const mark = rule['fwmark'] === undefined ? undefined : BigInt(String(rule['fwmark']));
    const mask = mark === undefined ? 0n : BigInt(String(rule['fwmask'] ?? '0xffffffff'));
    return { priority: Number(rule['priority']), mark: mark ?? 0n, mask, table: tableOf(rule['table']) };
  });
  return rules.toSorted((left, right) => left.priority - right.priority);
}

function tableOf(table: unknown): number {
  const named = { main: 254, local: 255, default: 253 }[String(table ?? 'main')];
  const number = named ?? Number(table);
  if (!Number.isInteger(number)) throw new UnknownExpression(`table ${String(table)}`, 'a table without a number');
  return number;
}

function prefixOf(ground: Ground, text: string): Prefix | undefined {
  return text === 'default' ? { family: ground.family, first: 0n, length: 0 } : ground.prefix(text);
}
