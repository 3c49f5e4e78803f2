/** What all NICs together send out and back in by a public address: who leaves alike is looked at once. */

import type { Family } from '#base/prefix.ts';
import type { EdgeProgram, PortRange, RouterProgram } from '#program/program.ts';
import { all, nothing } from '#verify/diagrams.ts';
import { addressDigits, type Half } from '#verify/halves.ts';
import { leaves } from '#verify/operation.ts';
import { levels } from '#verify/packet-sets.ts';
import { throughEntry, toBoundary, translations } from '#verify/reach/outward.ts';
import { entriesOf, routerOfLabel } from '#verify/reach/places.ts';
import { type End, isAlike, type Reach } from '#verify/reach/reach.ts';

/** Senders of one router whose packets reach the boundary alike and are translated alike. Labels are of addresses. */
type Group = {
  readonly key: string;
  readonly family: Family;
  readonly out: Half;
  readonly ways: readonly Way[];
  readonly own: number;
  readonly translated: readonly number[];
  readonly senders: readonly Sender[];
};

/** One translation: of which packets, and whether the address is shared, so that source ports change. */
type Way = { readonly set: Half; readonly isShared: boolean };

type Sender = {
  readonly end: End;
  readonly seenAs: readonly { readonly address: string; readonly ports: PortRange | undefined }[];
};

/** The groups of a router, as long as neither the boundary nor the switch is another. */
export type Departures = {
  readonly edge: EdgeProgram | undefined;
  readonly fabric: object;
  readonly groups: readonly Group[];
};

/** Groups of all routers that leave alike. */
export type Class = {
  readonly out: Half;
  readonly ways: readonly Way[];
  readonly family: Family;
  readonly translated: number[];
  readonly groups: { readonly point: string; readonly group: Group }[];
};

/**
 * What the NICs of these marks make arrive at the address over public addresses, by the senders' own addresses (half): the union of
 * `hairpin` over all of them, whose every sender costs; here every class of senders does.
 */
export function hairpinsInto(reach: Reach, marks: ReadonlySet<number>, to: End): Half {
  const place = reach.places.marks.get(to.mark);
  const label = place?.port.addresses[to.address]?.label;
  const { edge } = reach;
  if (place === undefined || label === undefined || edge === undefined) return nothing;
  const entries = (entriesOf(edge).get(label) ?? []).filter(({ frontend }) =>
    isAlike(to, { mark: 0, address: frontend }),
  );
  if (entries.length === 0 || routerOfLabel(reach.programs, label) !== place.point) return nothing;
  const { store, halves } = reach.parts;
  const arriving = store.intersection(reach.arrivable(place, to, all), reach.fabric('target', label));
  const open = store.intersection(arriving, reach.inbound(to));
  const { family } = addressDigits(to.address);
  const excluded = excludedByPoint(reach, marks, to.mark);
  let found: Half = nothing;
  const add = (own: number, service: Half): void => {
    if (own !== leaves.nothing && service !== nothing)
      found = store.union(found, store.intersection(halves.remoteIs(own), service));
  };
  for (const one of classesOf(reach)) {
    if (one.family !== family) continue;
    for (const entry of entries) {
      const sent = halves.at(one.out, entry.frontend);
      if (sent === nothing) continue;
      for (const [index, { set, isShared }] of one.ways.entries()) {
        const left = store.intersection(sent, set);
        const asked = throughEntry(reach, entry, isShared ? halves.anySourcePort(left) : left);
        if (asked !== nothing) arrive(reach, { one, index, isShared, asked, open, excluded, add });
      }
    }
  }
  return found;
}

type Arriving = {
  readonly one: Class;
  readonly index: number;
  readonly isShared: boolean;
  readonly asked: Half;
  readonly open: Half;
  readonly excluded: ReadonlyMap<string, ReadonlySet<number>>;
  readonly add: (own: number, service: Half) => void;
};

/** What of the packets the target lets in, by the address that it sees: mostly one answer for the whole class. */
function arrive({ parts }: Reach, { one, index, isShared, asked, open, excluded, add }: Arriving): void {
  const { store, halves } = parts;
  const { trees } = store.diagrams;
  const seen = one.translated[index] ?? leaves.nothing;
  for (const [child, label] of store.diagrams.edgesOf(open, levels.remote)) {
    if (child === nothing) continue;
    const shared = trees.intersection(seen, label);
    if (shared === leaves.nothing) continue;
    const isPlain = !isShared || halves.anySourcePort(child) === child;
    if (isPlain && shared === seen) {
      add(ownOf(one, excluded, trees), store.intersection(asked, child));
      continue;
    }
    for (const { point, group } of one.groups) {
      for (const { end, seenAs } of group.senders) {
        const as = seenAs[index];
        if (as === undefined || excluded.get(point)?.has(end.mark) === true) continue;
        if (trees.leafAt(label, addressDigits(as.address).digits) !== leaves.all) continue;
        const mine =
          as.ports === undefined
            ? child
            : halves.anySourcePort(store.intersection(child, halves.sourcePorts(as.ports)));
        add(ownLabel(trees, [end]), store.intersection(asked, mine));
      }
    }
  }
}

type Trees = Reach['parts']['store']['diagrams']['trees'];

/** The own addresses of a class but for those excluded: in one router no two NICs have one address, in two they may. */
function ownOf({ groups }: Class, excluded: Arriving['excluded'], trees: Trees): number {
  return trees.unionOf(
    groups.map(({ point, group }) => {
      const out = excluded.get(point);
      if (out === undefined) return group.own;
      return ownLabel(
        trees,
        group.senders.flatMap(({ end }) => (out.has(end.mark) ? [] : [end])),
      );
    }),
  );
}

function ownLabel(trees: Trees, ends: readonly End[]): number {
  return addressLabel(
    trees,
    ends.map(({ address }) => address),
  );
}

function addressLabel(trees: Trees, addresses: readonly string[]): number {
  return trees.unionOf(
    addresses.map((address) => {
      const { family, digits } = addressDigits(address);
      return trees.prefix(digits, family === 4 ? 32 : 128);
    }),
  );
}

function excludedByPoint({ places }: Reach, marks: ReadonlySet<number>, own: number): Arriving['excluded'] {
  const excluded = new Map<string, Set<number>>();
  for (const [mark, { point }] of places.marks) {
    if (mark !== own && marks.has(mark)) continue;
    const list = excluded.get(point);
    if (list === undefined) excluded.set(point, new Set([mark]));
    else list.add(mark);
  }
  return excluded;
}

/** The classes of all senders; routers that are the same objects as before are not looked at again. */
function classesOf(reach: Reach): readonly Class[] {
  return reach.parts.classes.of(reach, () => {
    const { trees } = reach.parts.store.diagrams;
    const classes = new Map<string, Class>();
    for (const [point, program] of Object.entries(reach.programs)) {
      if (program.kind !== 'router') continue;
      for (const group of departuresOf(reach, point, program).groups) {
        const known = classes.get(group.key);
        if (known === undefined) {
          const { out, ways, family, translated } = group;
          classes.set(group.key, { out, ways, family, translated: [...translated], groups: [{ point, group }] });
          continue;
        }
        known.groups.push({ point, group });
        for (const [index, label] of group.translated.entries())
          known.translated[index] = trees.union(known.translated[index] ?? leaves.nothing, label);
      }
    }
    return [...classes.values()];
  });
}

function departuresOf(reach: Reach, point: string, router: RouterProgram): Departures {
  const { departures } = reach.parts;
  const known = departures.get(router);
  if (known !== undefined && known.edge === reach.edge && known.fabric === reach.switch) return known;
  return departures.set(router, { edge: reach.edge, fabric: reach.switch, groups: groupsOf(reach, point, router) });
}

function groupsOf(reach: Reach, point: string, { ports }: RouterProgram): readonly Group[] {
  const { trees } = reach.parts.store.diagrams;
  type Growing = Pick<Group, 'family' | 'out' | 'ways'> & { readonly senders: Sender[] };
  const found = new Map<string, Growing>();
  for (const { mark, addresses } of Object.values(ports)) {
    if (reach.places.marks.get(mark)?.point !== point) continue;
    for (const address of Object.keys(addresses)) {
      const end = { mark, address };
      const out = toBoundary(reach, end);
      if (out === nothing) continue;
      const list = translations(reach, end);
      if (list.length === 0) continue;
      const ways = list.map(({ set, ports: own }) => ({ set, isShared: own !== undefined }));
      const { family } = addressDigits(address);
      const key = `${family} ${out} ${ways.map(({ set, isShared }) => `${set}${isShared ? '+' : ''}`).join(' ')}`;
      const sender = { end, seenAs: list.map((one) => ({ address: one.address, ports: one.ports })) };
      const known = found.get(key);
      if (known === undefined) found.set(key, { family, out, ways, senders: [sender] });
      else known.senders.push(sender);
    }
  }
  return [...found].map(([key, group]) => ({
    ...group,
    key,
    own: ownLabel(
      trees,
      group.senders.map(({ end }) => end),
    ),
    translated: group.ways.map((_, index) =>
      addressLabel(
        trees,
        group.senders.map(({ seenAs }) => seenAs[index]?.address ?? ''),
      ),
    ),
  }));
}
