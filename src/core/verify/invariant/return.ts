/** Holds iff the replies of every flow that is let through are carried back: what keeps no state lets pass the reverse of what it passes. */

import { nothing } from '#verify/diagrams.ts';
import type { Half } from '#verify/halves.ts';
import type { Structural } from '#verify/invariant/invariant.ts';
import type { Row, RowKind } from '#verify/proof/kind.ts';
import type { Judged } from '#verify/proof/world.ts';

/**
 * Routers and the boundary track connections: a reply goes back the way its flow came, whatever tables and filters say of it as a packet of its own
 * (docs/decisions/0005-semantics.md). The switch tracks nothing: its permits must come in pairs. Between labels and the rest of the world
 * it passes by address alone, and to the endpoints by their ports: both are compared with their reverse.
 */
export const returns: RowKind<Structural> = {
  form: 'rows',
  rows(_, world) {
    const program = world.reach.programs['switch'];
    if (program?.kind !== 'switch') return [];
    const before = known.get(program.filter);
    if (before !== undefined) return before;
    const rows = [...labelRows(world), ...endpointRows(world)];
    known.set(program.filter, rows);
    return rows;
  },
};

const known = new WeakMap<object, readonly Row[]>();

/** Whatever comes in to a label: its reply goes out. */
function labelRows(world: Judged): readonly Row[] {
  const { reach, estate } = world;
  const { store, halves } = reach.parts;
  return estate.labels.flatMap((prefix) => {
    const label = prefix
      .replace(/\/\d+$/, '')
      .replace(/0$/, '9')
      .replace(/::$/, '::9');
    const into = halves.remotes(reach.fabric('target', label));
    const out = halves.remotes(reach.fabric('source', label));
    const [lost, unasked] = [store.difference(into, out), store.difference(out, into)];
    const rows: Row[] = [];
    if (lost !== nothing) rows.push(row(`the switch takes packets to ${prefix} whose replies it drops`));
    if (unasked !== nothing) rows.push(row(`the switch takes packets from ${prefix} whose replies it drops`));
    return rows;
  });
}

/** What comes to an endpoint's port goes back from that port. */
function endpointRows({ reach, estate }: Judged): readonly Row[] {
  const { store, halves } = reach.parts;
  return estate.endpoints.flatMap(({ name, target, port, protocol }) => {
    const asked = store.intersection(reach.fabric('target', target), halves.service(protocol, [[port, port]]));
    const answered: Half = store.intersection(
      reach.fabric('source', target),
      store.intersection(halves.service(protocol, []), halves.sourcePorts([port, port])),
    );
    const lost = store.difference(halves.remotes(asked), halves.remotes(answered));
    return lost === nothing ? [] : [row(`the switch drops replies of the endpoint ${name}`)];
  });
}

function row(says: string): Row {
  return { key: says, says, point: 'switch' };
}
