/** Empties a subscription or a resource group in one change, or refuses whole with what stands in the way. */

import { Refusal } from '#base/wrong.ts';
import type { Noun } from '#model/noun.ts';
import { subscriptionType } from '#model/plans/plane.ts';
import type { Context, Draft, Resource } from '#model/resource.ts';

/** How resources are removed, and who may: `authorize` throws the Refusal of a resource that the caller may not delete. */
export type Removal = {
  readonly draft: Draft;
  readonly nouns: ReadonlyMap<string, Noun>;
  readonly context: Context;
  readonly authorize: (resource: Resource) => void;
};

/** Removes the group and all that is in it. */
export function removeGroup(group: Resource, removal: Removal): void {
  emptyScope(group, removal);
  removal.nouns.get(group.type.toLowerCase())?.remove(group, removal.draft, removal.context);
}

/**
 * Removes all resources of a group or a subscription. Each noun judges its own removal on the draft; what is in use by something of the same
 * scope goes in a later round. When a round removes nothing, what is left is used from outside: 409, naming each.
 */
export function emptyScope(group: Resource, removal: Removal): void {
  const { draft } = removal;
  let left = topLevel(draft, group);
  for (;;) {
    const refusals: Refusal[] = [];
    for (const resource of left) {
      const refusal = tryRemove(resource, removal);
      if (refusal !== undefined) refusals.push(refusal);
    }
    const next = topLevel(draft, group);
    if (next.length === 0) return;
    if (next.length === left.length) throw blocked(group, refusals);
    left = next;
  }
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
  const [what, code] =
    group.type === subscriptionType
      ? ['Subscription', 'SubscriptionDeletionBlocked']
      : ['Resource group', 'ResourceGroupDeletionBlocked'];
  const says = `${what} '${group.name}' was not deleted: ${refusals.length} of its resources cannot be removed. Nothing was changed.`;
  return new Refusal(code, says, {
    status: 409,
    target: group.id,
    details: refusals
      .slice(0, 50)
      .map(({ code, message, target }) => ({ code, message, ...(target === undefined ? {} : { target }) })),
  });
}
