/** The set of all resources in memory: indexed by id, type, parent, scope and reference, changed by whole edits. */

import { isObject } from '#base/json.ts';
import { Bug } from '#base/wrong.ts';
import { Folders } from '#model/memory-folders.ts';
import { MemoryJournal } from '#model/memory-journal.ts';
import { OrderedList } from '#model/memory-list.ts';
import { parentOf, type Draft, type Edit, type Resource, type View } from '#model/resource.ts';

/** A view that knows the order of creation, so that a draft on it can keep that order. */
export interface OrderedView extends View {
  /** The place of a resource in the order of creation; undefined when it does not exist. */
  orderOf(id: string): number | undefined;
  /** The order that the next created resource will get. */
  readonly nextOrder: number;
  /** The list under a key (see `listKeysOf`), for a draft to copy. */
  listAt(key: string): OrderedList | undefined;
}

type Entry = { readonly order: number; readonly resource: Resource };

const none: readonly Resource[] = Object.freeze([]);

/**
 * The resources as they stand. A list that is asked for keeps its identity until something in it changes, and `commit` costs
 * as much as the edits. Ids compare without regard to case. Lists of children and of scopes are found in the folders of the
 * ids when they are first asked for, and kept up from then on: who never asks does not hold each resource four times more.
 */
export class MemoryView implements OrderedView {
  readonly journal = new MemoryJournal();
  readonly #entries = new Folders<Entry>();
  /** By `type`, `parent|type`, `>scope` and `@referred id`: one list each, the second and third of those that were asked for. */
  readonly #lists = new Map<string, OrderedList>();
  #isAsked = false;
  #next = 1;

  constructor(resources: Iterable<Resource> = []) {
    for (const resource of resources) this.#put(resource);
    for (const list of this.#lists.values()) list.trim();
  }

  get size(): number {
    return this.#entries.size;
  }

  get nextOrder(): number {
    return this.#next;
  }

  get(id: string): Resource | undefined {
    return this.#entries.get(id)?.resource;
  }

  orderOf(id: string): number | undefined {
    return this.#entries.get(id)?.order;
  }

  listAt(key: string): OrderedList | undefined {
    const known = this.#lists.get(key);
    if (known !== undefined || !isFoundKey(key)) return known;
    const found = OrderedList.of(this.#found(key));
    if (found.isEmpty) return undefined;
    this.#isAsked = true;
    this.#lists.set(key, found);
    return found;
  }

  childrenOf(parentId: string, type: string): readonly Resource[] {
    return this.listAt(childKey(parentId, type))?.items() ?? none;
  }

  referrersOf(id: string): readonly Resource[] {
    return this.#lists.get(referKey(id))?.items() ?? none;
  }

  ofType(type: string): readonly Resource[] {
    return this.#lists.get(typeKey(type))?.items() ?? none;
  }

  under(scope: string): readonly Resource[] {
    const prefix = scopePrefix(scope);
    const list = this.listAt(scopeKey(nearestScope(prefix)))?.items() ?? none;
    return prefix === nearestScope(prefix) ? list : list.filter(({ id }) => isUnder(id, prefix));
  }

  /** Every resource, in order of creation. */
  all(): readonly Resource[] {
    return this.under('/');
  }

  /**
   * Takes edits over. An edit whose `before` is not what stands here (by etag) was made on another state: that is a Bug, the
   * engine being the only writer.
   */
  commit(edits: readonly Edit[]): void {
    for (const { id, before, after } of edits) {
      const current = this.get(id);
      if (before !== undefined && current?.etag !== before.etag) {
        throw new Bug(`The edit of ${id} was made on ${before.etag}, but ${current?.etag ?? 'nothing'} stands.`);
      }
      if (after === undefined) this.#delete(id);
      else this.#put(after);
      this.journal.note(id.toLowerCase());
    }
  }

  #put(resource: Resource): void {
    const old = this.#entries.get(resource.id);
    const order = old?.order ?? this.#next++;
    const next = this.#keysOf(resource);
    if (old !== undefined) {
      for (const key of this.#keysOf(old.resource)) if (!next.has(key)) this.#leave(key, order);
    }
    for (const key of next) this.#listToFill(key)?.put(order, resource);
    this.#entries.set(resource.id, { order, resource }, resource.name);
  }

  #delete(id: string): void {
    const old = this.#entries.get(id);
    if (old === undefined) return;
    for (const key of this.#keysOf(old.resource)) this.#leave(key, old.order);
    this.#entries.delete(id);
  }

  /** The keys of the lists that have the resource; as long as none was asked for, without those that are found then. */
  #keysOf(resource: Resource): ReadonlySet<string> {
    return this.#isAsked ? listKeysOf(resource) : standingKeysOf(resource);
  }

  #listToFill(key: string): OrderedList | undefined {
    const known = this.#lists.get(key);
    if (known !== undefined || isFoundKey(key)) return known;
    const list = new OrderedList();
    this.#lists.set(key, list);
    return list;
  }

  /** What a list of children or of a scope has in it. */
  #found(key: string): Entry[] {
    if (key.startsWith('>')) return [...this.#entries.under(key === scopeKey('/') ? '' : key.slice(1))];
    const at = key.lastIndexOf('|');
    const [parent, type] = [key.slice(0, at), key.slice(at + 1)];
    const inFolder = [...this.#entries.in(`${parent}/${type.slice(type.lastIndexOf('/') + 1)}`)];
    return inFolder.filter(
      ({ resource: { id, type } }) => parentOf(id) !== undefined && childKey(parentOf(id) ?? '', type) === key,
    );
  }

  #leave(key: string, order: number): void {
    const list = this.#lists.get(key);
    list?.delete(order);
    if (list?.isEmpty === true) this.#lists.delete(key);
  }
}

/** What is written on top of a view: reads see the writes, `edits()` says them, the view below is never touched. */
export class MemoryDraft implements Draft, OrderedView {
  readonly #base: OrderedView;
  readonly #overlay = new Map<
    string,
    { readonly order: number; readonly resource: Resource | undefined; readonly id: string }
  >();
  /** Merged lists since the last write, so that repeated reads cost nothing. */
  readonly #merged = new Map<string, OrderedList | undefined>();
  #next: number;

  constructor(base: OrderedView) {
    this.#base = base;
    this.#next = base.nextOrder;
  }

  get nextOrder(): number {
    return this.#next;
  }

  get(id: string): Resource | undefined {
    const written = this.#overlay.get(id.toLowerCase());
    return written === undefined ? this.#base.get(id) : written.resource;
  }

  orderOf(id: string): number | undefined {
    const written = this.#overlay.get(id.toLowerCase());
    if (written === undefined) return this.#base.orderOf(id);
    return written.resource === undefined ? undefined : written.order;
  }

  childrenOf(parentId: string, type: string): readonly Resource[] {
    return this.listAt(childKey(parentId, type))?.items() ?? none;
  }

  referrersOf(id: string): readonly Resource[] {
    return this.listAt(referKey(id))?.items() ?? none;
  }

  ofType(type: string): readonly Resource[] {
    return this.listAt(typeKey(type))?.items() ?? none;
  }

  under(scope: string): readonly Resource[] {
    const prefix = scopePrefix(scope);
    const near = nearestScope(prefix);
    const list = this.listAt(scopeKey(near))?.items() ?? none;
    return prefix === near ? list : list.filter(({ id }) => isUnder(id, prefix));
  }

  put(resource: Resource): void {
    const key = resource.id.toLowerCase();
    const order = this.orderOf(resource.id) ?? this.#base.orderOf(resource.id) ?? this.#next++;
    this.#overlay.set(key, { order, resource, id: resource.id });
    this.#merged.clear();
  }

  delete(id: string): void {
    const key = id.toLowerCase();
    const order = this.#base.orderOf(id);
    // What this draft created itself leaves no trace.
    if (order === undefined) this.#overlay.delete(key);
    else this.#overlay.set(key, { order, resource: undefined, id: this.#base.get(id)?.id ?? id });
    this.#merged.clear();
  }

  /** The changes against the view below, in the order of their first writes; what ended as it began is no change. */
  edits(): Edit[] {
    const edits: Edit[] = [];
    for (const { id, resource: after } of this.#overlay.values()) {
      const before = this.#base.get(id);
      if (before !== after) edits.push({ id, before, after });
    }
    return edits;
  }

  listAt(key: string): OrderedList | undefined {
    if (this.#merged.has(key)) return this.#merged.get(key);
    const merged = this.#merge(key);
    this.#merged.set(key, merged);
    return merged;
  }

  #merge(key: string): OrderedList | undefined {
    const below = this.#base.listAt(key);
    let list: OrderedList | undefined;
    const changed = () => (list ??= below?.copy() ?? new OrderedList());
    for (const { order, resource, id } of this.#overlay.values()) {
      const before = this.#base.get(id);
      const isIn = resource !== undefined && keptListKeys(resource).has(key);
      if (isIn && resource !== before) changed().put(order, resource);
      else if (!isIn && before !== undefined && keptListKeys(before).has(key)) changed().delete(order);
    }
    return list ?? below;
  }
}

function typeKey(type: string): string {
  return type.toLowerCase();
}

function childKey(parentId: string, type: string): string {
  return `${parentId.toLowerCase()}|${type.toLowerCase()}`;
}

function referKey(id: string): string {
  return `@${id.toLowerCase()}`;
}

function scopeKey(prefix: string): string {
  return `>${prefix}`;
}

function scopePrefix(scope: string): string {
  const trimmed = scope.toLowerCase().replace(/\/+$/, '');
  return trimmed === '' ? '/' : trimmed;
}

/** Lists are kept for all, each subscription and each group; a narrower scope is filtered out of its group's list. */
function nearestScope(prefix: string): string {
  return /^\/subscriptions\/[^/]+(?:\/resourcegroups\/[^/]+)?/.exec(prefix)?.[0] ?? '/';
}

function isUnder(id: string, prefix: string): boolean {
  return id.length > prefix.length && id[prefix.length] === '/' && id.toLowerCase().startsWith(prefix);
}

// Resources are frozen: a draft, which asks again and again, finds out once where one is listed. A view is not told: it has too many.
const keysByResource = new WeakMap<Resource, ReadonlySet<string>>();

function keptListKeys(resource: Resource): ReadonlySet<string> {
  const known = keysByResource.get(resource);
  if (known !== undefined) return known;
  const keys = listKeysOf(resource);
  if (Object.isFrozen(resource)) keysByResource.set(resource, keys);
  return keys;
}

/** The keys of the lists that have the resource. */
function listKeysOf(resource: Resource): ReadonlySet<string> {
  return new Set([...standingKeysOf(resource), ...foundKeysOf(resource)]);
}

/** Lists that a view has from the start: all of one type, and the referrers of an id. */
function standingKeysOf(resource: Resource): ReadonlySet<string> {
  const keys = new Set([typeKey(resource.type)]);
  collectIds(resource.properties, keys);
  return keys;
}

/** Lists whose members lie in folders that the key names. */
function foundKeysOf({ id: stated, type }: Resource): readonly string[] {
  const id = stated.toLowerCase();
  const parent = parentOf(id);
  const scope = nearestScope(id);
  const subscription = nearestScope(id.split('/').slice(0, 3).join('/'));
  const above = [scope, subscription].filter((one) => one !== '/' && one !== id);
  return [...(parent === undefined ? [] : [childKey(parent, type)]), ...['/', ...above].map(scopeKey)];
}

function isFoundKey(key: string): boolean {
  return key.startsWith('>') || (!key.startsWith('@') && key.includes('|'));
}

function collectIds(value: unknown, keys: Set<string>): void {
  if (Array.isArray(value)) {
    for (const item of value) collectIds(item, keys);
  } else if (isObject(value)) {
    for (const [name, member] of Object.entries(value)) {
      if (name === 'id' && typeof member === 'string') keys.add(referKey(member));
      else collectIds(member, keys);
    }
  }
}
