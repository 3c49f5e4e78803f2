/** The older way to flow logs: a network watcher is asked to set one up, or how one stands; the resource behind is the same. */

import { isObject, type JsonObject } from '#base/json.ts';
import { answerShortMs } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { canonicalId, nameOfId, typeOfId } from '#model/arm-id.ts';
import { flowLogOf, flowLogSettingsOf, flowLogType } from '#model/network/flow-log.ts';
import { finish, partOf as part, readBody, textOf, type Reader } from '#model/parse.ts';
import type { Resource } from '#model/resource.ts';
import { shown, type Answer } from '#faces/arm/answer.ts';
import { bodyObject, groupId, partOf, type Call } from '#faces/arm/call.ts';

const watcherType = 'Microsoft.Network/networkWatchers';

/** POST `networkWatchers/{watcher}/configureFlowLog`: creates or changes the flow log of the target. */
export async function configureFlowLog(call: Call): Promise<Answer> {
  const watcher = watcherOf(call, 'configureFlowLog');
  const reader = readBody(bodyObject(call));
  const target = targetOf(reader);
  const settings = flowLogSettingsOf(part(reader, 'properties'));
  finish(reader);
  const known = flowLogOf(call.engine.view(), target);
  const id = known?.id ?? `${watcher}/flowLogs/${defaultName(target)}`;
  const properties: JsonObject = { ...settings, targetResourceId: target };
  const body: JsonObject = { ...(known?.tags && { tags: known.tags }), properties };
  const request = { kind: 'put', id, type: flowLogType, body } as const;
  const outcome = await call.engine.submit({ request, apiVersion: call.apiVersion }, call.caller);
  if (outcome.kind === 'running') {
    const ended = await call.engine.settled(outcome.operation.id, answerShortMs);
    if (ended?.status === 'Failed')
      throw new Refusal(ended.error?.code ?? 'Failed', ended.error?.message ?? 'The flow log was not set up.', {
        status: 409,
      });
  }
  return shown(informationOf(target, call.engine.view().get(id)));
}

/** POST `networkWatchers/{watcher}/queryFlowLogStatus`. */
export function queryFlowLogStatus(call: Call): Answer {
  watcherOf(call, 'queryFlowLogStatus');
  const reader = readBody(bodyObject(call));
  const target = targetOf(reader);
  finish(reader);
  call.engine.authorize(call.caller, `${typeOfId(target) ?? watcherType}/read`, target);
  if (call.engine.view().get(target) === undefined)
    throw new Refusal('ResourceNotFound', `The resource ${target} does not exist.`, {
      status: 404,
      target: '/targetResourceId',
    });
  return shown(informationOf(target, flowLogOf(call.engine.view(), target)));
}

/** The watcher that is asked, for who may ask it so. */
function watcherOf(call: Call, action: string): string {
  const id = `${groupId(call)}/providers/${watcherType}/${partOf(call, 'name')}`;
  const watcher = call.engine.view().get(id);
  call.engine.authorize(call.caller, `${watcherType}/${action}/action`, watcher?.id ?? id);
  if (watcher === undefined)
    throw new Refusal('ResourceNotFound', `The Resource '${watcherType}/${partOf(call, 'name')}' was not found.`, {
      status: 404,
      target: id,
    });
  return watcher.id;
}

function targetOf(reader: Reader): string {
  return canonicalId(textOf(reader, 'targetResourceId', { required: true, lengthMax: 2048 }) ?? '');
}

/** Azure names such a flow log after the group and the name of its target. */
function defaultName(target: string): string {
  const group = /\/resourceGroups\/([^/]+)\//i.exec(target)?.[1] ?? '';
  return `${group}-${nameOfId(target)}-flowlog`.slice(0, 80).replace(/[^A-Za-z0-9_]+$/, '');
}

/** Azure's FlowLogInformation. */
function informationOf(target: string, log: Resource | undefined): JsonObject {
  const none: JsonObject = { storageId: '', enabled: false, retentionPolicy: { days: 0, enabled: false } };
  const { storageId, enabled, retentionPolicy, format } = log?.properties ?? none;
  return {
    targetResourceId: target,
    properties: { storageId, enabled, retentionPolicy, ...(isObject(format) && { format }) } as JsonObject,
  };
}
