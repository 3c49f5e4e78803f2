/** Sets against the oracle: on random stamps, what the sets say of packets is what `evaluate` does with them, in both directions. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { evaluate } from '#program/eval.ts';
import type { Header } from '#program/filter.ts';
import type { Delivered, Fate, Packet } from '#program/packet.ts';
import type { Programs } from '#program/program.ts';
import { all, nothing } from '#verify/diagrams.ts';
import { addressDigits, type Half } from '#verify/halves.ts';
import { PacketSets, valuesOf } from '#verify/packet-sets.ts';
import { straight } from '#verify/reach/inside.ts';
import { fromInternet, fromOperator, fromProbe } from '#verify/reach/inward.ts';
import { hairpin, toInternet } from '#verify/reach/outward.ts';
import { type End, endsOf, Reach, reachParts, type WayIn } from '#verify/reach/reach.ts';
import { sentOn } from '#verify/reach/relay.ts';
import { labStamp, viewOf } from '#test/generate/build.ts';
import { randomEdits } from '#test/generate/edit.ts';
import { withOpenings } from '#test/generate/opening.ts';
import { packetPool, randomPacket } from '#test/generate/packet.ts';
import { randomFrom } from '#test/generate/random.ts';
import { randomStamp } from '#test/generate/stamp.ts';

const stamps = 60;
const packetsPerStamp = 350;
const firstSeed = 1000;

type Sample = readonly [packet: Header, local: 'source' | 'target'];

function holds(reach: Reach, half: Half, ...[packet, local]: Sample): boolean {
  const values = valuesOf(packet, local);
  if (values === undefined) return false;
  const { diagrams } = reach.parts.store;
  return values.reduce((node, value, level) => (level < 2 ? node : diagrams.follow(node, level, value)), half) === all;
}

type Arrived = { readonly mark: number; readonly packet: Header };

function nicsOf(fate: Fate): readonly Arrived[] {
  if (fate.verdict !== 'deliver') return [];
  return fate.to.flatMap(({ at, packet }: Delivered) => (at.kind === 'nic' ? [{ mark: at.mark, packet }] : []));
}

function named(list: readonly Arrived[]): readonly string[] {
  return [...new Set(list.map(({ mark, packet }) => `${mark} ${packet.target}:${packet.targetPort}`))].sort();
}

/** Whom a packet from outside reaches by the ways in. */
function expected(
  reach: Reach,
  packet: Packet,
  { source, waysOf }: { readonly source: string; readonly waysOf: (end: End) => readonly WayIn[] },
): readonly Arrived[] {
  return [...reach.places.marks.values()].flatMap((place) =>
    endsOf(place).flatMap((end) =>
      waysOf(end).flatMap(({ entry, set }): Arrived[] => {
        if (entry?.frontend !== packet.target) return [];
        if (entry.port !== 0 && entry.port !== packet.targetPort) return [];
        const targetPort = entry.port === 0 ? packet.targetPort : entry.targetPort;
        const { origin: _, ...header } = { ...packet, source, target: end.address, targetPort };
        return holds(reach, set, header, 'target') ? [{ mark: end.mark, packet: header }] : [];
      }),
    ),
  );
}

function checkPacket(reach: Reach, packet: Packet, says: string): void {
  const fate = evaluate(reach.programs, packet);
  const seen = nicsOf(fate);
  const { origin, ...header } = packet;
  switch (origin.kind) {
    case 'internet':
      assert.deepEqual(
        named(expected(reach, packet, { source: packet.source, waysOf: (end) => fromInternet(reach, end) })),
        named(seen),
        says,
      );
      return;
    case 'operator': {
      const { edge } = reach.programs;
      const source = edge?.kind === 'edge' ? edge.operatorSource : '';
      const isOnLink = packet.source.startsWith('169.254.');
      const found = isOnLink ? expected(reach, packet, { source, waysOf: (end) => fromOperator(reach, end) }) : [];
      assert.deepEqual(named(found), named(seen), says);
      return;
    }
    case 'probe': {
      const place = reach.places.addresses.get(origin.point)?.get(packet.target);
      const isThere = place !== undefined && place.point === origin.point;
      const set = isThere ? fromProbe(reach, { mark: place.port.mark, address: packet.target }) : nothing;
      assert.equal(holds(reach, set, header, 'target'), seen.length > 0, says);
      return;
    }
    case 'nic':
      checkSender(reach, packet, { fate, seen, says });
  }
}

type Seen = { readonly fate: Fate; readonly seen: readonly Arrived[]; readonly says: string };

function checkSender(reach: Reach, packet: Packet, { fate, seen, says }: Seen): void {
  const { origin, ...header } = packet;
  const place = origin.kind === 'nic' ? reach.places.marks.get(origin.mark) : undefined;
  if (place === undefined) return;
  const from = { mark: place.port.mark, address: packet.source };
  const isOwn = Object.hasOwn(place.port.addresses, packet.source);
  const isOut = fate.verdict === 'deliver' && fate.to.some(({ at }) => at.kind === 'internet');
  if (isOwn) {
    const exits = toInternet(reach, from);
    const direct = exits.filter(({ through }) => through === undefined);
    assert.equal(
      direct.some(({ set }) => holds(reach, set, header, 'source')),
      isOut,
      `${says} out`,
    );
    for (const { through, set } of exits) {
      if (through === undefined || !holds(reach, set, header, 'source')) continue;
      assert.ok(
        seen.some(({ mark }) => mark === through),
        `${says} into appliance ${through}`,
      );
    }
  }
  const isByEdge = fate.hops.some(({ point }) => point === 'edge');
  for (const arrived of seen) {
    const to = { mark: arrived.mark, address: arrived.packet.target };
    const isTarget = reach.places.marks.get(to.mark)?.port.addresses[to.address] !== undefined;
    // Into an appliance by a route: the target is somebody else.
    if (!isTarget) continue;
    if (!isOwn) {
      const set = sentOn(reach, place, { end: to, sources: all });
      const isBalanced = fate.hops.some(({ step }) => step === 'balance');
      assert.ok(isBalanced || holds(reach, set, arrived.packet, 'target'), `${says} sent on to ${to.mark}`);
      continue;
    }
    if (to.mark === from.mark && isByEdge) continue;
    const set = isByEdge ? hairpin(reach, from, to) : straight(reach, from, to);
    const ports = isByEdge ? { ...arrived.packet, sourcePort: header.sourcePort } : arrived.packet;
    assert.ok(holds(reach, set, ports, 'target'), `${says} ${isByEdge ? 'hairpin' : 'straight'} to ${to.mark}`);
  }
  checkDenied(reach, packet, { fate, seen, says });
}

/** What did not arrive at the target itself is in no set that leads there by that very target. */
function checkDenied(reach: Reach, packet: Packet, { seen, says, fate }: Seen): void {
  const { origin, ...header } = packet;
  const place = origin.kind === 'nic' ? reach.places.marks.get(origin.mark) : undefined;
  const router = place === undefined ? undefined : reach.router(place.point);
  if (place === undefined || router === undefined || fate.hops.some(({ step }) => step === 'balance')) return;
  const targets = new Set(Object.values(router.balances).flatMap(({ targets: some }) => Object.keys(some)));
  if (targets.has(packet.target)) return;
  const isOwn = Object.hasOwn(place.port.addresses, packet.source);
  if (!isOwn && !place.port.forwarding) return;
  for (const other of reach.places.marks.values()) {
    if (!Object.hasOwn(other.port.addresses, packet.target)) continue;
    const to = { mark: other.port.mark, address: packet.target };
    if (seen.some(({ mark }) => mark === to.mark)) continue;
    const from = { mark: place.port.mark, address: packet.source };
    const set = isOwn ? straight(reach, from, to) : sentOn(reach, place, { end: to, sources: all });
    assert.ok(!holds(reach, set, header, 'target'), `${says} does not reach ${to.mark}`);
  }
}

test('sets and oracle agree on random packets over random stamps', () => {
  let count = 0;
  for (let seed = firstSeed; seed < firstSeed + stamps; seed++) {
    const random = randomFrom(seed);
    const compiled = compileStamp(viewOf(randomStamp(seed)), labStamp, new CompileMemo());
    const programs = seed % 2 === 0 ? withOpenings(random, compiled, 0) : compiled;
    const reach = new Reach(programs, reachParts(new PacketSets()));
    const pool = packetPool(programs);
    for (let index = 0; index < packetsPerStamp; index++) {
      const packet = randomPacket(random, pool);
      checkPacket(reach, packet, `seed ${seed}, packet ${JSON.stringify(packet)}`);
      count += 1;
    }
  }
  assert.equal(count, stamps * packetsPerStamp);
});

/** The numbers of all ways in and out of every address, in order of marks: equal sets of one store have equal numbers. */
function numbersOf(reach: Reach): readonly string[] {
  const places = [...reach.places.marks.values()].toSorted((left, right) => left.port.mark - right.port.mark);
  return places.flatMap((place) =>
    endsOf(place).map((end) => {
      const ways = [...fromInternet(reach, end), ...fromOperator(reach, end)].map(({ set }) => set);
      const exits = toInternet(reach, end).map(({ through, set }) => `${through ?? ''}:${set}`);
      return `${end.mark} ${end.address} ${ways.join()} ${exits.join()}`;
    }),
  );
}

test('step by step gives the same sets as afresh, also after going back', () => {
  for (let seed = firstSeed; seed < firstSeed + 12; seed++) {
    const random = randomFrom(seed);
    const view = viewOf(randomStamp(seed));
    const memo = new CompileMemo();
    const store = new PacketSets({ memoBits: 4 });
    const parts = reachParts(store);
    let reach = new Reach(compileStamp(view, labStamp, memo), parts);
    numbersOf(reach);
    for (let step = 0; step < 10; step++) {
      const edits = randomEdits(random, view);
      const before = edits.map(({ id }) => ({ id, after: view.get(id) }));
      view.commit(edits);
      const mark = store.mark();
      const next = new Reach(compileStamp(view, labStamp, memo), parts, reach);
      const numbers = numbersOf(next);
      assert.deepEqual(numbers, numbersOf(new Reach(next.programs, parts)), `seed ${seed}, step ${step}`);
      if (random.chance(0.5)) {
        store.rollback(mark);
        view.commit(before.map(({ id, after }) => ({ id, before: view.get(id), after })).toReversed());
        reach = new Reach(compileStamp(view, labStamp, memo), parts, reach);
        checkAfresh(reach, `seed ${seed}, step ${step}, back`);
      } else {
        store.commit();
        reach = next;
        checkAfresh(reach, `seed ${seed}, step ${step}`);
      }
    }
  }
});

/** A store of its own has other numbers; the packets must be the same ones. */
function checkAfresh(reach: Reach, says: string): void {
  const fresh = new Reach(reach.programs as Programs, reachParts(new PacketSets()));
  const random = randomFrom(7);
  const pool = packetPool(reach.programs);
  for (let index = 0; index < 20; index++) {
    const { origin: _, ...header } = randomPacket(random, pool);
    for (const place of reach.places.marks.values()) {
      for (const end of endsOf(place)) {
        if (addressDigits(end.address).family !== addressDigits(header.source).family) continue;
        const [left, right] = [reach, fresh].map((one) =>
          fromInternet(one, end).some(({ set }) => holds(one, set, { ...header, target: end.address }, 'target')),
        );
        assert.equal(left, right, says);
      }
    }
  }
}
