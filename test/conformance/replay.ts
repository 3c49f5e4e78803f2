/** Replays one example of the swagger: names of our own in place of the example's, prerequisites, the request, and a look at the answer. */

import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { typeOfId } from '#model/arm-id.ts';
import { makeMachine, needsMachine } from '#test/conformance/attached.ts';
import { errorOf, type Client } from '#test/conformance/client.ts';
import { Prerequisites } from '#test/conformance/prerequisite.ts';
import { faultsOf, type Example, type Operation } from '#test/conformance/swagger.ts';

export type Place = { readonly client: Client; readonly subscription: string; readonly location: string };

/** The reason why it failed; undefined when it passed. */
export async function replay(
  operation: Operation,
  example: Example,
  at: Place & { readonly number: number },
): Promise<string | undefined> {
  const parameters = own(renamed(operation, example.parameters), at) as JsonObject;
  const { path, query, body } = requestOf(operation, parameters, at);
  const before = new Prerequisites(at.client, at.location);
  const target = resourceIn(path);
  try {
    await prepare(before, { operation, target, body, path });
    if (needsMachine(operation.path)) await makeMachine(at, path, body);
    const reply = await at.client(operation.method, `${path}?${query}`, body);
    const codes = Object.keys(example.responses);
    if (!codes.includes(String(reply.status))) return `${codes.join(' or ')} is wanted, answered was ${errorOf(reply)}`;
    const faults = faultsOf(reply.body, operation.responses[String(reply.status)], operation.file);
    if (faults.length > 0) return `schema: ${faults.slice(0, 3).join('; ')}`;
    const lost =
      operation.method === 'PUT'
        ? leavesLost(body, { wanted: own(example.responses, at) as JsonObject, status: reply.status, body: reply.body })
        : [];
    return lost.length > 0 ? `lost: ${lost.slice(0, 3).join('; ')}` : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The groups that a replay made are removed, so that one example does not stand in another's way. */
export async function cleanUp(at: Place): Promise<void> {
  const { body } = await at.client('GET', `/subscriptions/${at.subscription}/resourcegroups?api-version=2019-10-01`);
  const groups = isObject(body) && Array.isArray(body['value']) ? body['value'].filter(isObject) : [];
  for (const scope of [`/subscriptions/${at.subscription}`, ...groups.map((group) => String(group['id']))])
    await removeExtensions(at, scope);
  for (const group of groups) await at.client('DELETE', `${String(group['id'])}?api-version=2019-10-01`);
  // A group whose resources are used from another one goes in a second round.
  for (const group of groups) await at.client('DELETE', `${String(group['id'])}?api-version=2019-10-01`);
}

async function removeExtensions(at: Place, scope: string): Promise<void> {
  for (const [type, version] of [
    ['locks', '2016-09-01'],
    ['roleAssignments', '2015-07-01'],
    ['roleDefinitions', '2015-07-01'],
  ] as const) {
    const { body } = await at.client(
      'GET',
      `${scope}/providers/Microsoft.Authorization/${type}?api-version=${version}`,
    );
    const items = isObject(body) && Array.isArray(body['value']) ? body['value'].filter(isObject) : [];
    for (const item of items.filter(isMade)) await at.client('DELETE', `${String(item['id'])}?api-version=${version}`);
  }
}

/** The owner's own assignment and the built-in roles stay. */
function isMade({ properties, type }: JsonObject): boolean {
  const held = isObject(properties) ? properties : {};
  if (type === 'Microsoft.Authorization/roleDefinitions') return held['type'] === 'CustomRole';
  return type !== 'Microsoft.Authorization/roleAssignments' || !String(held['roleDefinitionId']).includes('8e3af657');
}

async function prepare(
  before: Prerequisites,
  about: {
    readonly operation: Operation;
    readonly target: string | undefined;
    readonly body: Json | undefined;
    readonly path: string;
  },
): Promise<void> {
  const { operation, target, body, path } = about;
  const group = /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+/i.exec(path)?.[0];
  const isGroupPut = operation.operationId === 'ResourceGroups_CreateOrUpdate';
  if (group !== undefined && !isGroupPut) await before.make(group);
  const scope = /^(\/subscriptions\/.*?\/providers\/.*?)\/providers\/Microsoft\.(Authorization|Resources)\//i.exec(
    path,
  )?.[1];
  if (scope !== undefined) await before.make(scope);
  if (target !== undefined && operation.method === 'PUT') {
    const parent = target.split('/').slice(0, -2).join('/');
    if (typeOfId(parent) !== undefined) await before.make(parent);
  } else if (target !== undefined) await before.make(target);
  // The question is about an address of a subnet that stands.
  if (operation.operationId === 'VirtualNetworks_CheckIPAddressAvailability')
    await before.make(`${target}/subnets/made`);
  const asked = isObject(body) ? body['targetResourceGroupName'] : undefined;
  if (typeof asked === 'string') await before.make(`${path.split('/').slice(0, 4).join('/')}/${asked}`);
  await before.forBody(body, target ?? '/none');
}

/** The resource that a path speaks of: itself, the owner of an action, or the parent of a list. */
function resourceIn(path: string): string | undefined {
  if (/\/providers\/Microsoft\.Resources\//i.test(path)) return undefined;
  if (typeOfId(path) !== undefined) return path;
  const above = path.split('/').slice(0, -1).join('/');
  return typeOfId(above) === undefined ? undefined : above;
}

function requestOf(
  operation: Operation,
  parameters: JsonObject,
  at: Place,
): { path: string; query: string; body: Json | undefined } {
  const query = new URLSearchParams({ 'api-version': operation.apiVersion });
  let { path } = operation;
  let body: Json | undefined;
  for (const parameter of operation.parameters) {
    const name = String(parameter['name']);
    const value =
      parameters[
        operation.path === '/{roleDefinitionId}' && name === 'roleDefinitionId' ? 'roleDefinitionIdOfPath' : name
      ];
    if (parameter['in'] === 'body') body = value;
    if (parameter['in'] === 'query' && name !== 'api-version' && value !== undefined) query.set(name, String(value));
    if (parameter['in'] !== 'path') continue;
    const text = name === 'subscriptionId' ? at.subscription : name === 'location' ? at.location : String(value ?? '');
    const isWhole = name === 'scope' || name === 'parentResourcePath' || (name.endsWith('Id') && text.startsWith('/'));
    path = path.replace(`{${name}}`, isWhole ? text.replace(/^\//, '') : encodeURIComponent(text));
  }
  // Parameters that lie in files which the corpus lacks are known by their names in the path.
  path = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    name === 'subscriptionId' ? at.subscription : encodeURIComponent(String(parameters[name] ?? name)),
  );
  return { path: path.replace(/\/{2,}/g, '/'), query: query.toString(), body };
}

const guids = new Map<string, string>();

/** The example with our subscription, our location, and groups that are this replay's own. */
function own(value: Json | undefined, at: Place & { readonly number: number }, name = ''): Json | undefined {
  // The one member of Azure's load balancer examples that is refused by design; the rest of them is asked for.
  if (name === 'enableFloatingIP') return false;
  if (Array.isArray(value)) return value.map((item: Json) => own(item, at) ?? null);
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, own(held, at, key)]));
  if (typeof value !== 'string') return value;
  if (name === 'location' || name === 'locations') return at.location;
  if (name === 'resourceGroupName' || name === 'sourceResourceGroupName' || name === 'targetResourceGroupName')
    return `${value}-${at.number}`;
  const filler = fillers[name]?.(value, at);
  if (filler !== undefined) return filler;
  if (name === 'roleAssignmentName' || (name === 'roleDefinitionId' && !value.includes('/'))) return guidFor(value);
  if (name === 'roleDefinitionId')
    return `/subscriptions/${at.subscription}/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c`;
  if (name === 'scope') return scopeFor(value, at);
  if (name === 'assignableScopes') return value;
  return value
    .replace(/\/subscriptions\/[^/]+/gi, `/subscriptions/${at.subscription}`)
    .replace(/\/resourceGroups\/([^/]+)/gi, (_, group: string) => `/resourceGroups/${group}-${at.number}`);
}

// Words that stand for a value of their kind: each gets one that means something here.
const fillers: {
  readonly [name: string]: (value: string, at: Place & { readonly number: number }) => string | undefined;
} = {
  resourceProviderNamespace: (value) => (value.startsWith('Microsoft.') ? undefined : 'Microsoft.Network'),
  parentResourcePath: () => '',
  resourceType: (value) => (value === 'resourceType' ? 'virtualNetworks' : undefined),
  gatewayIpAddress: (value) => (value === 'x.x.x.x' ? '203.0.113.9' : undefined),
  roleAssignmentId: (value, at) => extensionFor('roleAssignments', guidFor(value), at),
  roleDefinitionIdOfPath: (value, at) => extensionFor('roleDefinitions', guidFor(value), at),
};

function extensionFor(type: string, name: string, at: Place & { readonly number: number }): string {
  return `/subscriptions/${at.subscription}/resourceGroups/scope-${at.number}/providers/Microsoft.Authorization/${type}/${name}`;
}

/** Examples leave the scope open; where it is no scope of ours it is a group of this replay. */
function scopeFor(value: string, at: Place & { readonly number: number }): string {
  const own = `subscriptions/${at.subscription}`;
  if (/^\/?subscriptions\/[^/]+$/i.test(value)) return own;
  if (/^\/?(subscriptions\/[^/]+\/)resourceGroups\/[^/]+\/providers\/Microsoft\.Network\//i.test(value))
    return value.replace(/^\/?subscriptions\/[^/]+/i, own);
  return `${own}/resourceGroups/scope-${at.number}`;
}

/** Names that must be GUIDs get one each. */
function guidFor(text: string): string {
  const known = guids.get(text) ?? `11111111-1111-4111-8111-${String(guids.size + 1).padStart(12, '0')}`;
  guids.set(text, known);
  return known;
}

/** `{roleDefinitionId}` as a whole path is another thing than the member of a body that has the same name. */
function renamed({ path }: Operation, parameters: JsonObject): JsonObject {
  if (path !== '/{roleDefinitionId}') return parameters;
  const filler = fillers['roleDefinitionIdOfPath'];
  return { ...parameters, roleDefinitionIdOfPath: filler === undefined ? '' : String(parameters['roleDefinitionId']) };
}

type Answered = { readonly wanted: JsonObject; readonly status: number; readonly body: Json | undefined };

/** What the request said, and the example's answer repeats, our answer must repeat too. */
function leavesLost(request: Json | undefined, { wanted, status, body }: Answered): readonly string[] {
  const example = wanted[String(status)];
  const shown = isObject(example) ? example['body'] : undefined;
  const lost: string[] = [];
  compare(request, { shown, body, pointer: '', lost });
  return lost;
}

type Compared = {
  readonly shown: Json | undefined;
  readonly body: Json | undefined;
  readonly pointer: string;
  readonly lost: string[];
};

// Ids have our own names in them; secrets are never shown, whatever the example shows.
const unshown = ['id', 'sharedKey', 'adminPassword', 'protectedSettings'];

function compare(request: Json | undefined, { shown, body, pointer, lost }: Compared): void {
  if (isObject(request)) {
    for (const [key, held] of Object.entries(request)) {
      const [inExample, inBody] = [memberOf(shown, key), memberOf(body, key)];
      if (inExample !== undefined && !unshown.includes(key))
        compare(held, { shown: inExample, body: inBody, pointer: `${pointer}/${key}`, lost });
    }
  } else if (Array.isArray(request)) {
    request.forEach((item: Json, index) => {
      const [inExample, inBody] = [elementOf(shown, index), elementOf(body, index)];
      if (inExample !== undefined)
        compare(item, { shown: inExample, body: inBody, pointer: `${pointer}/${index}`, lost });
    });
  } else if (
    request !== undefined &&
    String(request).toLowerCase() === String(shown).toLowerCase() &&
    String(request).toLowerCase() !== String(body).toLowerCase()
  ) {
    lost.push(`${pointer}: ${JSON.stringify(request)} was answered as ${JSON.stringify(body)}`);
  }
}

function memberOf(value: Json | undefined, key: string): Json | undefined {
  return isObject(value) ? value[key] : undefined;
}

function elementOf(value: Json | undefined, index: number): Json | undefined {
  return Array.isArray(value) ? (value[index] as Json | undefined) : undefined;
}
