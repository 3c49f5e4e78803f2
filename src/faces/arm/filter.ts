/** The part of OData's $filter that ARM clients send: comparisons by eq and ne joined by `and`, functions of one text, and `atScope()`. */

import { filterLengthMax, filterTermsMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';

/** One term. Names and operators are in lower case; values as written. */
export type Term =
  | {
      readonly kind: 'compare';
      readonly name: string;
      readonly operator: 'eq' | 'ne' | 'ge' | 'le' | 'gt' | 'lt';
      readonly value: string;
    }
  | { readonly kind: 'call'; readonly name: string; readonly values: readonly string[] };

/** What a filter may say; anything else is refused by name, since a term that is skipped would answer too much. */
export type FilterRule = {
  readonly compares: readonly string[];
  readonly calls: readonly string[];
};

const words = /\s*(?:('(?:[^']|'')*')|([()]|,)|([^\s(),']+))/gy;

/** Parses a filter; an absent or empty one has no terms. */
export function parseFilter(text: string | undefined, rule: FilterRule): readonly Term[] {
  if (text === undefined || text.trim() === '') return [];
  if (text.length > filterLengthMax) throw refusal(`it has more than ${filterLengthMax} characters`);
  const tokens = tokensOf(text.trim());
  const terms: Term[] = [];
  let at = 0;
  const take = (): string | undefined => tokens[at++];
  for (;;) {
    const name = take();
    if (name === undefined || /^['(),]/.test(name)) throw refusal('a name is wanted where a term begins');
    const next = take();
    terms.push(next === '(' ? readCall(name, take, rule) : readCompare(name, next, { value: take(), rule }));
    if (terms.length > filterTermsMax) throw refusal(`it has more than ${filterTermsMax} terms`);
    const joint = take();
    if (joint === undefined) return terms;
    if (joint.toLowerCase() !== 'and') throw refusal(`terms are joined by 'and' only, not by '${joint.slice(0, 50)}'`);
  }
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  let end = 0;
  for (const match of text.matchAll(words)) {
    tokens.push(match[1] ?? match[2] ?? match[3] ?? '');
    end = match.index + match[0].length;
  }
  if (end < text.length) throw refusal('a quoted text is not closed');
  return tokens;
}

function readCall(name: string, take: () => string | undefined, rule: FilterRule): Term {
  if (!rule.calls.includes(name.toLowerCase())) throw unknown(name, rule);
  const values: string[] = [];
  for (;;) {
    const token = take();
    if (token === ')') return { kind: 'call', name: name.toLowerCase(), values };
    if (token === ',') continue;
    if (token === undefined || token === '(') throw refusal(`'${name}(' is not closed`);
    values.push(valueOf(token));
  }
}

function readCompare(
  name: string,
  operator: string | undefined,
  { value, rule }: { value: string | undefined; rule: FilterRule },
): Term {
  if (!rule.compares.includes(name.toLowerCase())) throw unknown(name, rule);
  const known = (['eq', 'ne', 'ge', 'le', 'gt', 'lt'] as const).find((one) => one === operator?.toLowerCase());
  if (known === undefined) throw refusal(`an operator (eq, ne, ge, le, gt, lt) is wanted after '${name}'`);
  if (value === undefined || /^[(),]/.test(value)) throw refusal(`a value is wanted after '${name} ${known}'`);
  return { kind: 'compare', name: name.toLowerCase(), operator: known, value: valueOf(value) };
}

function valueOf(token: string): string {
  return token.startsWith("'") ? token.slice(1, -1).replaceAll("''", "'") : token;
}

function unknown(name: string, rule: FilterRule): Refusal {
  const known = [...rule.compares.map((one) => `${one} eq '…'`), ...rule.calls.map((one) => `${one}()`)].join(', ');
  return refusal(`'${name.slice(0, 100)}' is not known here; known are: ${known === '' ? 'none' : known}`);
}

function refusal(reason: string): Refusal {
  return new Refusal('InvalidFilterInQueryString', `The $filter is invalid: ${reason}.`, { target: '$filter' });
}

/** The value that the filter compares a name with by `eq`. */
export function equalTo(terms: readonly Term[], name: string): string | undefined {
  const term = terms.find((one) => one.kind === 'compare' && one.name === name && one.operator === 'eq');
  return term?.kind === 'compare' ? term.value : undefined;
}

/** The first value of a function in the filter. */
export function calledWith(terms: readonly Term[], name: string): string | undefined {
  const term = terms.find((one) => one.kind === 'call' && one.name === name);
  return term?.kind === 'call' ? (term.values[0] ?? '') : undefined;
}
