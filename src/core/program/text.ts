/** The text form of a program: one fact a line, sorted, readable, and parsed back to exactly the same program. */

import { deepFreeze } from '#base/json.ts';
import { programLinesMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import type { Program, Programs } from '#program/program.ts';
import { type Layout, shapes } from '#program/text-shape.ts';
import { printAtom, type Shape, textShape, tokensOf } from '#program/text-token.ts';

type Members = { [key: string]: unknown };
type Line = { readonly number: number; readonly indent: number; readonly tokens: readonly string[] };

/** Prints a program under the name of its point. The first line is `<kind> <point>`; the same program gives the same text. */
export function printProgram(point: string, program: Program): string {
  const lines = [`${program.kind} ${printAtom(point)}`];
  printMembers(shapes[program.kind], program as Members, { indent: 1, lines });
  return `${lines.join('\n')}\n`;
}

/** Prints all programs, sorted by point, with an empty line between two. */
export function printPrograms(programs: Programs): string {
  return Object.keys(programs)
    .sort()
    .map((point) => printProgram(point, programs[point] as Program))
    .join('\n');
}

/** Parses what `printProgram` printed. Refuses anything else with the number of the line. */
export function parseProgram(text: string): { point: string; program: Program } {
  const lines = linesOf(text);
  const [head, ...rest] = lines;
  if (head === undefined) throw refused(1, 'a program starts with a line "<kind> <point>"');
  const [kind = '', point = '', ...more] = head.tokens;
  if (!Object.hasOwn(shapes, kind) || point === '' || more.length > 0 || head.indent !== 0) {
    throw refused(head.number, `wanted "<kind> <point>" with a kind of ${Object.keys(shapes).join(', ')}`);
  }
  const shape = shapes[kind as Program['kind']];
  const cursor = { lines: rest, at: 0 };
  const members = readMembers(shape, cursor, { indent: 1, number: head.number });
  const left = cursor.lines[cursor.at];
  if (left !== undefined) throw refused(left.number, `"${left.tokens[0] ?? ''}" is not wanted here`);
  return {
    point: readOne(textShape, [point], head.number) as string,
    program: deepFreeze({ kind, ...members }) as Program,
  };
}

/** Parses what `printPrograms` printed. */
export function parsePrograms(text: string): Programs {
  const programs: { [point: string]: Program } = {};
  for (const block of text.split(/\n(?=\S)/).filter((part) => part.trim() !== '')) {
    const { point, program } = parseProgram(block);
    if (Object.hasOwn(programs, point)) throw refused(1, `the point "${point}" is there twice`);
    programs[point] = program;
  }
  return Object.freeze(programs);
}

function linesOf(text: string): Line[] {
  const raw = text.split('\n');
  if (raw.length > programLinesMax) throw refused(programLinesMax, `a program has at most ${programLinesMax} lines`);
  const lines: Line[] = [];
  raw.forEach((line, index) => {
    if (line.trim() === '') return;
    const spaces = line.length - line.trimStart().length;
    const tokens = tokensOf(line.trim());
    if (tokens === undefined || spaces % 2 !== 0)
      throw refused(index + 1, 'a quote is not closed, or the indent is odd');
    lines.push({ number: index + 1, indent: spaces / 2, tokens });
  });
  return lines;
}

type Output = { readonly indent: number; readonly lines: string[] };

/** Single values share no line in a program (`Layout.inline` false); in a record of a map they all stand on its line. */
function printMembers(record: Layout, members: Members, { indent, lines }: Output): void {
  const pad = '  '.repeat(indent);
  for (const { name, word, shape } of record.values) {
    if (!record.inline) lines.push(`${pad}${word} ${shape.print(members[name])}`);
  }
  for (const { name, word, record: child, inside } of record.maps) {
    const owner = inside === undefined ? members : (members[inside] as Members);
    const map = (owner[name] ?? {}) as { [key: string]: Members };
    for (const key of Object.keys(map).sort()) {
      const member = map[key] ?? {};
      lines.push([`${pad}${word}`, printAtom(key), ...inlineTokens(child, member)].join(' '));
      printMembers(child, member, { indent: indent + 1, lines });
    }
  }
}

function inlineTokens(record: Layout, members: Members): string[] {
  if (!record.inline) return [];
  if (record.bare !== undefined) return [record.bare.print(members)];
  return record.values.flatMap(({ name, word, shape }) => {
    const printed = shape.print(members[name]);
    return word === '' ? [printed] : [word, printed];
  });
}

type Cursor = { readonly lines: readonly Line[]; at: number };
type Place = { readonly indent: number; readonly number: number };

function readMembers(record: Layout, cursor: Cursor, { indent, number }: Place): Members {
  const members: Members = {};
  for (const { name, word, shape } of record.values) {
    if (record.inline) continue;
    const line = cursor.lines[cursor.at];
    if (line === undefined || line.indent !== indent || line.tokens[0] !== word) {
      throw refused(line?.number ?? number, `wanted "${word}"`);
    }
    members[name] = readOne(shape, line.tokens.slice(1), line.number);
    cursor.at++;
  }
  for (const { name, word, record: child, inside, isOptional } of record.maps) {
    const map: Members = {};
    const next = cursor.lines[cursor.at];
    if (isOptional === true && !(next?.indent === indent && next.tokens[0] === word)) continue;
    if (inside === undefined) members[name] = map;
    else members[inside] = { [name]: map };
    for (
      let line = cursor.lines[cursor.at];
      line?.indent === indent && line.tokens[0] === word;
      line = cursor.lines[cursor.at]
    ) {
      cursor.at++;
      const key = readOne(textShape, line.tokens.slice(1, 2), line.number) as string;
      if (Object.hasOwn(map, key) || key === '__proto__')
        throw refused(line.number, `"${key}" is there twice, or is no name`);
      const inline = readInline(child, line.tokens.slice(2), line.number);
      const nested = readMembers(child, cursor, { indent: indent + 1, number: line.number });
      map[key] = child.bare === undefined ? { ...inline, ...nested } : inline.value;
    }
  }
  return members;
}

function readInline(record: Layout, tokens: readonly string[], number: number): Members {
  if (!record.inline) {
    if (tokens.length > 0) throw refused(number, `"${tokens[0] ?? ''}" is not wanted here`);
    return {};
  }
  if (record.bare !== undefined) return { value: readOne(record.bare, tokens, number) };
  const members: Members = {};
  let at = 0;
  for (const { name, word, shape } of record.values) {
    if (word !== '' && tokens[at++] !== word) throw refused(number, `wanted "${word}"`);
    members[name] = readOne(shape, tokens.slice(at, ++at), number);
  }
  if (at !== tokens.length) throw refused(number, `"${tokens[at] ?? ''}" is not wanted here`);
  return members;
}

function readOne(shape: Shape, tokens: readonly string[], number: number): unknown {
  const [token, ...more] = tokens;
  const value = token === undefined || more.length > 0 ? undefined : shape.read(token);
  if (value === undefined) throw refused(number, `"${tokens.join(' ')}" is not the one value that is wanted`);
  return value;
}

function refused(line: number, reason: string): Refusal {
  return new Refusal('InvalidProgramText', `Cannot parse the program, line ${line}: ${reason}.`, {
    target: `line ${line}`,
  });
}
