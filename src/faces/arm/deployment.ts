/** Deployments: start, read, list, cancel, delete, validate, what-if, their operations, and the status that az polls. */

import { errorBody, Refusal } from '#base/wrong.ts';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import type { DeploymentInput, DeploymentRecord, Operation } from '#engine/engine.ts';
import { templateHash } from '#template/hash.ts';
import { scopeOfId } from '#template/scope.ts';
import { bare, shown, type Answer } from '#faces/arm/answer.ts';
import { bodyObject, checkGroup, checkSubscription, partOf, type Call } from '#faces/arm/call.ts';
import { deploymentBody } from '#faces/arm/deployment-body.ts';
import { operationOf, pollAddresses, statusAnswer } from '#faces/arm/long-running.ts';
import { pageAnswer } from '#faces/arm/page.ts';

const type = 'Microsoft.Resources/deployments';
const running = ['Accepted', 'Running', 'Canceling'];

/** PUT: starts, or replaces one that has ended. */
export async function putDeployment(call: Call): Promise<Answer> {
  authorized(call, 'write');
  const { record, operation, existed } = await call.engine.deployments.start(inputOf(call), call.caller);
  const headers = { 'retry-after': '1', ...pollHeaders(call, { record, operation }) };
  return shown(deploymentBody(record), existed ? 200 : 201, headers);
}

function pollHeaders(
  call: Call,
  { record, operation }: { record: DeploymentRecord; operation: Operation },
): Readonly<Record<string, string>> {
  const { longRunning } = call.options;
  if (longRunning === 'poll') return {};
  if (longRunning === 'location') return { location: pollAddresses(operation, call).location };
  const status = `${call.asked.base}${record.id}/operationStatuses/${operation.id}?api-version=${call.apiVersion}`;
  return { 'azure-asyncoperation': status };
}

/** GET of one. */
export function getDeployment(call: Call): Answer {
  const record = recordOf(call);
  const isRunning = running.includes(String(record.properties['provisioningState']));
  return shown(deploymentBody(record), 200, isRunning ? { 'retry-after': '1' } : {});
}

/** HEAD of one: 204 or 404. */
export function headDeployment(call: Call): Answer {
  const scope = scopeOf(call);
  call.engine.authorize(call.caller, `${type}/read`, scope);
  return bare(call.engine.deployments.get(idOf(call)) === undefined ? 404 : 204);
}

/** DELETE: removes the record, not what it deployed. */
export async function deleteDeployment(call: Call): Promise<Answer> {
  authorized(call, 'delete');
  await call.engine.deployments.remove(idOf(call), call.caller);
  return bare(204);
}

/** GET of all at a scope, newest first. */
export function listDeployments(call: Call): Answer {
  const scope = scopeOf(call);
  call.engine.authorize(call.caller, `${type}/read`, scope);
  const match = /^\s*provisioningState\s+eq\s+'([^']{0,50})'\s*$/i.exec(call.asked.query.get('$filter') ?? '');
  const records = call.engine.deployments.list(scope);
  const wanted =
    match === null
      ? records
      : records.filter(
          ({ properties }) => String(properties['provisioningState']).toLowerCase() === match[1]?.toLowerCase(),
        );
  return pageAnswer(call, wanted, deploymentBody);
}

/** POST `cancel`. */
export async function cancelDeployment(call: Call): Promise<Answer> {
  authorized(call, 'cancel/action');
  await call.engine.deployments.cancel(idOf(call), call.caller);
  return bare(204);
}

/**
 * POST `validate`: 200 with `error` for a bad template or a group that is not there, since az loses the message of a 4xx here
 * (arm facts §0.6).
 */
export async function validateDeployment(call: Call): Promise<Answer> {
  authorized(call, 'validate/action');
  const input = inputOrRefusal(call);
  if (input instanceof Refusal) return shown({ error: errorBody(input) as unknown as Json });
  const { properties, error } = await call.engine.deployments.validate(input, call.caller);
  const { id, name } = input;
  return shown(error === undefined ? { id, name, type, properties } : { error: error as unknown as Json });
}

/** POST `whatIf`. */
export async function whatIfDeployment(call: Call): Promise<Answer> {
  authorized(call, 'whatIf/action');
  const { changes, diagnostics, error } = await call.engine.deployments.whatIf(inputOf(call), call.caller);
  if (error !== undefined) return shown({ status: 'Failed', error: error as unknown as Json });
  return shown({
    status: 'Succeeded',
    properties: { changes: [...(changes ?? [])], diagnostics: [...(diagnostics ?? [])] },
  });
}

/** POST `exportTemplate` of a deployment: templates are not kept, since parameters and literals in them may be secrets. */
export function exportDeployment(call: Call): never {
  authorized(call, 'exportTemplate/action');
  const record = recordOf(call);
  const says = `The stamp does not keep the template of the deployment '${record.name}'. Export the resource group instead.`;
  throw new Refusal('ExportTemplateNotAvailable', says, { status: 409, target: record.id });
}

/** GET of the operations of a deployment. */
export function listDeploymentOperations(call: Call): Answer {
  return pageAnswer(call, recordOf(call).operations, showOperation);
}

/** GET of one of them. */
export function getDeploymentOperation(call: Call): Answer {
  const record = recordOf(call);
  const wanted = partOf(call, 'operation').toLowerCase();
  const found = record.operations.find((operation) => String(operation['operationId']).toLowerCase() === wanted);
  if (found !== undefined) return shown(showOperation(found));
  const says = `The deployment '${record.name}' has no operation '${wanted.slice(0, 100)}'.`;
  throw new Refusal('DeploymentOperationNotFound', says, { status: 404 });
}

/** GET `operationStatuses/{operation}`: what Azure-AsyncOperation of a deployment names. */
export function deploymentStatus(call: Call): Answer {
  scopeOf(call);
  const operation = operationOf(call);
  return statusAnswer(operation, `/${call.asked.segments.join('/')}`);
}

/** POST `calculateTemplateHash`. */
export function calculateHash(call: Call): Answer {
  const template = bodyObject(call);
  return shown({ ...templateHash(template) });
}

function showOperation(operation: JsonObject): JsonObject {
  const { properties } = operation;
  if (!isObject(properties)) return operation;
  const { key: _, ...rest } = properties;
  return { ...operation, properties: rest };
}

/** The scope of the route as it is kept; only subscriptions and groups take deployments here. */
function scopeOf(call: Call): string {
  const scope = partOf(call, 'scope');
  if (scopeOfId(scope) === undefined) {
    const says = `Deployments are made at a subscription or a resource group, not at '${scope === '' ? '/' : scope}'.`;
    throw new Refusal('InvalidDeploymentScope', says, { target: 'scope' });
  }
  checkSubscription(call, scope);
  checkGroup(call, scope);
  return call.engine.view().get(scope)?.id ?? scope;
}

/** The right goes before what is wrong with the body, and before whether there is such a deployment. */
function authorized(call: Call, act: string): void {
  const scope = partOf(call, 'scope');
  // Whoever asks at no scope of deployments, or in a group that is not there, is told so.
  if (scopeOfId(scope) === undefined || call.engine.view().get(scope) === undefined) return;
  call.engine.authorize(call.caller, `${type}/${act}`, scope);
}

function idOf(call: Call): string {
  return `${scopeOf(call)}/providers/${type}/${partOf(call, 'deployment')}`;
}

function recordOf(call: Call): DeploymentRecord {
  const scope = scopeOf(call);
  call.engine.authorize(call.caller, `${type}/read`, scope);
  const record = call.engine.deployments.get(idOf(call));
  if (record !== undefined) return record;
  throw new Refusal('DeploymentNotFound', `Deployment '${partOf(call, 'deployment')}' could not be found.`, {
    status: 404,
  });
}

function inputOrRefusal(call: Call): DeploymentInput | Refusal {
  try {
    return inputOf(call);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

function inputOf(call: Call): DeploymentInput {
  const scope = scopeOf(call);
  const name = partOf(call, 'deployment');
  if (!/^[-\w.()]{1,64}$/.test(name)) {
    throw new Refusal(
      'InvalidDeploymentName',
      `The deployment name '${name.slice(0, 100)}' is invalid: 1 to 64 letters, digits, "-", "_", ".", "(" or ")" are accepted.`,
    );
  }
  const { properties, location, tags } = bodyObject(call);
  if (!isObject(properties)) {
    throw new Refusal('InvalidRequestContent', 'The request content must have an object "properties".', {
      target: '/properties',
    });
  }
  if (location !== undefined && typeof location !== 'string') {
    throw new Refusal('InvalidRequestContent', 'The "location" must be a string.', { target: '/location' });
  }
  return {
    id: `${scope}/providers/${type}/${name}`,
    name,
    scope,
    ...(location === undefined ? {} : { location }),
    properties,
    ...(isObject(tags)
      ? { tags: Object.fromEntries(Object.entries(tags).map(([key, value]) => [key, String(value)])) }
      : {}),
  };
}
