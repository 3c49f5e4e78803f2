/** A row of a suite: one thing that a client does and what must come of it; and how answers are held against it. */

/** What is wanted at a place of an answer: a value, a pattern, or a question that must be answered with yes. */
export type Wanted = string | number | boolean | null | undefined | RegExp | ((value: unknown) => boolean);

/** Places (`a.b[0].c`; `` for the whole; `.length` works on lists) and what is wanted there. */
export type Shape = { readonly [place: string]: Wanted };

/** What rows remember for later rows: `{name}` in a command stands for it. */
export type Notebook = Map<string, string>;

export type Attempted = {
  /** Empty: as it must be. */
  readonly problems: readonly string[];
  /** What the client said itself, shown when the row has failed. */
  readonly output?: string;
};

export type Row<Context> = {
  readonly name: string;
  readonly secondsMax: number;
  readonly attempt: (context: Context) => Promise<Attempted>;
};

/** What is not as wanted, in words. */
export function differences(answer: unknown, shape: Shape): string[] {
  return Object.entries(shape).flatMap(([place, wanted]) => {
    const found = valueAt(answer, place);
    if (fits(found, wanted)) return [];
    const says = typeof wanted === 'function' ? 'something else is wanted' : `${show(wanted)} is wanted`;
    return [`${place === '' ? 'the answer' : place} is ${show(found)}; ${says}`];
  });
}

/** The value at a place, undefined where there is none. */
export function valueAt(answer: unknown, place: string): unknown {
  const steps = place.split(/[.[\]]+/).filter((step) => step !== '');
  let value: unknown = answer;
  for (const step of steps) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as { readonly [name: string]: unknown })[step];
  }
  return value;
}

function fits(found: unknown, wanted: Wanted): boolean {
  if (wanted instanceof RegExp) return typeof found === 'string' && wanted.test(found);
  if (typeof wanted === 'function') return wanted(found);
  return found === wanted;
}

function show(value: unknown): string {
  if (value instanceof RegExp) return String(value);
  return (JSON.stringify(value) ?? 'absent').slice(0, 300);
}

/**
 * Puts what was kept into `{name}` places; `{name.json}` is the value as JSON text. A name that nothing has kept stays, so that
 * the client's own message shows it.
 */
export function filled(text: string, notebook: Notebook): string {
  return text.replace(/\{([a-z][\w.]*)\}/gi, (whole, name: string) => {
    const quoted = name.endsWith('.json') ? notebook.get(name.slice(0, -5)) : undefined;
    return notebook.get(name) ?? (quoted === undefined ? whole : JSON.stringify(quoted));
  });
}

/** The same in the texts of a shape. */
export function filledShape(shape: Shape, notebook: Notebook): Shape {
  const entries = Object.entries(shape).map(([place, wanted]) => [
    place,
    typeof wanted === 'string' ? filled(wanted, notebook) : wanted,
  ]);
  return Object.fromEntries(entries) as Shape;
}

/** Splits a command into words; single quotes hold a word together. */
export function words(command: string): string[] {
  return [...command.matchAll(/(?:'[^']*'|[^\s'])+/g)].map(([word]) => word.replaceAll("'", ''));
}

/** A list with a member whose `name` is this one. */
export function has(name: string): (value: unknown) => boolean {
  return (value) => Array.isArray(value) && value.some((item: unknown) => valueAt(item, 'name') === name);
}

/** The opposite of `has`; still a list. */
export function lacks(name: string): (value: unknown) => boolean {
  return (value) => Array.isArray(value) && !has(name)(value);
}
