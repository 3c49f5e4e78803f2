/** Judges address spaces: which ranges a VNet may have, and that no two prefixes of one set overlap. */

import { byAddress, overlaps, printPrefix, tryPrefix, type Prefix } from '#base/prefix.ts';
import { note, prefixAt, textsOf, type Reader } from '#model/parse.ts';

/**
 * Ranges that no virtual network may contain (Azure doc "Virtual network FAQ": multicast, broadcast, loopback, link-local,
 * internal DNS), and their likes in IPv6.
 */
const closedRanges = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '168.63.129.16/32',
  '224.0.0.0/3',
  '::/8',
  'fe80::/10',
  'ff00::/8',
].flatMap((text) => tryPrefix(text) ?? []);

/** Reads a list of prefixes in canonical form, noting what is malformed, closed or stated twice. */
export function prefixListOf(
  reader: Reader,
  name: string,
  { max, owner, closed = [] }: { max: number; owner: string; closed?: readonly string[] },
): Prefix[] | undefined {
  const texts = textsOf(reader, name, max);
  if (texts === undefined) return undefined;
  const prefixes = texts.flatMap((text) => prefixAt(reader, name, text.trim()) ?? []);
  const ranges = [...closedRanges, ...closed.flatMap((text) => tryPrefix(text) ?? [])];
  for (const prefix of prefixes) {
    const range = ranges.find((one) => overlaps(one, prefix));
    if (range === undefined) continue;
    note(reader, name, {
      code: 'AddressPrefixNotAllowed',
      message: `The address prefix ${printPrefix(prefix)} of ${owner} overlaps the reserved range ${printPrefix(range)}.`,
    });
  }
  const clash = firstOverlap(prefixes.map((prefix) => ({ prefix, owner: '' })));
  if (clash !== undefined) {
    note(reader, name, {
      code: 'AddressPrefixesOverlap',
      message: `The address prefixes ${printPrefix(clash[0].prefix)} and ${printPrefix(clash[1].prefix)} of ${owner} overlap.`,
    });
  }
  return prefixes;
}

/** A prefix and whose it is. */
export type Owned = { readonly prefix: Prefix; readonly owner: string };

/** The first two prefixes that share an address: after sorting, an overlap is always with the widest one before. */
export function firstOverlap(prefixes: readonly Owned[]): [Owned, Owned] | undefined {
  let widest: Owned | undefined;
  for (const item of prefixes.toSorted((left, right) => byAddress(left.prefix, right.prefix))) {
    if (widest !== undefined && overlaps(widest.prefix, item.prefix)) return [widest, item];
    widest = item;
  }
  return undefined;
}
