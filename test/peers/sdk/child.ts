/** The process that runs SDK rows: reads its order from standard input, answers one JSON line per row. It has the stamp's authority from its environment. */

import dns from 'node:dns';
import { text } from 'node:stream/consumers';
import { differences, filled, filledShape, valueAt, type Notebook } from '#test/peers/row.ts';
import { makeClients, type Clients, type Order } from '#test/peers/sdk/clients.ts';
import { currentRows, hybridRows, lastRows, sharedRows, type SdkRow } from '#test/peers/sdk/rows.ts';

/** What the harness sends. */
export type SdkOrder = Order & {
  readonly notebook: Readonly<Record<string, string>>;
  /** Addresses of names that this machine does not know. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly isCoreOnly: boolean;
  /** Does the stamp offer operations as `poll`? */
  readonly isPolled: boolean;
};

/** What comes back per row. */
export type SdkAnswer = {
  readonly name: string;
  readonly seconds: number;
  readonly problems: readonly string[];
  readonly output: string;
};

const listItemsMax = 5000;

if (import.meta.main) {
  const order = JSON.parse(await text(process.stdin)) as SdkOrder;
  knowNames(order.addresses);
  const notebook: Notebook = new Map(Object.entries(order.notebook));
  const clients = await makeClients(order);
  for (const row of rowsOf(order)) {
    const begun = performance.now();
    const { problems, output } = await attempt(clients, row, notebook);
    const answer: SdkAnswer = { name: nameOf(row), seconds: (performance.now() - begun) / 1000, problems, output };
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

function rowsOf({ generation, isCoreOnly, isPolled }: SdkOrder): readonly SdkRow[] {
  const shared = sharedRows.map((row) =>
    isPolled && row.failsPolled !== undefined ? { ...row, fails: row.failsPolled } : row,
  );
  if (isCoreOnly) return [...shared, ...lastRows];
  return [...shared, ...(generation === 'hybrid' ? hybridRows : currentRows), ...lastRows];
}

function nameOf({ call, with: parts, fails }: SdkRow): string {
  const shown = parts.filter((part) => typeof part === 'string').join(', ');
  return `${fails === undefined ? '' : 'refused: '}${call}(${shown})`;
}

/** Model mode has no block in the hosts file: its names are looked up here. */
function knowNames(addresses: Readonly<Record<string, string>>): void {
  const original = dns.lookup.bind(dns);
  const lookup = (name: string, ...rest: readonly unknown[]): void => {
    const ask = original as (name: string, ...rest: readonly unknown[]) => void;
    ask(addresses[name] ?? name, ...rest);
  };
  dns.lookup = lookup as typeof dns.lookup;
}

async function attempt(
  clients: Clients,
  row: SdkRow,
  notebook: Notebook,
): Promise<{ problems: string[]; output: string }> {
  const parts = row.with.map((part) => filledDeep(part, notebook));
  try {
    const answer = await finished(call(clients, row.call, parts));
    if (row.fails !== undefined) return { problems: ['it was not refused'], output: shown(answer) };
    const problems = differences(answer, filledShape(row.shows ?? {}, notebook));
    for (const [name, place] of Object.entries(row.keeps ?? {})) notebook.set(name, String(valueAt(answer, place)));
    return { problems, output: shown(answer) };
  } catch (error) {
    if (row.fails !== undefined) return { problems: differences(error, row.fails), output: said(error) };
    return { problems: [said(error).split('\n')[0] ?? 'it failed'], output: said(error) };
  }
}

function call(clients: Clients, path: string, parts: readonly unknown[]): unknown {
  const steps = path.split('.');
  const operation = steps.at(-1) ?? '';
  const group = valueAt(clients, steps.slice(0, -1).join('.')) as Readonly<Record<string, unknown>> | undefined;
  const long = `begin${operation.charAt(0).toUpperCase()}${operation.slice(1)}AndWait`;
  const held = group?.[operation] ?? group?.[long];
  if (typeof held !== 'function') throw new TypeError(`The package has no operation ${path}.`);
  return (held as (...parts: readonly unknown[]) => unknown).apply(group, [...parts]);
}

/** A list is read to its end; anything else is waited for, a poller as well. */
async function finished(begun: unknown): Promise<unknown> {
  if (typeof begun !== 'object' || begun === null || !(Symbol.asyncIterator in begun))
    return await (begun as Promise<unknown>);
  const items: unknown[] = [];
  for await (const item of begun as AsyncIterable<unknown>) {
    items.push(item);
    if (items.length > listItemsMax) throw new RangeError(`The list has more than ${listItemsMax} items; does it end?`);
  }
  return items;
}

function filledDeep(value: unknown, notebook: Notebook): unknown {
  if (typeof value === 'string') return filled(value, notebook);
  if (Array.isArray(value)) return value.map((item: unknown) => filledDeep(item, notebook));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, filledDeep(member, notebook)]));
}

function said(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { statusCode, code } = error as { statusCode?: unknown; code?: unknown };
  return `${String(statusCode ?? '')} ${String(code ?? error.name)} ${error.message}`.trim().slice(0, 1500);
}

function shown(answer: unknown): string {
  return (JSON.stringify(answer) ?? 'nothing').slice(0, 600);
}
