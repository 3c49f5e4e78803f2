/** Just-in-time openings in a router's nftables: elements that the kernel forgets by itself, and what happens to flows then. */

import { openingsMax } from '#base/limits.ts';
import { type Family, parsePrefix, type Prefix, printPrefix, subtract } from '#base/prefix.ts';
import { both, familyOf, markText, quoted, type TableBuilder } from '#adapters/linux/builder.ts';
import { comment } from '#adapters/linux/filter.ts';
import { portName } from '#adapters/linux/names.ts';
import type { NftSet } from '#adapters/linux/ruleset.ts';
import type { Opening, RouterProgram } from '#program/program.ts';

/** The connection mark of flows that an opening let in. */
const openedBit = 0x4000_0000;

/** The set of openings of a family. */
export function openingsSetName(family: Family): string {
  return `open${family}`;
}

/** What a packet to the NIC is looked up by, and its answer: NIC address, protocol, port at the NIC, address of the other end. */
const asked = (word: 'ip' | 'ip6') => `${word} daddr . meta l4proto . th dport . ${word} saddr`;
const answered = (word: 'ip' | 'ip6') => `${word} saddr . meta l4proto . th sport . ${word} daddr`;

/** First of all rules for forwarded packets: a flow that an opening let in lives as long as its element. */
export const openedRule = `ct mark ${markText(openedBit)} jump opened`;

/** Lets in what an opening is for, and only on the NIC that has the address; the flow is marked. */
export const openRules = both(
  (word, family) =>
    `oifname . ${word} daddr @homes${family} ${asked(word)} @open${family} ct mark set ${markText(openedBit)} counter accept${comment('opening: just in time')}`,
);

/**
 * The chain of flows that came by an opening: both directions pass only while its element is there. Errors about such a flow
 * are left to connection tracking: what they quote is not in reach of a rule, and they carry no connection.
 */
export function openedChain(builder: TableBuilder): void {
  builder.chain('opened', [
    'ct state related return',
    ...both((word, family) => `ct direction original ${asked(word)} @open${family} return`),
    ...both((word, family) => `ct direction reply ${answered(word)} @open${family} return`),
    `counter drop${comment('opening: its time is over')}`,
  ]);
}

/** Which address lives on which interface: what an appliance is sent for others never counts as its own. */
export function homesSet(builder: TableBuilder, program: RouterProgram, family: Family): void {
  const homes = Object.values(program.ports).flatMap((port) =>
    Object.keys(port.addresses)
      .filter((address) => familyOf(address) === family)
      .map((address) => `${quoted(portName(port.mark))} . ${address}`),
  );
  builder.set(`homes${family}`, [`type ifname . ipv${family}_addr`], homes);
}

/** The set of a family: each element ends with its opening. The kernel refuses one that lies in another: the longer one stands. */
export function openingsSet(program: RouterProgram, family: Family): NftSet {
  const type = `ipv${family}_addr`;
  const ends = new Map<string, number>();
  for (const list of openingsByService(program, family).values()) {
    const taken: Prefix[] = [];
    for (const { address, protocol, port, source, until } of list) {
      const left = taken.reduce((parts, hole) => parts.flatMap((part) => subtract(part, hole)), [parsePrefix(source)]);
      for (const prefix of left) ends.set(`${address} . ${protocol} . ${port} . ${elementText(prefix)}`, until);
      taken.push(...left);
    }
  }
  return {
    kind: 'set',
    spec: [`type ${type} . inet_proto . inet_service . ${type}`, `size ${openingsMax}`, 'flags interval,timeout'],
    elements: new Set(ends.keys()),
    ends,
  };
}

/** Openings of addresses that their NIC has here, by address, protocol and port; the one that ends last goes first. */
function openingsByService(program: RouterProgram, family: Family): ReadonlyMap<string, readonly Opening[]> {
  const lists = new Map<string, Opening[]>();
  for (const opening of Object.values(program.openings ?? {})) {
    const { mark, address, protocol, port, source } = opening;
    const home = Object.values(program.ports).find((one) => one.mark === mark);
    if (home === undefined || !Object.hasOwn(home.addresses, address)) continue;
    if (familyOf(address) !== family || familyOf(source) !== family) continue;
    const key = `${address} ${protocol} ${port}`;
    lists.set(key, [...(lists.get(key) ?? []), opening]);
  }
  for (const list of lists.values()) list.sort((left, right) => right.until - left.until);
  return lists;
}

/** A prefix as nft lists it in a concatenation: a whole address without its length. */
function elementText(prefix: Prefix): string {
  const text = printPrefix(prefix);
  return text.replace(prefix.family === 4 ? /\/32$/ : /\/128$/, '');
}
