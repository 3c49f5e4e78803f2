/** Which NICs a change can concern beyond those whose own filters changed: by whom they may be reached, or whom they may reach. */

import { isPublic } from '#verify/invariant/arrivals.ts';
import type { Changed } from '#verify/proof/changed.ts';
import type { Judged } from '#verify/proof/world.ts';
import { endsOf } from '#verify/reach/reach.ts';

/**
 * Of these NICs, those at which something else may arrive than before: their own filters changed, or what a NIC sends that shares a
 * network with them; an address with a public name is reached by everybody. `changed` absent: all of them.
 */
export function touched(marks: Iterable<number>, world: Judged, changed: Changed | undefined): readonly number[] {
  if (changed === undefined || changed.all) return [...marks];
  const isReached = reachedFrom(changed.out, world);
  return [...marks].filter((mark) => changed.in.has(mark) || isReached(mark));
}

/** Of these NICs, those that may reach others than before, or be reached by others. */
export function touchedBothWays(
  marks: Iterable<number>,
  world: Judged,
  changed: Changed | undefined,
): readonly number[] {
  if (changed === undefined || changed.all) return [...marks];
  const all = new Set([...changed.in, ...changed.out]);
  // Whoever sends to the internet may reach a public name.
  if ([...all].some((mark) => isNamed(mark, world))) return [...marks];
  const isReached = reachedFrom(all, world);
  return [...marks].filter((mark) => all.has(mark) || isReached(mark));
}

/**
 * Whether a NIC shares a network, or a peered one, with any of the senders, or has a public name; in the state before as well, since
 * what a sender does no more counts too.
 */
function reachedFrom(senders: ReadonlySet<number>, world: Judged): (mark: number) => boolean {
  const keys = new Set<string>();
  for (const mark of senders) for (const key of keysOf(mark, world)) keys.add(key);
  return (mark) => senders.size > 0 && (keysOf(mark, world).some((key) => keys.has(key)) || isNamed(mark, world));
}

/** The networks of a NIC and those that are peered with them. */
function keysOf(mark: number, world: Judged): readonly string[] {
  return statesOf(world).flatMap(({ reach }) => {
    const place = reach.places.marks.get(mark);
    const router = place === undefined ? undefined : reach.router(place.point);
    return router === undefined ? [] : [router.key, ...Object.keys(router.peers)];
  });
}

function isNamed(mark: number, world: Judged): boolean {
  return statesOf(world).some((state) => {
    const place = state.reach.places.marks.get(mark);
    return place !== undefined && endsOf(place).some((end) => isPublic(end, state));
  });
}

function statesOf(world: Judged): readonly Judged[] {
  return world.before === undefined ? [world] : [world, world.before];
}
