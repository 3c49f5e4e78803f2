/** What is judged: programs as sets, and the estate that they belong to. */

import type { RouterProgram } from '#program/program.ts';
import type { Estate } from '#verify/invariant/estate.ts';
import type { Place } from '#verify/reach/places.ts';
import { type End, endsOf, type Reach } from '#verify/reach/reach.ts';

/** One state of the stamp. `before`: the state that stood, for what judges changes. */
export type Judged = { readonly reach: Reach; readonly estate: Estate; readonly before?: Judged | undefined };

/** The places of marks that are there. */
export function placesIn({ reach }: Judged, marks: Iterable<number>): readonly Place[] {
  return [...marks].flatMap((mark) => reach.places.marks.get(mark) ?? []);
}

/** All addresses of the NICs of these marks. */
export function endsIn(world: Judged, marks: Iterable<number>): readonly End[] {
  return placesIn(world, marks).flatMap(endsOf);
}

/** The NICs that could send into the network of a NIC without the boundary: its own and those that are peered with it. */
export function neighbours(world: Judged, mark: number): readonly Place[] {
  const point = world.reach.places.marks.get(mark)?.point;
  return point === undefined ? [] : nearTo(world, point).filter(({ port }) => port.mark !== mark);
}

/** All NICs of the network of a router and of those that are peered with it. */
export function nearTo({ reach }: Judged, point: string): readonly Place[] {
  const router = reach.router(point);
  if (router === undefined) return [];
  return Object.values(reach.programs).flatMap((other): readonly Place[] => {
    if (other.kind !== 'router' || !(other.key === router.key || Object.hasOwn(other.peers, router.key))) return [];
    return portsOf(reach, other);
  });
}

function portsOf(reach: Reach, { ports }: RouterProgram): readonly Place[] {
  return Object.values(ports).flatMap(({ mark }) => reach.places.marks.get(mark) ?? []);
}
