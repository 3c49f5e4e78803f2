/** Reads JSON bodies member by member and collects every error with its JSON pointer, so that one answer names them all. */

import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { tryAddress, tryPrefix, type Address, type Prefix } from '#base/prefix.ts';
import { Refusal, type Detail } from '#base/wrong.ts';

/**
 * One object of a body. Member names are matched without regard to case, as Azure's own parsers do (public templates write
 * `publicIpAddress`); `null` is absent; members that nobody reads are dropped, as Azure does.
 */
export type Reader = {
  readonly pointer: string;
  readonly members: ReadonlyMap<string, Json>;
  readonly problems: Detail[];
};

/** Errors collected from one body; the rest is dropped. */
const problemsMax = 100;

/** Starts reading a body. */
export function readBody(body: JsonObject): Reader {
  return readerAt(body, '', []);
}

function readerAt(value: JsonObject, pointer: string, problems: Detail[]): Reader {
  const members = new Map<string, Json>();
  const reader: Reader = { pointer, members, problems };
  for (const name of Object.keys(value)) {
    const member = value[name];
    if (member === undefined || member === null) continue;
    const key = name.toLowerCase();
    if (members.has(key))
      note(
        reader,
        shorten(name).replaceAll('~', '~0').replaceAll('/', '~1'),
        'the same member is stated twice, differing only in case',
      );
    members.set(key, member);
  }
  return reader;
}

/** The value of a member, if it is there and not null. */
export function member(reader: Reader, name: string): Json | undefined {
  return reader.members.get(name.toLowerCase());
}

/** The JSON pointer (RFC 6901) of a member, or of a path of members (`osDisk/name`). */
export function pointerTo(reader: Reader, path: string): string {
  return `${reader.pointer}/${path}`;
}

/** Notes an error of one member; `says` is a whole message with a code of Azure's, or a reason for `InvalidParameter`. */
export function note(reader: Reader, name: string, says: string | { code: string; message: string }): void {
  if (reader.problems.length >= problemsMax) return;
  const target = name === '' ? reader.pointer : pointerTo(reader, name);
  reader.problems.push(
    typeof says === 'string'
      ? { code: 'InvalidParameter', message: `The value of ${target} is invalid: ${says}.`, target }
      : { ...says, target },
  );
}

/** Throws the Refusal of all collected errors, if there are any. */
export function finish(reader: Reader): void {
  const [first, ...others] = reader.problems;
  if (first === undefined) return;
  const more = others.length === 0 ? '' : ` (and ${others.length} more; see details)`;
  throw new Refusal(first.code, first.message + more, { target: first.target, details: [...reader.problems] });
}

/** What a text must be like. */
type TextRule = {
  readonly required?: boolean;
  readonly lengthMax?: number;
  readonly pattern?: RegExp;
  /** What is wanted, for the message. */
  readonly wants?: string;
};

/** A text member; a number is taken as its text (templates state ports as numbers). */
export function textOf(reader: Reader, name: string, rule: TextRule = {}): string | undefined {
  const value = member(reader, name);
  if (value === undefined) {
    if (rule.required) missing(reader, name);
    return undefined;
  }
  const text = typeof value === 'number' ? String(value) : value;
  const lengthMax = rule.lengthMax ?? 1024;
  if (typeof text !== 'string') note(reader, name, `a string is wanted, not ${kindOf(value)}`);
  else if (text.length > lengthMax) note(reader, name, `at most ${lengthMax} characters are allowed`);
  else if (rule.pattern && !rule.pattern.test(text)) note(reader, name, `${rule.wants ?? 'another form'} is wanted`);
  else return text;
  return undefined;
}

/** Notes that a member must be stated. */
export function missing(reader: Reader, name: string): void {
  const target = pointerTo(reader, name);
  note(reader, name, { code: 'InvalidRequestFormat', message: `The member ${target} is required and was not stated.` });
}

function kindOf(value: Json): string {
  return Array.isArray(value) ? 'an array' : value === null ? 'null' : `a ${typeof value}`;
}

/** One of the given words, without regard to case; answers the canonical spelling. */
export function oneOf<T extends string>(reader: Reader, name: string, allowed: readonly T[]): T | undefined {
  const text = textOf(reader, name);
  if (text === undefined) return undefined;
  const found = allowed.find((word) => word.toLowerCase() === text.toLowerCase());
  if (found === undefined) note(reader, name, `"${shorten(text)}" is none of ${allowed.join(', ')}`);
  return found;
}

/** A long value, shortened for a message. */
export function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/** A whole number within bounds; a string of digits is taken as a number, as Azure does. */
export function integerOf(reader: Reader, name: string, [min, max]: readonly [number, number]): number | undefined {
  const value = member(reader, name);
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && /^-?\d{1,10}$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max) return number;
  note(reader, name, `a whole number from ${min} to ${max} is wanted`);
  return undefined;
}

/** A boolean; the words `true` and `false` are taken as booleans, as Azure does. */
export function flagOf(reader: Reader, name: string): boolean | undefined {
  const value = member(reader, name);
  if (value === undefined || typeof value === 'boolean') return value;
  const word = typeof value === 'string' ? value.toLowerCase() : '';
  if (word === 'true' || word === 'false') return word === 'true';
  note(reader, name, 'true or false is wanted');
  return undefined;
}

/** A member that is an object. */
export function objectOf(reader: Reader, name: string): Reader | undefined {
  const value = member(reader, name);
  if (value === undefined) return undefined;
  if (isObject(value)) return readerAt(value, pointerTo(reader, name), reader.problems);
  note(reader, name, `an object is wanted, not ${kindOf(value)}`);
  return undefined;
}

/** A member that is an object, or an empty one where it is absent: its own required members are then reported. */
export function partOf(reader: Reader, name: string): Reader {
  return objectOf(reader, name) ?? readerAt({}, pointerTo(reader, name), reader.problems);
}

/** A list of objects; undefined when absent. */
export function listOf(reader: Reader, name: string, max: number): Reader[] | undefined {
  const items = arrayOf(reader, name, max);
  return items?.flatMap((item, index) => {
    const pointer = `${pointerTo(reader, name)}/${index}`;
    if (isObject(item)) return [readerAt(item, pointer, reader.problems)];
    note(reader, `${name}/${index}`, `an object is wanted, not ${kindOf(item)}`);
    return [];
  });
}

/** A list of texts; undefined when absent. */
export function textsOf(reader: Reader, name: string, max: number): string[] | undefined {
  const items = arrayOf(reader, name, max);
  return items?.flatMap((item, index) => {
    if (typeof item === 'string' || typeof item === 'number') return [String(item)];
    note(reader, `${name}/${index}`, `a string is wanted, not ${kindOf(item)}`);
    return [];
  });
}

function arrayOf(reader: Reader, name: string, max: number): readonly Json[] | undefined {
  const value = member(reader, name);
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) {
    note(reader, name, `a list is wanted, not ${kindOf(value)}`);
    return undefined;
  }
  if (value.length <= max) return value;
  note(reader, name, `at most ${max} entries are allowed, ${value.length} are stated`);
  return [];
}

/** Parses one prefix, noting Azure's codes: bad form, or host bits set. */
export function prefixAt(reader: Reader, name: string, text: string): Prefix | undefined {
  const prefix = text.includes('/') ? tryPrefix(text) : undefined;
  if (prefix !== undefined) return prefix;
  const [address = '', length = ''] = text.split('/');
  const hostBits = tryAddress(address) !== undefined && /^\d{1,3}$/.test(length);
  note(reader, name, {
    code: hostBits ? 'InvalidCIDRNotation' : 'InvalidAddressPrefixFormat',
    message:
      `The address prefix "${shorten(text)}" is ${hostBits ? 'no network: host bits are set or the length is too large' : 'not in CIDR notation'}. ` +
      'For example 10.0.0.0/24 is accepted.',
  });
  return undefined;
}

/** A member that is an address. */
export function addressOf(reader: Reader, name: string): Address | undefined {
  const text = textOf(reader, name);
  if (text === undefined) return undefined;
  const address = tryAddress(text);
  if (address !== undefined) return address;
  note(reader, name, {
    code: 'InvalidIPAddressFormat',
    message: `The value "${shorten(text)}" of ${pointerTo(reader, name)} is not an IP address, for example 10.0.0.4.`,
  });
  return undefined;
}
