/** The chains of a table as the kernel lists them, read into diagrams: what is done with every packet that begins a flow. It shares nothing with what writes rules. */

import { type Ground, levels } from '#adapters/linux/ground.ts';
import {
  havingKeys,
  type Key,
  numberOf,
  spanOf,
  takeKeys,
  UnknownExpression,
  wordsOf,
} from '#adapters/linux/lift-words.ts';
import type { ActualChain, ActualTable } from '#adapters/linux/ruleset.ts';
import { choiceWords, translationOf } from '#adapters/linux/translation-words.ts';
import type { Act, Span } from '#verify/decisions.ts';

/**
 * What is looked at here is a packet that begins a flow, whole, without IPv6 extension headers, and no message of neighbours: of
 * others programs say nothing. So these never match.
 */
const neverMatches: readonly RegExp[] = [
  /^exthdr (?:hbh|rt|dst|mh|frag) exists /,
  /^ip6 nexthdr ah /,
  /^ip frag-off & 16383 != 0 /,
  /^icmpv6 type nd-[a-z-]+ (?:@th,64,128 0x[0-9a-f]{32} )?/,
  /^ct state (?:established|related|invalid|untracked)(?:,(?:established|related|invalid|untracked))* /,
  // Budgets hang on what was sent before: a packet is taken to be within them. That they are the program's is read by `lift-budget.ts`.
  /^limit rate over \d+\/(?:second|minute) burst \d+ packets /,
];

/** What neither matches nor changes where a packet goes or what its addresses are. */
const idle: readonly RegExp[] = [
  /^counter(?: packets \d+ bytes \d+)?$/,
  /^comment "(?:[^"\\]|\\.)*"$/,
  /^ct timeout set "[^"]+"$/,
  /^meta pkttype set host$/,
  /^notrack$/,
  /^limit rate \d+\/second burst \d+ packets log prefix "[^"]*" group \d+$/,
];

/** How a chain chooses by chance; all rules of one chain must ask the same question. */
type Hash = { readonly question: string; readonly fields: readonly string[]; readonly count: number };

type Rule = {
  readonly text: string;
  readonly words: string[];
  condition: number;
  readonly acts: number[];
  isDone: boolean;
  hash: Hash | undefined;
};

/** One table in one family. Throws `UnknownExpression` for what it was not told of. */
export class TableLifter {
  readonly #ground: Ground;
  readonly #table: ActualTable;
  readonly #chains = new Map<string, number>();

  constructor(ground: Ground, table: ActualTable) {
    this.#ground = ground;
    this.#table = table;
  }

  /** What all base chains of a type and hook do one after another: each packet ends as `accept`, `drop` or translated. */
  hooked(type: string, at: RegExp): number {
    const { store } = this.#ground;
    const found = [...this.#table.chains].flatMap(([name, chain]) => {
      const [, kind = '', where = '', priority = '', policy = ''] =
        /^type (\w+) hook (.+) priority (\S+); policy (accept|drop);$/.exec(chain.hook ?? '') ?? [];
      return kind === type && at.test(`${where} ${priority}`) ? [{ name, policy }] : [];
    });
    const [only, ...others] = found;
    // With several of one kind the order of their priorities would count: there is never more than one of ours.
    if (only === undefined || others.length > 0)
      throw new UnknownExpression(`type ${type} hook ${at.source}`, `${found.length} chains`);
    return store.changed(this.chain(only.name), (act) =>
      act.isEnd && act.says !== 'return' ? act : { isEnd: true, mark: act.mark, says: only.policy },
    );
  }

  /** What a chain does; packets that it lets go on are not ended, or ended as `return`. */
  chain(name: string): number {
    const known = this.#chains.get(name);
    if (known !== undefined) return known;
    const chain = this.#table.chains.get(name);
    if (chain === undefined) throw new UnknownExpression(`chain ${name}`, 'a chain that is not there');
    const result = this.#lifted(name, chain);
    this.#chains.set(name, result);
    return result;
  }

  #lifted(name: string, { rules }: ActualChain): number {
    const { store } = this.#ground;
    const read = rules.map(({ text }) => this.#rule(text));
    const whole = store.inOrder(read.map(({ condition, acts }) => store.when(condition, store.inOrder(acts))));
    const [hash, ...others] = read.flatMap((rule) => rule.hash ?? []);
    if (hash === undefined) return whole;
    if (others.some(({ question }) => question !== hash.question))
      throw new UnknownExpression(`chain ${name}`, 'rules that choose by different hashes');
    return store.collapsed(whole, { level: levels.pick, count: hash.count }, (acts) => oneOf(name, hash, acts));
  }

  #rule(text: string): Rule {
    const { store } = this.#ground;
    const rule: Rule = { text, words: wordsOf(text), condition: store.yes, acts: [], isDone: false, hash: undefined };
    while (rule.words.length > 0) {
      const rest = `${rule.words.join(' ')} `;
      const never = neverMatches.find((form) => form.test(rest));
      if (never !== undefined) {
        this.#match(rule, store.no);
        rule.words.splice(0, (never.exec(rest)?.[0] ?? '').trim().split(' ').length);
      } else if (!isIdle(rule.words) && !this.#statement(rule)) this.#look(rule);
    }
    return rule;
  }

  #unknown(rule: Rule, words: readonly string[] = rule.words): UnknownExpression {
    return new UnknownExpression(rule.text, words.slice(0, 4).join(' '));
  }

  /** A condition more. Once something was done, none may follow: what was done would stand without it. */
  #match(rule: Rule, condition: number): void {
    if (rule.acts.length > 0) throw this.#unknown(rule);
    rule.condition = this.#ground.store.and(rule.condition, condition);
  }

  #end(rule: Rule, act: number): void {
    if (rule.isDone) throw this.#unknown(rule);
    rule.isDone = true;
    rule.acts.push(act);
  }

  /** Takes a statement from the words, if they begin with one. */
  #statement(rule: Rule): boolean {
    const { words } = rule;
    const [first = '', second = '', third = ''] = words;
    if (['accept', 'drop', 'return'].includes(first)) {
      words.shift();
      this.#end(rule, this.#verdict(rule, first));
    } else if (first === 'goto' || first === 'jump') {
      words.splice(0, 2);
      this.#end(rule, this.#verdict(rule, `${first} ${second}`));
    } else if ((first === 'dnat' || first === 'snat') && (second === 'ip' || second === 'ip6') && third === 'to') {
      words.splice(0, 3);
      this.#translation(rule, { side: first === 'dnat' ? 'target' : 'source', family: second === 'ip' ? 4 : 6 });
    } else if (`${first} ${second} ${third}` === 'meta mark set') {
      words.splice(0, 3);
      const given = this.#value(rule, (value) => this.#markAct(rule, value));
      // A rule ends where its map has no answer: what follows is not done.
      this.#match(
        rule,
        this.#ground.store.condition(given, ({ mark }) => mark !== undefined),
      );
      rule.acts.push(given);
    } else if (`${first} ${second} ${third}` === 'ct zone set') {
      // Zones keep flows apart; what matters here is where the rule ends.
      words.splice(0, 3);
      const found = this.#value(rule, () => this.#ground.store.yes);
      this.#match(rule, this.#isFound(found));
    } else if (first === 'jhash') this.#hash(rule);
    else return false;
    return true;
  }

  /** `yes` where the diagram of a lookup says so; it says `on` where the map has no answer. */
  #isFound(found: number): number {
    return this.#ground.store.condition(found, ({ says }) => says === 'yes');
  }

  #verdict(rule: Rule, text: string): number {
    const { store } = this.#ground;
    const [word = '', chain] = text.split(' ');
    if (chain === undefined) {
      if (!['accept', 'drop', 'return'].includes(word)) throw this.#unknown(rule, [text]);
      return store.end(word);
    }
    const target = this.chain(chain);
    if (word === 'goto')
      return store.changed(target, (act) => (act.isEnd ? act : { ...act, isEnd: true, says: 'return' }));
    if (word !== 'jump') throw this.#unknown(rule, [text]);
    return store.changed(target, (act) => (act.says === 'return' ? { ...act, isEnd: false, says: '' } : act));
  }

  #markAct(rule: Rule, text: string): number {
    const mark = numberOf(text, 32);
    if (mark === undefined) throw this.#unknown(rule, [text]);
    return this.#ground.store.act({ isEnd: false, mark, says: '' });
  }

  #translation(rule: Rule, { side, family }: { side: 'source' | 'target'; family: 4 | 6 }): void {
    const { store } = this.#ground;
    if (family !== this.#ground.family) {
      this.#match(rule, store.no);
      this.#skipValue(rule);
      this.#end(rule, store.on);
      return;
    }
    const act = (text: string): number => {
      const says = translationOf(side, family, text);
      if (says === undefined) throw this.#unknown(rule, [text]);
      return store.end(says);
    };
    this.#end(rule, this.#value(rule, act));
  }

  /** A value as it stands there, or the answer of a map: what each becomes. Where the map has none, the packet goes on. */
  #value(rule: Rule, act: (text: string) => number): number {
    const { words } = rule;
    const keys = takeKeys(words);
    if (keys === undefined) return act(words.shift() ?? '');
    const rows = this.#elements(rule, 'map', keys);
    return this.#ground.store.when(havingKeys(this.#ground, keys), this.#byRows(rule, { keys, rows }, act));
  }

  #skipValue(rule: Rule): void {
    const keys = takeKeys(rule.words);
    rule.words.splice(0, keys === undefined ? 1 : 2);
  }

  /** A comparison at the beginning of the words. */
  #look(rule: Rule): void {
    const { words } = rule;
    const { store } = this.#ground;
    const keys = takeKeys(words);
    if (keys === undefined) throw this.#unknown(rule);
    const has = havingKeys(this.#ground, keys);
    if (words[0] === 'vmap') {
      const rows = has === store.no ? this.#noRows(words) : this.#elements(rule, 'vmap', keys);
      this.#end(
        rule,
        store.when(
          has,
          this.#byRows(rule, { keys, rows }, (text) => this.#verdict(rule, text)),
        ),
      );
      return;
    }
    const isNot = words[0] === '!=';
    if (isNot) words.shift();
    const found = has === store.no ? this.#noRows(words) : this.#compared(rule, keys);
    if (typeof found !== 'number') return this.#match(rule, store.no);
    this.#match(rule, store.and(has, isNot ? store.not(found) : found));
  }

  #noRows(words: string[]): readonly Row[] {
    words.splice(0, words[0] === 'vmap' ? 2 : 1);
    return [];
  }

  /** Which packets have the value that the words begin with. */
  #compared(rule: Rule, keys: readonly Key[]): number {
    const { words } = rule;
    const { store } = this.#ground;
    const [key, ...others] = keys;
    if (key !== undefined && others.length === 0 && key.field === 'mark' && (words[0] === '<' || words[0] === '&'))
      return this.#markCompared(rule);
    const text = words.shift() ?? '';
    if (text.startsWith('@')) {
      words.unshift('set', text);
      const rows = this.#elements(rule, 'set', keys);
      return this.#isFound(this.#byRows(rule, { keys, rows }, () => store.yes));
    }
    const span = key === undefined || others.length > 0 ? undefined : spanOf(this.#ground, key.field, text);
    if (key === undefined || span === undefined) throw this.#unknown(rule, [text, ...words]);
    return this.#ground.isBetween(key.field, span);
  }

  /** `< M`, or `& MASK == V` where the mask is one run of bits. */
  #markCompared(rule: Rule): number {
    const { words } = rule;
    const [operator, first = '', equals, second = ''] = words;
    const mask = numberOf(first, 32);
    if (operator === '<' && mask !== undefined && mask > 0n) {
      words.splice(0, 2);
      return this.#ground.isBetween('mark', [0n, mask - 1n]);
    }
    const value = numberOf(second, 32);
    if (mask === undefined || value === undefined || equals !== '==') throw this.#unknown(rule);
    words.splice(0, 4);
    const condition = maskedMark(this.#ground, value, mask);
    if (condition === undefined) throw this.#unknown(rule, ['&', first]);
    return condition;
  }

  #hash(rule: Rule): void {
    const { words } = rule;
    words.shift();
    const keys = takeKeys(words);
    const [mod, count = '', seed, start = '', bucket = ''] = words.splice(0, 5);
    const [size, at] = [numberOf(count, 16), numberOf(bucket, 16)];
    const isWhole = mod === 'mod' && seed === 'seed' && numberOf(start, 32) !== undefined;
    if (keys === undefined || !isWhole || size === undefined || at === undefined || at >= size)
      throw this.#unknown(rule, ['jhash', ...words]);
    const fields = keys.map(({ field }) => field);
    rule.hash = { question: `${fields.join()} ${count} ${start}`, fields, count: Number(size) };
    this.#match(rule, this.#ground.all(havingKeys(this.#ground, keys), this.#ground.isOneOf('pick', [at])));
  }

  /** The elements of the set or map that the words name after `word`. */
  #elements(rule: Rule, word: string, keys: readonly Key[]): readonly Row[] {
    const [given, name = ''] = rule.words.splice(0, 2);
    const set = given === word && name.startsWith('@') ? this.#table.sets.get(name.slice(1)) : undefined;
    if (set === undefined) throw this.#unknown(rule, [given ?? '', name]);
    if (havingKeys(this.#ground, keys) === this.#ground.store.no) return [];
    return [...set.elements].map((element) => {
      const [key = '', then = 'yes', ...more] = element.split(' : ');
      const parts = key.split(' . ');
      const spans = keys.map(({ field }, index) => spanOf(this.#ground, field, parts[index] ?? ''));
      const isWhole = parts.length === keys.length && more.length === 0;
      if (!isWhole || spans.some((span) => span === undefined)) throw this.#unknown(rule, [name, element]);
      return { spans: spans.filter((span) => span !== undefined), then };
    });
  }

  #byRows(rule: Rule, { keys, rows }: Elements, act: (text: string) => number): number {
    const order = keys.map((key, index) => ({ level: levels[key.field], index })).toSorted((a, b) => a.level - b.level);
    if (order.some(({ level }, index) => level === order[index - 1]?.level))
      throw this.#unknown(rule, ['one field twice']);
    return this.#nested(order, rows, act);
  }

  /** Rows by their first field: where the spans of it meet without being equal, one row after the other. */
  #nested(order: readonly Place[], rows: readonly Row[], act: (text: string) => number): number {
    const { store } = this.#ground;
    const [place, ...rest] = order;
    const [row] = rows;
    if (row === undefined) return store.on;
    if (place === undefined) return store.inOrder(rows.map(({ then }) => act(then)));
    const groups = new Map<string, { readonly span: Span; readonly rows: Row[] }>();
    for (const one of rows) {
      const span = one.spans[place.index] ?? ([0n, 0n] as const);
      const key = `${span[0].toString(36)}-${span[1].toString(36)}`;
      const known = groups.get(key);
      if (known === undefined) groups.set(key, { span, rows: [one] });
      else known.rows.push(one);
    }
    const sorted = [...groups.values()].toSorted((left, right) => (left.span[0] < right.span[0] ? -1 : 1));
    const parts = sorted.map((group) => [group.span, this.#nested(rest, group.rows, act)] as const);
    const areApart = sorted.every(({ span }, index) => index === 0 || span[0] > (sorted[index - 1]?.span[1] ?? -1n));
    if (areApart) return store.bySpan(place.level, parts, store.on);
    return store.inOrder(parts.map((part) => store.bySpan(place.level, [part], store.on)));
  }
}

type Row = { readonly spans: readonly Span[]; readonly then: string };
type Elements = { readonly keys: readonly Key[]; readonly rows: readonly Row[] };
type Place = { readonly level: number; readonly index: number };

/** Takes what says nothing here from the words, if they begin with such. */
function isIdle(words: string[]): boolean {
  for (const count of [11, 5, 4, 3, 2, 1]) {
    const text = words.slice(0, count).join(' ');
    if (words.length < count || !idle.some((form) => form.test(text))) continue;
    words.splice(0, count);
    return true;
  }
  return false;
}

/** The marks that have these bits; undefined when the mask is not one run of bits at most. */
function maskedMark(ground: Ground, value: bigint, mask: bigint): number | undefined {
  const { store } = ground;
  if (mask === 0n) return value === 0n ? store.yes : store.no;
  if ((value & ~mask) !== 0n) return store.no;
  let low = 0n;
  while (((mask >> low) & 1n) === 0n) low += 1n;
  const run = mask >> low;
  if ((run & (run + 1n)) !== 0n) return undefined;
  const high = low + BigInt(run.toString(2).length);
  const spans: Span[] = [];
  const above = 1n << (32n - high);
  // One span for each value of the bits above the run: two bits at most stand there.
  if (above > 16n) return undefined;
  for (let top = 0n; top < above; top++) {
    const first = (top << high) | value;
    spans.push([first, first + (1n << low) - 1n]);
  }
  return store.isIn(levels.mark, spans);
}

function oneOf(chain: string, { fields }: Hash, acts: readonly Act[]): Act {
  const [first, ...others] = acts;
  if (first === undefined || others.every((act) => act === first)) return first ?? nothingDone;
  if (acts.some(({ isEnd, mark }) => !isEnd || mark !== undefined))
    throw new UnknownExpression(`chain ${chain}`, 'a choice that is none between translations');
  return {
    isEnd: true,
    mark: undefined,
    says: choiceWords(
      fields,
      acts.map(({ says }) => says),
    ),
  };
}

const nothingDone: Act = { isEnd: false, mark: undefined, says: '' };
