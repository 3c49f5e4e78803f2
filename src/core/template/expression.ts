/** Parses the text between the brackets of a template expression, `concat('a', variables('b')[0].c)`, into a small tree. */

import { expressionDepthMax, expressionLengthMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';

/** One node of an expression. A call's name is lower case, with its namespace when it is a user's function. */
export type Node =
  | { readonly kind: 'literal'; readonly value: string | number }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Node[]; readonly text: string }
  | { readonly kind: 'member'; readonly target: Node; readonly name: string }
  | { readonly kind: 'index'; readonly target: Node; readonly index: Node };

type Cursor = { readonly text: string; at: number; depth: number };

/** Is this text an expression, `[…]`? A text that starts with `[[` is an escaped literal (Azure docs, "Template expressions"). */
export function isExpression(text: string): boolean {
  return text.startsWith('[') && text.endsWith(']') && !text.startsWith('[[') && text.length >= 2;
}

/** The literal that a text which is no expression stands for: `[[x]` is `[x]`. */
export function literalOf(text: string): string {
  return text.startsWith('[[') && text.endsWith(']') ? text.slice(1) : text;
}

/** Parses a whole `[expression]`; refuses with the place of the mistake. */
export function parseExpression(text: string): Node {
  if (text.length > expressionLengthMax) {
    throw new Refusal(
      'InvalidTemplate',
      `The language expression has ${text.length} characters; at most ${expressionLengthMax} are accepted.`,
    );
  }
  const cursor: Cursor = { text: text.slice(1, -1), at: 0, depth: 0 };
  const node = readNode(cursor);
  blanks(cursor);
  if (cursor.at < cursor.text.length) throw unexpected(cursor, 'the end of the expression');
  return node;
}

function readNode(cursor: Cursor): Node {
  cursor.depth += 1;
  if (cursor.depth > expressionDepthMax) throw unexpected(cursor, `at most ${expressionDepthMax} levels of nesting`);
  let node = readPrimary(cursor);
  // Postfixes nest to the left, so a long chain is as deep as it is long.
  for (let links = 0; ; links += 1) {
    if (links > expressionDepthMax) throw unexpected(cursor, `at most ${expressionDepthMax} property accesses`);
    blanks(cursor);
    if (take(cursor, '.')) {
      blanks(cursor);
      node = { kind: 'member', target: node, name: readName(cursor, 'a property name') };
    } else if (take(cursor, '[')) {
      const index = readNode(cursor);
      blanks(cursor);
      if (!take(cursor, ']')) throw unexpected(cursor, '"]"');
      node = { kind: 'index', target: node, index };
    } else break;
  }
  cursor.depth -= 1;
  return node;
}

function readPrimary(cursor: Cursor): Node {
  blanks(cursor);
  const first = cursor.text[cursor.at] ?? '';
  if (first === "'") return { kind: 'literal', value: readText(cursor) };
  if (/[-+0-9]/.test(first)) return { kind: 'literal', value: readNumber(cursor) };
  const start = cursor.at;
  let name = readName(cursor, 'a function, a number or a text in single quotes');
  blanks(cursor);
  if (take(cursor, '.')) {
    blanks(cursor);
    name = `${name}.${readName(cursor, 'the name of a function')}`;
    blanks(cursor);
  }
  if (!take(cursor, '(')) throw unexpected(cursor, `"(" after the function name "${name}"`);
  const args = readArguments(cursor);
  return { kind: 'call', name: name.toLowerCase(), args, text: cursor.text.slice(start, cursor.at) };
}

function readArguments(cursor: Cursor): Node[] {
  const args: Node[] = [];
  blanks(cursor);
  if (take(cursor, ')')) return args;
  for (;;) {
    args.push(readNode(cursor));
    blanks(cursor);
    if (take(cursor, ')')) return args;
    if (!take(cursor, ',')) throw unexpected(cursor, '"," or ")"');
  }
}

function readName(cursor: Cursor, wanted: string): string {
  const name = match(cursor, /[A-Za-z_$][\w$]*/y);
  if (name === '') throw unexpected(cursor, wanted);
  return name;
}

function readNumber(cursor: Cursor): number {
  const start = cursor.at;
  const text = match(cursor, /[-+]?\d+(?![\w.])/y);
  const value = Number(text);
  if (text !== '' && Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  cursor.at = start;
  throw unexpected(cursor, "a whole number (write json('1.5') for a fraction)");
}

function readText(cursor: Cursor): string {
  const start = cursor.at;
  // A quote inside the text is written twice.
  const quoted = match(cursor, /'(?:[^']|'')*'/y);
  if (quoted !== '') return quoted.slice(1, -1).replaceAll("''", "'");
  cursor.at = start;
  throw unexpected(cursor, 'a text that is closed by a single quote');
}

function match(cursor: Cursor, pattern: RegExp): string {
  pattern.lastIndex = cursor.at;
  const found = pattern.exec(cursor.text)?.[0] ?? '';
  cursor.at += found.length;
  return found;
}

function take(cursor: Cursor, character: string): boolean {
  if (cursor.text[cursor.at] !== character) return false;
  cursor.at += 1;
  return true;
}

function blanks(cursor: Cursor): void {
  match(cursor, /\s*/y);
}

function unexpected(cursor: Cursor, wanted: string): Refusal {
  const found = cursor.at < cursor.text.length ? JSON.stringify(cursor.text[cursor.at]) : 'the end of the expression';
  return new Refusal(
    'InvalidTemplate',
    `The language expression is not valid at position ${cursor.at + 1}: found ${found} where ${wanted} is wanted.`,
  );
}
