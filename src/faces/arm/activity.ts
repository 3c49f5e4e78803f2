/** The activity log as Azure Monitor's clients read it, from the stamp's audit. */

import { auditPageMax } from '#base/limits.ts';
import { isObject, type JsonObject } from '#base/json.ts';
import { shownBlast } from '#engine/proof/shown-blast.ts';
import type { Blast } from '#verify/proof/verdict.ts';
import type { Answer } from '#faces/arm/answer.ts';
import { subscriptionId, type Call } from '#faces/arm/call.ts';
import { parseFilter, type Term } from '#faces/arm/filter.ts';
import { listAnswer } from '#faces/arm/page.ts';

const rule = {
  compares: [
    'eventtimestamp',
    'resourcegroupname',
    'resourceid',
    'resourceuri',
    'resourceprovider',
    'correlationid',
    'eventchannels',
    'caller',
    'status',
  ],
  calls: [],
};

/** GET `Microsoft.Insights/eventtypes/management/values` (insights 2015-04-01). */
export function listActivity(call: Call): Answer {
  const scope = subscriptionId(call);
  call.engine.authorize(call.caller, 'Microsoft.Insights/eventtypes/values/read', scope);
  const terms = parseFilter(call.asked.query.get('$filter'), rule);
  const lines = call.engine.audit.list({ scope, limit: auditPageMax });
  return listAnswer(
    call,
    lines.map((line) => showEvent(call, line, scope)).filter((event) => terms.every((term) => meets(event, term))),
  );
}

function showEvent(call: Call, line: JsonObject, scope: string): JsonObject {
  const { options } = call;
  const who = isObject(line['who']) ? line['who'] : {};
  const at = new Date(Number(line['at'])).toISOString();
  const resource = String(line['resource'] ?? scope);
  const operation = String(line['operation'] ?? '');
  const status = line['outcome'] === 'Succeeded' ? 'Succeeded' : 'Failed';
  const word = (value: string): JsonObject => ({ value, localizedValue: value });
  return {
    id: `${resource}/events/${String(line['sequence'])}`,
    eventDataId: String(line['sequence']),
    eventTimestamp: at,
    submissionTimestamp: at,
    caller: who['upn'] ?? who['appid'] ?? who['oid'],
    correlationId: line['correlationId'],
    operationId: line['requestId'] ?? line['correlationId'],
    operationName: word(operation),
    category: word('Administrative'),
    eventName: word('EndRequest'),
    level: status === 'Succeeded' ? 'Informational' : 'Error',
    resourceGroupName: /\/resourceGroups\/([^/]+)/i.exec(resource)?.[1] ?? '',
    resourceProviderName: word(operation.split('/')[0] ?? ''),
    resourceId: resource,
    status: word(status),
    subStatus: word(String(line['code'] ?? '')),
    subscriptionId: scope.split('/')[2],
    tenantId: options.tenantId,
    httpRequest: { clientIpAddress: line['from'] },
    ...(line['says'] === undefined ? {} : { description: line['says'] }),
    ...shownProof(call, line),
    claims: Object.fromEntries(Object.entries(who).filter(([, value]) => typeof value === 'string')),
  };
}

/** What the proof said of the write, with the names that the reader may read. */
function shownProof({ engine, caller }: Call, { noted, blast }: JsonObject): JsonObject {
  if (noted === undefined && blast === undefined) return {};
  const mayRead = (id: string): boolean => engine.mayRead(id, caller);
  return {
    properties: {
      ...(noted === undefined ? {} : { noted: JSON.stringify(noted) }),
      ...(blast === undefined ? {} : { blast: JSON.stringify(shownBlast(blast as unknown as Blast, mayRead)) }),
    },
  };
}

function meets(event: JsonObject, term: Term): boolean {
  if (term.kind !== 'compare') return true;
  if (term.name === 'eventtimestamp') return isInTime(Date.parse(String(event['eventTimestamp'])), term);
  // The log has one channel; a filter for channels takes in all of it.
  if (term.name === 'eventchannels') return true;
  const isSame = memberOf(event, term.name).toLowerCase() === term.value.toLowerCase();
  return term.operator === 'ne' ? !isSame : isSame;
}

function isInTime(at: number, { operator, value }: Term & { kind: 'compare' }): boolean {
  const limit = Date.parse(value);
  if (Number.isNaN(limit)) return false;
  if (operator === 'ge') return at >= limit;
  if (operator === 'gt') return at > limit;
  if (operator === 'le') return at <= limit;
  return operator === 'lt' ? at < limit : at === limit;
}

function memberOf(event: JsonObject, name: string): string {
  const word = (held: unknown): string => (isObject(held) ? String(held['value']) : '');
  switch (name) {
    case 'resourcegroupname':
      return String(event['resourceGroupName']);
    case 'resourceid':
    case 'resourceuri':
      return String(event['resourceId']);
    case 'resourceprovider':
      return word(event['resourceProviderName']);
    case 'correlationid':
      return String(event['correlationId']);
    case 'caller':
      return String(event['caller']);
    default:
      return word(event['status']);
  }
}
