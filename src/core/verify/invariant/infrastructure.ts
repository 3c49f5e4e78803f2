/** Holds iff the stamp's own network is reached on its published endpoints and its resolver alone, and tunnels pass from host to host alone. */

import type { EdgeProgram, Filter, InfraProgram, Programs, SwitchProgram } from '#program/program.ts';
import { nothing } from '#verify/diagrams.ts';
import type { Half } from '#verify/halves.ts';
import type { Estate } from '#verify/invariant/estate.ts';
import type { Structural } from '#verify/invariant/invariant.ts';
import type { Row, RowKind } from '#verify/proof/kind.ts';
import type { Judged } from '#verify/proof/world.ts';

export const infrastructure: RowKind<Structural> = {
  form: 'rows',
  rows(_, world) {
    const { edge, switch: fabric, infra } = world.reach.programs;
    if (edge?.kind !== 'edge' || fabric?.kind !== 'switch' || infra?.kind !== 'infra') {
      return [row('the boundary, the switch or the infrastructure has no program')];
    }
    const inputs = [edge.published, fabric.filter, infra, world.estate.endpoints, hostsOf(world.reach.programs)];
    const before = known.get(fabric.filter);
    if (before !== undefined && before.inputs.every((input, index) => same(input, inputs[index]))) return before.rows;
    const rows = [
      ...publishedRows(edge, world.estate),
      ...openRows(world, fabric, infra),
      ...tunnelRows(world, fabric),
    ];
    known.set(fabric.filter, { inputs, rows });
    return rows;
  },
};

const known = new WeakMap<Filter, { readonly inputs: readonly unknown[]; readonly rows: readonly Row[] }>();

function same(left: unknown, right: unknown): boolean {
  return left === right;
}

function row(says: string): Row {
  return { key: says, says, point: 'infra' };
}

/** The boundary publishes what the stamp has endpoints for, and to whom they are for. */
function publishedRows({ published }: EdgeProgram, { endpoints }: Estate): readonly Row[] {
  return Object.values(published).flatMap((one) => {
    const known = endpoints.find(({ address, port }) => address === one.address && port === one.port);
    if (known === undefined) return [row(`${one.address}:${one.port} is published, and no endpoint of the stamp`)];
    const isSame = known.target === one.target && known.port === one.targetPort && known.protocol === one.protocol;
    if (!isSame) return [row(`${one.address}:${one.port} leads to ${one.target}:${one.targetPort}`)];
    const stranger = one.sources.find((source) => !known.sources.includes(source));
    return stranger === undefined ? [] : [row(`${one.address}:${one.port} takes ${stranger}, whom it is not for`)];
  });
}

/** Of the infrastructure's addresses the switch and its own firewall together pass the endpoints' ports and the resolver's. */
function openRows({ reach, estate }: Judged, fabric: SwitchProgram, infra: InfraProgram): readonly Row[] {
  const { store, halves, filters } = reach.parts;
  return infra.addresses.flatMap((address) => {
    const open = store.intersection(
      halves.of(filters.setOf(fabric.filter, noSets, 'target'), address),
      halves.of(filters.setOf(infra.filter, noSets, 'target'), address),
    );
    const mine = estate.endpoints.filter(({ target }) => target === address);
    const meant = mine.reduce<Half>(
      (sum, { protocol, port }) => store.union(sum, halves.service(protocol, [[port, port]])),
      isResolver(reach.programs, address) ? halves.service('any', [[53, 53]]) : nothing,
    );
    const rest = store.difference(open, meant);
    if (rest === nothing) return [];
    return [row(`${address} is open on ${halves.words(rest, 4).join(', ') || 'more than its endpoints'}`)];
  });
}

function isResolver({ resolver }: Programs, address: string): boolean {
  return resolver?.kind === 'resolver' && resolver.address === address;
}

/** VXLAN (UDP 4789) to a host comes from a host, and nothing else goes to one (decision D3.7). */
function tunnelRows({ reach, estate }: Judged, fabric: SwitchProgram): readonly Row[] {
  const { store, halves, filters } = reach.parts;
  const hosts = Object.values(reach.programs).flatMap((program) => (program.kind === 'host' ? [program.underlay] : []));
  const prefixes = hosts.map((address) => `${address}/32`);
  return hosts.flatMap((address) => {
    const open = halves.of(filters.setOf(fabric.filter, noSets, 'target'), address);
    const meant = store.intersection(halves.remote(prefixes, 4), halves.service('udp', [[4789, 4789]]));
    const rest = store.difference(open, meant);
    return rest === nothing
      ? []
      : [row(`the underlay address ${address} of ${estate.underlay} takes more than tunnels`)];
  });
}

/** The hosts as one text: a new one changes what tunnels are. */
function hostsOf(programs: Programs): string {
  return Object.values(programs)
    .flatMap((program) => (program.kind === 'host' ? [program.underlay] : []))
    .join();
}

const noSets = Object.freeze({});
