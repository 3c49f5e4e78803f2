/** Resource providers: which namespaces and types there are, from the catalog; all are registered from the start. */

import { Refusal } from '#base/wrong.ts';
import type { JsonObject } from '#base/json.ts';
import type { Plane } from '#model/plans/plane.ts';
import { shown, type Answer } from '#faces/arm/answer.ts';
import { partOf, subscriptionId, type Call } from '#faces/arm/call.ts';
import { apiVersionsOf, namespaceOf, namespacesOf, rowsOf, type Row } from '#faces/arm/catalog.ts';
import { listAnswer } from '#faces/arm/page.ts';

/** GET `/providers` and `/subscriptions/{subscription}/providers`. */
export function listProviders(call: Call): Answer {
  return listAnswer(
    call,
    namespacesOf(call.options.plane).map((namespace) => showProvider(call, namespace)),
  );
}

/** GET of one provider. */
export function getProvider(call: Call): Answer {
  return shown(showProvider(call, namespaceNamed(call)));
}

/** POST `register` and `unregister`: providers of a stamp are part of it. */
export function registerProvider(call: Call): Answer {
  mayRegister(call, 'register');
  return getProvider(call);
}

export function unregisterProvider(call: Call): never {
  const namespace = namespaceNamed(call);
  mayRegister(call, 'unregister');
  const says = `The resource provider '${namespace}' is part of the stamp and cannot be unregistered.`;
  throw new Refusal('ProviderCannotBeUnregistered', says, { status: 409 });
}

function mayRegister(call: Call, act: string): void {
  call.engine.authorize(call.caller, `${namespaceNamed(call)}/${act}/action`, subscriptionId(call));
}

function namespaceNamed(call: Call): string {
  const stated = partOf(call, 'namespace');
  const namespace = namespacesOf(call.options.plane).find((known) => known.toLowerCase() === stated.toLowerCase());
  if (namespace !== undefined) return namespace;
  throw new Refusal('InvalidResourceNamespace', `The resource namespace '${stated.slice(0, 200)}' is invalid.`, {
    status: 404,
  });
}

function showProvider(call: Call, namespace: string): JsonObject {
  const isOfTenant = call.parts['subscription'] === undefined;
  return {
    ...(isOfTenant ? {} : { id: `${subscriptionId(call)}/providers/${namespace}` }),
    namespace,
    ...(isOfTenant ? {} : { registrationState: 'Registered', registrationPolicy: 'RegistrationFree' }),
    resourceTypes: rowsOf(namespace, call.options.plane).map((row) => showType(row, call.options.location)),
  };
}

function showType({ type, lives }: Row, location: string): JsonObject {
  const isPlaced = lives === 'group' || lives === 'child';
  return {
    resourceType: type.slice(namespaceOf(type).length + 1),
    locations: isPlaced ? [location] : [],
    apiVersions: [...apiVersionsOf(type)],
    capabilities: lives === 'group' ? 'SupportsTags, SupportsLocation' : 'None',
  };
}

/** GET `/providers/{namespace}/operations`. */
export function listOperations(call: Call, namespace: string): Answer {
  return listAnswer(
    call,
    operationsOf(namespace, call.options.plane).map(({ name, display }) => ({ name, display })),
  );
}

export type ProviderOperation = { readonly name: string; readonly type: string; readonly display: JsonObject };

/** What roles can allow, per type of a namespace. */
export function operationsOf(namespace: string, plane: Plane): readonly ProviderOperation[] {
  return rowsOf(namespace, plane).flatMap((row) => {
    const resource = row.type.slice(namespaceOf(row.type).length + 1);
    return actsOf(row).map((act) => ({
      name: `${row.type}/${act}`,
      type: row.type,
      display: {
        provider: namespace,
        resource,
        operation: `${act[0]?.toUpperCase() ?? ''}${act.slice(1)} ${resource}`,
        description: `${act} ${row.type}`,
      },
    }));
  });
}

function actsOf({ lives, methods, acts = [] }: Row): readonly string[] {
  if (lives === 'surface') return acts;
  return methods.includes('PUT') ? ['read', 'write', 'delete'] : ['read'];
}
