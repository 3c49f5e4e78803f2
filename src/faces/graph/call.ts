/** What a handler of Graph is given: the request, who asks, and the one directory that the caller is of. */

import type { JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { isAdministrator } from '#engine/identity/administrators.ts';
import type { Directory } from '#engine/identity/directory.ts';
import type { RefusedToken } from '#engine/identity/presented.ts';
import type { Principal } from '#engine/identity/verify-token.ts';
import type { Asked } from '#faces/graph/asked.ts';

/** One write through Graph, or one that was refused, for the audit log: never with a secret. */
export type GraphEvent = {
  readonly caller: Principal;
  readonly source: string;
  readonly operation: string;
  readonly resource: string;
  readonly outcome: 'Succeeded' | 'Refused';
  readonly says: string;
};

/** What the face stands on. */
export type GraphOptions = {
  /** Scheme, host and port as clients see them. */
  readonly base: string;
  /** Checks a token of Graph's own audience. */
  readonly verify: (bearerToken: string) => Promise<Principal>;
  readonly directoryOf: (tid: string) => Directory | undefined;
  readonly now: () => number;
  readonly newGuid: () => string;
  readonly note: (event: GraphEvent) => void;
  /** Told of every token that is refused. */
  readonly noteRefused?: (event: RefusedToken) => void;
  readonly onBug: (error: unknown) => void;
};

export type Answer = {
  readonly status: number;
  readonly body?: JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
};

export type Call = {
  readonly options: GraphOptions;
  readonly asked: Asked;
  readonly caller: Principal;
  readonly directory: Directory;
  /** The parts that the route's pattern names. */
  readonly parts: readonly string[];
  readonly body: JsonObject;
};

export type Handler = (call: Call) => Promise<Answer> | Answer;

/** Who may use a route: members read, administrators write; `self` is judged by the handler. */
export type Right = 'read' | 'write' | 'self';

/**
 * Refuses who has no right. Users of the directory read it, its administrators write; a guest sees itself alone, and a
 * program needs the role Global Administrator even to read (as Entra gives programs nothing unless told).
 */
export function checkRight({ caller, directory }: Pick<Call, 'caller' | 'directory'>, right: Right): void {
  if (right === 'self' || isAdministrator(directory, caller.oid)) return;
  const user = directory.users.get(caller.oid.toLowerCase());
  if (right === 'read' && user !== undefined && user.guestOf === undefined) return;
  throw denied();
}

export function denied(): Refusal {
  return new Refusal('Authorization_RequestDenied', 'Insufficient privileges to complete the operation.', {
    status: 403,
  });
}

/** What is not in the directory is not there, whichever directory has it. */
export function notFound(id: string): Refusal {
  return new Refusal(
    'Request_ResourceNotFound',
    `Resource '${id.slice(0, 100)}' does not exist or one of its queried reference-property objects are not present.`,
    { status: 404 },
  );
}

/** One part of the route. */
export function partOf({ parts }: Call, index: number): string {
  return parts[index] ?? '';
}

/** A member of the body that must be a text. */
export function textOf(body: JsonObject, name: string): string {
  const value = optionalText(body, name);
  if (value === undefined)
    throw new Refusal('Request_BadRequest', `The property ${name} is missing.`, { target: name });
  return value;
}

/** A member of the body that is a text when it is there; null is absent. */
export function optionalText(body: JsonObject, name: string): string | undefined {
  const value = body[name] ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  throw new Refusal('Request_BadRequest', `The property ${name} must be a text.`, { target: name });
}

/** A member of the body that is true or false when it is there. */
export function optionalFlag(body: JsonObject, name: string): boolean | undefined {
  const value = body[name] ?? undefined;
  if (value === undefined || typeof value === 'boolean') return value;
  throw new Refusal('Request_BadRequest', `The property ${name} must be true or false.`, { target: name });
}

/** Members that are none of those named are refused: what is not kept must not look as if it were. */
export function refuseOthers(body: JsonObject, known: readonly string[]): void {
  const other = Object.entries(body).find(
    ([name, value]) => value !== null && !name.startsWith('@') && !known.includes(name),
  );
  if (other === undefined) return;
  throw new Refusal(
    'Request_BadRequest',
    `The property ${other[0].slice(0, 100)} is not kept here; there are ${known.join(', ')}.`,
    { target: other[0].slice(0, 100) },
  );
}
