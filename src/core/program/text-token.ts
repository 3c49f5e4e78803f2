/** The tokens of the programs' text form: atoms, lists, numbers, port ranges, address matches and next hops. */

import type { AddressMatch, NextHop, PortRange } from '#program/program.ts';

/** How one value prints as one token and reads back; `undefined` when the token is no such value. */
export type Shape = { print(value: unknown): string; read(token: string): unknown };

const plain = /^[A-Za-z0-9_.:/~+*()[\]=;!?&%$#'|{}\\^`<>-]+$/;

/** Text as a token: as it is when it is plain, else as a JSON string. */
export function printAtom(text: string): string {
  return plain.test(text) && text !== '-' && text !== 'any' ? text : JSON.stringify(text);
}

/** The text of a token; undefined when it is neither plain nor a JSON string. */
function readAtom(token: string): string | undefined {
  if (!token.startsWith('"')) return plain.test(token) && token !== '-' && token !== 'any' ? token : undefined;
  try {
    const value: unknown = JSON.parse(token);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Splits a line at its spaces; a JSON string is never split. Undefined when a quote is left open. */
export function tokensOf(line: string): string[] | undefined {
  return /^(?:[^ "]|"(?:[^"\\]|\\.)*"| )*$/.test(line)
    ? (line.match(/(?:[^ "]|"(?:[^"\\]|\\.)*")+/g) ?? [])
    : undefined;
}

function itemsOf(token: string): string[] {
  return token === '-' ? [] : (token.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? []);
}

function allOf<T>(items: readonly (T | undefined)[]): T[] | undefined {
  return items.every((item) => item !== undefined) ? (items as T[]) : undefined;
}

export const textShape: Shape = { print: (value) => printAtom(value as string), read: (token) => readAtom(token) };

export const numberShape: Shape = {
  print: (value) => String(value),
  read: (token) => (/^(0|[1-9]\d{0,14})$/.test(token) ? Number(token) : undefined),
};

export const flagShape: Shape = {
  print: (value) => (value === true ? 'yes' : 'no'),
  read: (token) => (token === 'yes' ? true : token === 'no' ? false : undefined),
};

/** A comma between the items; `-` when there is none. */
export const listShape: Shape = {
  print: (value) => (value as readonly string[]).map((item) => printAtom(item)).join(',') || '-',
  read: (token) => allOf(itemsOf(token).map((item) => readAtom(item))),
};

function printRange([first, last]: PortRange): string {
  return first === last ? String(first) : `${first}-${last}`;
}

function readRange(text: string): PortRange | undefined {
  const [, first, last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  return first === undefined ? undefined : [Number(first), Number(last ?? first)];
}

export const rangeShape: Shape = { print: (value) => printRange(value as PortRange), read: readRange };

/** `any` when the list is empty: every port. */
export const rangesShape: Shape = {
  print: (value) => (value as readonly PortRange[]).map(printRange).join(',') || 'any',
  read: (token) => (token === 'any' ? [] : allOf(token.split(',').map(readRange))),
};

/** `any`, or prefixes and `@sets`. */
export const matchShape: Shape = {
  print: (value) => {
    const match = value as AddressMatch;
    if (match === 'any') return 'any';
    return [...match.prefixes.map(printAtom), ...match.sets.map((name) => `@${printAtom(name)}`)].join(',') || '-';
  },
  read: (token) => {
    if (token === 'any') return 'any';
    const items = itemsOf(token);
    const sets = items.filter((item) => item.startsWith('@'));
    const prefixes = allOf(items.filter((item) => !item.startsWith('@')).map((item) => readAtom(item)));
    const names = allOf(sets.map((item) => readAtom(item.slice(1))));
    return prefixes === undefined || names === undefined ? undefined : { prefixes, sets: names };
  },
};

/** `local`, `internet`, `none`, `peer=<vnet>`, `appliance=<address>`. */
export const hopShape: Shape = {
  print: (value) => {
    const hop = value as NextHop;
    if (hop.kind === 'peer') return `peer=${printAtom(hop.vnet)}`;
    return hop.kind === 'appliance' ? `appliance=${printAtom(hop.address)}` : hop.kind;
  },
  read: (token) => {
    if (token === 'local' || token === 'internet' || token === 'none') return { kind: token };
    const at = token.indexOf('=');
    const argument = at < 0 ? undefined : readAtom(token.slice(at + 1));
    if (argument === undefined) return undefined;
    if (token.startsWith('peer=')) return { kind: 'peer', vnet: argument };
    return token.startsWith('appliance=') ? { kind: 'appliance', address: argument } : undefined;
  },
};

/** One of some words. */
export function wordShape(words: readonly string[]): Shape {
  return { print: (value) => value as string, read: (token) => (words.includes(token) ? token : undefined) };
}
