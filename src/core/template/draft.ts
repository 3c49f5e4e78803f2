/** Unrolls the resources of a template, children and copy loops too, into drafts that know their id but not yet their body. */

import { templateResourcesMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { copyCount, evaluateTree, within } from '#template/evaluate.ts';
import { isUnknown, kindOf, memberOf } from '#template/value.ts';
import { positionOf } from '#template/jsonc.ts';
import { profileVersion } from '#template/profile.ts';
import { homeOf, idKey, idParts, resourceIdOf, scopeIdOf, scopeOfId, type Scope } from '#template/scope.ts';
import type { Frame } from '#template/environment.ts';

/** The loop that an instance of a resource comes from. */
export type CopyLoop = {
  readonly name: string;
  readonly index: number;
  readonly count: number;
  readonly mode: 'serial' | 'parallel';
  readonly batchSize: number;
};

/** One resource of a template whose identity is known. */
export type Draft = {
  readonly id: string;
  readonly type: string;
  /** The full name, `parent/child`. */
  readonly name: string;
  readonly apiVersion: string;
  readonly home: Omit<Scope, 'location'>;
  readonly location?: string;
  readonly condition: boolean;
  /** Language version 2: `existing` resources are only referred to. */
  readonly isExisting: boolean;
  readonly source: JsonObject;
  readonly frame: Frame;
  readonly copy?: CopyLoop;
  readonly symbol?: string;
  readonly parentId?: string;
  /** Where it stands in the template: `/resources/2/resources/0`. */
  readonly pointer: string;
};

/** The template's resources cannot be named before the deployment runs; only a nested deployment may wait for that. */
export class Postponed extends Error {
  override readonly name = 'Postponed';
}

/** Where resources are drafted: the template's settings, and the scope that they land in. */
export type DraftPlace = { readonly frame: Frame; readonly target: Scope; readonly apiProfile?: string };

type Parent = { readonly type: string; readonly name: string; readonly id: string };
type Item = {
  readonly source: JsonObject;
  readonly pointer: string;
  readonly symbol?: string;
  readonly parent?: Parent;
};

/** The drafts of a template, and the loops that have no instance at all. */
export type Drafted = { readonly drafts: Draft[]; readonly emptyLoops: Set<string> };

/** Drafts all resources, in the order of the template. */
export function draftResources(template: JsonObject, place: DraftPlace): Drafted {
  const drafted: Drafted = { drafts: [], emptyLoops: new Set() };
  for (const item of itemsOf(memberOf(template, 'resources'), '/resources')) draftItem(item, place, drafted);
  return drafted;
}

/** Runs, and names the resource in what is refused, with its place in the file. */
export function aboutResource<T>(
  at: { readonly label: string; readonly source: JsonObject; readonly pointer: string },
  run: () => T,
): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const place = positionOf(at.source);
    const where = place === undefined ? at.pointer : `line '${place.line}' and column '${place.column}'`;
    // The innermost resource is the one to name; those around it only lengthen the pointer.
    const isNamed = error.message.startsWith(aboutWords);
    const message = isNamed ? error.message : `${aboutWords} '${at.label}' at ${where}. '${error.message}'`;
    throw new Refusal(error.code, message, {
      status: error.status,
      details: error.details,
      additionalInfo: error.additionalInfo,
      target: `${at.pointer}${error.target ?? ''}`,
    });
  }
}

const aboutWords = 'Unable to process template language expressions for resource';

function itemsOf(resources: Json | undefined, pointer: string): Item[] {
  const check = (source: Json | undefined, key: string | number): JsonObject => {
    if (isObject(source)) return source;
    throw new Refusal('InvalidTemplate', 'A resource of the template must be an object.', {
      target: `${pointer}/${key}`,
    });
  };
  if (Array.isArray(resources)) {
    return resources.map((source, index) => ({ source: check(source, index), pointer: `${pointer}/${index}` }));
  }
  if (isObject(resources)) {
    return Object.entries(resources).map(([symbol, source]) => ({
      source: check(source, symbol),
      pointer: `${pointer}/${symbol}`,
      symbol,
    }));
  }
  throw new Refusal('InvalidTemplate', `The template must have 'resources', an array or an object.`, {
    target: pointer,
  });
}

function draftItem(item: Item, place: DraftPlace, drafted: Drafted): void {
  const about = { label: labelOf(item), source: item.source, pointer: item.pointer };
  const loop = aboutResource(about, () => readLoop(item, place.frame));
  if (loop?.count === 0)
    for (const name of [loop.name, item.symbol ?? loop.name]) drafted.emptyLoops.add(name.toLowerCase());
  const instances: readonly (CopyLoop | undefined)[] =
    loop === undefined ? [undefined] : Array.from({ length: loop.count }, (_, index) => ({ ...loop, index }));
  for (const copy of instances) {
    const copies =
      copy === undefined
        ? place.frame.copies
        : [...place.frame.copies, { name: copy.name, index: copy.index, kind: 'resource' as const }];
    const inside: DraftPlace = { ...place, frame: { ...place.frame, place: 'resources', copies } };
    const draft = aboutResource(about, () => draftOne(item, inside, copy));
    drafted.drafts.push(draft);
    if (drafted.drafts.length > templateResourcesMax) {
      throw new Refusal(
        'InvalidTemplate',
        `The template expands to more than ${templateResourcesMax} resources; at most that many are accepted.`,
      );
    }
    draftChildren(item, { draft, place: inside }, drafted);
  }
}

function draftChildren(item: Item, { draft, place }: { draft: Draft; place: DraftPlace }, drafted: Drafted): void {
  const children = memberOf(item.source, 'resources');
  if (children === undefined || children === null || isDeployment(draft.type)) return;
  for (const child of itemsOf(children, `${item.pointer}/resources`)) {
    draftItem({ ...child, parent: { type: draft.type, name: draft.name, id: draft.id } }, place, drafted);
  }
}

/** Is this the type of a nested deployment? */
export function isDeployment(type: string): boolean {
  return type.toLowerCase() === 'microsoft.resources/deployments';
}

function labelOf({ source, symbol }: Item): string {
  const name = memberOf(source, 'name');
  return symbol ?? (typeof name === 'string' ? name : String(memberOf(source, 'type') ?? ''));
}

function readLoop(item: Item, frame: Frame): Omit<CopyLoop, 'index'> | undefined {
  const copy = memberOf(item.source, 'copy');
  if (copy === undefined || copy === null) return undefined;
  if (!isObject(copy)) throw invalid(`'copy' must be an object with a name and a count.`);
  const given = memberOf(copy, 'name');
  const name = given === undefined ? item.symbol : evaluateTree(given, frame);
  if (typeof name !== 'string') throw invalid('The copy loop must have a name.');
  const count = within('copy', () => copyCount(memberOf(copy, 'count') ?? null, name, frame));
  if (count === undefined) throw new Postponed(`The count of the loop '${name}' is not known yet.`);
  const mode = String(memberOf(copy, 'mode') ?? 'parallel').toLowerCase();
  if (mode !== 'serial' && mode !== 'parallel')
    throw invalid(`The mode of the copy loop '${name}' must be 'serial' or 'parallel'.`);
  const batchSize = evaluateTree(memberOf(copy, 'batchSize') ?? 1, frame);
  if (typeof batchSize !== 'number' || !Number.isInteger(batchSize) || batchSize < 1) {
    throw invalid(`The batchSize of the copy loop '${name}' must be an integer of at least 1.`);
  }
  return { name, count, mode, batchSize };
}

function draftOne(item: Item, place: DraftPlace, copy: CopyLoop | undefined): Draft {
  const { source, pointer, symbol, parent } = item;
  const type = fullType(known(source, 'type', place.frame), parent);
  const name = fullName(known(source, 'name', place.frame), { type, parent });
  const scopeId = scopeIdFor(source, { type, parent }, place);
  const id = resourceIdOf(scopeId, type, name);
  const parts = idParts(id);
  if (parts === undefined) throw invalid(`The id '${id}' is not valid.`);
  const location = memberOf(source, 'location');
  const at = location === undefined || location === null ? undefined : evaluateTree(location, place.frame);
  const parentId = parent?.id ?? parentOf(parts, id);
  return {
    id,
    type: parts.type,
    name: parts.name,
    apiVersion: versionOf(source, parts.type, place),
    home: homeOf(id, place.target),
    ...(typeof at === 'string' ? { location: at } : {}),
    condition: conditionOf(source, place.frame),
    isExisting: memberOf(source, 'existing') === true,
    source,
    frame: place.frame,
    ...(copy === undefined ? {} : { copy }),
    ...(symbol === undefined ? {} : { symbol }),
    ...(parentId === undefined ? {} : { parentId }),
    pointer,
  };
}

/** The text of a member that must be known when the template is planned. */
function known(source: JsonObject, key: string, frame: Frame): string {
  const given = memberOf(source, key);
  if (given === undefined) throw invalid(`The property '${key}' is required for a resource.`);
  const value = within(key, () => evaluateTree(given, frame));
  if (isUnknown(value)) throw new Postponed(`The ${key} is not known yet.`);
  if (typeof value !== 'string' || value === '') {
    throw invalid(
      `The property '${key}' must be a string that is not empty; a value of type '${kindOf(value)}' was provided.`,
    );
  }
  return value;
}

function fullType(type: string, parent: Parent | undefined): string {
  const clean = type.replace(/^\/+|\/+$/g, '');
  const isFull = /^[^/]+\.[^/]*\//.test(clean);
  if (!isFull && parent === undefined)
    throw invalid(`The type '${type}' must name its provider, as in 'Microsoft.Network/virtualNetworks'.`);
  return isFull || parent === undefined ? clean : `${parent.type}/${clean}`;
}

// A nested child is named by its last segment alone; full names are taken too, as ARM does for full types.
function fullName(
  name: string,
  { type, parent }: { readonly type: string; readonly parent: Parent | undefined },
): string {
  if (parent === undefined || !isChildType(type, parent.type)) return name;
  const isFull = name.split('/').length === type.split('/').length - 1;
  return isFull ? name : `${parent.name}/${name}`;
}

function isChildType(type: string, parentType: string): boolean {
  return type.toLowerCase().startsWith(`${parentType.toLowerCase()}/`);
}

type Relation = { readonly type: string; readonly parent: Parent | undefined };

/** What the id hangs on: the scope of the deployment, the resource that is extended, or where a nested deployment goes. */
function scopeIdFor(source: JsonObject, { type, parent }: Relation, place: DraftPlace): string {
  const scope = memberOf(source, 'scope');
  if (scope !== undefined && scope !== null) return scopeText(known(source, 'scope', place.frame), place.target);
  if (isDeployment(type)) return scopeIdOf(deploymentHome(source, place));
  if (parent !== undefined) {
    // A child with a provider of its own (a lock, a role assignment) extends its parent.
    return isChildType(type, parent.type) ? (idParts(parent.id)?.scopeId ?? '') : parent.id;
  }
  return scopeIdOf(place.target);
}

function scopeText(text: string, target: Scope): string {
  if (text.startsWith('/')) return text === '/' ? '/' : text.replace(/\/+$/, '');
  return `${scopeIdOf(target)}/providers/${text}`;
}

function deploymentHome(source: JsonObject, { frame, target }: DraftPlace): Omit<Scope, 'location'> {
  const [subscription, group] = ['subscriptionId', 'resourceGroup'].map((key) => {
    const given = memberOf(source, key);
    return given === undefined || given === null ? undefined : known(source, key, frame);
  });
  const resourceGroup = group ?? (subscription === undefined ? target.resourceGroup : undefined);
  return {
    subscriptionId: subscription ?? target.subscriptionId,
    ...(resourceGroup === undefined ? {} : { resourceGroup }),
  };
}

function parentOf(
  { type, name, scopeId }: { type: string; name: string; scopeId: string },
  id: string,
): string | undefined {
  if (!name.includes('/')) return scopeOfId(scopeId) === undefined && scopeId !== '/' ? scopeId : undefined;
  const parentId = resourceIdOf(scopeId, type.slice(0, type.lastIndexOf('/')), name.slice(0, name.lastIndexOf('/')));
  return idKey(parentId) === idKey(id) ? undefined : parentId;
}

function versionOf(source: JsonObject, type: string, { frame, apiProfile }: DraftPlace): string {
  if (memberOf(source, 'apiVersion') !== undefined) return known(source, 'apiVersion', frame);
  if (apiProfile === undefined) {
    throw invalid(`The property 'apiVersion' is required for a resource, unless the template has an 'apiProfile'.`);
  }
  const version = profileVersion(apiProfile, type) ?? frame.environment.context.apiVersionsOf(type)[0];
  if (version !== undefined) return version;
  throw invalid(
    `The apiProfile '${apiProfile}' has no api-version for the type '${type}'; give the resource an 'apiVersion'.`,
  );
}

function conditionOf(source: JsonObject, frame: Frame): boolean {
  const given = memberOf(source, 'condition');
  if (given === undefined || given === null) return true;
  const value = within('condition', () => evaluateTree(given, frame));
  if (isUnknown(value)) throw new Postponed('The condition is not known yet.');
  if (typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value.toLowerCase() : '';
  if (text === 'true' || text === 'false') return text === 'true';
  throw invalid(`The condition must be a boolean; a value of type '${kindOf(value)}' was provided.`);
}

function invalid(message: string): Refusal {
  return new Refusal('InvalidTemplate', message);
}
