/** A resource as the stamp keeps it, and the views through which pure code reads and changes the set of all resources. */

import type { JsonObject } from '#base/json.ts';
import type { Person } from '#model/plans/person.ts';

/**
 * One resource, frozen. Children that ARM embeds in their parent (subnets, security rules, routes, load balancer parts that
 * have their own PUT …) are resources of their own: a PUT of one rule writes one small row. `properties` holds the writable
 * properties in the newest shape, without children, back-references, and other derived members; `internal` is ours alone.
 */
export type Resource = {
  /** ARM id as first written: canonical casing of types, the user's casing of names. */
  readonly id: string;
  /** Full type in canonical casing: `Microsoft.Network/virtualNetworks/subnets`. */
  readonly type: string;
  readonly name: string;
  readonly location?: string;
  readonly tags?: { readonly [key: string]: string };
  readonly sku?: JsonObject;
  readonly kind?: string;
  readonly zones?: readonly string[];
  readonly plan?: JsonObject;
  readonly identity?: JsonObject;
  readonly managedBy?: string;
  readonly properties: JsonObject;
  /** Never shown: label numbers, MACs, allocated addresses, placement, secrets' hashes. */
  readonly internal?: JsonObject;
  /** `W/"<guid>"`, new with each write of this resource (and, for parents, of an embedded child). */
  readonly etag: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly changedAt: string;
};

/** What pure code may ask of the set of resources. Ids compare without regard to case. */
export interface View {
  get(id: string): Resource | undefined;
  /** Direct children of the given full type, in order of creation. */
  childrenOf(parentId: string, type: string): readonly Resource[];
  /** Resources whose `properties` hold the id in a member called `id` (any depth), in order of creation. */
  referrersOf(id: string): readonly Resource[];
  /** All resources of a full type, in order of creation. */
  ofType(type: string): Iterable<Resource>;
  /** What was changed lately, for whoever keeps something made from the view. A draft has none. */
  readonly journal?: Journal;
  /** All resources whose id lies under the scope (a subscription, a group, or a resource), in order of creation. */
  under(scope: string): Iterable<Resource>;
}

/** The changes of a view in order, as far back as is kept. */
export interface Journal {
  /** The place of the next change. */
  readonly mark: number;
  /** Ids (lower case) that were put or deleted since the mark; undefined when that is too long ago to know. */
  since(mark: number): ReadonlySet<string> | undefined;
}

/** A change under construction: reads see its own writes. */
export interface Draft extends View {
  put(resource: Resource): void;
  delete(id: string): void;
}

/** One edit of the set of resources; `after` absent means deleted, `before` absent means created. */
export type Edit = { readonly id: string; readonly before?: Resource; readonly after?: Resource };

/** What a noun needs to know beyond the resources: all that is not in the request is passed in (the core has no clock and no dice). */
export type Context = {
  /** ISO 8601. */
  readonly now: string;
  readonly newGuid: () => string;
  readonly apiVersion: string;
  readonly stamp: StampFacts;
  /** Who asks, for records that name them. */
  readonly caller?: string;
  /** The same as a user, when a user asks. */
  readonly asker?: Person;
  /** The user with a sign-in name, of whichever directory. */
  readonly userNamed?: (name: string) => Person | undefined;
};

/** The fixed facts of a stamp (decision D5). */
export type StampFacts = {
  /** 0–63. */
  readonly number: number;
  readonly location: string;
  readonly zone: string;
  readonly tenantId: string;
  readonly hosts: readonly string[];
  /** Those of them that other machines carry: no guest is placed there from here. */
  readonly remoteHosts?: readonly string[];
  /** Public pools: IPv4 and IPv6; the first `reserved` addresses of the IPv4 pool are the stamp's own. */
  readonly publicPools: readonly string[];
  readonly publicReserved: number;
  readonly profile: 'lab' | 'host';
  readonly enforcing: boolean;
};

/** The parent id of an id, or undefined at a resource group or above; a place (`…/locations/local`) is no resource. */
export function parentOf(id: string): string | undefined {
  const parts = id.split('/');
  const provider = parts.findLastIndex((part) => part.toLowerCase() === 'providers');
  const isPlaced = parts.at(-4)?.toLowerCase() === 'locations';
  return provider >= 0 && parts.length - provider > 4 && !isPlaced ? parts.slice(0, -2).join('/') : undefined;
}
