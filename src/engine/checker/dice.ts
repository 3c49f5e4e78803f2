/** What the checker throws: numbers below a bound, from a seed, so that a disagreement can be shown again. */

/** A whole number from 0 to below the bound. */
export type Throw = (bound: number) => number;

/** One of the items; undefined when there is none. */
export function oneOf<T>(items: readonly T[], dice: Throw): T | undefined {
  return items.length === 0 ? undefined : items[dice(items.length)];
}

/** A sequence from a seed: a linear congruential generator of 48 bits (the constants of POSIX `drand48`). */
export function throwsFrom(seed: number): Throw {
  let state = (BigInt(seed >>> 0) << 16n) + 0x330en;
  return (bound) => {
    state = (state * 0x5deece66dn + 0xbn) & 0xffff_ffff_ffffn;
    return Number((state >> 17n) % BigInt(Math.max(1, bound)));
  };
}
