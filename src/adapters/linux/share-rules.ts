/** What subscriptions may hold and send at the boundary, in nftables: connection states counted in parts, and new flows per second. */

import { burstBytesMin, statePartsMax, statesPerPart } from '#base/limits.ts';
import { both, families, familyOf, type TableBuilder } from '#adapters/linux/builder.ts';
import { comment } from '#adapters/linux/filter.ts';
import { kernelName, stableNumbers } from '#adapters/linux/names.ts';
import type { EdgeProgram, Hold, RouterProgram, Share } from '#program/program.ts';

/** Numbers of shares: each has a run of marks of its own. */
const sharesMax = 65_535;

/**
 * How a count is divided. The kernel walks all states of a counted list at every new one, so that one list of 50,000 would cost
 * 0.2 ms each time; flows are dealt to lists by a hash of both ends, and each list has its part.
 */
function partsOf({ connections }: Hold): { readonly parts: number; readonly each: number } {
  const parts = Math.min(statePartsMax, Math.max(1, Math.ceil(connections / statesPerPart)));
  return { parts, each: Math.floor(connections / parts) };
}

/** Rules for every packet, and for those that begin a flow. */
export type ShareRules = { readonly every: readonly string[]; readonly first: readonly string[] };

/** The maps of labels to chains: of what begins a flow, of what is sent, and of what is received. */
const kinds = { share: 'sharers', out: 'senders', in: 'takers' } as const;

/** Adds sets and chains; answers the rules. Empty, with nothing added, where nobody has plans. */
export function shareRules(builder: TableBuilder, program: EdgeProgram, inside: string): ShareRules {
  const { shares = {}, sharers = {} } = program;
  if (Object.keys(shares).length === 0) return { every: [], first: [] };
  for (const [kind, map] of Object.entries(kinds)) {
    for (const family of families) {
      const elements = Object.entries(sharers).flatMap(([label, key]) =>
        familyOf(label) === family ? [`${label} : jump ${kernelName(kind, key)}`] : [],
      );
      builder.map(`${map}${family}`, [`type ipv${family}_addr : verdict`], elements);
    }
  }
  builder.set('states', ['type mark', `size ${sharesMax}`, 'flags dynamic'], []);
  const numbers = stableNumbers(Object.keys(shares), sharesMax);
  for (const [key, share] of Object.entries(shares)) {
    const { newPerSecond, because } = share;
    const rate = newPerSecond === 0 ? '' : `limit rate over ${newPerSecond}/second burst ${newPerSecond} packets `;
    const first = (numbers.get(key) ?? 0) * statePartsMax;
    for (const direction of ['out', 'in']) builder.chain(kernelName(direction, key), carriedRules(share));
    builder.chain(kernelName('share', key), [
      // What is not answered stays new for the tracker.
      'ct status confirmed return',
      `${rate}counter drop${comment(`${because}: new flows`)}`,
      ...countedRules(share, { mark: 'meta mark', first }),
    ]);
  }
  const asked = (sent: string, taken: string) => [
    ...both((word, family) => `iifname "${inside}" ${word} saddr vmap @${sent}${family}`),
    ...both((word, family) => `oifname "${inside}" ${word} daddr vmap @${taken}${family}`),
  ];
  return { every: asked(kinds.out, kinds.in), first: asked(kinds.share, kinds.share) };
}

type Marks = { readonly mark: 'meta mark' | 'ct mark'; readonly first: number };

/** Deals flows to lists by a mark of the packet, or of the flow where the packet's says something else, and counts each list. */
function countedRules(hold: Hold, { mark, first }: Marks): readonly string[] {
  const { parts, each } = partsOf(hold);
  const offset = first === 0 ? '' : ` offset ${first}`;
  const full = hold.connections === 0 ? '' : `add @states { ${mark} ct count over ${each} } `;
  return [
    ...both(
      (word) =>
        `${mark} set jhash ${word} saddr . ${word} daddr . th sport . th dport mod ${parts} seed 0x52570001${offset}`,
    ),
    `${full}counter drop${comment(`${hold.because}: connections`)}`,
  ];
}

/** Adds what a router holds at most; answers the rules for packets that begin a flow. */
export function holdRules(builder: TableBuilder, { holds = {} }: RouterProgram): readonly string[] {
  const [hold] = Object.values(holds);
  if (hold === undefined) return [];
  builder.set('states', ['type mark', `size ${statePartsMax}`, 'flags dynamic'], []);
  builder.chain('hold', countedRules(hold, { mark: 'ct mark', first: 0 }));
  // What is not answered stays new for the tracker.
  return ['ct status ! confirmed jump hold'];
}

/** What is carried in one direction: bytes, then packets. */
function carriedRules({ packetsPerSecond, megabitsPerSecond, because }: Share): readonly string[] {
  const bytes = megabitsPerSecond * 125_000;
  const burst = Math.max(Math.floor(bytes / 10), burstBytesMin);
  const [rate, top] = [bytesText(bytes), bytesText(burst)];
  const carried = bytes === 0 ? '' : `limit rate over ${rate}/second burst ${top} `;
  const packets =
    packetsPerSecond === 0 ? '' : `limit rate over ${packetsPerSecond}/second burst ${packetsPerSecond} packets `;
  return [
    `${carried}counter drop${comment(`${because}: bytes`)}`,
    `${packets}counter drop${comment(`${because}: packets`)}`,
  ];
}

/** A number of bytes as nft lists it. */
function bytesText(bytes: number): string {
  const units = ['bytes', 'kbytes', 'mbytes'];
  let [count, unit] = [bytes, 0];
  for (; unit < units.length - 1 && count % 1024 === 0; unit++) count /= 1024;
  return `${count} ${units[unit] ?? 'bytes'}`;
}
