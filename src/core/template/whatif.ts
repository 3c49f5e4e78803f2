/** Predicts what a deployment would change, by comparing what a template states with what is there. */

import { isObject, sameJson, type Json, type JsonObject } from '#base/json.ts';
import { keyOf, memberOf } from '#template/value.ts';
import { idKey, idParts } from '#template/scope.ts';
import type { DeploymentMode } from '#template/deploy.ts';

/** A change of one property (resources 2019-10-01, `WhatIfPropertyChange`). */
export type PropertyChange = {
  readonly path: string;
  readonly propertyChangeType: 'Create' | 'Delete' | 'Modify' | 'Array';
  readonly before?: Json;
  readonly after?: Json;
  readonly children?: readonly PropertyChange[];
};

/** A change of one resource (resources 2019-10-01, `WhatIfChange`). */
export type ResourceChange = {
  readonly resourceId: string;
  readonly changeType: 'Create' | 'Delete' | 'Ignore' | 'Deploy' | 'NoChange' | 'Modify';
  readonly before?: Json;
  readonly after?: Json;
  readonly delta?: readonly PropertyChange[];
};

/** A resource that would be deployed: its id, its request body, and its api-version for the answer. */
export type PlannedChange = {
  readonly id: string;
  readonly body: Json;
  readonly apiVersion?: string;
  /** What is there, when the caller has it at hand; otherwise it is looked up by id. */
  readonly before?: Json;
};

/**
 * Compares what is there with what is planned. Only what the plan states is compared, since a resource always has more than
 * its template says; so deploying again what is deployed shows `NoChange`. In complete mode, what the plan leaves out is
 * deleted, otherwise ignored. `before` holds what is in the scope of the deployment, by id of any spelling.
 */
export function whatIf(
  before: ReadonlyMap<string, Json>,
  planned: readonly PlannedChange[],
  mode: DeploymentMode,
): readonly ResourceChange[] {
  const there = new Map([...before].map(([id, resource]) => [idKey(id), { id, resource }]));
  const changes = planned.map((change) => changeOf(change, change.before ?? there.get(idKey(change.id))?.resource));
  const named = new Set(planned.map(({ id }) => idKey(id)));
  for (const [key, { id, resource }] of there) {
    if (!named.has(key))
      changes.push({ resourceId: id, changeType: mode === 'Complete' ? 'Delete' : 'Ignore', before: resource });
  }
  return changes.toSorted((left, right) => (idKey(left.resourceId) < idKey(right.resourceId) ? -1 : 1));
}

/** The changes for the result format `ResourceIdOnly`: no payloads, and what is there already is just deployed. */
export function withoutPayloads(changes: readonly ResourceChange[]): readonly ResourceChange[] {
  return changes.map(({ resourceId, changeType }) => ({
    resourceId,
    changeType: changeType === 'NoChange' || changeType === 'Modify' ? 'Deploy' : changeType,
  }));
}

function changeOf({ id, body, apiVersion }: PlannedChange, before: Json | undefined): ResourceChange {
  const parts = idParts(id);
  const head: JsonObject = {
    ...(apiVersion === undefined ? {} : { apiVersion }),
    id,
    ...(parts === undefined ? {} : { type: parts.type, name: parts.name.slice(parts.name.lastIndexOf('/') + 1) }),
  };
  const stated: JsonObject = isObject(body) ? body : {};
  if (!isObject(before)) return { resourceId: id, changeType: 'Create', after: { ...head, ...stated } };
  const delta = compareObjects(before, stated, '');
  const after = { ...head, ...(overlay(before, stated) as JsonObject) };
  const shownBefore = { ...head, ...before };
  return delta.length === 0
    ? { resourceId: id, changeType: 'NoChange', before: shownBefore, after }
    : { resourceId: id, changeType: 'Modify', before: shownBefore, after, delta };
}

// Resources never give these back, so nothing can be said about them.
const writeOnly: ReadonlySet<string> = new Set([
  'adminpassword',
  'customdata',
  'protectedsettings',
  'sharedkey',
  'password',
  'secret',
  'userdata',
]);

function compareObjects(before: JsonObject, stated: JsonObject, path: string): PropertyChange[] {
  const changes: PropertyChange[] = [];
  for (const [key, after] of Object.entries(stated)) {
    if (after === undefined || after === null) continue;
    const here = path === '' ? key : `${path}.${key}`;
    const known = keyOf(before, key);
    const old = known === undefined ? undefined : (before[known] ?? undefined);
    const lower = key.toLowerCase();
    if (old === undefined) {
      const isSilent = writeOnly.has(lower) || isHidden(after) || isEmpty(after);
      if (!isSilent) changes.push({ path: here, propertyChangeType: 'Create', after });
    } else changes.push(...compareValues({ path: here, key: lower, before: old, after }));
  }
  // Tags are replaced whole: one that is no longer stated goes.
  if (path === 'tags') changes.push(...goneFrom(before, stated, path));
  return changes;
}

function goneFrom(before: JsonObject, stated: JsonObject, path: string): PropertyChange[] {
  return Object.entries(before)
    .filter(([key, value]) => value !== undefined && keyOf(stated, key) === undefined)
    .map(([key, value]) => ({ path: `${path}.${key}`, propertyChangeType: 'Delete' as const, before: value ?? null }));
}

type Pair = { readonly path: string; readonly key: string; readonly before: Json; readonly after: Json };

function compareValues({ path, key, before, after }: Pair): PropertyChange[] {
  if (isObject(before) && isObject(after)) return compareObjects(before, after, path);
  if (Array.isArray(before) && Array.isArray(after)) {
    const children = compareArrays(before, after, key);
    return children.length === 0 ? [] : [{ path, propertyChangeType: 'Array', before, after, children }];
  }
  return isSameScalar(key, before, after) ? [] : [{ path, propertyChangeType: 'Modify', before, after }];
}

// Children are matched by name, references by id, all else by place.
function compareArrays(before: readonly Json[], after: readonly Json[], key: string): PropertyChange[] {
  const matched = (['name', 'id'] as const).find((label) => isLabelled(after, label) && isLabelled(before, label));
  if (matched === undefined) return compareByPlace(before, after, key);
  const olds = new Map(before.map((item) => [labelOf(item, matched), item]));
  const changes: PropertyChange[] = [];
  after.forEach((item, index) => {
    const old = olds.get(labelOf(item, matched));
    olds.delete(labelOf(item, matched));
    if (old === undefined) changes.push({ path: String(index), propertyChangeType: 'Create', after: item });
    else if (isObject(old) && isObject(item)) {
      const children = compareObjects(old, item, '');
      if (children.length > 0) {
        changes.push({ path: String(index), propertyChangeType: 'Modify', before: old, after: item, children });
      }
    }
  });
  for (const [, item] of olds) {
    changes.push({ path: String(before.indexOf(item)), propertyChangeType: 'Delete', before: item });
  }
  return changes;
}

function compareByPlace(before: readonly Json[], after: readonly Json[], key: string): PropertyChange[] {
  // A list of plain texts and numbers is a set: the order that the resource answers in says nothing.
  if ([...before, ...after].every((item) => typeof item !== 'object')) {
    const sorted = [before, after].map((list) => list.map((item) => String(scalarKey(key, item))).sort());
    if (sameJson(sorted[0], sorted[1])) return [];
  }
  const changes: PropertyChange[] = [];
  for (let index = 0; index < Math.max(before.length, after.length); index += 1) {
    const [old, young] = [before[index], after[index]];
    const path = String(index);
    if (old === undefined && young !== undefined) changes.push({ path, propertyChangeType: 'Create', after: young });
    else if (young === undefined && old !== undefined)
      changes.push({ path, propertyChangeType: 'Delete', before: old });
    else if (old !== undefined && young !== undefined)
      changes.push(...compareValues({ path, key, before: old, after: young }));
  }
  return changes;
}

function isLabelled(list: readonly Json[], label: 'name' | 'id'): boolean {
  const labels = list.map((item) => (isObject(item) ? memberOf(item, label) : undefined));
  return labels.every((one) => typeof one === 'string') && new Set(labels).size === labels.length;
}

function labelOf(item: Json, label: 'name' | 'id'): string {
  return String(isObject(item) ? memberOf(item, label) : '').toLowerCase();
}

// Values that resources answer in their own spelling.
const spelledFreely: ReadonlySet<string> = new Set([
  'access',
  'allocationmethod',
  'direction',
  'kind',
  'loaddistribution',
  'name',
  'nexthoptype',
  'privateipaddressversion',
  'privateipallocationmethod',
  'protocol',
  'provisioningstate',
  'publicipaddressversion',
  'publicipallocationmethod',
  'tier',
  'type',
]);

function isSameScalar(key: string, before: Json, after: Json): boolean {
  return isHidden(after) || sameJson(scalarKey(key, before), scalarKey(key, after));
}

function scalarKey(key: string, value: Json): Json {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') return value;
  if (key === 'location' || key === 'locations') return value.toLowerCase().replaceAll(' ', '');
  if (/^\/subscriptions\//i.test(value)) return idKey(value);
  if (/^(true|false)$/i.test(value) || spelledFreely.has(key)) return value.toLowerCase();
  return value;
}

// What is secret or not known before the deployment runs is no change that could be shown.
function isHidden(after: Json): boolean {
  return typeof after === 'string' && (after.includes('***') || (/^\[.*\]$/s.test(after) && !after.startsWith('[[')));
}

function isEmpty(value: Json): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return (
    isObject(value) &&
    Object.values(value).every((member) => member === undefined || member === null || isEmpty(member))
  );
}

/** What the resource would be: what is there, overlaid with what is stated. */
function overlay(before: Json, stated: Json): Json {
  if (!isObject(before) || !isObject(stated)) return stated;
  const members = new Map(Object.entries(before).map(([key, value]) => [key, value ?? null]));
  for (const [key, value] of Object.entries(stated)) {
    if (value === undefined || value === null) continue;
    const known = keyOf(before, key) ?? key;
    const old = members.get(known);
    members.set(known, old === undefined || key.toLowerCase() === 'tags' ? value : overlay(old, value));
  }
  return Object.fromEntries(members);
}
