/** Where packets of a NIC go next: the routes in force at its port, and the one that decides for an address (Azure: effective routes, next hop). */

import { contains, mergePrefixes, printPrefix, tryAddress, tryPrefix } from '#base/prefix.ts';
import type { Placed } from '#compile/answer/port.ts';
import { familyOf } from '#compile/read.ts';
import { systemTableKey } from '#compile/sdn/route.ts';
import { longestPrefix } from '#program/filter.ts';
import { platformAddress } from '#program/martian.ts';
import type { NextHop, Route, RouteTable } from '#program/program.ts';

/**
 * One route of a NIC. `isActive`: false when a user's route of the same prefix stands in its place. `shadowedBy`: the longer prefixes that
 * together hold every address of this one, so that it never decides; none when it does. `name`: of the user's route.
 */
export type EffectiveRoute = {
  readonly prefix: string;
  readonly hop: NextHop;
  readonly source: 'system' | 'user';
  readonly isActive: boolean;
  readonly shadowedBy: readonly string[];
  readonly name?: string;
};

const order: readonly NextHop['kind'][] = ['local', 'peer', 'internet', 'none', 'appliance'];

/** The routes of the families that the NIC has addresses of: the system's first, then the user's. */
export function effectiveRoutes({ router, port }: Placed): readonly EffectiveRoute[] {
  const families = new Set(Object.keys(port.addresses).map(familyOf));
  const table = tableOf(router.tables, port.table);
  const system = tableOf(router.tables, systemTableKey);
  const isOfFamily = ({ prefix }: Route): boolean => families.has(tryPrefix(prefix)?.family ?? 4);
  const inForce = Object.values(table.routes).filter(isOfFamily);
  const replaced = Object.values(system.routes).filter(
    (route) => isOfFamily(route) && nameOfRoute(table.routes[route.prefix]) !== undefined,
  );
  const rows = [
    ...inForce.map((route) => ({ route, isActive: true })),
    ...replaced.map((route) => ({ route, isActive: false })),
  ].map(({ route, isActive }): EffectiveRoute => {
    const name = nameOfRoute(route);
    const { prefix, hop } = route;
    const shadowedBy = isActive ? coverOf(prefix, inForce) : [];
    return name === undefined
      ? { prefix, hop, source: 'system', isActive, shadowedBy }
      : { prefix, hop, source: 'user', isActive, shadowedBy, name };
  });
  const rank = ({ source, hop }: EffectiveRoute): number =>
    source === 'system' ? order.indexOf(hop.kind) : order.length;
  return rows.toSorted((left, right) => rank(left) - rank(right));
}

/** The longer prefixes that hold the whole of a prefix; none when some address is left to it. */
function coverOf(prefix: string, routes: readonly Route[]): readonly string[] {
  const whole = tryPrefix(prefix);
  const inside = routes.flatMap((route) => tryPrefix(route.prefix) ?? []);
  const longer = inside.filter((each) => whole !== undefined && each.length > whole.length && contains(whole, each));
  if (whole === undefined || longer.length === 0) return [];
  const [merged, ...more] = mergePrefixes(longer);
  const isWhole = more.length === 0 && merged !== undefined && merged.length === whole.length;
  return isWhole ? longer.map(printPrefix) : [];
}

/** The next hop of a packet from the NIC to an address; no route drops it. `name`: of the user's route, if it is one. */
export function nextHopOf({ router, port }: Placed, target: string): { readonly hop: NextHop; readonly name?: string } {
  // The router answers for the platform's address itself; no route has a say (Azure: "What is IP address 168.63.129.16?").
  if (target === platformAddress) return { hop: { kind: 'internet' } };
  const { routes } = tableOf(router.tables, port.table);
  const address = tryAddress(target);
  const prefix = address === undefined ? undefined : longestPrefix(Object.keys(routes), address);
  const route = prefix === undefined ? undefined : routes[prefix];
  const name = nameOfRoute(route);
  return { hop: route?.hop ?? { kind: 'none' }, ...(name === undefined ? {} : { name }) };
}

function tableOf(tables: { readonly [key: string]: RouteTable }, key: string): RouteTable {
  return (Object.hasOwn(tables, key) ? tables[key] : undefined) ?? { routes: {} };
}

/** A user's route says `udr/<table>/<route>`, maybe with a note behind a colon; names have neither slash nor colon. */
function nameOfRoute(route: Route | undefined): string | undefined {
  return /^udr\/[^/]*\/([^/:]+)/.exec(route?.because ?? '')?.[1];
}
