/** Writes existing resources as a template that would deploy them again. */

import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { idKey, idParts, scopeIdOf, type Scope } from '#template/scope.ts';

/** A resource as it is read back, with the api-version that it was read in. */
export type ExportedResource = {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly apiVersion: string;
  readonly [member: string]: Json | undefined;
};

// What the resource provider sets, or what the head of the resource in the template already says.
const readOnly: ReadonlySet<string> = new Set([
  'etag',
  'provisioningState',
  'resourceGuid',
  'instanceView',
  'vmId',
  'timeCreated',
  'defaultSecurityRules',
  'systemData',
  'macAddress',
]);
const headers: ReadonlySet<string> = new Set([
  'id',
  'type',
  'name',
  'apiVersion',
  'properties',
  'etag',
  'systemData',
  'managedBy',
  'resourceGroup',
]);

/**
 * The template of `exportTemplate` with literal names (option `SkipAllParameterization`): ids within the scope become
 * `resourceId(…)`, and what a resource refers to it also waits for.
 */
export function exportTemplate(resources: readonly ExportedResource[], scope: Omit<Scope, 'location'>): JsonObject {
  const sorted = resources.toSorted((left, right) => (idKey(left.id) < idKey(right.id) ? -1 : 1));
  const known = new Map(sorted.map((resource) => [idKey(resource.id), resource.id]));
  return {
    $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
    contentVersion: '1.0.0.0',
    parameters: {},
    variables: {},
    resources: sorted.map((resource) => exportOne(resource, { known, home: scopeIdOf(scope) })),
  };
}

type Surroundings = { readonly known: ReadonlyMap<string, string>; readonly home: string };

function exportOne(resource: ExportedResource, surroundings: Surroundings): JsonObject {
  const waits = new Set<string>();
  const write = (value: Json) => writeValue(value, { ...surroundings, self: idKey(resource.id), waits });
  const parts = idParts(resource.id);
  const extras = Object.entries(resource)
    .filter(([key, value]) => !headers.has(key) && value !== undefined && value !== null)
    .map(([key, value]): [string, Json] => [key, write(value ?? null)]);
  const properties = resource['properties'];
  const written = isObject(properties) ? write(properties) : undefined;
  const parent = parentId(resource.id);
  if (parent !== undefined && surroundings.known.has(parent)) waits.add(parent);
  const dependsOn = [...waits].sort().map((key) => idExpression(surroundings.known.get(key) ?? key, surroundings.home));
  return {
    type: parts?.type ?? resource.type,
    apiVersion: resource.apiVersion,
    name: escapeText(parts?.name ?? resource.name),
    ...Object.fromEntries(extras),
    ...(dependsOn.length === 0 ? {} : { dependsOn }),
    ...(written === undefined ? {} : { properties: written }),
  };
}

type Writing = Surroundings & { readonly self: string; readonly waits: Set<string> };

function writeValue(value: Json, writing: Writing): Json {
  if (typeof value === 'string') return writeText(value, writing);
  if (Array.isArray(value)) return value.map((item) => writeValue(item, writing)).filter((item) => item !== null);
  if (!isObject(value)) return value;
  const isOwnChild =
    typeof value['id'] === 'string' && idKey(value['id']).startsWith(`${writing.self}/`) && 'name' in value;
  const members = Object.entries(value)
    .filter(
      ([key, member]) =>
        member !== undefined &&
        member !== null &&
        !readOnly.has(key) &&
        !(isOwnChild && (key === 'id' || key === 'type')),
    )
    .map(([key, member]): [string, Json] => [key, writeValue(member ?? null, writing)]);
  return Object.fromEntries(members);
}

function writeText(text: string, { known, home, self, waits }: Writing): Json {
  if (!/^\/subscriptions\//i.test(text)) return escapeText(text);
  const key = idKey(text);
  const target = [...known.keys()].find((id) => id !== self && (key === id || key.startsWith(`${id}/`)));
  if (target !== undefined) waits.add(target);
  return idExpression(text, home);
}

function parentId(id: string): string | undefined {
  const parts = idParts(id);
  return parts?.name.includes('/') === true ? idKey(id.split('/').slice(0, -2).join('/')) : undefined;
}

function idExpression(id: string, home: string): string {
  const parts = idParts(id);
  if (parts === undefined || idKey(parts.scopeId) !== idKey(home)) return escapeText(id);
  return `[resourceId(${[parts.type, ...parts.name.split('/')].map(quote).join(', ')})]`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A text that would be read as an expression gets a second bracket. */
function escapeText(text: string): string {
  return text.startsWith('[') && text.endsWith(']') ? `[${text}` : text;
}
