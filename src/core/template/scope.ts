/** Where a deployment lands: scopes, and how ARM writes, reads and compares the ids of resources. */

import { Refusal } from '#base/wrong.ts';

/** The target of a deployment. Without a resource group it is the subscription itself. */
export type Scope = {
  readonly subscriptionId: string;
  readonly resourceGroup?: string;
  /** The resource group's location, or the location given for a subscription's deployment. */
  readonly location: string;
};

/** The parts of a resource id: what it hangs on, its full type, and its full name (`parent/child`). */
export type IdParts = { readonly scopeId: string; readonly type: string; readonly name: string };

/** The id of a scope itself. */
export function scopeIdOf({ subscriptionId, resourceGroup }: Omit<Scope, 'location'>): string {
  const subscription = `/subscriptions/${subscriptionId}`;
  return resourceGroup === undefined ? subscription : `${subscription}/resourceGroups/${resourceGroup}`;
}

/** The scope that a scope id names; undefined when it is no subscription or resource group. */
export function scopeOfId(id: string): Omit<Scope, 'location'> | undefined {
  const [, root, subscriptionId, groups, resourceGroup, ...rest] = id.split('/');
  if (root?.toLowerCase() !== 'subscriptions' || !subscriptionId || rest.length > 0) return undefined;
  if (groups === undefined) return { subscriptionId };
  return groups.toLowerCase() === 'resourcegroups' && resourceGroup ? { subscriptionId, resourceGroup } : undefined;
}

/**
 * Writes the id of a resource from its type (`Microsoft.Network/virtualNetworks/subnets`) and its full name (`net/web`). A
 * trailing slash of the type is tolerated, as ARM does. A resource group's own id has no provider in it.
 */
export function resourceIdOf(scopeId: string, type: string, name: string): string {
  const [namespace = '', ...types] = type.split('/').filter((part) => part !== '');
  const names = name.split('/');
  if (namespace === '' || types.length === 0 || types.length !== names.length || names.includes('')) {
    throw new Refusal(
      'InvalidTemplate',
      `The type '${type}' and the name '${name}' do not fit: the name must have ${types.length} segment(s), one for each segment of the type after the provider.`,
    );
  }
  if (isGroupType(type)) return `${subscriptionPart(scopeId)}/resourceGroups/${name}`;
  const pairs = types.map((part, index) => `${part}/${names[index] ?? ''}`).join('/');
  return `${scopeId === '/' ? '' : scopeId}/providers/${namespace}/${pairs}`;
}

/** Splits a full id; undefined when the text is none. The last `providers` segment counts, so extension resources work. */
export function idParts(id: string): IdParts | undefined {
  if (!id.startsWith('/')) return undefined;
  const segments = id.split('/').slice(1);
  const at = segments.findLastIndex((segment) => segment.toLowerCase() === 'providers');
  if (at < 0) {
    const scope = scopeOfId(id);
    if (scope?.resourceGroup === undefined) return undefined;
    return {
      scopeId: `/subscriptions/${scope.subscriptionId}`,
      type: 'Microsoft.Resources/resourceGroups',
      name: scope.resourceGroup,
    };
  }
  const [namespace, ...rest] = segments.slice(at + 1);
  if (!namespace || rest.length < 2 || rest.length % 2 !== 0 || rest.includes('')) return undefined;
  return {
    scopeId: segments.slice(0, at).length === 0 ? '/' : `/${segments.slice(0, at).join('/')}`,
    type: [namespace, ...rest.filter((_, index) => index % 2 === 0)].join('/'),
    name: rest.filter((_, index) => index % 2 === 1).join('/'),
  };
}

/** The form of an id that compares: lower case, single slashes, and one spelling for a resource group. */
export function idKey(id: string): string {
  const key = id
    .toLowerCase()
    .replace(/\/{2,}/g, '/')
    .replace(/(?<=.)\/$/, '');
  return key.replace(
    /^(\/subscriptions\/[^/]+)(?:\/resourcegroups\/[^/]+)?\/providers\/microsoft\.resources\/resourcegroups\/([^/]+)$/,
    '$1/resourcegroups/$2',
  );
}

/** The scope that a resource lives in: the subscription and resource group at the front of its id. */
export function homeOf(id: string, fallback: Scope): Omit<Scope, 'location'> {
  const match = /^\/subscriptions\/([^/]+)(?:\/resourceGroups\/([^/]+))?/i.exec(id);
  const [, subscriptionId, resourceGroup] = match ?? [];
  if (subscriptionId === undefined) return { subscriptionId: fallback.subscriptionId };
  return resourceGroup === undefined || idParts(id)?.type === 'Microsoft.Resources/resourceGroups'
    ? { subscriptionId }
    : { subscriptionId, resourceGroup };
}

function isGroupType(type: string): boolean {
  return /^microsoft\.resources\/resourcegroups\/?$/i.test(type);
}

function subscriptionPart(scopeId: string): string {
  return /^\/subscriptions\/[^/]+/i.exec(scopeId)?.[0] ?? scopeId;
}
