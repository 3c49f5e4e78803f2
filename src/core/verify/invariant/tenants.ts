/** Holds iff networks are apart unless both owners peered them: every port, remote, peer and label is where the estate says, and the switch joins no two labels. */

import type { Programs, RouterProgram } from '#program/program.ts';
import { nothing } from '#verify/diagrams.ts';
import type { Estate, VnetEstate } from '#verify/invariant/estate.ts';
import type { Structural } from '#verify/invariant/invariant.ts';
import type { Row, RowKind } from '#verify/proof/kind.ts';
import type { Judged } from '#verify/proof/world.ts';
import { routerOfLabel } from '#verify/reach/places.ts';

export const tenants: RowKind<Structural> = {
  form: 'rows',

  rows: (_, world) => [...routerRows(world), ...labelRows(world), ...fabricRows(world)],
};

/** Rows of one router hang on its own parts and the estate alone. */
type Parts = readonly [
  RouterProgram['ports'],
  RouterProgram['remotes'],
  RouterProgram['peers'],
  Estate['nics'],
  Estate['vnets'],
];
const known = new WeakMap<RouterProgram['ports'], { readonly parts: Parts; readonly rows: readonly Row[] }>();

function routerRows({ reach, estate }: Judged): readonly Row[] {
  return Object.entries(reach.programs).flatMap(([point, program]) => {
    if (program.kind !== 'router') return [];
    const parts: Parts = [program.ports, program.remotes, program.peers, estate.nics, estate.vnets];
    const before = known.get(program.ports);
    if (before?.parts.every((part, index) => part === parts[index]) === true) return before.rows;
    const rows = rowsOf(point, program, estate);
    known.set(program.ports, { parts, rows });
    return rows;
  });
}

function rowsOf(point: string, router: RouterProgram, { nics, vnets }: Estate): readonly Row[] {
  const own = Object.hasOwn(vnets, router.key) ? vnets[router.key] : undefined;
  if (own === undefined) return [row(point, `${point} is the router of no network that anybody owns`)];
  const rows: Row[] = [];
  const isOf = (mark: number, vnet: VnetEstate): boolean => nics[String(mark)]?.vnet === vnet.id;
  for (const { mark } of Object.values(router.ports)) {
    if (!isOf(mark, own)) rows.push(row(point, `the port of NIC ${mark} is in a network that is not its own`, mark));
  }
  for (const { mark } of Object.values(router.remotes)) {
    if (!isOf(mark, own)) rows.push(row(point, `NIC ${mark} is taken for one of this network`, mark));
  }
  for (const [key, { addresses }] of Object.entries(router.peers)) {
    const other = Object.hasOwn(vnets, key) ? vnets[key] : undefined;
    if (other === undefined || !own.peered.includes(key) || !other.peered.includes(router.key)) {
      rows.push(row(point, `the network is joined to ${key}, which both owners did not ask for`));
      continue;
    }
    for (const { mark } of Object.values(addresses)) {
      if (!isOf(mark, other)) rows.push(row(point, `NIC ${mark} is taken for one of the peer ${key}`, mark));
    }
  }
  return rows;
}

function row(point: string, says: string, mark?: number): Row {
  return { key: `${point} ${says}`, says, point, ...(mark === undefined ? {} : { mark }) };
}

const labelsKnown = new WeakMap<object, { readonly inputs: readonly unknown[]; readonly rows: readonly Row[] }>();

/** Each label belongs to one address of one port, and leads to that port's router. */
function labelRows({ reach }: Judged): readonly Row[] {
  const inputs = fabricInputs(reach.programs);
  const before = labelsKnown.get(reach.places.parts);
  if (before !== undefined && sameItems(before.inputs, inputs)) return before.rows;
  const rows: Row[] = [];
  const owners = new Map<string, number>();
  for (const { point, port } of reach.places.marks.values()) {
    for (const { label } of Object.values(port.addresses)) {
      const other = owners.get(label);
      if (other !== undefined) rows.push(row(point, `label ${label} stands for two addresses`, port.mark));
      owners.set(label, port.mark);
      if (routerOfLabel(reach.programs, label) !== point) {
        rows.push(row(point, `label ${label} does not lead to the router of its NIC`, port.mark));
      }
    }
  }
  labelsKnown.set(reach.places.parts, { inputs, rows });
  return rows;
}

function fabricInputs(programs: Programs): readonly unknown[] {
  return Object.values(programs).flatMap((program) =>
    program.kind === 'switch' || program.kind === 'host' ? [program.routes] : [],
  );
}

function sameItems(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((item, index) => item === right[index]);
}

/** From label to label nothing passes the switch: what crosses from one tenant to another crosses the boundary. */
function fabricRows({ reach, estate }: Judged): readonly Row[] {
  const program = reach.programs['switch'];
  if (program?.kind !== 'switch') return [row('switch', 'there is no switch')];
  const { store, filters, halves } = reach.parts;
  const set = filters.setOf(program.filter, noSets, 'target');
  const joined = store.intersection(set, store.intersection(halves.within(estate.labels), halves.apart(estate.labels)));
  return joined === nothing ? [] : [row('switch', 'the switch passes packets from one label to another')];
}

const noSets = Object.freeze({});
