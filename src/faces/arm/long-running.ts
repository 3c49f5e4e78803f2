/** What a write answers: at once when the world holds it, else as an operation in the polling mode of the stamp; and what the polls answer. */

import { answerShortMs } from '#base/limits.ts';
import { Refusal, never, type Detail } from '#base/wrong.ts';
import type { Json, JsonObject } from '#base/json.ts';
import type { Operation, Outcome } from '#engine/engine.ts';
import { bare, shown, type Answer } from '#faces/arm/answer.ts';
import { partOf, type Call } from '#faces/arm/call.ts';
import { namespaceOf, rowOf, type Row, type Verb } from '#faces/arm/catalog.ts';
import { deploymentBody } from '#faces/arm/deployment-body.ts';

/** Seconds between polls: clients take 0 or nothing for 30 s (arm facts §0.4). */
const pollS = '1';

export type About = {
  readonly row: Row;
  readonly verb: Verb /** What a delete shows, when it shows. */;
  readonly before?: JsonObject;
};

/** Answers a submission (ARM RPC v1.0, asynchronous operations). */
export async function outcomeAnswer(outcome: Outcome, call: Call, about: About): Promise<Answer> {
  switch (outcome.kind) {
    case 'settled':
      return settledAnswer(outcome, call, about);
    case 'running':
      break;
    default:
      return never(outcome);
  }
  if (about.row.longRunning.includes(about.verb)) return runningAnswer(outcome, call, about);
  // These verbs have no 202 in their swagger: a client would take one for an error, so the request itself waits.
  const ended = await call.engine.settled(outcome.operation.id, answerShortMs);
  if (ended !== undefined && ended.status !== 'InProgress') checkEnded(ended);
  return settledAnswer({ ...outcome, ...(ended?.value === undefined ? {} : { value: ended.value }) }, call, about);
}

type Settled = Pick<Outcome, 'existed' | 'resource'> & { readonly value?: Json };

function settledAnswer({ existed, resource, value }: Settled, call: Call, { row, verb, before }: About): Answer {
  const body = resource === undefined ? undefined : call.engine.show(resource, call.apiVersion);
  switch (verb) {
    case 'put':
      return body === undefined ? bare(200) : shown(body, row.put[existed ? 1 : 0]);
    case 'patch':
      return body === undefined ? bare(200) : shown(body);
    case 'delete':
      if (!existed) return bare(row.remove[1]);
      return row.removeShows && before !== undefined ? shown(before) : bare(row.remove[0]);
    case 'action':
      return value === undefined ? bare(200) : shown(value, row.acted);
    default:
      return never(verb);
  }
}

function runningAnswer(outcome: Outcome & { kind: 'running' }, call: Call, { row, verb }: About): Answer {
  const { operation, existed, resource } = outcome;
  const { async, location } = pollAddresses(operation, call);
  const wait = { 'retry-after': pollS };
  const mode = call.options.longRunning;
  if ((verb === 'put' || verb === 'patch') && resource !== undefined && mode !== 'location') {
    const status = verb === 'put' ? row.put[existed ? 1 : 0] : 200;
    const headers = mode === 'poll' ? wait : { ...wait, 'azure-asyncoperation': async };
    // It may have ended meanwhile; what is answered as under way is told as under way.
    return shown(call.engine.show(resource, call.apiVersion, operation), status, headers);
  }
  const withStatus: Readonly<Record<string, string>> =
    mode === 'location' || mode === 'poll' || row.type === groupType ? {} : { 'azure-asyncoperation': async };
  return bare(202, { ...wait, location, ...withStatus });
}

const groupType = 'Microsoft.Resources/resourceGroups';

/** Absolute addresses on the host that the client used. */
export function pollAddresses(
  operation: Operation,
  { asked, options, apiVersion }: Call,
): { async: string; location: string } {
  const version = `?api-version=${apiVersion}`;
  const subscription = `${asked.base}/subscriptions/${operation.subscription}`;
  const place = `${subscription}/providers/${namespaceOf(operation.type)}/locations/${options.location}`;
  const isOfArm = operation.type === groupType || operation.type.startsWith('Microsoft.Resources/');
  return {
    async: `${place}/operations/${operation.id}${version}`,
    location: isOfArm
      ? `${subscription}/operationresults/${operation.id}${version}`
      : `${place}/operationResults/${operation.id}${version}`,
  };
}

/** Azure-AsyncOperation: always 200 with the status document. */
export function operationStatus(call: Call): Answer {
  const operation = operationOf(call);
  return statusAnswer(operation, `/${call.asked.segments.join('/')}`);
}

/** The status document of an operation (ARM RPC v1.0). */
export function statusAnswer(operation: Operation, id: string): Answer {
  const { status, startTime, endTime, error, value } = operation;
  const body: JsonObject = {
    id,
    name: operation.id,
    status,
    startTime,
    ...(endTime === undefined ? {} : { endTime }),
    ...(error === undefined ? {} : { error: error as unknown as Json }),
    ...(value === undefined ? {} : { properties: value }),
  };
  return shown(body, 200, status === 'InProgress' ? { 'retry-after': pollS } : {});
}

/** Location: 202 without a body while it runs, then what the request itself would have answered. */
export function operationResult(call: Call): Answer {
  const operation = operationOf(call);
  if (operation.status === 'InProgress') {
    return bare(202, { location: pollAddresses(operation, call).location, 'retry-after': pollS });
  }
  checkEnded(operation);
  const row = rowOf(operation.type);
  const resource = call.engine.view().get(operation.resourceId);
  switch (operation.kind) {
    case 'put':
    case 'patch':
      return resource === undefined ? bare(204) : shown(call.engine.show(resource, call.apiVersion));
    case 'delete':
      return bare(row?.remove[0] ?? 200);
    case 'action':
      return operation.value === undefined ? bare(200) : shown(operation.value);
    case 'deployment': {
      const record = call.engine.deployments.get(operation.resourceId);
      return record === undefined ? bare(204) : shown(deploymentBody(record));
    }
    default:
      return never(operation.kind);
  }
}

/** An operation that failed is a refusal with what stood in its way. */
function checkEnded({ status, error }: Operation): void {
  if (status === 'Succeeded' || status === 'InProgress') return;
  const told: Detail = error ?? { code: 'OperationCanceled', message: 'The operation was canceled.' };
  throw new Refusal(told.code, told.message, { status: 409, ...told });
}

/** The operation of the route, for who began it or may read its resource; anyone else learns nothing of it. */
export function operationOf(call: Call): Operation {
  const id = partOf(call, 'operation');
  const operation = call.engine.operation(id);
  const subscription = call.parts['subscription'];
  const isHere =
    operation !== undefined &&
    (subscription === undefined || operation.subscription.toLowerCase() === subscription.toLowerCase());
  if (
    isHere &&
    (operation.owner === call.caller.oid ||
      call.engine.may(call.caller, `${operation.type}/read`, operation.resourceId))
  )
    return operation;
  throw new Refusal('OperationNotFound', `The operation '${id.slice(0, 100)}' was not found.`, { status: 404 });
}
