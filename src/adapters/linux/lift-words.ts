/** The words of nft's own list: what a rule looks at, and the values that it looks for. A word that is not known here is known nowhere. */

import { lastOf } from '#base/prefix.ts';
import { type Field, type Ground, macOf, protocolNumbers } from '#adapters/linux/ground.ts';
import type { Span } from '#verify/decisions.ts';

/** A rule says what nobody told us the meaning of: what it is in is never equal to anything. */
export class UnknownExpression extends Error {
  constructor(rule: string, expression: string) {
    super(`UnknownExpression: the kernel's rule "${rule}" says "${expression}", whose meaning is not known.`);
  }
}

/** Words of a rule; a quoted text is one word. */
export function wordsOf(text: string): string[] {
  return text.match(/"(?:[^"\\]|\\.)*"|[^\s"]+/g) ?? [];
}

/**
 * What a rule looks at. `family`: packets of that family alone have it. `protocol`: so with those of that protocol.
 */
export type Key = { readonly field: Field; readonly family?: 4 | 6; readonly protocol?: 'tcp' | 'udp' };

const keys: { readonly [words: string]: Key } = {
  iifname: { field: 'in' },
  oifname: { field: 'out' },
  'meta mark': { field: 'mark' },
  'meta l4proto': { field: 'protocol' },
  'ip saddr': { field: 'source', family: 4 },
  'ip daddr': { field: 'target', family: 4 },
  'ip6 saddr': { field: 'source', family: 6 },
  'ip6 daddr': { field: 'target', family: 6 },
  'tcp sport': { field: 'sourcePort', protocol: 'tcp' },
  'tcp dport': { field: 'targetPort', protocol: 'tcp' },
  'udp sport': { field: 'sourcePort', protocol: 'udp' },
  'udp dport': { field: 'targetPort', protocol: 'udp' },
  'ether saddr': { field: 'mac' },
  'ether daddr': { field: 'targetMac' },
};

/** Takes the key at the beginning of the words: one field, or several with dots between them. Undefined when there is none. */
export function takeKeys(words: string[]): readonly Key[] | undefined {
  const found: Key[] = [];
  for (;;) {
    const key = takeKey(words);
    if (key === undefined) return undefined;
    found.push(key);
    if (words[0] !== '.') return found;
    words.shift();
  }
}

function takeKey(words: string[]): Key | undefined {
  for (const count of [1, 2]) {
    const text = words.slice(0, count).join(' ');
    if (!Object.hasOwn(keys, text)) continue;
    words.splice(0, count);
    return keys[text];
  }
  return undefined;
}

/** The packets that have all fields of a key at all. */
export function havingKeys(ground: Ground, list: readonly Key[]): number {
  return ground.all(
    ...list.map(({ family, protocol }) =>
      family !== undefined && family !== ground.family
        ? ground.store.no
        : protocol === undefined
          ? ground.store.yes
          : ground.isProtocol(protocol),
    ),
  );
}

/** The values of a field that a text stands for: one, a prefix, or a range. Undefined when it is none of the field. */
export function spanOf(ground: Ground, field: Field, text: string): Span | undefined {
  const alone = (value: bigint | undefined): Span | undefined => (value === undefined ? undefined : [value, value]);
  switch (field) {
    case 'in':
    case 'out':
      return /^"[^"*\\]+"$/.test(text) ? alone(ground.link(text.slice(1, -1))) : undefined;
    case 'source':
    case 'target':
      return addressSpan(ground, text);
    case 'mark':
      return alone(numberOf(text, 32));
    case 'mac':
    case 'targetMac':
      return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(text) ? alone(macOf(text)) : undefined;
    case 'protocol':
      return alone(Object.hasOwn(protocolNumbers, text) ? protocolNumbers[text] : numberOf(text, 8));
    case 'targetPort':
    case 'sourcePort':
      return portSpan(text);
    case 'pick':
      return undefined;
  }
}

function addressSpan(ground: Ground, text: string): Span | undefined {
  const [first = '', last] = text.split('-');
  if (last === undefined) {
    const prefix = ground.prefix(text);
    return prefix === undefined ? undefined : [prefix.first, lastOf(prefix)];
  }
  const [from, to] = [ground.address(first), ground.address(last)];
  return from === undefined || to === undefined || from > to ? undefined : [from, to];
}

function portSpan(text: string): Span | undefined {
  const [first = '', last = first] = text.split('-');
  const [from, to] = [numberOf(first, 16), numberOf(last, 16)];
  return from === undefined || to === undefined || from > to ? undefined : [from, to];
}

/** A number in decimal or hexadecimal digits, below 2 to the power of `width`. */
export function numberOf(text: string, width: number): bigint | undefined {
  if (!/^(?:0x[0-9a-f]{1,16}|\d{1,16})$/.test(text)) return undefined;
  const value = BigInt(text);
  return value < 1n << BigInt(width) ? value : undefined;
}
