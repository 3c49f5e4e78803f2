/** The stamp's block in the host's hosts file: marked, written whole, removed by `down`; every other line stays as it is. */

import { chmodSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';

const path = '/etc/hosts';

/** Writes the block of stamp N: address and names per line. */
export function writeHostsBlock(number: number, lines: readonly string[]): void {
  replace(withBlock(readHosts(), number, lines));
}

/** The text with the block of stamp N at its end, in place of one that was there. */
export function withBlock(text: string, number: number, lines: readonly string[]): string {
  const [begin, end] = marks(number);
  const rest = withoutBlock(text, number);
  return `${rest}${rest === '' || rest.endsWith('\n') ? '' : '\n'}${begin}\n${lines.join('\n')}\n${end}\n`;
}

/** Removes the block of stamp N; a file without one is left untouched. */
export function removeHostsBlock(number: number): void {
  const text = readHosts();
  const rest = withoutBlock(text, number);
  if (rest !== text) replace(rest);
}

/** The text without the block of stamp N. */
export function withoutBlock(text: string, number: number): string {
  const [begin, end] = marks(number);
  const lines = text.split('\n');
  const from = lines.indexOf(begin);
  const to = lines.indexOf(end, from);
  if (from < 0 || to < from) return text;
  return [...lines.slice(0, from), ...lines.slice(to + 1)].join('\n');
}

function marks(number: number): [string, string] {
  return [`# ringwall ${number} begin`, `# ringwall ${number} end`];
}

function readHosts(): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** Whole or not at all. Where the file cannot be replaced (a bind mount), it is written in place. */
function replace(text: string): void {
  const mode = existsSync(path) ? statSync(path).mode & 0o777 : 0o644;
  const draft = `${path}.ringwall`;
  try {
    writeFileSync(draft, text, { mode: 0o600, flush: true });
    chmodSync(draft, mode);
    renameSync(draft, path);
  } catch {
    writeFileSync(path, text);
  }
}
