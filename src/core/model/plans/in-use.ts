/** The refusal to delete what others use, with the list of them. */

import { planPartsMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import type { Resource } from '#model/resource.ts';

/** Refuses with 409 when there is somebody; `details` names each, up to a limit. */
export function checkUnused(
  resource: Resource,
  blockers: readonly Resource[],
  { code, what }: { readonly code: string; readonly what: string },
): void {
  if (blockers.length === 0) return;
  const says = `The ${what} '${resource.name}' cannot be deleted: ${blockers.length} others use it. Take it from them first.`;
  throw new Refusal(code, says, {
    status: 409,
    target: resource.id,
    details: blockers
      .slice(0, planPartsMax)
      .map(({ id, type }) => ({ code: 'InUseBy', message: `${type}: ${id}`, target: id })),
  });
}
