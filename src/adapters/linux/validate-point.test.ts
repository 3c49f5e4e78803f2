/** Routes and translations: what was rendered is read back to the same as the program, and each planted fault is told with a packet. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { deepFreeze } from '#base/json.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { renderPoint } from '#adapters/linux/render.ts';
import { unlikePoint } from '#adapters/linux/validate-point.ts';
import type { Programs } from '#program/program.ts';
import { labStamp, viewOf } from '#test/generate/build.ts';
import { listingOf } from '#test/generate/listing.ts';
import { randomStamp } from '#test/generate/stamp.ts';

function programsOf(seed: number): Programs {
  return deepFreeze(compileStamp(viewOf(randomStamp(seed)), labStamp, new CompileMemo()));
}

test('what is rendered for random stamps is proved equal to the programs, at every point', () => {
  let count = 0;
  for (let seed = 1; seed <= 25; seed++) {
    const programs = programsOf(seed);
    for (const point of Object.keys(programs)) {
      const wanted = renderPoint(programs, point, labStamp.number);
      if (wanted === undefined) continue;
      const found = unlikePoint({ programs, point, stamp: labStamp.number, listing: listingOf(wanted) });
      assert.deepEqual(
        found.map(({ says }) => says),
        [],
        `seed ${seed}, ${point}`,
      );
      count += 1;
    }
  }
  assert.ok(count > 150, `${count} points`);
});
