/** Reads the JSON that ARM clients send for deployments: comments, trailing commas, multi-line strings, and one bare key `template`. */

import { bodyBytesMax, jsonDepthMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import type { Json, JsonObject } from '#base/json.ts';

/** Where a value began in its text; both count from 1, as editors do. */
export type Position = { readonly line: number; readonly column: number };

type Cursor = {
  readonly text: string;
  at: number;
  depth: number;
  isTemplateKeySeen: boolean;
  readonly starts: readonly number[];
};

/** What distinguishes a request body from the text given to the function `json()`. */
export type JsonDialect = 'request' | 'strict';

const places = new WeakMap<object, { readonly offset: number; readonly starts: readonly number[] }>();

/**
 * Parses a deployment body or a template. Azure CLI splices the user's file raw after an unquoted `template:` key, so a byte
 * order mark, comments, trailing commas and line breaks inside strings are taken as ARM takes them; the dialect `strict` takes
 * JSON alone (RFC 8259). Refuses with line and column.
 */
export function parseTemplateJson(text: string, dialect: JsonDialect = 'request'): Json {
  if (text.length > bodyBytesMax) {
    throw refusal(`The content has ${text.length} characters; at most ${bodyBytesMax} are accepted.`);
  }
  const cursor: Cursor = { text, at: 0, depth: 0, isTemplateKeySeen: dialect === 'strict', starts: lineStarts(text) };
  const read = dialect === 'strict' ? strictBlanks : blanks;
  const value = readValue(cursor, read);
  read(cursor);
  if (cursor.at < text.length) throw unexpected(cursor, 'the end of the content');
  return value;
}

/** Where this object or array stood in the text it was parsed from; undefined when it did not come from `parseTemplateJson`. */
export function positionOf(value: unknown): Position | undefined {
  const place = typeof value === 'object' && value !== null ? places.get(value) : undefined;
  return place === undefined ? undefined : positionAt(place.starts, place.offset);
}

type Skip = (cursor: Cursor) => void;

function readValue(cursor: Cursor, skip: Skip): Json {
  skip(cursor);
  const first = cursor.text[cursor.at];
  if (first === '{') return nested(cursor, skip, readObject);
  if (first === '[') return nested(cursor, skip, readArray);
  if (first === '"') return readString(cursor, skip);
  return readWord(cursor);
}

function nested<T extends object>(cursor: Cursor, skip: Skip, read: (cursor: Cursor, skip: Skip) => T): T {
  const offset = cursor.at;
  cursor.depth += 1;
  if (cursor.depth > jsonDepthMax) throw unexpected(cursor, `at most ${jsonDepthMax} levels of nesting`);
  cursor.at += 1;
  const value = read(cursor, skip);
  cursor.depth -= 1;
  places.set(value, { offset, starts: cursor.starts });
  return value;
}

function readObject(cursor: Cursor, skip: Skip): JsonObject {
  const members: { [key: string]: Json } = {};
  for (let isFirst = true; ; isFirst = false) {
    skip(cursor);
    if (take(cursor, '}') && (isFirst || skip === blanks)) return members;
    const key = readKey(cursor, skip);
    skip(cursor);
    if (!take(cursor, ':')) throw unexpected(cursor, `":" after the key "${key}"`);
    members[key] = readValue(cursor, skip);
    skip(cursor);
    if (take(cursor, ',')) continue;
    if (take(cursor, '}')) return members;
    throw unexpected(cursor, '"," or "}"');
  }
}

function readArray(cursor: Cursor, skip: Skip): Json[] {
  const items: Json[] = [];
  for (let isFirst = true; ; isFirst = false) {
    skip(cursor);
    if (take(cursor, ']') && (isFirst || skip === blanks)) return items;
    items.push(readValue(cursor, skip));
    skip(cursor);
    if (take(cursor, ',')) continue;
    if (take(cursor, ']')) return items;
    throw unexpected(cursor, '"," or "]"');
  }
}

function readKey(cursor: Cursor, skip: Skip): string {
  if (cursor.text[cursor.at] === '"') {
    const offset = cursor.at;
    const key = readString(cursor, skip);
    if (key !== '__proto__') return key;
    cursor.at = offset;
    throw unexpected(cursor, 'a key other than "__proto__"');
  }
  if (!cursor.isTemplateKeySeen && /^template(?![\w$])/.test(cursor.text.slice(cursor.at, cursor.at + 9))) {
    cursor.isTemplateKeySeen = true;
    cursor.at += 'template'.length;
    return 'template';
  }
  throw unexpected(cursor, 'a key in double quotes');
}

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

function readString(cursor: Cursor, skip: Skip): string {
  const { text } = cursor;
  const start = cursor.at;
  let value = '';
  cursor.at += 1;
  for (;;) {
    const plain = /[^"\\\u0000-\u001f]*/y;
    plain.lastIndex = cursor.at;
    const chunk = plain.exec(text)?.[0] ?? '';
    value += chunk;
    cursor.at += chunk.length;
    const next = text[cursor.at];
    if (next === '"') {
      cursor.at += 1;
      return value;
    }
    if (next === undefined) {
      cursor.at = start;
      throw unexpected(cursor, 'a string that is closed by a double quote');
    }
    if (next === '\\') value += readEscape(cursor);
    else if (skip === blanks && (next === '\n' || next === '\r' || next === '\t')) {
      // ARM allows an expression to run over several lines of the file.
      value += next;
      cursor.at += 1;
    } else throw unexpected(cursor, 'no control character inside a string');
  }
}

function readEscape(cursor: Cursor): string {
  const letter = cursor.text[cursor.at + 1] ?? '';
  if (letter === 'u') {
    const digits = cursor.text.slice(cursor.at + 2, cursor.at + 6);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw unexpected(cursor, 'four hexadecimal digits after "\\u"');
    cursor.at += 6;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }
  const value = Object.hasOwn(escapes, letter) ? escapes[letter] : undefined;
  if (value === undefined) throw unexpected(cursor, 'one of the escapes \\" \\\\ \\/ \\b \\f \\n \\r \\t \\u');
  cursor.at += 2;
  return value;
}

function readWord(cursor: Cursor): Json {
  const word = /-?[\w.+-]+/y;
  word.lastIndex = cursor.at;
  const text = word.exec(cursor.text)?.[0] ?? '';
  const value = wordValue(text);
  if (value === undefined) throw unexpected(cursor, 'a value');
  cursor.at += text.length;
  return value;
}

function wordValue(text: string): Json | undefined {
  if (text === 'true') return true;
  if (text === 'false') return false;
  if (text === 'null') return null;
  if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

function take(cursor: Cursor, character: string): boolean {
  if (cursor.text[cursor.at] !== character) return false;
  cursor.at += 1;
  return true;
}

function strictBlanks(cursor: Cursor): void {
  const blank = /[ \t\r\n]*/y;
  blank.lastIndex = cursor.at;
  cursor.at += blank.exec(cursor.text)?.[0].length ?? 0;
}

function blanks(cursor: Cursor): void {
  const { text } = cursor;
  for (;;) {
    const blank = /[\s\uFEFF]*/y;
    blank.lastIndex = cursor.at;
    cursor.at += blank.exec(text)?.[0].length ?? 0;
    if (text.startsWith('//', cursor.at)) {
      const end = text.indexOf('\n', cursor.at);
      cursor.at = end < 0 ? text.length : end + 1;
    } else if (text.startsWith('/*', cursor.at)) {
      const end = text.indexOf('*/', cursor.at + 2);
      if (end < 0) throw unexpected(cursor, 'a comment that is closed by "*/"');
      cursor.at = end + 2;
    } else return;
  }
}

function unexpected(cursor: Cursor, wanted: string): Refusal {
  const { line, column } = positionAt(cursor.starts, cursor.at);
  const found = cursor.at < cursor.text.length ? JSON.stringify(cursor.text[cursor.at]) : 'the end of the content';
  return refusal(
    `Cannot parse the content at line ${line}, column ${column}: found ${found} where ${wanted} is wanted.`,
  );
}

function refusal(message: string): Refusal {
  return new Refusal('InvalidRequestContent', `The request content was invalid and could not be read. ${message}`);
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function positionAt(starts: readonly number[], offset: number): Position {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
}
