/** Functions on resources: their ids, the groups and subscriptions they are in, their running state, and what providers offer. */

import { Refusal } from '#base/wrong.ts';
import type { Json } from '#base/json.ts';
import { resourceIdOf, scopeIdOf } from '#template/scope.ts';
import { unknown } from '#template/functions/deployment.ts';
import {
  anyAt,
  define,
  refuseArgument,
  refuseCall,
  textAt,
  textOr,
  type Call,
  type TemplateFunction,
} from '#template/functions/call.ts';
import type { Runtime, TemplateContext } from '#template/environment.ts';

/** Azure docs, "Resource functions". The `list*` functions are one row: the evaluator finds them by their prefix. */
export const resourceFunctions: readonly TemplateFunction[] = [
  define('resourceid', [2, Infinity], resourceId),
  define('subscriptionresourceid', [2, Infinity], (call) => {
    const { at, texts } = idArguments(call, 1);
    const subscriptionId = at === 1 ? (texts[0] ?? '') : contextOf(call).scope.subscriptionId;
    return idFrom(call, `/subscriptions/${subscriptionId}`, texts.slice(at));
  }),
  define('tenantresourceid', [2, Infinity], (call) => idFrom(call, '', idArguments(call, 0).texts)),
  define('managementgroupresourceid', [2, Infinity], (call) => {
    const { at, texts } = idArguments(call, 1);
    if (at === 0)
      throw refuseCall(call.name, 'the deployment is not at a management group; name it as the first argument.');
    return idFrom(call, `/providers/Microsoft.Management/managementGroups/${texts[0] ?? ''}`, texts.slice(1));
  }),
  define('extensionresourceid', [3, Infinity], (call) => {
    const texts = call.args.map((_, index) => textAt(call, index));
    return idFrom(call, (texts[0] ?? '').replace(/\/$/, ''), texts.slice(1));
  }),
  define('resourcegroup', [0, 0], resourceGroup),
  define('subscription', [0, 0], (call) => {
    const { subscriptionId } = contextOf(call).scope;
    const subscription = contextOf(call).subscription(subscriptionId);
    if (subscription !== undefined) return subscription;
    throw new Refusal('SubscriptionNotFound', `The subscription '${subscriptionId}' could not be found.`, {
      status: 404,
    });
  }),
  define('tenant', [0, 0], (call) => {
    const { tenantId } = contextOf(call);
    return { id: `/tenants/${tenantId}`, tenantId };
  }),
  define('managementgroup', [0, 0], () => {
    throw refuseCall('managementGroup', 'the deployment is not at a management group.');
  }),
  define('reference', [1, 3], (call) => {
    const apiVersion = call.args.length > 1 ? optionalText(call, 1) : undefined;
    return runtimeOf(call).reference(textAt(call, 0), apiVersion, isFull(call, 2));
  }),
  define('references', [1, 2], (call) => runtimeOf(call).references(textAt(call, 0), isFull(call, 1))),
  define('providers', [1, 2], providers),
  define('pickzones', [3, 5], () => []),
];

/** `listKeys`, `listSecrets` and the other actions whose names begin with `list`. */
export const listFunction: TemplateFunction = define('list', [2, 3], (call) => {
  const body = call.args.length > 2 ? anyAt(call, 2) : undefined;
  return runtimeOf(call).list({
    name: call.name,
    target: textAt(call, 0),
    apiVersion: textAt(call, 1),
    ...(body === undefined ? {} : { body }),
  });
});

function contextOf(call: Call): TemplateContext {
  return call.frame.environment.context;
}

function runtimeOf(call: Call): Runtime {
  const { runtime } = call.frame;
  if (runtime !== undefined) return runtime;
  throw refuseCall(
    call.name,
    'it is not expected at this location: it may be used in the properties of resources and in outputs only.',
  );
}

function isFull(call: Call, index: number): boolean {
  const mode = call.args.length > index ? textAt(call, index) : '';
  if (mode === '' || mode.toLowerCase() === 'full') return mode !== '';
  throw refuseArgument(call, index, "the string 'Full'");
}

function optionalText(call: Call, index: number): string | undefined {
  return anyAt(call, index) === null ? undefined : textOr(call, index, '');
}

/** The type is the first argument that has a slash in it; at most `most` arguments stand before it. */
function idArguments(call: Call, most: number): { readonly at: number; readonly texts: readonly string[] } {
  const texts = call.args.map((_, index) => textAt(call, index));
  const at = texts.findIndex((text) => text.includes('/'));
  if (at >= 0 && at <= most) return { at, texts };
  throw refuseCall(call.name, "a resource type such as 'Microsoft.Network/virtualNetworks' is wanted.");
}

function idFrom(call: Call, scopeId: string, [type = '', ...names]: readonly string[]): Json {
  const wanted = type.split('/').filter((part) => part !== '').length - 1;
  const given = names.join('/').split('/');
  if (names.length === 0 || given.length !== wanted || given.includes('')) {
    throw refuseCall(
      call.name,
      `the type '${type}' requires ${wanted} resource name argument(s) that are not empty; ${names.length} given.`,
    );
  }
  return resourceIdOf(scopeId, type, given.join('/'));
}

function resourceId(call: Call): Json {
  const { at, texts } = idArguments(call, 2);
  const { scope } = contextOf(call);
  const front = texts.slice(0, at);
  const subscriptionId = at === 2 ? front[0] : isGuid(front[0]) && at === 1 ? front[0] : scope.subscriptionId;
  const resourceGroup = at === 2 ? front[1] : at === 1 && !isGuid(front[0]) ? front[0] : scope.resourceGroup;
  const home = { subscriptionId: subscriptionId ?? '', ...(resourceGroup === undefined ? {} : { resourceGroup }) };
  return idFrom(call, scopeIdOf(home), texts.slice(at));
}

// At the scope of a subscription, one argument before the type is the subscription; a group's name may not look like a GUID there.
function isGuid(text: string | undefined): boolean {
  return /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text ?? '');
}

function resourceGroup(call: Call): Json {
  const { scope } = contextOf(call);
  if (scope.resourceGroup === undefined) {
    throw refuseCall('resourceGroup', 'the deployment is at a subscription and has no resource group.');
  }
  const group = contextOf(call).resourceGroup(scope);
  if (group !== undefined) return group;
  // A nested deployment may go to a group that its parent is still to make.
  if (call.frame.environment.isGroupPending?.() === true) return unknown('resourceGroup()');
  throw new Refusal('ResourceGroupNotFound', `Resource group '${scope.resourceGroup}' could not be found.`, {
    status: 404,
  });
}

function providers(call: Call): Json {
  const context = contextOf(call);
  const namespace = textAt(call, 0);
  if (call.args.length === 1) {
    const types = context.resourceTypesOf?.(namespace) ?? [];
    return { namespace, resourceTypes: types.map((type) => provided(call, namespace, type)) };
  }
  return provided(call, namespace, textAt(call, 1));
}

function provided(call: Call, namespace: string, resourceType: string): Json {
  const context = contextOf(call);
  const apiVersions = context.apiVersionsOf(`${namespace}/${resourceType}`);
  if (apiVersions.length === 0)
    throw refuseCall('providers', `the type '${namespace}/${resourceType}' is not known here.`);
  return { resourceType, locations: context.locations, apiVersions };
}
