/** The resolver's program as DNS records: what all see, and what each VNet sees beside it; parsed, so that no name can be anything but a name. */

import { type Address, printAddress, printPrefix, tryAddress, tryPrefix } from '#base/prefix.ts';
import { resolverNamesMax } from '#base/limits.ts';
import { Fault } from '#base/wrong.ts';
import type { ResolverProgram } from '#program/program.ts';

/** Records in one way of writing: `web.example. A 192.0.2.1`. */
export type Records = ReadonlySet<string>;

/** `shared`: what all see. `views`: by VNet key, what its guests see before that. */
export type AllRecords = { readonly shared: Records; readonly views: ReadonlyMap<string, Records> };

/** Letters, digits and inner hyphens, 63 at most, in lower case (RFC 1035 §2.3.1). */
const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** A name without its root, in all 253 characters at most (RFC 1035 §2.3.4). */
const nameLengthMax = 253;

/** The records of a program. What has no place in a zone is a Fault: the model makes no such names. */
export function recordsOf(program: ResolverProgram): AllRecords {
  const { domain, networks, publics } = program;
  const count = Object.values(networks).reduce((sum, { names }) => sum + Object.keys(names).length, 0);
  if (count + Object.keys(publics).length > resolverNamesMax)
    throw new Fault('ResolverTooLarge', `The resolver takes at most ${resolverNamesMax} names.`);
  parseName(domain);
  const shared = new Set(
    Object.entries(publics).flatMap(([name, addresses]) => addressRecords(parseName(name), addresses)),
  );
  const views = new Map<string, Records>();
  for (const key of new Set([...Object.keys(networks), ...Object.values(program.clients)])) {
    const names = Object.hasOwn(networks, key) ? (networks[key]?.names ?? {}) : {};
    views.set(parseKey(key), new Set(Object.entries(names).flatMap(([name, all]) => ownRecords(name, all, domain))));
  }
  return { shared, views };
}

/** A machine's name by itself, under its domain, and back from its addresses. */
function ownRecords(name: string, addresses: readonly string[], domain: string): string[] {
  if (!label.test(name)) throw wrong('name', name);
  const whole = parseName(`${name}.${domain}`);
  return [
    ...addressRecords(name, addresses),
    ...addressRecords(whole, addresses),
    ...addresses.map((text) => `${reverseName(parsed(text))} PTR ${whole}.`),
  ];
}

function addressRecords(name: string, addresses: readonly string[]): string[] {
  return addresses.map((text) => `${name}. ${parsed(text).family === 4 ? 'A' : 'AAAA'} ${printAddress(parsed(text))}`);
}

/** The name under which an address is looked up (RFC 1035 §3.5, RFC 3596 §2.5). */
function reverseName({ family, value }: Address): string {
  const [bits, radix, suffix] = family === 4 ? [8n, 10, 'in-addr.arpa.'] : [4n, 16, 'ip6.arpa.'];
  const parts = Array.from({ length: family === 4 ? 4 : 32 }, (_, index) =>
    ((value >> (BigInt(index) * bits)) & ((1n << bits) - 1n)).toString(radix),
  );
  return `${parts.join('.')}.${suffix}`;
}

/** A whole name, label by label. */
function parseName(name: string): string {
  if (name.length > nameLengthMax || !name.split('.').every((part) => label.test(part))) throw wrong('name', name);
  return name;
}

/** The key of a VNet. */
export function parseKey(key: string): string {
  if (!/^v\d{1,5}$/.test(key)) throw wrong('key', key);
  return key;
}

/** An IPv4 address in its one way of writing. */
export function parseFour(text: string): string {
  const address = parsed(text);
  if (address.family !== 4) throw wrong('IPv4 address', text);
  return printAddress(address);
}

/** An IPv4 prefix in its one way of writing. */
export function parseSource(text: string): string {
  const prefix = tryPrefix(text);
  if (prefix?.family !== 4) throw wrong('IPv4 prefix', text);
  return printPrefix(prefix);
}

function parsed(text: string): Address {
  const address = tryAddress(text);
  if (address === undefined) throw wrong('address', text);
  return address;
}

function wrong(what: string, text: string): Fault {
  return new Fault(
    'ResolverProgramWrong',
    `${JSON.stringify(text.slice(0, 100))} is no ${what} of a resolver's program.`,
  );
}
