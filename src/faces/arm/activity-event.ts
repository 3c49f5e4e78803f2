/** One entry of the audit as an event of Azure's activity log. */

import { createHash } from 'node:crypto';
import type { JsonObject } from '#base/json.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import type { AuditLine } from '#engine/store/store.ts';
import { typeOfId } from '#model/arm-id.ts';

/** What an event is filtered by, each text in lower case. */
export type EventKeys = { readonly [name: string]: string };

/** The kinds of events that the log has (Azure Monitor REST, "Event Categories - List"), as far as the stamp writes them. */
export const eventCategories = ['Administrative', 'Policy', 'Security'] as const;

/** The texts that filters compare. */
export function eventKeys({ entry }: AuditLine): EventKeys {
  const id = resourceOf(entry);
  const keys = {
    resourcegroupname: groupOf(id),
    resourceid: id,
    resourceuri: id,
    resourceprovider: providerOf(entry),
    resourcetype: typeOfId(id) ?? '',
    correlationid: entry.correlationId,
    caller: callerOf(entry),
    status: statusOf(entry),
    levels: levelOf(entry),
    category: categoryOf(entry),
    operationname: entry.operation,
  };
  return Object.fromEntries(Object.entries(keys).map(([name, text]) => [name, text.toLowerCase()]));
}

/** The event. `properties`: what is told besides, already cut to what its reader may know. */
export function showEvent(
  { entry, sequence, subscription }: AuditLine,
  { tenantId, properties }: { readonly tenantId: string; readonly properties: JsonObject },
): JsonObject {
  const at = new Date(entry.at).toISOString();
  const id = resourceOf(entry);
  const dataId = dataIdOf(subscription, sequence);
  const { oid, upn, appid, tenant } = entry.who;
  const claims = {
    'http://schemas.microsoft.com/identity/claims/objectidentifier': oid,
    'http://schemas.microsoft.com/identity/claims/tenantid': tenant,
    'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn': upn,
    appid,
    ipaddr: entry.from,
  };
  return {
    authorization: {
      action: entry.operation,
      scope: id,
      ...(entry.allowed === undefined
        ? {}
        : {
            role: entry.allowed.role,
            evidence: { role: entry.allowed.role, roleAssignmentScope: entry.allowed.scope },
          }),
    },
    caller: callerOf(entry),
    channels: 'Operation',
    claims: present(claims),
    category: word(categoryOf(entry)),
    correlationId: entry.correlationId,
    description: entry.says ?? '',
    eventDataId: dataId,
    eventName: { value: 'EndRequest', localizedValue: 'End request' },
    eventTimestamp: at,
    httpRequest: present({ clientRequestId: entry.requestId, clientIpAddress: entry.from, method: methodOf(entry) }),
    id: `${id === '/' ? '' : id}/events/${dataId}/ticks/${ticksOf(entry.at)}`,
    level: levelOf(entry),
    operationId: entry.requestId ?? entry.correlationId,
    operationName: word(entry.operation),
    properties: {
      ...properties,
      ...(entry.code === undefined ? {} : { statusCode: entry.code, statusMessage: entry.says ?? '' }),
    },
    resourceGroupName: groupOf(id),
    resourceId: id,
    resourceProviderName: word(providerOf(entry)),
    resourceType: word(typeOfId(id) ?? ''),
    status: word(statusOf(entry)),
    subStatus: word(entry.code ?? ''),
    submissionTimestamp: at,
    subscriptionId: subscription,
    tenantId,
  };
}

function word(value: string): JsonObject {
  return { value, localizedValue: value };
}

function present(members: { readonly [name: string]: string | undefined }): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function resourceOf({ resource }: AuditEntry): string {
  return resource === '' ? '/' : resource;
}

function groupOf(id: string): string {
  return /\/resourceGroups\/([^/]+)/i.exec(id)?.[1] ?? '';
}

function providerOf({ operation }: AuditEntry): string {
  return operation.split('/')[0] ?? '';
}

function callerOf({ who }: AuditEntry): string {
  return who.upn ?? who.appid ?? who.oid ?? '';
}

/** What the proof or a policy forbade is of policies; sign-ins and what hands out secrets are of security. */
function categoryOf({ operation, code }: AuditEntry): (typeof eventCategories)[number] {
  if (code === 'RequestDisallowedByPolicy') return 'Policy';
  return /^Microsoft\.Identity\//i.test(operation) || code === 'AuthorizationFailed' ? 'Security' : 'Administrative';
}

function statusOf({ outcome }: AuditEntry): 'Succeeded' | 'Failed' {
  return outcome === 'Succeeded' ? 'Succeeded' : 'Failed';
}

function levelOf(entry: AuditEntry): 'Informational' | 'Warning' | 'Error' {
  if (entry.outcome === 'Succeeded') return 'Informational';
  return categoryOf(entry) === 'Administrative' ? 'Error' : 'Warning';
}

function methodOf({ operation }: AuditEntry): string {
  if (/\/write$/i.test(operation)) return 'PUT';
  return /\/delete$/i.test(operation) ? 'DELETE' : 'POST';
}

/** Tenths of a microsecond since the year 1, as .NET counts them. */
function ticksOf(at: number): string {
  return String(621_355_968_000_000_000n + BigInt(Math.trunc(at)) * 10_000n);
}

/** A GUID that is always the same for one entry (RFC 9562 §5.8), and says nothing of its place. */
function dataIdOf(subscription: string, sequence: number): string {
  const hex = createHash('sha256').update(`event ${subscription} ${sequence}`).digest('hex');
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
