/** What a handler is given: the request, who asks, the route's parts, and the engine behind the face. */

import type { Json, JsonObject } from '#base/json.ts';
import { isObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import type { Caller, Engine } from '#engine/engine.ts';
import type { People } from '#engine/people.ts';
import type { Principal } from '#engine/identity/verify-token.ts';
import type { Plane } from '#model/plans/plane.ts';
import type { Answer } from '#faces/arm/answer.ts';
import type { Asked } from '#faces/arm/asked.ts';
import type { RefusedToken } from '#engine/identity/presented.ts';
import type { ShownTexts } from '#faces/arm/shown-texts.ts';

/** Addresses of the stamp as clients of the plane see them. `login` is `https://adfs.<zone>/adfs`. */
export type ArmEndpoints = {
  /** This face: `management.` or `adminmanagement.<zone>`. */
  readonly resourceManager: string;
  readonly login: string;
  readonly portal: string;
  readonly graph: string;
  readonly audience: string;
  readonly zone: string;
};

/** A directory as `GET /tenants` shows it; the first domain is the one it was made with. */
export type Tenant = { readonly tenantId: string; readonly displayName: string; readonly domains: readonly string[] };

export type ArmOptions = {
  /** Which plane the face is; the operator's takes bound tokens only. */
  readonly plane: Plane;
  readonly engine: Engine;
  /** The directories whose users may sign in. */
  readonly people: People;
  readonly verify: (bearerToken: string) => Promise<Principal>;
  readonly endpoints: ArmEndpoints;
  readonly tenantId: string;
  /** The directories that a caller knows: its own first. Without it there is the stamp's own alone. */
  readonly tenantsOf?: (caller: Caller) => readonly Tenant[];
  /** Refuses every token that is bound neither to a key nor to a certificate. */
  readonly wantsBound?: boolean;
  /** Told of every token that is refused. */
  readonly noteRefused?: (event: RefusedToken) => void;
  readonly location: string;
  readonly enforcing: boolean;
  /** Raises the caller's own access, when it is one that may; false when it is not. Without it nobody may. */
  readonly elevate?: (caller: Caller) => Promise<boolean>;
  readonly longRunning: 'auto' | 'async' | 'location' | 'poll';
  readonly now: () => number;
  readonly newGuid: () => string;
  readonly onBug: (error: unknown) => void;
};

/** The parts that a route's pattern names, as the client wrote them. */
export type Parts = { readonly [name: string]: string };

export type Call = {
  readonly options: ArmOptions;
  readonly engine: Engine;
  readonly shownTexts: ShownTexts;
  readonly asked: Asked;
  readonly caller: Caller;
  readonly apiVersion: string;
  readonly parts: Parts;
  readonly body: Json | undefined;
};

export type Handler = (call: Call) => Promise<Answer> | Answer;

/** One part of the route; the router guarantees that the pattern has it. */
export function partOf(call: Call, name: string): string {
  const part = call.parts[name];
  if (part === undefined) throw new TypeError(`The route has no part ${name}.`);
  return part;
}

/** The body as an object; an absent body is an empty one only where `isOptional`. */
export function bodyObject(call: Call, isOptional = false): JsonObject {
  if (call.body === undefined && isOptional) return {};
  if (isObject(call.body)) return call.body;
  throw new Refusal('InvalidRequestContent', 'The request content must be a JSON object.');
}

/** The subscription of the route: refused with 404 when the stamp has none of that id. */
export function subscriptionId(call: Call): string {
  const stated = partOf(call, 'subscription');
  const id = `/subscriptions/${stated}`;
  checkSubscription(call, id);
  return call.engine.view().get(id)?.id ?? id;
}

/** 400 for what is no subscription id, 404 for one that is not here. */
export function checkSubscription(call: Call, scope: string): void {
  const stated = /^\/subscriptions\/([^/]+)/i.exec(scope)?.[1];
  if (stated === undefined) return;
  if (!/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(stated)) {
    throw new Refusal(
      'InvalidSubscriptionId',
      `The provided subscription identifier '${stated.slice(0, 100)}' is malformed or invalid.`,
    );
  }
  if (call.engine.view().get(`/subscriptions/${stated}`) !== undefined) return;
  throw subscriptionNotFound(stated);
}

/** 404 as Azure words it. */
export function subscriptionNotFound(stated: string): Refusal {
  const says = `The subscription '${stated.slice(0, 100)}' could not be found.`;
  return new Refusal('SubscriptionNotFound', says, { status: 404 });
}

/** The resource group of the route as it is kept; 404 when it is not there (that goes before everything else). */
export function groupId(call: Call): string {
  const id = `${subscriptionId(call)}/resourceGroups/${partOf(call, 'group')}`;
  checkGroup(call, id);
  return call.engine.view().get(id)?.id ?? id;
}

/** 404 when the id lies in a resource group that is not there. */
export function checkGroup(call: Call, id: string): void {
  const match = /^\/subscriptions\/[^/]+\/resourceGroups\/([^/]+)/i.exec(id);
  if (match === null || call.engine.view().get(match[0]) !== undefined) return;
  throw new Refusal('ResourceGroupNotFound', `Resource group '${match[1] ?? ''}' could not be found.`, { status: 404 });
}
