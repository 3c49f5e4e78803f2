/** Dice with a seed: the same seed gives the same throws, so that a failing run can be run again. */

/** Throws: a whole number below a bound, one of some things, a chance. */
export type Random = {
  below(bound: number): number;
  pick<T>(items: readonly T[]): T;
  chance(share: number): boolean;
};

/** Mulberry32 (public domain, T. Ettinger): 32 bits of state are enough to vary tests. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (bound: number) => Math.floor(next() * bound);
  return {
    below,
    pick: (items) => {
      const item = items[below(items.length)];
      if (item === undefined && items.length === 0) throw new RangeError('Nothing to pick from.');
      return item as (typeof items)[number];
    },
    chance: (share) => next() < share,
  };
}
