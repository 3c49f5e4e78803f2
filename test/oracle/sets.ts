/** Sets against the oracle on one packet: what the sets of all ends say of it is what `evaluate` does with it. */

import { strict as assert } from 'node:assert';
import { evaluate } from '#program/eval.ts';
import type { Header } from '#program/filter.ts';
import type { Delivered, Fate, Packet } from '#program/packet.ts';
import type { Balance, RouterProgram } from '#program/program.ts';
import { all, nothing } from '#verify/diagrams.ts';
import type { Half } from '#verify/halves.ts';
import { valuesOf } from '#verify/packet-sets.ts';
import { straight } from '#verify/reach/inside.ts';
import { fromInternet, fromOperator, fromProbe } from '#verify/reach/inward.ts';
import { entriesOf, type Place } from '#verify/reach/places.ts';
import { hairpin, toInternet } from '#verify/reach/outward.ts';
import { type End, endsOf, type Reach, type WayIn } from '#verify/reach/reach.ts';
import { sentOn } from '#verify/reach/relay.ts';

type Sample = readonly [packet: Header, local: 'source' | 'target'];

/** Is the packet in a set that is asked behind its family and its local address? */
export function holds(reach: Reach, half: Half, ...[packet, local]: Sample): boolean {
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

/** Throws an AssertionError that begins with `says` when sets and oracle disagree on the packet; answers the oracle's fate. */
export function judgePacket(reach: Reach, packet: Packet, says: string): Fate {
  const fate = evaluate(reach.programs, packet);
  const seen = nicsOf(fate);
  const { origin, ...header } = packet;
  switch (origin.kind) {
    case 'internet': {
      const found = expected(reach, packet, { source: packet.source, waysOf: (end) => fromInternet(reach, end) });
      assert.deepEqual(named(found), named(seen), says);
      break;
    }
    case 'operator': {
      const { edge } = reach.programs;
      const source = edge?.kind === 'edge' ? edge.operatorSource : '';
      const isOnLink = packet.source.startsWith('169.254.');
      const found = isOnLink ? expected(reach, packet, { source, waysOf: (end) => fromOperator(reach, end) }) : [];
      assert.deepEqual(named(found), named(seen), says);
      break;
    }
    case 'probe': {
      const place = reach.places.addresses.get(origin.point)?.get(packet.target);
      const isThere = place !== undefined && place.point === origin.point;
      const set = isThere ? fromProbe(reach, { mark: place.port.mark, address: packet.target }) : nothing;
      assert.equal(holds(reach, set, header, 'target'), seen.length > 0, says);
      break;
    }
    case 'nic':
      checkSender(reach, packet, { fate, seen, says });
  }
  return fate;
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
  if (isOwn) checkArrivals(reach, packet, says);
  else checkForeign(reach, place, { packet, seen, fate, says });
  if (isOwn && place.port.forwarding) {
    // What an appliance sends as itself it does not send on.
    for (const end of places(reach, packet.target))
      assert.ok(
        !holds(reach, sentOn(reach, place, { end, sources: all }), header, 'target'),
        `${says} sent on as itself`,
      );
  }
}

type Foreign = Seen & { readonly packet: Packet };

/** With a source that is not its own: an appliance sends on, others are stopped. */
function checkForeign(reach: Reach, place: Place, { packet, seen, fate, says }: Foreign): void {
  const { origin: _, ...header } = packet;
  if (fate.hops.some(({ step }) => step === 'balance')) return;
  for (const end of places(reach, packet.target)) {
    const isThere = seen.some(({ mark, packet: { target } }) => mark === end.mark && target === end.address);
    const isSent = place.port.forwarding && holds(reach, sentOn(reach, place, { end, sources: all }), header, 'target');
    // Whom an inner balance of the sender chooses is not asked here: by the target itself the sets must say the same.
    assert.equal(isSent, isThere, `${says} sent on to ${end.mark}`);
  }
}

/** On both sides of every source port that the random rules speak of. */
const sourcePortsTried = [1024, 39_999, 40_000, 60_000, 60_001];

type Asked = { readonly to: End; readonly targetPort: number };

/** Every end that the packet could be meant for, by its target or behind it: the sets say exactly what the oracle does with all that would be delivered like it. */
function checkArrivals(reach: Reach, packet: Packet, says: string): void {
  const { origin, ...header } = packet;
  const from = { mark: origin.kind === 'nic' ? origin.mark : 0, address: packet.source };
  const at = reach.places.marks.get(from.mark);
  const router = at === undefined ? undefined : reach.router(at.point);
  if (router === undefined) return;
  // Who leaves by an address that it shares comes in again with another source port: it may have had any.
  const isShared =
    packet.sourcePort > 0 && !Object.hasOwn(reach.edge?.ones ?? {}, at?.port.addresses[from.address]?.label ?? '');
  for (const { to, targetPort } of meant(reach, router, packet)) {
    const delivered = { ...header, target: to.address, targetPort };
    const arrives = (isByEdge: boolean, ways: readonly Front[]): boolean =>
      ways.some(({ frontend, port, targetPort: behind }) => {
        if (port !== 0 && behind !== targetPort) return false;
        const target = { target: frontend, targetPort: port === 0 ? targetPort : port };
        // Who comes in again by the boundary may have had any source port before.
        const sourcePorts = isByEdge && isShared ? [packet.sourcePort, ...sourcePortsTried] : [packet.sourcePort];
        return sourcePorts.some((sourcePort) => {
          const fate = evaluate(reach.programs, { ...packet, ...target, sourcePort });
          return (
            fate.hops.some(({ point }) => point === 'edge') === isByEdge &&
            nicsOf(fate).some(
              ({ mark, packet: one }) => mark === to.mark && one.target === to.address && one.targetPort === targetPort,
            )
          );
        });
      });
    const inner: readonly Front[] = Object.values(router.balances).filter(({ targets }) =>
      Object.hasOwn(targets, to.address),
    );
    const direct: Front = { frontend: to.address, port: 0, targetPort: 0 };
    assert.equal(
      holds(reach, straight(reach, from, to), delivered, 'target'),
      arrives(false, [direct, ...inner]),
      `${says} straight to ${to.mark} ${to.address}:${targetPort}`,
    );
    // To itself over the boundary: no way of anybody else's.
    if (to.mark === from.mark) continue;
    assert.equal(
      holds(reach, hairpin(reach, from, to), delivered, 'target'),
      arrives(true, outerOf(reach, to)),
      `${says} hairpin to ${to.mark} ${to.address}:${targetPort}`,
    );
  }
}

type Front = { readonly frontend: string; readonly port: number; readonly targetPort: number };

function outerOf({ edge, places: { marks } }: Reach, { mark, address }: End): readonly Front[] {
  const label = marks.get(mark)?.port.addresses[address]?.label;
  return edge === undefined || label === undefined ? [] : (entriesOf(edge).get(label) ?? []);
}

function meant(reach: Reach, router: RouterProgram, { target, targetPort }: Packet): readonly Asked[] {
  const fits = ({ frontend, port }: Front): boolean => frontend === target && (port === 0 || port === targetPort);
  const portOf = (front: Front): number => (front.port === 0 ? targetPort : front.targetPort);
  const inner: readonly Balance[] = Object.values(router.balances).filter(fits);
  return [
    ...places(reach, target).map((to) => ({ to, targetPort })),
    ...inner.flatMap((balance) =>
      Object.keys(balance.targets).flatMap((address) =>
        places(reach, address).map((to) => ({ to, targetPort: portOf(balance) })),
      ),
    ),
    ...[...reach.places.marks.values()].flatMap((place) =>
      endsOf(place).flatMap((to) =>
        outerOf(reach, to)
          .filter(fits)
          .map((front) => ({ to, targetPort: portOf(front) })),
      ),
    ),
  ];
}

function places({ places: { marks } }: Reach, address: string): readonly End[] {
  return [...marks.values()].flatMap(({ port }) =>
    Object.hasOwn(port.addresses, address) ? [{ mark: port.mark, address }] : [],
  );
}
