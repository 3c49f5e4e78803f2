/** Routes: one prefix of a route table and where its packets go next. */

import type { JsonObject } from '#base/json.ts';
import { printAddress, printPrefix } from '#base/prefix.ts';
import { Refusal } from '#base/wrong.ts';
import { routesPerTableMax } from '#base/limits.ts';
import { keepChild, openJob, touchParent } from '#model/job.ts';
import { addressOf, flagOf, missing, note, oneOf, prefixAt, textOf, type Reader } from '#model/parse.ts';
import type { Noun } from '#model/noun.ts';
import { parentOf, type Draft, type Resource } from '#model/resource.ts';
import { showNetwork } from '#model/show.ts';

export const routeType = 'Microsoft.Network/routeTables/routes';

/** Azure's next-hop types. */
const nextHopTypes = ['VirtualNetworkGateway', 'VnetLocal', 'Internet', 'VirtualAppliance', 'None'] as const;

export const route: Noun = {
  type: routeType,

  write(write, draft, context) {
    const job = openJob(routeType, write, { draft, context });
    const kept = keepChild(job, { properties: routePropertiesOf(job.properties) });
    checkRoutes(draft.get(parentOf(kept.id) ?? ''), draft);
    return kept;
  },

  remove(resource, draft, context) {
    draft.delete(resource.id);
    touchParent(resource.id, { draft, context });
  },

  show: (resource) => showNetwork(resource, { ...resource.properties, hasBgpOverride: false }),
};

/** Reads the properties of a route. */
export function routePropertiesOf(properties: Reader): JsonObject {
  const text = textOf(properties, 'addressPrefix', { required: true, lengthMax: 64 });
  const prefix = text === undefined ? undefined : prefixAt(properties, 'addressPrefix', text.trim());
  const nextHopType = oneOf(properties, 'nextHopType', nextHopTypes);
  if (nextHopType === undefined && !properties.members.has('nexthoptype')) missing(properties, 'nextHopType');
  // Some clients send the empty text for "none".
  const stated = properties.members.get('nexthopipaddress') !== '';
  const address = stated ? addressOf(properties, 'nextHopIpAddress') : undefined;
  if (nextHopType === 'VirtualAppliance' && address === undefined) {
    note(properties, 'nextHopIpAddress', {
      code: 'MissingNextHopIpAddress',
      message: 'A route with next hop type VirtualAppliance needs nextHopIpAddress, the address of the appliance.',
    });
  }
  if (nextHopType !== undefined && nextHopType !== 'VirtualAppliance' && address !== undefined) {
    note(properties, 'nextHopIpAddress', {
      code: 'NextHopIpAddressNotAllowed',
      message: `A route with next hop type ${nextHopType} takes no nextHopIpAddress; only VirtualAppliance does.`,
    });
  }
  if (prefix !== undefined && address !== undefined && prefix.family !== address.family) {
    note(properties, 'nextHopIpAddress', `the next hop must be an IPv${prefix.family} address, as the prefix is`);
  }
  flagOf(properties, 'hasBgpOverride');
  return {
    addressPrefix: prefix && printPrefix(prefix),
    nextHopType,
    nextHopIpAddress: address && printAddress(address),
  };
}

/** No two routes of a table have the same prefix, and there are not too many. */
export function checkRoutes(table: Resource | undefined, draft: Draft): void {
  if (table === undefined) return;
  const routes = draft.childrenOf(table.id, routeType);
  const target = '/properties/routes';
  if (routes.length > routesPerTableMax)
    throw new Refusal('RouteTableRoutesLimitReached', `A route table has at most ${routesPerTableMax} routes.`, {
      target,
    });
  const seen = new Map<unknown, string>();
  for (const { name, properties } of routes) {
    const prefix = properties['addressPrefix'];
    const other = seen.get(prefix);
    if (other !== undefined) {
      throw new Refusal(
        'RouteConflict',
        `Routes ${other} and ${name} of route table ${table.name} have the same address prefix ${String(prefix)}.`,
        { target },
      );
    }
    seen.set(prefix, name);
  }
}
