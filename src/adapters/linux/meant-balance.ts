/** What balances mean by the program: which packets each takes, and among whom it chooses. */

import { type Ground, levels } from '#adapters/linux/ground.ts';
import { choiceWords, translationWords } from '#adapters/linux/translation-words.ts';
import type { Balance } from '#program/program.ts';

/**
 * The balances of one list, in the order in which the oracle looks (program/eval-router.ts, `balanceFor`): a rule for one port
 * before one for all, then by key. `targetsOf`: those that the sender may get. What none speaks of goes on.
 */
export function meantBalances(
  ground: Ground,
  balances: { readonly [key: string]: Balance },
  targetsOf: (balance: Balance) => readonly string[],
): number {
  const { store } = ground;
  const sorted = Object.keys(balances)
    .sort()
    .flatMap((key) => balances[key] ?? []);
  const ordered = [...sorted.filter(({ port }) => port !== 0), ...sorted.filter(({ port }) => port === 0)];
  const steps = ordered.flatMap((balance) => {
    const frontend = ground.address(balance.frontend);
    if (frontend === undefined) return [];
    const protocols = balance.protocol === 'any' ? ['tcp', 'udp'] : [balance.protocol];
    const taken = ground.all(
      ground.isProtocol(...protocols),
      ground.isOneOf('target', [frontend]),
      balance.port === 0 ? store.yes : ground.isOneOf('targetPort', [BigInt(balance.port)]),
    );
    return store.when(taken, store.end(chosen(balance, targetsOf(balance))));
  });
  return store.inOrder(steps);
}

function chosen({ port, targetPort, spread }: Balance, targets: readonly string[]): string {
  const members = targets.map((target) => translationWords('target', target, port === 0 ? '' : String(targetPort)));
  const [only] = members;
  if (only === undefined) return 'drop';
  return members.length === 1 ? only : choiceWords(spread === 'flow' ? ['source', 'sourcePort'] : ['source'], members);
}

/** A table from addresses to acts. */
export function byAddress(
  ground: Ground,
  field: 'source' | 'target',
  rows: Iterable<readonly [address: string, says: string]>,
): number {
  const { store } = ground;
  const parts = [...rows].flatMap(([text, says]) => {
    const value = ground.address(text);
    return value === undefined ? [] : [[[value, value], store.end(says)] as const];
  });
  return store.bySpan(levels[field], parts, store.on);
}
