/** Holds iff at most `max` NICs of `of` can be reached from the internet. */

import type { Exposure } from '#verify/invariant/invariant.ts';
import { showArrival } from '#verify/invariant/never.ts';
import { isJudged, zoneOf } from '#verify/invariant/zone.ts';
import type { SetKind } from '#verify/proof/kind.ts';
import { unionOf } from '#verify/proof/show.ts';
import { endsIn } from '#verify/proof/world.ts';
import { fromInternet } from '#verify/reach/inward.ts';

/** `bad`: what makes an address count. It is the number of NICs that breaks the invariant, and the proof counts them. */
export const exposure: SetKind<Exposure> = {
  form: 'sets',

  ends(invariant, world, changed) {
    const { marks } = zoneOf(invariant.of, world.estate);
    const isMeant = (mark: number): boolean => marks.has(mark) && isJudged(invariant, world.estate.nics[String(mark)]);
    return endsIn(world, [...(changed?.all === false ? changed.in : marks)].filter(isMeant));
  },

  bad: (_, end, world) => unionOf(world, fromInternet(world.reach, end)),

  show: ({ end, bad }, world) => showArrival({ zone: fromOutside, end, bad }, world),
};

const fromOutside = { marks: new Set<number>(), internet: true, operator: false, probe: false, prefixes: [] } as const;
