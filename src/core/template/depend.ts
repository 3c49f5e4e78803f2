/** The order of a deployment: what each resource waits for, and a refusal when they wait for each other. */

import { Refusal } from '#base/wrong.ts';
import type { Json } from '#base/json.ts';
import { evaluateTree, within } from '#template/evaluate.ts';
import { find, type Lookup } from '#template/lookup.ts';
import { isUnknown, kindOf, memberOf } from '#template/value.ts';
import { idKey } from '#template/scope.ts';
import { Postponed, type Draft } from '#template/draft.ts';

/** What each draft waits for. */
export type Edges = ReadonlyMap<Draft, ReadonlySet<Draft>>;

/** What `dependsOn` of a draft names. A text that names nothing of the template is refused, as ARM does. */
export function explicitDependencies(draft: Draft, lookup: Lookup): readonly Draft[] {
  const given = memberOf(draft.source, 'dependsOn');
  if (given === undefined || given === null) return [];
  return within('dependsOn', () => {
    const list = evaluateTree(given, draft.frame);
    if (isUnknown(list)) throw new Postponed('What a resource depends on is not known yet.');
    if (!Array.isArray(list))
      throw invalid(`'dependsOn' must be an array; a value of type '${kindOf(list)}' was provided.`);
    return list.flatMap((text: Json, index) => within(index, () => named(text, lookup)));
  });
}

function named(text: Json, lookup: Lookup): readonly Draft[] {
  if (typeof text !== 'string')
    throw invalid(`'dependsOn' must hold strings; a value of type '${kindOf(text)}' was provided.`);
  const found = find(lookup, text);
  if (found.length > 0) return found;
  // A loop of no instances is there, but there is nothing to wait for.
  if (lookup.emptyLoops.has(text.toLowerCase())) return [];
  throw invalid(`The resource '${text}' is not defined in the template.`);
}

/** Instances of a serial loop wait for all of the batch before theirs (Azure docs, "Serial or parallel"). */
export function batchDependencies(draft: Draft, lookup: Lookup): readonly Draft[] {
  const { copy } = draft;
  if (copy === undefined || copy.mode === 'parallel') return [];
  const batch = Math.floor(copy.index / copy.batchSize) - 1;
  return (lookup.byLoop.get(copy.name.toLowerCase()) ?? []).filter(
    (other) =>
      other.pointer === draft.pointer &&
      other.copy !== undefined &&
      Math.floor(other.copy.index / copy.batchSize) === batch,
  );
}

/**
 * Orders the drafts so that each comes after all that it waits for; otherwise as the template has them. A child waits for
 * its parent in the same template even when it does not say so, unless the parent waits for the child.
 */
export function orderDrafts(drafts: readonly Draft[], edges: Map<Draft, Set<Draft>>, lookup: Lookup): readonly Draft[] {
  refuseCycle(drafts, edges);
  for (const draft of drafts) {
    const parents = draft.parentId === undefined ? [] : (lookup.byId.get(idKey(draft.parentId)) ?? []);
    for (const parent of parents) {
      const waits = edges.get(draft);
      if (parent === draft || !edges.has(parent) || waits === undefined || waits.has(parent)) continue;
      if (!reaches(parent, draft, edges)) waits.add(parent);
    }
  }
  return sort(drafts, edges);
}

function sort(drafts: readonly Draft[], edges: Edges): readonly Draft[] {
  const waiting = new Map<Draft, number>();
  const followers = new Map<Draft, Draft[]>();
  for (const draft of drafts) {
    const waits = edges.get(draft) ?? new Set<Draft>();
    waiting.set(draft, waits.size);
    for (const other of waits) followers.set(other, [...(followers.get(other) ?? []), draft]);
  }
  const ordered = drafts.filter((draft) => waiting.get(draft) === 0);
  for (let at = 0; at < ordered.length; at += 1) {
    for (const follower of followers.get(ordered[at] as Draft) ?? []) {
      const left = (waiting.get(follower) ?? 0) - 1;
      waiting.set(follower, left);
      if (left === 0) ordered.push(follower);
    }
  }
  return ordered;
}

function refuseCycle(drafts: readonly Draft[], edges: Edges): void {
  const ordered = new Set(sort(drafts, edges));
  let draft = drafts.find((candidate) => !ordered.has(candidate));
  if (draft === undefined) return;
  const path: Draft[] = [];
  // Whoever is left waits for another that is left: walking on must come round.
  while (draft !== undefined && !path.includes(draft)) {
    path.push(draft);
    draft = [...(edges.get(draft) ?? [])].find((other) => !ordered.has(other));
  }
  throw circular(draft === undefined ? path : [...path.slice(path.indexOf(draft)), draft]);
}

/** The refusal of a circle of resources; one that waits for itself is the smallest. */
export function circular(circle: readonly Draft[]): Refusal {
  const text = circle.map((one) => `'${one.type}/${one.name}'`).join(' → ');
  return new Refusal(
    'InvalidTemplate',
    `Deployment template validation failed: Circular dependency detected on resource: '${circle[0]?.id ?? ''}'. Who waits for whom: ${text}.`,
    { target: circle[0]?.pointer ?? '/resources' },
  );
}

function reaches(from: Draft, to: Draft, edges: Edges): boolean {
  const seen = new Set<Draft>([from]);
  for (const draft of seen) {
    if (draft === to) return true;
    for (const other of edges.get(draft) ?? []) seen.add(other);
  }
  return false;
}

function invalid(message: string): Refusal {
  return new Refusal('InvalidTemplate', message);
}
