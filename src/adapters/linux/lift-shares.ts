/** The kernel's own list of what subscriptions may hold and carry at the boundary, read back and compared with the program's. */

import { rateOf, rulesOf, verdictOf } from '#adapters/linux/lift-rates.ts';
import { kernelName } from '#adapters/linux/names.ts';
import type { ActualTable } from '#adapters/linux/ruleset.ts';
import type { EdgeProgram, RouterProgram, Share } from '#program/program.ts';

/** How the shares of subscriptions in the kernel differ from the program's. */
export function unlikeShares({ shares = {}, sharers = {} }: EdgeProgram, table: ActualTable): readonly string[] {
  if (Object.keys(shares).length === 0) return [];
  const taken = new Map<number, string>();
  const labels = Object.entries(sharers).flatMap(([label, key]) => labelSays(table, label, key) ?? []);
  return [
    ...orderSays(table),
    ...labels.slice(0, 1),
    ...Object.entries(shares).flatMap(([key, share]) => {
      const kernel = shareOf(table, key, taken);
      const says = typeof kernel === 'string' ? kernel : (heldSays(share, kernel) ?? carriedSays(table, key, share));
      return says === undefined ? [] : [`${key}: ${says}`];
    }),
  ];
}

/** Every packet is counted before anything passes, and what begins a flow before it is let through. */
function orderSays(table: ActualTable): readonly string[] {
  const forward = rulesOf(table, 'forward');
  const [established, first] = [/^ct state established/, /^iifname .* accept$/].map((form) =>
    forward.findIndex((text) => form.test(text)),
  );
  const isAsked = ([sent, taken]: readonly [string, string], before = -1): boolean =>
    [
      `iifname "tor" ip saddr vmap @${sent}4`,
      `iifname "tor" ip6 saddr vmap @${sent}6`,
      `oifname "tor" ip daddr vmap @${taken}4`,
      `oifname "tor" ip6 daddr vmap @${taken}6`,
    ].every((text) => forward.includes(text) && forward.indexOf(text) < before);
  return [
    ...(isAsked(['sharers', 'sharers'], first)
      ? []
      : ['What subscriptions hold is not counted before it is let through.']),
    ...(isAsked(['senders', 'takers'], established) ? [] : ['What subscriptions carry is not counted first.']),
  ];
}

function labelSays(table: ActualTable, label: string, key: string): string | undefined {
  const family = label.includes(':') ? 6 : 4;
  const maps = [
    ['sharers', 'share'],
    ['senders', 'out'],
    ['takers', 'in'],
  ] as const;
  const isCounted = maps.every(
    ([map, kind]) => verdictOf(table, `${map}${family}`, label) === `jump ${kernelName(kind, key)}`,
  );
  return isCounted ? undefined : `The flows of ${label} are not counted as those of ${key}.`;
}

function heldSays(
  share: Pick<Share, 'connections' | 'newPerSecond'>,
  { connections, parts, newPerSecond }: KernelShare,
): string | undefined {
  // Divided evenly; what is left over is less than one for each part.
  const isSame = connections <= share.connections && connections > share.connections - parts;
  return isSame && newPerSecond === share.newPerSecond
    ? undefined
    : `${connections} connections and ${newPerSecond} new ones a second in the kernel.`;
}

const units: { readonly [unit: string]: number } = { bytes: 1, kbytes: 1024, mbytes: 1024 * 1024 };

/** What is carried in either direction, in bytes and packets. */
function carriedSays(table: ActualTable, key: string, share: Share): string | undefined {
  for (const direction of ['out', 'in']) {
    const [bytes = '', packets, ...more] = rulesOf(table, kernelName(direction, key));
    const [, count, unit = ''] =
      /^limit rate over (\d+) ([km]?bytes)\/second burst \d+ [km]?bytes counter drop$/.exec(bytes) ?? [];
    const rate = bytes === 'counter drop' ? 0 : Number(count) * (units[unit] ?? Number.NaN);
    const isSame =
      rate === share.megabitsPerSecond * 125_000 && rateOf(packets, 'second', 'drop') === share.packetsPerSecond;
    if (!isSame || more.length > 0) return `what it carries ${direction} is limited otherwise in the kernel.`;
  }
  return undefined;
}

/** How what a router may hold in the kernel differs from the program's. */
export function unlikeHold({ holds = {} }: RouterProgram, table: ActualTable): readonly string[] {
  const [hold] = Object.values(holds);
  if (hold === undefined) return [];
  const mangle = rulesOf(table, 'mangle');
  const at = mangle.indexOf('ct status ! confirmed jump hold');
  if (at < 0 || at > mangle.indexOf('ip daddr @gateways4 accept')) return ['What the network holds is not counted.'];
  const kernel = countedOf(rulesOf(table, 'hold'), 'ct mark');
  if (typeof kernel === 'string') return [kernel];
  const says = heldSays({ ...hold, newPerSecond: 0 }, { ...kernel, newPerSecond: 0 });
  return says === undefined ? [] : [`The network: ${says}`];
}

type Counted = { readonly connections: number; readonly parts: number; readonly first: number };
type KernelShare = Omit<Counted, 'first'> & { readonly newPerSecond: number };

/** Flows dealt to lists by a hash of both ends, in both families alike, and each list limited. */
function countedOf([four = '', six = '', full = '', ...more]: readonly string[], mark: string): Counted | string {
  const deal = (text: string, word: string) =>
    new RegExp(
      `^${mark} set jhash ${word} saddr \\. ${word} daddr \\. th sport \\. th dport mod (\\d+) seed 0x[0-9a-f]+(?: offset (\\d+))?$`,
    ).exec(text);
  const [dealt, dealtSix] = [deal(four, 'ip'), deal(six, 'ip6')];
  const isSame = dealt !== null && dealt[1] === dealtSix?.[1] && dealt[2] === dealtSix?.[2];
  if (!isSame || more.length > 0) return 'its connections are not counted as they should be.';
  const [parts, first] = [Number(dealt[1]), Number(dealt[2] ?? 0)];
  if (full === 'counter drop') return { connections: 0, parts, first };
  const each = new RegExp(`^add @states \\{ ${mark} ct count over (\\d+) \\} counter drop$`).exec(full)?.[1];
  return each === undefined ? 'its connections are not limited.' : { connections: parts * Number(each), parts, first };
}

/** What the kernel grants a subscription; its marks are nobody else's. */
function shareOf(table: ActualTable, key: string, taken: Map<number, string>): KernelShare | string {
  const [confirmed, rate, ...counted] = rulesOf(table, kernelName('share', key));
  const newPerSecond = rateOf(rate, 'second', 'drop');
  if (confirmed !== 'ct status confirmed return' || newPerSecond === undefined)
    return 'its new flows are not counted as they should be.';
  const held = countedOf(counted, 'meta mark');
  if (typeof held === 'string') return held;
  const { first, ...kernel } = held;
  for (let mark = first; mark < first + kernel.parts; mark++) {
    if (taken.has(mark)) return `its connections are counted with those of ${taken.get(mark)}.`;
    taken.set(mark, key);
  }
  return { ...kernel, newPerSecond };
}
