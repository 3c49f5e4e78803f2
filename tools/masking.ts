/** Blanks comments and the contents of literals in TypeScript source, keeping every offset, so that words can be searched safely. */

/** The source with code only, and the comments, with their places. */
export type Masked = { readonly code: string; readonly comments: readonly Comment[] };
/** A comment as written, with its offset in the source. */
export type Comment = { readonly start: number; readonly text: string };

type Reader = {
  readonly source: string;
  readonly out: string[];
  readonly comments: Comment[];
  at: number;
  templates: number[];
};

/** Answers the source of equal length in which only code is left; quotes stay, what is between them is blank. */
export function mask(source: string): Masked {
  const reader: Reader = { source, out: [...blank(source)], comments: [], at: 0, templates: [] };
  while (reader.at < source.length) step(reader);
  return { code: reader.out.join(''), comments: reader.comments };
}

function blank(text: string): string[] {
  return text.split('').map((letter) => (letter === '\n' ? '\n' : ' '));
}

function step(reader: Reader): void {
  const { source, at } = reader;
  const letter = source[at] ?? '';
  const two = source.slice(at, at + 2);
  if (two === '//' || (at === 0 && two === '#!')) return comment(reader, lineEnd(source, at));
  if (two === '/*') return comment(reader, endOf(source, '*/', at + 2));
  if (letter === "'" || letter === '"') return literal(reader, letter);
  if (letter === '`') return template(reader);
  if (letter === '/' && startsRegex(reader)) return regex(reader);
  if (letter === '}' && reader.templates.at(-1) === 0) {
    reader.templates.pop();
    return template(reader);
  }
  const depth = reader.templates.length - 1;
  if (depth >= 0 && letter === '{') reader.templates[depth] = (reader.templates[depth] ?? 0) + 1;
  if (depth >= 0 && letter === '}') reader.templates[depth] = (reader.templates[depth] ?? 0) - 1;
  keep(reader);
}

function keep(reader: Reader): void {
  reader.out[reader.at] = reader.source[reader.at] ?? '';
  reader.at += 1;
}

function comment(reader: Reader, end: number): void {
  reader.comments.push({ start: reader.at, text: reader.source.slice(reader.at, end) });
  reader.at = end;
}

function lineEnd(source: string, from: number): number {
  const end = source.indexOf('\n', from);
  return end < 0 ? source.length : end;
}

function endOf(source: string, word: string, from: number): number {
  const end = source.indexOf(word, from);
  return end < 0 ? source.length : end + word.length;
}

function literal(reader: Reader, quote: string): void {
  keep(reader);
  while (reader.at < reader.source.length && reader.source[reader.at] !== quote && reader.source[reader.at] !== '\n')
    reader.at += reader.source[reader.at] === '\\' ? 2 : 1;
  keep(reader);
}

// Reads from a backquote, or from the brace that ends a substitution, to the next substitution or to the closing backquote.
function template(reader: Reader): void {
  keep(reader);
  while (reader.at < reader.source.length && reader.source[reader.at] !== '`') {
    if (reader.source.startsWith('${', reader.at)) {
      reader.templates.push(0);
      keep(reader);
      return keep(reader);
    }
    reader.at += reader.source[reader.at] === '\\' ? 2 : 1;
  }
  keep(reader);
}

// A slash divides after a value and opens a regular expression elsewhere; the last code before it tells which.
function startsRegex(reader: Reader): boolean {
  let back = reader.at - 1;
  while (back >= 0 && /\s/.test(reader.out[back] ?? '')) back -= 1;
  const last = reader.out[back] ?? '';
  if (/[)\]}'"`]/.test(last)) return false;
  if (!/[\w$]/.test(last)) return true;
  let start = back;
  while (start > 0 && /[\w$]/.test(reader.out[start - 1] ?? '')) start -= 1;
  return /^(?:return|typeof|case|in|of|do|else|void|await|yield|throw)$/.test(
    reader.out.slice(start, back + 1).join(''),
  );
}

function regex(reader: Reader): void {
  keep(reader);
  let inClass = false;
  while (reader.at < reader.source.length && reader.source[reader.at] !== '\n') {
    const letter = reader.source[reader.at];
    if (letter === '/' && !inClass) break;
    if (letter === '[') inClass = true;
    if (letter === ']') inClass = false;
    reader.at += letter === '\\' ? 2 : 1;
  }
  keep(reader);
}
