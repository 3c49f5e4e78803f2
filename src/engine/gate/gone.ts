/** The scopes that a change takes away whole: groups that are deleted, and subscriptions of which only the note stays that they were. */

import { isStanding } from '#model/plans/ids.ts';
import type { Edit } from '#model/resource.ts';
import { groupType } from '#engine/gate/draw.ts';

/** Ids of groups and subscriptions that are gone after the edits. */
export function scopesGone(edits: readonly Edit[]): string[] {
  return edits
    .filter(({ before, after }) =>
      after === undefined ? before?.type === groupType : !isStanding(after) && before !== undefined,
    )
    .map(({ id }) => id);
}
