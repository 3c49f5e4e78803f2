/** The rules of the kernel that have a handle, in the namespaces of a stamp: what `ringwall why rule HANDLE` looks up first. */

import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { Fault, Refusal } from '#base/wrong.ts';
import { commandOutputMax, commandTimeoutMs } from '#base/limits.ts';

/** A kernel rule as nft lists it. `comment`: our reason, as it was written with the rule. */
export type KernelRule = {
  readonly namespace: string;
  readonly table: string;
  readonly chain: string;
  readonly comment: string;
};

/** The rules with this handle. A handle is unique within one table, so there may be several. */
export function rulesWithHandle(handle: number, stamp: number): readonly KernelRule[] {
  const namespaces = namespacesOf(stamp);
  const found = namespaces.flatMap((namespace) => handleIn(listing(namespace), { handle, namespace }));
  if (found.length > 0) return found;
  const says = `No rule of stamp ${stamp} has the handle ${handle} and a reason; looked in ${namespaces.join(', ') || 'no namespace'}.`;
  throw new Refusal('HandleUnknown', says, { status: 404 });
}

function namespacesOf(stamp: number): readonly string[] {
  try {
    return readdirSync('/run/netns').filter((name) => name.startsWith(`rw${stamp}-`));
  } catch {
    return [];
  }
}

function listing(namespace: string): string {
  const argv = ['netns', 'exec', namespace, 'nft', '-a', 'list', 'ruleset'];
  try {
    return execFileSync('ip', argv, { encoding: 'utf8', timeout: commandTimeoutMs, maxBuffer: commandOutputMax });
  } catch (error) {
    throw new Fault('KernelUnread', `The rules of ${namespace} cannot be listed.`, error);
  }
}

/** Reads `table`, `chain` and rule lines of `nft -a list ruleset` (nft(8)); each line ends with its handle. */
export function handleIn(
  text: string,
  { handle, namespace }: { readonly handle: number; readonly namespace: string },
): readonly KernelRule[] {
  const found: KernelRule[] = [];
  let [table, chain] = ['', ''];
  for (const line of text.split('\n')) {
    table = /^table (\S+ \S+) \{/.exec(line)?.[1] ?? table;
    chain = /^\tchain (\S+) \{/.exec(line)?.[1] ?? chain;
    const rule = /^\t\t.* comment "([^"]*)" # handle (\d+)$/.exec(line);
    if (rule?.[1] !== undefined && Number(rule[2]) === handle)
      found.push({ namespace, table, chain, comment: rule[1] });
  }
  return found;
}
