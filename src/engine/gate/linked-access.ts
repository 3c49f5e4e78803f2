/** A write that newly refers to another resource needs the right to join it: no one can hang a NIC into a stranger's subnet. */

import { isObject, type JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import type { Edit, Resource } from '#model/resource.ts';
import { isStampCaller } from '#engine/gate/own-caller.ts';
import type { DrawParts } from '#engine/gate/draw.ts';

const peeringType = 'microsoft.network/virtualnetworks/virtualnetworkpeerings';

const jitType = 'microsoft.security/locations/jitnetworkaccesspolicies';

type Asking = Pick<DrawParts, 'access' | 'caller'>;
type Linking = Pick<Resource, 'id' | 'type' | 'properties'>;

/**
 * Azure asks for `<type>/join/action` on each newly linked resource (LinkedAuthorizationFailed, 403). References that stay
 * inside the written top-level resource (the parts of a load balancer) are its own.
 */
export function checkLinkedAccess(before: Resource | undefined, after: Linking, parts: Asking): void {
  if (isStampCaller(parts.caller)) return;
  const known = new Set(before === undefined ? [] : referencesOf(before.properties));
  checkExempting(after, parts);
  const own = `${topLevelOf(after.id).toLowerCase()}/`;
  for (const id of new Set(referencesOf(after.properties))) {
    if (known.has(id) || `${id}/`.startsWith(own)) continue;
    const type = typeOf(id);
    if (type === undefined) continue;
    const action = linkAction(after, type);
    if (parts.access.may(parts.caller, action, id)) continue;
    throw new Refusal(
      'LinkedAuthorizationFailed',
      `The client '${parts.caller.oid}' has permission to write '${after.id}', but not '${action}' on the linked scope '${id}'.`,
      { status: 403, target: id },
    );
  }
}

/** Who may write at a scope may not loosen what was assigned above it: that takes `exempt/action` on the assignment (Azure doc "Policy exemption structure"). */
function checkExempting(after: Linking, { access, caller }: Asking): void {
  const { policyAssignmentId } = after.properties;
  if (after.type.toLowerCase() !== 'microsoft.authorization/policyexemptions') return;
  if (typeof policyAssignmentId !== 'string' || !policyAssignmentId.startsWith('/')) return;
  const action = 'Microsoft.Authorization/policyAssignments/exempt/action';
  if (access.may(caller, action, policyAssignmentId)) return;
  const says = `The client '${caller.oid}' has permission to write '${after.id}', but not '${action}' on the linked scope '${policyAssignmentId}'.`;
  throw new Refusal('LinkedAuthorizationFailed', says, { status: 403, target: policyAssignmentId });
}

/**
 * Runs a noun's write. When it refuses it may quote what a link of the body leads to (an address space, a name in use), so
 * who may not make that link hears only so.
 */
export function judgedWithLinks<T>(
  write: () => T,
  { before, id, type, body }: { before: Resource | undefined; id: string; type: string; body: JsonObject },
  parts: Asking,
): T {
  try {
    return write();
  } catch (error) {
    const properties = isObject(body['properties']) ? body['properties'] : {};
    if (error instanceof Refusal) checkLinkedAccess(before, { id, type, properties }, parts);
    throw error;
  }
}

/** A peering asks the remote VNet for `peer/action`; every other link is a join (Azure docs, "Virtual network peering: permissions"). */
function linkAction(after: Linking, type: string): string {
  const isPeering = after.type.toLowerCase() === peeringType && type === 'microsoft.network/virtualnetworks';
  // Azure doc "Enable just-in-time access": the right to write the machine.
  if (after.type.toLowerCase() === jitType) return `${type}/write`;
  return isPeering ? `${type}/peer/action` : `${type}/join/action`;
}

/** The same for every edit of a change: children that a parent's body embeds may link too. */
export function checkLinkedEdits(edits: readonly Edit[], parts: Asking): void {
  for (const { before, after } of edits) if (after !== undefined) checkLinkedAccess(before, after, parts);
}

/** All ids that a value refers to in members called `id` or `…ResourceId`, lower case; the walk is as deep as bodies may be. */
function referencesOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(referencesOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) =>
    /^id$|ResourceId$/.test(key) && typeof member === 'string' && member.startsWith('/')
      ? [member.toLowerCase()]
      : referencesOf(member),
  );
}

/** `/…/providers/microsoft.network/virtualnetworks/v/subnets/s` → `microsoft.network/virtualnetworks/subnets`. */
function typeOf(id: string): string | undefined {
  const at = id.lastIndexOf('/providers/');
  if (at < 0) return undefined;
  const [namespace, ...rest] = id.slice(at + '/providers/'.length).split('/');
  return [namespace, ...rest.filter((_, index) => index % 2 === 0)].join('/');
}

/** The resource that the id belongs to as a whole: `…/loadBalancers/lb/inboundNatRules/r` → `…/loadBalancers/lb`. */
function topLevelOf(id: string): string {
  const parts = id.split('/');
  const at = parts.findLastIndex((part) => part.toLowerCase() === 'providers');
  return at < 0 ? id : parts.slice(0, at + 4).join('/');
}
