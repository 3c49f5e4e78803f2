/** The `$filter` of Microsoft Graph, as far as clients send it: parsed whole before it is asked of anything (OData 4.01 URL conventions §5.1.1). */

import { filterDepthMax, filterTextMax } from '#base/identity-limits.ts';
import { filterTermsMax } from '#base/limits.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';

/** A parsed filter: does an object pass it? */
export type Filter = (object: JsonObject) => boolean;

type Token = { readonly kind: 'word' | 'text' | 'sign' | 'end'; readonly text: string };

/**
 * Parses a filter over objects that have the given properties. Taken are `eq`, `ne`, `startswith`, `endswith`, `in`,
 * `any(x:x eq …)`, `and`, `or`, `not` and brackets; text is compared without case, as Graph does.
 */
export function parseFilter(text: string, properties: ReadonlySet<string>): Filter {
  if (text.length > filterTextMax) throw invalid(`it has more than ${filterTextMax} characters`);
  const parser = new Parser(tokensOf(text), properties);
  return parser.whole();
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = /\s*(?:([A-Za-z0-9_@.][\w@.-]*)|'((?:[^']|'')*)'|([(),:/]))/y;
  let at = 0;
  while (at < text.length && text.slice(at).trim() !== '') {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) throw invalid(`it cannot be read at position ${at}`);
    const [, word, quoted, sign] = match;
    if (word !== undefined) tokens.push({ kind: 'word', text: word });
    else if (quoted !== undefined) tokens.push({ kind: 'text', text: quoted.replaceAll("''", "'") });
    else tokens.push({ kind: 'sign', text: sign ?? '' });
    if (tokens.length > filterTermsMax * 10) throw invalid('it is too long');
    at = pattern.lastIndex;
  }
  return tokens;
}

const end: Token = { kind: 'end', text: 'the end' };

class Parser {
  readonly #tokens: readonly Token[];
  readonly #properties: ReadonlySet<string>;
  #at = 0;
  #terms = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], properties: ReadonlySet<string>) {
    this.#tokens = tokens;
    this.#properties = properties;
  }

  whole(): Filter {
    const filter = this.#either();
    if (this.#peek().kind !== 'end') throw invalid(`"${this.#peek().text.slice(0, 50)}" stands after its end`);
    return filter;
  }

  #either(): Filter {
    if (++this.#depth > filterDepthMax) throw invalid(`it is nested deeper than ${filterDepthMax}`);
    let left = this.#both();
    while (this.#isWord('or')) {
      const [one, other] = [left, (this.#next(), this.#both())];
      left = (object) => one(object) || other(object);
    }
    this.#depth -= 1;
    return left;
  }

  #both(): Filter {
    let left = this.#one();
    while (this.#isWord('and')) {
      const [one, other] = [left, (this.#next(), this.#one())];
      left = (object) => one(object) && other(object);
    }
    return left;
  }

  #one(): Filter {
    if (++this.#terms > filterTermsMax) throw invalid(`it has more than ${filterTermsMax} terms`);
    if (this.#isWord('not')) {
      this.#next();
      if (++this.#depth > filterDepthMax) throw invalid(`it is nested deeper than ${filterDepthMax}`);
      const inner = this.#one();
      this.#depth -= 1;
      return (object) => !inner(object);
    }
    if (this.#peek().text === '(' && this.#peek().kind === 'sign') {
      this.#next();
      const inner = this.#either();
      this.#sign(')');
      return inner;
    }
    if (this.#isWord('startswith') || this.#isWord('endswith')) return this.#within();
    return this.#comparison();
  }

  #within(): Filter {
    const isStart = this.#next().text.toLowerCase() === 'startswith';
    this.#sign('(');
    const property = this.#property();
    this.#sign(',');
    const part = plain(this.#literal());
    this.#sign(')');
    if (typeof part !== 'string') throw invalid('startswith and endswith want a text');
    return (object) => {
      const value = plain(object[property]);
      return typeof value === 'string' && (isStart ? value.startsWith(part) : value.endsWith(part));
    };
  }

  #comparison(): Filter {
    const property = this.#property();
    if (this.#peek().text === '/') return this.#any(property);
    const word = this.#next();
    const operator = word.kind === 'word' ? word.text.toLowerCase() : '';
    if (operator === 'in') {
      const values = this.#list();
      return (object) => values.includes(plain(object[property]));
    }
    if (operator !== 'eq' && operator !== 'ne')
      throw invalid(`"${word.text.slice(0, 50)}" is no comparison that is known here`);
    const value = plain(this.#literal());
    return (object) => (plain(object[property]) === value) === (operator === 'eq');
  }

  #any(property: string): Filter {
    this.#sign('/');
    if (!this.#isWord('any')) throw invalid('after a list any(x:x eq …) is wanted');
    this.#next();
    this.#sign('(');
    const name = this.#next().text;
    this.#sign(':');
    if (this.#next().text !== name || !this.#isWord('eq')) throw invalid('within any x eq … is wanted');
    this.#next();
    const value = plain(this.#literal());
    this.#sign(')');
    return (object) => {
      const items = object[property];
      return Array.isArray(items) && items.some((item: Json) => plain(item) === value);
    };
  }

  #list(): (Json | undefined)[] {
    const values: (Json | undefined)[] = [];
    this.#sign('(');
    do values.push(plain(this.#literal()));
    while (this.#comma());
    this.#sign(')');
    return values;
  }

  #comma(): boolean {
    const isComma = this.#peek().text === ',' && this.#peek().kind === 'sign';
    if (isComma) this.#next();
    return isComma;
  }

  #property(): string {
    const { kind, text } = this.#next();
    if (kind === 'word' && this.#properties.has(text)) return text;
    const known = [...this.#properties].slice(0, 30).join(', ');
    throw invalid(`"${text.slice(0, 50)}" is no property that can be asked for; there are ${known}`);
  }

  #literal(): Json {
    const { kind, text } = this.#next();
    if (kind === 'text') return text;
    const words: Readonly<Record<string, Json>> = { true: true, false: false, null: null };
    if (kind === 'word' && Object.hasOwn(words, text)) return words[text] ?? null;
    // A GUID may stand without quotes.
    if (kind === 'word' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text;
    throw invalid(`"${text.slice(0, 50)}" is no value; wanted is 'text', true, false or null`);
  }

  #sign(text: string): void {
    const token = this.#next();
    if (token.kind !== 'sign' || token.text !== text)
      throw invalid(`"${text}" is wanted where "${token.text.slice(0, 50)}" stands`);
  }

  #isWord(text: string): boolean {
    const token = this.#peek();
    return token.kind === 'word' && token.text.toLowerCase() === text;
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? end;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at += 1;
    return token;
  }
}

/** Text is compared without case; a member that is not there is null. */
function plain(value: Json | undefined): Json {
  return typeof value === 'string' ? value.toLowerCase() : (value ?? null);
}

function invalid(reason: string): Refusal {
  return new Refusal('Request_UnsupportedQuery', `Invalid filter clause: ${reason}.`, { target: '$filter' });
}
