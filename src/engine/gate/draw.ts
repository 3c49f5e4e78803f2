/** Draws one request on a draft: authorised, unlocked, its preconditions met, judged by its noun. Throws a Refusal or answers what was drawn. */

import { Refusal } from '#base/wrong.ts';
import type { Json, JsonObject } from '#base/json.ts';
import type { Noun } from '#model/noun.ts';
import { parentOf, type Context, type Draft, type Resource } from '#model/resource.ts';
import { typeOfId } from '#model/arm-id.ts';
import { finish, readBody } from '#model/parse.ts';
import { isStanding, keptId, signUpType, storedId } from '#model/plans/ids.ts';
import { planeOfSubscription, servesType, subscriptionType } from '#model/plans/plane.ts';
import { emptyScope, removeGroup } from '#model/resources/remove-group.ts';
import { tagsOf } from '#model/resources/tags.ts';
import { checkEnabled } from '#engine/gate/enabled.ts';
import { isStampCaller } from '#engine/gate/own-caller.ts';
import { scopeOfExtension, type AccessIndex } from '#engine/gate/access-index.ts';
import { checkPrecondition } from '#engine/gate/precondition.ts';
import { checkLinkedAccess, judgedWithLinks } from '#engine/gate/linked-access.ts';
import type { Caller, Submission } from '#engine/engine.ts';

/** What was drawn: `existed` tells 200 from 201, and for a delete 200 from 204. */
export type Drawn = { readonly existed: boolean; readonly resource?: Resource; readonly value?: Json };

export type DrawParts = {
  readonly nouns: ReadonlyMap<string, Noun>;
  readonly access: AccessIndex;
  readonly context: Context;
  readonly caller: Caller;
};

export const groupType = 'Microsoft.Resources/resourceGroups';

/** Draws the request of a submission. */
export function drawRequest(draft: Draft, submission: Submission, parts: DrawParts): Drawn {
  const { request } = submission;
  const noun = nounOf(parts.nouns, request.type);
  const before = standing(draft.get(keptId(draft, request.id)));
  if (!isSignUp(submission, { noun, before, parts }))
    parts.access.authorize(parts.caller, actionOf(submission), request.id);
  if (request.kind === 'action') {
    if (request.method === 'POST') checkWritable(draft, request.id, parts);
    if (request.method === 'POST') parts.access.unlocked('action', request.id);
    return drawAction(draft, submission, { noun, before, parts });
  }
  checkWritable(draft, request.id, parts);
  parts.access.unlocked(request.kind === 'delete' ? 'delete' : 'write', request.id);
  checkPrecondition(submission, before);
  if (request.kind === 'delete') return drawDelete(draft, before, { noun, parts });
  if (request.kind === 'patch') {
    if (before === undefined) throw notFound(request.id, request.type);
    const patch = () => patchOf(before, request.body, { noun, draft, context: parts.context });
    const patched = judgedWithLinks(patch, { before, ...request }, parts);
    checkLinkedAccess(before, patched, parts);
    return { existed: true, resource: patched };
  }
  checkScope(draft, request.id, request.type);
  checkTarget(draft, request.id);
  const body = withoutEtag(request.body);
  const id = before === undefined || before.type !== noun.type ? request.id : before.id;
  const write = () => noun.write({ id, body }, draft, parts.context);
  const written = judgedWithLinks(write, { before, ...request, body }, parts);
  checkLinkedAccess(before, written, parts);
  if (before === undefined) parts.access.checkPrincipal(written);
  return { existed: before !== undefined, resource: written };
}

/** What is there; the note that a subscription was there once is not it. */
function standing(found: Resource | undefined): Resource | undefined {
  return found !== undefined && isStanding(found) ? found : undefined;
}

/** Signing up takes a user, and no role: nobody has one on what is not there yet. */
function isSignUp(
  { request }: Submission,
  { noun, before, parts }: Judged & { before: Resource | undefined },
): boolean {
  const isMade = request.kind === 'put' && before === undefined;
  return isMade && noun.isOpenToUsers === true && parts.caller.kind === 'user';
}

function checkWritable(draft: Draft, id: string, { caller }: DrawParts): void {
  if (!isStampCaller(caller)) checkEnabled(draft, id);
}

/** The RBAC action that a submission is: `<type>/write`, `/delete`, `/<action>/action`, or `/read` for a GET. */
export function actionOf({ request }: Submission): string {
  switch (request.kind) {
    case 'put':
    case 'patch':
      return `${request.type}/write`;
    case 'delete':
      return `${request.type}/delete`;
    case 'action':
      return request.method === 'GET' ? `${request.type}/read` : `${request.type}/${request.action}/action`;
  }
}

/** The noun of a type; a type the stamp does not know is the caller's mistake. */
export function nounOf(nouns: ReadonlyMap<string, Noun>, type: string): Noun {
  const noun = nouns.get(type.toLowerCase());
  if (noun !== undefined) return noun;
  throw new Refusal('InvalidResourceType', `The resource type '${type}' is not served by this stamp.`, { status: 404 });
}

/** 404 as Azure words it. */
export function notFound(id: string, type: string): Refusal {
  const [name = '', group] = [id.split('/').at(-1), groupNameOf(id)];
  if (type === groupType) {
    return new Refusal('ResourceGroupNotFound', `Resource group '${name}' could not be found.`, { status: 404 });
  }
  const says = `The Resource '${type}/${name}' under resource group '${group ?? ''}' was not found.`;
  return new Refusal('ResourceNotFound', says, { status: 404 });
}

function groupNameOf(id: string): string | undefined {
  return /\/resourceGroups\/([^/]+)/i.exec(id)?.[1];
}

/** The subscription, the group, and the parent must be there before anything is put into them. */
function checkScope(draft: Draft, id: string, type: string): void {
  if (/^\/subscriptions\/[^/]+$/i.test(id)) return;
  const subscription = /^\/subscriptions\/[^/]+/i.exec(id)?.[0];
  const home = subscription === undefined ? undefined : draft.get(subscription);
  if (subscription !== undefined && home === undefined) {
    const says = `The subscription '${subscription.split('/')[2]}' could not be found.`;
    throw new Refusal('SubscriptionNotFound', says, { status: 404 });
  }
  if (home !== undefined && !servesType(planeOfSubscription(home), type)) {
    const says = `Resources of type '${type}' cannot be in the subscription '${home.name}'.`;
    throw new Refusal('InvalidResourceType', says, { status: 404 });
  }
  const group = /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+/i.exec(id)?.[0];
  if (group !== undefined && type !== groupType && draft.get(group) === undefined) throw notFound(group, groupType);
  const parent = parentOf(id);
  if (parent !== undefined && draft.get(storedId(parent)) === undefined) {
    const says = `Can not perform requested operation on nested resource. Parent resource '${parent.split('/').at(-1)}' not found.`;
    throw new Refusal('ParentResourceNotFound', says, { status: 404 });
  }
}

/** What an extension resource (a lock, a role assignment) hangs on must be there. */
function checkTarget(draft: Draft, id: string): void {
  const scope = scopeOfExtension(id);
  if (/\/providers\//i.test(scope) && draft.get(scope) === undefined)
    throw notFound(scope, typeOfId(scope) ?? 'unknown');
}

type Judged = { readonly noun: Noun; readonly parts: DrawParts };

function drawAction(draft: Draft, { request }: Submission, judged: Judged & { before: Resource | undefined }): Drawn {
  if (request.kind !== 'action') throw new Refusal('InvalidRequest', 'An action is wanted.');
  const { noun, before, parts } = judged;
  if (before === undefined) throw notFound(request.id, request.type);
  const names = Object.keys(noun.actions ?? {});
  const name = names.find((candidate) => candidate.toLowerCase() === request.action.toLowerCase());
  const action = name === undefined ? undefined : noun.actions?.[name];
  if (action === undefined || action.method !== request.method) {
    const says = `'${request.type}' has no ${request.method} action '${request.action}'; it has: ${names.join(', ') || 'none'}.`;
    throw new Refusal('InvalidResourceOperation', says, { status: 404 });
  }
  const value = action.run(before, { body: request.body, query: request.query }, draft, parts.context);
  const after = draft.get(before.id);
  return {
    existed: true,
    ...(after === undefined ? {} : { resource: after }),
    ...(value === undefined ? {} : { value }),
  };
}

function drawDelete(draft: Draft, before: Resource | undefined, { noun, parts }: Judged): Drawn {
  if (before === undefined) return { existed: false };
  const authorize = (resource: Resource): void => authorizeRemoval(resource, parts);
  if (before.type === groupType) removeGroup(before, { draft, ...parts, authorize });
  // The operator needs no right in what he takes back whole.
  else if (before.type === subscriptionType) {
    emptyScope(before, { draft, ...parts, authorize: noun.type === signUpType ? authorize : () => undefined });
    noun.remove(before, draft, parts.context);
  } else noun.remove(before, draft, parts.context);
  // Assignments that outlived their resource would be there for whoever makes one of the same name.
  for (const { id, type } of [...draft.under(before.id)]) if (isAuthorization(type)) draft.delete(id);
  return { existed: true };
}

/** What says who may do what goes with the scope it speaks of; a lock would have stopped the whole before. */
function authorizeRemoval({ type, id }: Resource, { access, caller }: DrawParts): void {
  if (!isAuthorization(type)) access.authorize(caller, `${type}/delete`, id);
}

function isAuthorization(type: string): boolean {
  return type.toLowerCase().startsWith('microsoft.authorization/');
}

/** Tags alone for types without a patch of their own; anything else in the body is refused by name. */
function patchOf(before: Resource, body: JsonObject, at: { noun: Noun; draft: Draft; context: Context }): Resource {
  const { noun } = at;
  if (noun.patch !== undefined) return noun.patch(before, body, at.draft, at.context);
  const other = Object.keys(body).find((key) => key !== 'tags' && body[key] !== undefined);
  if (other !== undefined) {
    const says = `PATCH of ${before.type} takes "tags" only; "${other}" was given. Send a PUT to change it.`;
    throw new Refusal('InvalidRequestContent', says, { target: `/${other}` });
  }
  const reader = readBody(body);
  const tags = tagsOf(reader);
  finish(reader);
  const after: Resource = {
    ...before,
    tags: tags ?? before.tags ?? {},
    etag: `W/"${at.context.newGuid()}"`,
    changedAt: at.context.now,
  };
  at.draft.put(after);
  return after;
}

function withoutEtag(body: JsonObject): JsonObject {
  if (body['etag'] === undefined) return body;
  const { etag: _, ...rest } = body;
  return rest;
}
