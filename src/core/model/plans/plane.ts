/** The two planes of a stamp: what tenants ask of it, and what its operator asks; they share no subscription and no endpoint. */

import type { Resource, View } from '#model/resource.ts';

export type Plane = 'tenant' | 'admin';

/** The type of a subscription. */
export const subscriptionType = 'Microsoft.Resources/subscriptions';

/** Where a type can be asked for: providers of the operator end in `.Admin`; groups, access and the activity log are on both planes. */
export function planeOfType(type: string): Plane | 'both' {
  const namespace = (type.split('/')[0] ?? '').toLowerCase();
  if (namespace.endsWith('.admin')) return 'admin';
  return bothPlanes.has(namespace) ? 'both' : 'tenant';
}

const bothPlanes = new Set(['microsoft.resources', 'microsoft.authorization', 'microsoft.insights']);

/** Is the type one that the plane serves? */
export function servesType(plane: Plane, type: string): boolean {
  const own = planeOfType(type);
  return own === 'both' || own === plane;
}

/** The plane of a subscription: one of the operator's own is routed to the operator's resource manager (`routingResourceManagerType`). */
export function planeOfSubscription({ properties }: Pick<Resource, 'properties'>): Plane {
  return properties['routingResourceManagerType'] === 'Admin' ? 'admin' : 'tenant';
}

/** The plane of an id or a scope; undefined where no subscription is named, or none that is there. */
export function planeOfScope(view: Pick<View, 'get'>, scope: string): Plane | undefined {
  const subscription = /^\/+subscriptions\/+[^/]+/i.exec(scope)?.[0].replace(/\/+/g, '/');
  const found = subscription === undefined ? undefined : view.get(subscription);
  return found === undefined ? undefined : planeOfSubscription(found);
}
