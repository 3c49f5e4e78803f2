/** Holds iff no packet is sent around in circles: following next hops from appliance to appliance, no target comes back to where it was. */

import type { Family } from '#base/prefix.ts';
import { leaves } from '#verify/operation.ts';
import type { Structural } from '#verify/invariant/invariant.ts';
import type { Row, RowKind } from '#verify/proof/kind.ts';
import type { Judged } from '#verify/proof/world.ts';
import type { Place } from '#verify/reach/places.ts';

/**
 * A single router sends a packet to a NIC, to a peer that hands it to a NIC, or out: it cannot circle by itself. Appliances can: each sends what it
 * got by its own table. So a cycle of appliances for one target is a loop.
 */
export const loops: RowKind<Structural> = {
  form: 'rows',
  rows: (_, world) => [4, 6].flatMap((family) => cycles(world, family as Family)),
};

type Edge = { readonly to: number; readonly label: number };

function cycles(world: Judged, family: Family): readonly Row[] {
  const { forwarding } = world.reach.places;
  if (forwarding.length < 2) return [];
  const edges = new Map(forwarding.map((place) => [place.port.mark, edgesOf(world, place, family)]));
  const { trees } = world.reach.parts.store.diagrams;
  const rows = new Map<string, Row>();
  const walk = (path: readonly number[], label: number): void => {
    const at = path.at(-1) ?? 0;
    for (const { to, label: targets } of edges.get(at) ?? []) {
      const rest = trees.intersection(label, targets);
      if (rest === leaves.nothing) continue;
      const start = path.indexOf(to);
      if (start < 0) {
        if (path.length < pathMax) walk([...path, to], rest);
        continue;
      }
      const circle = path.slice(start).toSorted((left, right) => left - right);
      const key = `${family} ${circle.join(' ')}`;
      const says = `NICs ${circle.join(', ')} send packets to each other in circles (IPv${family})`;
      rows.set(key, { key, says, mark: circle[0] ?? at });
    }
  };
  for (const mark of edges.keys()) if ((edges.get(mark) ?? []).length > 0) walk([mark], leaves.all);
  return [...rows.values()];
}

/** Appliances in a row; a longer chain is looked into from its later members. */
const pathMax = 8;

/** The appliances that this one's table names, each with the targets that are sent there. */
function edgesOf({ reach }: Judged, { point, port }: Place, family: Family): readonly Edge[] {
  const router = reach.router(point);
  if (router === undefined) return [];
  return reach.parts.routes.waysOf(router.tables[port.table], family).flatMap(({ hop, label }): Edge[] => {
    const to = hop.kind === 'appliance' ? reach.applianceAt(router, hop.address) : undefined;
    return to === undefined || to === port.mark ? [] : [{ to, label }];
  });
}
