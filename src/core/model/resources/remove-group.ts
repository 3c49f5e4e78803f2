/** Empties and removes a resource group in one change, or refuses whole with what stands in the way. */

import { Refusal } from '#base/wrong.ts';
import type { Noun } from '#model/noun.ts';
import type { Context, Draft, Resource } from '#model/resource.ts';

/** How resources are removed, and who may: `authorize` throws the Refusal of a resource that the caller may not delete. */
export type Removal = {
  readonly draft: Draft;
  readonly nouns: ReadonlyMap<string, Noun>;
  readonly context: Context;
  readonly authorize: (resource: Resource) => void;
};

/**
 * Removes all resources of the group. Each noun judges its own removal on the draft; what is in use by something of the same
 * group goes in a later round. When a round removes nothing, what is left is used from outside: 409, naming each.
 */
export function removeGroup(group: Resource, removal: Removal): void {
  const { draft, nouns, context } = removal;
  let left = topLevel(draft, group);
  for (;;) {
    const refusals: Refusal[] = [];
    for (const resource of left) {
      const refusal = tryRemove(resource, removal);
      if (refusal !== undefined) refusals.push(refusal);
    }
    const next = topLevel(draft, group);
    if (next.length === 0) break;
    if (next.length === left.length) throw blocked(group, refusals);
    left = next;
  }
  nouns.get(group.type.toLowerCase())?.remove(group, draft, context);
}

/** Whatever lies in the group and has no parent of its own there: children go with their parents. */
function topLevel(draft: Draft, group: Resource): Resource[] {
  const all = [...draft.under(group.id)].filter((resource) => resource.id.toLowerCase() !== group.id.toLowerCase());
  const ids = new Set(all.map((resource) => resource.id.toLowerCase()));
  return all.filter((resource) => !ids.has(resource.id.toLowerCase().split('/').slice(0, -2).join('/')));
}

function tryRemove({ id }: Resource, { draft, nouns, context, authorize }: Removal): Refusal | undefined {
  const resource = draft.get(id);
  if (resource === undefined) return undefined;
  const noun = nouns.get(resource.type.toLowerCase());
  try {
    authorize(resource);
    if (noun === undefined) draft.delete(id);
    else noun.remove(resource, draft, context);
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

function blocked(group: Resource, refusals: readonly Refusal[]): Refusal {
  const says = `Resource group '${group.name}' was not deleted: ${refusals.length} of its resources cannot be removed. Nothing was changed.`;
  return new Refusal('ResourceGroupDeletionBlocked', says, {
    status: 409,
    target: group.id,
    details: refusals
      .slice(0, 50)
      .map(({ code, message, target }) => ({ code, message, ...(target === undefined ? {} : { target }) })),
  });
}
