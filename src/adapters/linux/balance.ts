/** Load balancing of new flows: one chain per rule, one line per target, chosen by a hash over the packet. */

import { comment } from '#adapters/linux/filter.ts';
import { familyOf, familyWord, type TableBuilder } from '#adapters/linux/builder.ts';
import { digest8, kernelName } from '#adapters/linux/names.ts';
import type { Balance } from '#program/program.ts';

type Balances = { readonly [key: string]: Balance };

/** A balance and the packets that it speaks of, one match for each of its protocols. */
type OrderedBalance = {
  readonly key: string;
  readonly balance: Balance;
  readonly matches: readonly { readonly protocol: 'tcp' | 'udp'; readonly text: string }[];
};

/** A rule for one port goes before one for all ports, then by key (program/eval-router.ts, `balanceFor`). */
export function orderedBalances(balances: Balances): readonly OrderedBalance[] {
  const entries = Object.entries(balances).toSorted(([left], [right]) => (left < right ? -1 : 1));
  const ordered = [...entries.filter(([, { port }]) => port !== 0), ...entries.filter(([, { port }]) => port === 0)];
  return ordered.map(([key, balance]) => {
    const protocols = balance.protocol === 'any' ? (['tcp', 'udp'] as const) : [balance.protocol];
    const address = `${familyWord(familyOf(balance.frontend))} daddr ${balance.frontend}`;
    const matches = protocols.map((protocol) => ({
      protocol,
      text: `${address} ${balance.port === 0 ? `meta l4proto ${protocol}` : `${protocol} dport ${balance.port}`}`,
    }));
    return { key, balance, matches };
  });
}

/** Some of the targets alone, for packets that a further match picks out. */
export type Narrowed = { readonly match: string; readonly name: string; readonly targets: readonly string[] };

/** `narrowed`: packets that get fewer targets than the others. `timeout`: the line that says how long a flow may be idle. */
export type BalanceOptions = {
  readonly narrowed?: (balance: Balance) => readonly Narrowed[];
  readonly timeout?: (balance: Balance, protocol: 'tcp' | 'udp') => string;
};

/**
 * Adds the chains of all balances and answers the lines that lead to them. Established flows never come here: conntrack
 * keeps their target.
 */
export function balanceRules(
  builder: TableBuilder,
  balances: Balances,
  { narrowed = () => [], timeout }: BalanceOptions,
): string[] {
  const rules: string[] = [];
  for (const { key, balance, matches } of orderedBalances(balances)) {
    for (const { protocol, text } of matches) {
      for (const { match, name, targets } of narrowed(balance)) {
        const chain = kernelName('b', `${key}/${protocol}/${name}`);
        builder.chain(chain, targetRules(key, { ...balance, targets: only(balance, targets) }, protocol));
        rules.push(`${match} ${text} goto ${chain}`);
      }
      const chain = kernelName('b', `${key}/${protocol}`);
      const first = timeout === undefined ? [] : [timeout(balance, protocol)];
      builder.chain(chain, [...first, ...targetRules(key, balance, protocol)]);
      rules.push(`${text} goto ${chain}`);
    }
  }
  return rules;
}

function only({ targets }: Balance, kept: readonly string[]): Balance['targets'] {
  return Object.fromEntries(Object.entries(targets).filter(([target]) => kept.includes(target)));
}

function targetRules(key: string, balance: Balance, protocol: 'tcp' | 'udp'): string[] {
  const word = familyWord(familyOf(balance.frontend));
  const targets = Object.keys(balance.targets).sort();
  const tail = comment(`${key} ${balance.because}`);
  if (targets.length === 0) return [`counter drop${comment(`${balance.because}: no healthy target`)}`];
  // The lines of one chain must agree on the hash, and without a seed the kernel draws one for each line.
  const seed = (Number.parseInt(digest8(key), 16) | 1) >>> 0;
  const fields = hashFields(balance, { word, protocol });
  return targets.map((target, index) => {
    const address =
      balance.port === 0
        ? target
        : word === 'ip'
          ? `${target}:${balance.targetPort}`
          : `[${target}]:${balance.targetPort}`;
    const isLast = index === targets.length - 1;
    const choice = isLast ? '' : `jhash ${fields} mod ${targets.length} seed 0x${seed.toString(16)} ${index} `;
    // nft wants the protocol before a port is rewritten, and leaves it out of the list where the hash reads a port.
    const match = !isLast && balance.spread === 'flow' ? '' : `meta l4proto ${protocol} `;
    return `${match}${choice}counter dnat ${word} to ${address}${tail}`;
  });
}

function hashFields({ spread }: Balance, { word, protocol }: { word: string; protocol: string }): string {
  switch (spread) {
    case 'flow':
      return `${word} saddr . ${protocol} sport`;
    case 'source':
    case 'sourceProtocol':
      return `${word} saddr`;
  }
}
