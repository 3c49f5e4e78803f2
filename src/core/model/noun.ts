/** The contract of a resource type: how its requests are parsed, judged, kept and shown. One file per noun implements it. */

import type { Json, JsonObject } from '#base/json.ts';
import type { Context, Draft, Resource, View } from '#model/resource.ts';

/** A PUT, after routing: `id` in canonical type casing; `body` is parsed JSON with nulls removed. */
export type Write = { readonly id: string; readonly body: JsonObject };

/**
 * One resource type. Everything is pure: `write` and `remove` change the draft or throw a Refusal with Azure's code, the
 * field (`target`, a JSON pointer such as `/properties/addressSpace`), what was wrong and what would be accepted; all errors
 * of one body are collected into `details`. A write of an embedded child touches the parent's etag, and the other way round
 * a write of a parent replaces the embedded children that the body states.
 */
export type Noun = {
  /** Full type in canonical casing. */
  readonly type: string;
  /** A user needs no role to make one of what is not there yet: the noun itself judges whether he may. */
  readonly isOpenToUsers?: true;
  /** Creates or replaces the resource (and the children that its body embeds) in the draft; answers the new resource. */
  write(write: Write, draft: Draft, context: Context): Resource;
  /** Removes the resource and its children, or refuses (`InUseSubnetCannotBeDeleted` …). */
  remove(resource: Resource, draft: Draft, context: Context): void;
  /** The ARM body of the resource: children embedded, back-references derived, `provisioningState`, shaped for the api-version. */
  show(resource: Resource, view: View, context: Context): JsonObject;
  /** PATCH: network types take tags only (the default when absent); others merge (RFC 7396) and go through `write`. */
  patch?(resource: Resource, body: JsonObject, draft: Draft, context: Context): Resource;
  /** POST actions and GET sub-resources that only read or only change the draft: `listKeys`, `CheckIPAddressAvailability` … */
  readonly actions?: { readonly [name: string]: NounAction };
};

export type NounAction = {
  readonly method: 'GET' | 'POST';
  run(
    resource: Resource,
    input: { body: Json; query: ReadonlyMap<string, string> },
    draft: Draft,
    context: Context,
  ): Json | undefined;
};
