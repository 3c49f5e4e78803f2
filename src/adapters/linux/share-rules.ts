/** What subscriptions may hold and send at the boundary, in nftables: connection states counted in parts, and new flows per second. */

import { statePartsMax, statesPerPart } from '#base/limits.ts';
import { both, families, familyOf, type TableBuilder } from '#adapters/linux/builder.ts';
import { comment } from '#adapters/linux/filter.ts';
import { kernelName, stableNumbers } from '#adapters/linux/names.ts';
import type { EdgeProgram, Share } from '#program/program.ts';

/** Numbers of shares: each has a run of marks of its own. */
const sharesMax = 65_535;

/**
 * How a count is divided. The kernel walks all states of a counted list at every new one, so that one list of 50,000 would cost
 * 0.2 ms each time; flows are dealt to lists by a hash of both ends, and each list has its part.
 */
function partsOf({ connections }: Share): { readonly parts: number; readonly each: number } {
  const parts = Math.min(statePartsMax, Math.max(1, Math.ceil(connections / statesPerPart)));
  return { parts, each: Math.floor(connections / parts) };
}

/** Adds sets and chains; answers the rules for packets that begin a flow. Empty, with nothing added, where nobody has plans. */
export function shareRules(builder: TableBuilder, program: EdgeProgram, inside: string): readonly string[] {
  const { shares = {}, sharers = {} } = program;
  if (Object.keys(shares).length === 0) return [];
  for (const family of families) {
    const elements = Object.entries(sharers).flatMap(([label, key]) =>
      familyOf(label) === family ? [`${label} : jump ${kernelName('share', key)}`] : [],
    );
    builder.map(`sharers${family}`, [`type ipv${family}_addr : verdict`], elements);
  }
  builder.set('states', ['type mark', `size ${sharesMax}`, 'flags dynamic'], []);
  const numbers = stableNumbers(Object.keys(shares), sharesMax);
  for (const [key, share] of Object.entries(shares)) {
    const { parts, each } = partsOf(share);
    const { connections, newPerSecond, because } = share;
    const rate = newPerSecond === 0 ? '' : `limit rate over ${newPerSecond}/second burst ${newPerSecond} packets `;
    const first = (numbers.get(key) ?? 0) * statePartsMax;
    const deal = both(
      (word) =>
        `meta mark set jhash ${word} saddr . ${word} daddr . th sport . th dport mod ${parts} seed 0x52570001 offset ${first}`,
    );
    const full = connections === 0 ? '' : `add @states { meta mark ct count over ${each} } `;
    builder.chain(kernelName('share', key), [
      // What is not answered stays new for the tracker.
      'ct status confirmed return',
      `${rate}counter drop${comment(`${because}: new flows`)}`,
      ...deal,
      `${full}counter drop${comment(`${because}: connections`)}`,
    ]);
  }
  return both((word, family) => `iifname "${inside}" ${word} saddr vmap @sharers${family}`).concat(
    both((word, family) => `oifname "${inside}" ${word} daddr vmap @sharers${family}`),
  );
}
