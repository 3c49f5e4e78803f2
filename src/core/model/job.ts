/** The steps that every write shares: open the request, read the common members, keep the resource, replace embedded children. */

import { deepFreeze, isObject, sameJson, type Json, type JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { childId, nameOfId } from '#model/arm-id.ts';
import { checkName, nameFault } from '#model/names.ts';
import type { Write } from '#model/noun.ts';
import {
  finish,
  listOf,
  member,
  missing,
  note,
  objectOf,
  partOf,
  readBody,
  textOf,
  textsOf,
  type Reader,
} from '#model/parse.ts';
import { parentOf, type Context, type Draft, type Resource } from '#model/resource.ts';
import { tagsOf } from '#model/resources/tags.ts';

/** One write on its way: the request, what was there before, and where it goes. */
export type Job = {
  readonly id: string;
  readonly type: string;
  readonly body: Reader;
  /** The body's `properties`; an empty object when absent. */
  readonly properties: Reader;
  readonly before: Resource | undefined;
  readonly draft: Draft;
  readonly context: Context;
};

/** Opens a write: checks the name, and for children that the parent exists. */
export function openJob(type: string, { id, body }: Write, world: { draft: Draft; context: Context }): Job {
  const before = world.draft.get(id);
  if (before === undefined) checkName(type, nameOfId(id));
  const parent = type.split('/').length > 2 ? parentOf(id) : undefined;
  if (parent !== undefined && world.draft.get(parent) === undefined) {
    throw new Refusal(
      'ParentResourceNotFound',
      `Can not perform requested operation on nested resource. Parent resource '${nameOfId(parent)}' not found.`,
      { status: 404, target: parent },
    );
  }
  const reader = readBody(body);
  return { id: before?.id ?? id, type, body: reader, properties: partOf(reader, 'properties'), before, ...world };
}

/** What a write keeps besides the members that all resources share. */
export type Content = {
  readonly properties: JsonObject;
  readonly internal?: JsonObject;
  readonly sku?: JsonObject;
  readonly zones?: readonly string[];
  readonly kind?: string;
  readonly plan?: JsonObject;
  readonly identity?: JsonObject;
  readonly managedBy?: string;
};

/** Keeps a resource that has a location and tags; throws first what was collected as wrong. */
export function keepTracked(job: Job, content: Content): Resource {
  const location = locationOf(job);
  const tags = tagsOf(job.body);
  return keep(job, { ...content, location, ...(tags && { tags }) });
}

/** Keeps a child; throws first what was collected as wrong. The parent gets a new etag. */
export function keepChild(job: Job, content: Content): Resource {
  const kept = keep(job, content);
  touchParent(kept.id, job);
  return kept;
}

/** Keeps a resource that has neither a location nor a parent that shows it. */
export function keepPlain(job: Job, content: Content): Resource {
  return keep(job, content);
}

type Kept = Content & { readonly location?: string; readonly tags?: { readonly [key: string]: string } };

function keep({ id, type, body, before, draft, context }: Job, content: Kept): Resource {
  finish(body);
  const internal = content.internal ?? before?.internal;
  const resource: Resource = deepFreeze({
    id,
    type,
    name: nameOfId(id),
    ...(content as Omit<Kept, 'internal'>),
    properties: tidy(content.properties),
    ...(internal && { internal: tidy(internal) }),
    etag: newEtag(context),
    createdAt: before?.createdAt ?? context.now,
    changedAt: context.now,
  });
  draft.put(resource);
  return resource;
}

/** The same object without members that are undefined; itself when it has none. */
export function tidy(value: JsonObject): JsonObject {
  if (isTidy(value)) return value;
  const members: [string, Json][] = [];
  for (const [name, held] of Object.entries(value)) {
    if (held === undefined) continue;
    members.push([name, isObject(held) ? tidy(held) : held]);
  }
  return Object.fromEntries(members);
}

function isTidy(value: JsonObject): boolean {
  for (const name of Object.keys(value)) {
    const held = value[name];
    if (held === undefined || (isObject(held) && !isTidy(held))) return false;
  }
  return true;
}

/** A fresh etag in the network providers' style. */
export function newEtag(context: Context): string {
  return `W/"${context.newGuid()}"`;
}

/** Gives the parent of an id a new etag: its body shows the child. */
export function touchParent(id: string, { draft, context }: { draft: Draft; context: Context }): void {
  const parentId = parentOf(id);
  const parent = parentId === undefined ? undefined : draft.get(parentId);
  if (parent !== undefined) draft.put(Object.freeze({ ...parent, etag: newEtag(context), changedAt: context.now }));
}

/** Writes another state of a resource that this write only touches. */
export function amend(
  resource: Resource,
  change: Partial<Resource>,
  { draft, context }: { draft: Draft; context: Context },
): Resource {
  const amended: Resource = deepFreeze({ ...resource, ...change, etag: newEtag(context), changedAt: context.now });
  draft.put(amended);
  return amended;
}

/** The resource's location: the stamp has exactly one, and it is meant when none is stated. */
function locationOf({ body, context }: Job): string {
  const stated = textOf(body, 'location', { lengthMax: 128 });
  const ours = context.stamp.location;
  if (stated !== undefined && plain(stated) !== plain(ours)) {
    note(body, 'location', {
      code: 'LocationNotAvailableForResourceType',
      message: `The provided location '${stated}' is not available. The available locations are '${ours}'.`,
    });
  }
  return ours;
}

/** Locations compare without case and spaces (ARM RPC). */
function plain(location: string): string {
  return location.toLowerCase().replaceAll(' ', '');
}

/** Reads `zones`: kept for the clients that state them; the stamp itself is one zone. */
export function zonesOf(body: Reader): readonly string[] | undefined {
  const zones = textsOf(body, 'zones', 3);
  return zones === undefined || zones.length === 0 ? undefined : zones;
}

/** One embedded child as stated in its parent's body, ready to be kept. */
export type Part = { readonly name: string; readonly reader: Reader; readonly properties: Reader };

/** Reads a list of named parts: names are required, valid and unique. Undefined when the list is absent. */
export function partsOf(
  properties: Reader,
  list: string,
  { max, type }: { max: number; type: string },
): Part[] | undefined {
  const seen = new Set<string>();
  return listOf(properties, list, max)?.flatMap((reader) => {
    const name = textOf(reader, 'name', { required: true, lengthMax: 260 });
    if (name === undefined) return [];
    const fault = nameFault(type, name);
    if (fault !== undefined) note(reader, 'name', fault);
    const key = name.toLowerCase();
    if (seen.has(key))
      note(reader, 'name', { code: 'DuplicateResourceName', message: `Two entries of ${list} have the name ${name}.` });
    seen.add(key);
    return [{ name, reader, properties: partOf(reader, 'properties') }];
  });
}

/** How the children of one type, embedded in their parent's body, are replaced. */
export type Children = {
  readonly type: string;
  /** Name to properties and internal of every child that shall be; children not named are removed. */
  readonly wanted: readonly {
    readonly name: string;
    readonly properties: JsonObject;
    readonly internal?: JsonObject;
  }[];
  readonly remove: (child: Resource, draft: Draft, context: Context) => void;
};

/** Makes the children of a parent the stated ones. A child that stays as it was keeps its object and its etag. */
export function replaceChildren(
  parent: Resource,
  { type, wanted, remove }: Children,
  { draft, context }: { draft: Draft; context: Context },
): void {
  const before = new Map(draft.childrenOf(parent.id, type).map((child) => [child.name.toLowerCase(), child]));
  const names = new Set(wanted.map(({ name }) => name.toLowerCase()));
  for (const [name, child] of before) if (!names.has(name)) remove(child, draft, context);
  const last = type.slice(type.lastIndexOf('/') + 1);
  for (const { name, properties, internal } of wanted) {
    const old = before.get(name.toLowerCase());
    const inner = internal ?? old?.internal;
    const tidied = tidy(properties);
    if (old && sameJson(old.properties, tidied) && sameJson(old.internal, inner)) continue;
    draft.put(
      deepFreeze({
        id: old?.id ?? childId(parent.id, last, name),
        type,
        name: old?.name ?? name,
        properties: tidied,
        ...(inner && { internal: inner }),
        etag: newEtag(context),
        createdAt: old?.createdAt ?? context.now,
        changedAt: context.now,
      }),
    );
  }
}

/** Reads a `sku` with a name out of the given ones; the first is meant when none is stated. */
export function skuOf(body: Reader, names: readonly [string, ...string[]]): JsonObject {
  const sku = objectOf(body, 'sku');
  if (sku === undefined) return { name: names[0] };
  const stated = textOf(sku, 'name', { lengthMax: 64 });
  const name = names.find((known) => known.toLowerCase() === stated?.toLowerCase());
  if (stated === undefined) missing(sku, 'name');
  else if (name === undefined)
    note(sku, 'name', { code: 'InvalidParameter', message: `The sku "${stated}" is none of ${names.join(', ')}.` });
  return { name: name ?? names[0] };
}

/** Is a member stated at all (not absent, not null)? */
export function isStated(reader: Reader, name: string): boolean {
  return member(reader, name) !== undefined;
}
