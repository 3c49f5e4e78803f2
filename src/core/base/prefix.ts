/** IPv4 and IPv6 addresses and prefixes: parsed strictly, once, at the door; kept as canonical text or as number and length. */

import { isIPv6 } from 'node:net';
import { Refusal } from '#base/wrong.ts';

export type Family = 4 | 6;

/** An address as a number: `value` has 32 or 128 bits. */
export type Address = { readonly family: Family; readonly value: bigint };

/** A prefix: all addresses whose first `length` bits are those of `first` (host bits of `first` are zero). */
export type Prefix = { readonly family: Family; readonly first: bigint; readonly length: number };

/** The number of bits of an address. */
export function bitsOf(family: Family): 32 | 128 {
  return family === 4 ? 32 : 128;
}

/** Parses an address in its usual text form. No octal, no short forms, no zone (as `net.isIP` has it). Undefined when it is none. */
export function tryAddress(text: string): Address | undefined {
  const four = fourOf(text);
  if (four >= 0) return { family: 4, value: BigInt(four) };
  return isIPv6(text) && !text.includes('%') ? { family: 6, value: parseSix(text) } : undefined;
}

const zero = 48;
const nine = 57;
const dot = 46;

/** The number of an IPv4 address in its usual form (as `tryAddress`: four parts to 255, no zero before another digit); -1 for other text. */
export function fourOf(text: string): number {
  let value = 0;
  let part = 0;
  let digits = 0;
  let parts = 1;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === dot) {
      if (digits === 0 || parts === 4) return -1;
      value = value * 256 + part;
      part = 0;
      digits = 0;
      parts += 1;
    } else {
      if (code < zero || code > nine || (digits > 0 && part === 0)) return -1;
      part = part * 10 + code - zero;
      digits += 1;
      if (part > 255) return -1;
    }
  }
  return parts === 4 && digits > 0 ? value * 256 + part : -1;
}

/** As `tryAddress`, but refuses with the field's name. */
export function parseAddress(text: string, target = 'address'): Address {
  const address = tryAddress(text);
  if (address === undefined) {
    throw new Refusal(
      'InvalidIPAddressFormat',
      `Cannot parse ${target} "${text}": an IPv4 or IPv6 address is wanted.`,
      {
        target,
      },
    );
  }
  return address;
}

function parseSix(text: string): bigint {
  const tail = text.includes('.') ? tryAddress(text.slice(text.lastIndexOf(':') + 1)) : undefined;
  const whole =
    tail === undefined
      ? text
      : `${text.slice(0, text.lastIndexOf(':') + 1)}${(tail.value >> 16n).toString(16)}:${(tail.value & 0xffffn).toString(16)}`;
  const [head = '', rest] = whole.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = rest === undefined || rest === '' ? [] : rest.split(':');
  const zeros = rest === undefined ? 0 : 8 - left.length - right.length;
  let value = 0n;
  for (const group of [...left, ...Array<string>(zeros).fill('0'), ...right])
    value = (value << 16n) | BigInt(`0x${group}`);
  return value;
}

/** The canonical text of an address (RFC 5952 for IPv6). */
export function printAddress({ family, value }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => Number((value >> BigInt(112 - 16 * index)) & 0xffffn));
  const [start, size] = longestZeros(groups);
  const hex = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return size < 2 ? hex(0, 8) : `${hex(0, start)}::${hex(start + size, 8)}`;
}

function longestZeros(groups: readonly number[]): [number, number] {
  let best: [number, number] = [0, 0];
  let size = 0;
  groups.forEach((group, index) => {
    size = group === 0 ? size + 1 : 0;
    if (size > best[1]) best = [index - size + 1, size];
  });
  return best;
}

/** Parses `a.b.c.d/n`, `x::/n`, or a bare address (as /32 or /128). Undefined when malformed; host bits must be zero. */
export function tryPrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/');
  const address = tryAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const bits = bitsOf(address.family);
  const length = slash < 0 ? bits : lengthOf(text.slice(slash + 1));
  if (length === undefined || length > bits) return undefined;
  return (maskOf(address.family, length) & address.value) ^ address.value
    ? undefined
    : { family: address.family, first: address.value, length };
}

/** As `tryPrefix`, but refuses with the reason and the field's name. */
export function parsePrefix(text: string, target = 'addressPrefix'): Prefix {
  const prefix = tryPrefix(text);
  if (prefix !== undefined) return prefix;
  const [address = '', length = ''] = text.split('/');
  const hostBits = tryAddress(address) !== undefined && lengthOf(length) !== undefined;
  const reason = hostBits ? 'host bits are set or the length is too large' : 'not an address with a prefix length';
  throw new Refusal(
    'InvalidAddressPrefixFormat',
    `Cannot parse ${target} "${text}": ${reason}; for example 10.0.0.0/24 is accepted.`,
    {
      target,
    },
  );
}

/** The prefix of the given length that holds the address: host bits are cleared. */
export function prefixOf(address: Address, length: number): Prefix {
  return { family: address.family, first: address.value & maskOf(address.family, length), length };
}

function lengthOf(text: string): number | undefined {
  return /^(0|[1-9]\d{0,2})$/.test(text) ? Number(text) : undefined;
}

function maskOf(family: Family, length: number): bigint {
  const bits = BigInt(bitsOf(family));
  const ones = (1n << bits) - 1n;
  return (ones << (bits - BigInt(length))) & ones;
}

/** Canonical text with its length: `10.0.0.0/24`. */
export function printPrefix(prefix: Prefix): string {
  return `${printAddress({ family: prefix.family, value: prefix.first })}/${prefix.length}`;
}

/** The last address of a prefix, as a number. */
export function lastOf(prefix: Prefix): bigint {
  return prefix.first | ((1n << BigInt(bitsOf(prefix.family) - prefix.length)) - 1n);
}

/** How many addresses a prefix has. */
export function sizeOf(prefix: Prefix): bigint {
  return 1n << BigInt(bitsOf(prefix.family) - prefix.length);
}

/** Does the prefix hold the address? */
export function holds(prefix: Prefix, address: Address): boolean {
  return prefix.family === address.family && address.value >= prefix.first && address.value <= lastOf(prefix);
}

/** Is `inner` wholly inside `outer`? */
export function contains(outer: Prefix, inner: Prefix): boolean {
  return (
    outer.family === inner.family &&
    outer.length <= inner.length &&
    inner.first >= outer.first &&
    lastOf(inner) <= lastOf(outer)
  );
}

/** Do the two prefixes share an address? */
export function overlaps(left: Prefix, right: Prefix): boolean {
  return contains(left, right) || contains(right, left);
}

/** `prefix` without `hole`: the fewest prefixes that hold every address of `prefix` not in `hole`, in ascending order. */
export function subtract(prefix: Prefix, hole: Prefix): Prefix[] {
  if (!overlaps(prefix, hole)) return [prefix];
  if (contains(hole, prefix)) return [];
  const [low, high] = halves(prefix);
  return [...subtract(low, hole), ...subtract(high, hole)];
}

function halves({ family, first, length }: Prefix): [Prefix, Prefix] {
  const low: Prefix = { family, first, length: length + 1 };
  return [low, { family, first: first + sizeOf(low), length: length + 1 }];
}

/** The fewest prefixes that hold exactly the addresses of the given ones, IPv4 first, ascending. */
export function mergePrefixes(prefixes: readonly Prefix[]): Prefix[] {
  const merged: Prefix[] = [];
  for (const prefix of prefixes.toSorted(byAddress)) {
    const last = merged.at(-1);
    if (last !== undefined && contains(last, prefix)) continue;
    merged.push(prefix);
    joinTail(merged);
  }
  return merged;
}

function joinTail(merged: Prefix[]): void {
  for (;;) {
    const [left, right] = merged.slice(-2);
    if (left === undefined || right === undefined || left.length !== right.length || left.length === 0) return;
    const parent = prefixOf({ family: left.family, value: left.first }, left.length - 1);
    if (left.family !== right.family || parent.first !== left.first || lastOf(parent) !== lastOf(right)) return;
    merged.splice(-2, 2, parent);
  }
}

/** Order: family, then first address, then the shorter prefix first. */
export function byAddress(left: Prefix, right: Prefix): number {
  if (left.family !== right.family) return left.family - right.family;
  if (left.first !== right.first) return left.first < right.first ? -1 : 1;
  return left.length - right.length;
}
