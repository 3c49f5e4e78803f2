/** Which routers of one host are joined by a wire of their own: those of networks that peer with each other. */

import { placeOf } from '#adapters/linux/render.ts';
import type { Programs } from '#program/program.ts';

export type Pair = { readonly first: string; readonly second: string; readonly host: string };

/** All of them, each once. */
export function peerPairs(programs: Programs): Pair[] {
  const pairs: Pair[] = [];
  for (const program of Object.values(programs)) {
    if (program.kind !== 'router') continue;
    for (const key of placeOf(programs, program).peers) {
      if (program.key < key) pairs.push({ first: program.key, second: key, host: program.host });
    }
  }
  return pairs;
}

/** Is it among them? */
export function hasPair(pairs: readonly Pair[], wanted: Pair): boolean {
  return pairs.some(
    ({ first, second, host }) => first === wanted.first && second === wanted.second && host === wanted.host,
  );
}
