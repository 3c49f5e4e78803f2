/** Random stamps as rendered, with or without a fault: what is told of the difference to their programs. */

import { strict as assert } from 'node:assert';
import { deepFreeze } from '#base/json.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { renderPoint } from '#adapters/linux/render.ts';
import { type PointListing, unlikePoint } from '#adapters/linux/validate-point.ts';
import type { Programs } from '#program/program.ts';
import { labStamp, viewOf } from '#test/generate/build.ts';
import { type Place, type Spoil, spoiled } from '#test/generate/fault.ts';
import { listingOf } from '#test/generate/listing.ts';
import { randomStamp } from '#test/generate/stamp.ts';

const seeds = 25;
const placesMax = 5;

export const stamp = labStamp.number;

/** The programs of 25 random stamps, always the same. */
export const stamps: readonly Programs[] = Array.from({ length: seeds }, (_, index) =>
  deepFreeze(compileStamp(viewOf(randomStamp(index + 1)), labStamp, new CompileMemo())),
);

/** What is told of a point whose kernel lists this. */
export function told(programs: Programs, point: string, listing: PointListing): readonly string[] {
  return unlikePoint({ programs, point, stamp, listing }).map(({ says }) => says);
}

/** `sometimes`: where the stamp has nothing that the fault would change, it is none. */
export type Fault = readonly [
  name: string,
  points: RegExp,
  place: Place,
  spoil: Spoil,
  says: RegExp,
  sometimes?: 'sometimes',
];

/** Plants the fault wherever the stamps have a place for it, up to five times: each time it must be told as `says`. */
export function tellsFault([, points, place, spoil, says, sometimes]: Fault): void {
  let count = 0;
  for (const programs of stamps) {
    for (const point of Object.keys(programs).filter((one) => points.test(one))) {
      const wanted = renderPoint(programs, point, stamp);
      const other = wanted === undefined ? undefined : spoiled(wanted, place, spoil);
      if (other === undefined) continue;
      const found = told(programs, point, listingOf(other));
      if (sometimes !== undefined && found.length === 0) continue;
      assert.ok(
        found.some((text) => says.test(text)),
        `${point}: ${found.join('\n') || 'nothing'}`,
      );
      if ((count += 1) >= placesMax) return;
    }
  }
  assert.ok(count > 0, 'no stamp has what it spoils');
}
