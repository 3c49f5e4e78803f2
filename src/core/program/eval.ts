/** The oracle: what the programs of a stamp do with the first packet of a flow, step by step and slow on purpose. */

import { hopsMax } from '#base/limits.ts';
import { tryAddress } from '#base/prefix.ts';
import { never } from '#base/wrong.ts';
import { atBoundary, atInfra, atLabel, atUplink } from '#program/eval-edge.ts';
import { atArrival, atEntry, atGuest, atProbe, routerOfMark } from '#program/eval-router.ts';
import type { Header } from '#program/filter.ts';
import type { Delivered, Fate, Hop, Packet } from '#program/packet.ts';
import type { Programs } from '#program/program.ts';
import type { Place, Position, Step, Walk } from '#program/walk.ts';

/**
 * Follows a packet to its end. Total: it answers for any packet on any programs. A balance answers every possible target;
 * the packet counts as delivered when it reaches any of them. Delivery to a forwarding NIC (an NVA) ends the walk: what the
 * NVA sends on is a new packet with that NIC as origin. A source port from a block stands for every port of the block. Budgets hang
 * on what was sent before: each packet is taken to be within them.
 */
export function evaluate(programs: Programs, packet: Packet): Fate {
  const walk: Walk = { programs, hops: [] };
  const start = startOf(walk, packet);
  if (typeof start === 'string') return dropped(start, walk.hops);
  const delivered: Delivered[] = [];
  const drops: string[] = [];
  let positions: readonly Position[] = [start];
  for (let hop = 0; hop < hopsMax && positions.length > 0; hop++) {
    const next: Position[] = [];
    for (const position of positions) {
      const step = stepAt(walk, position.place, position.packet);
      if (step.kind === 'on') {
        next.push(...step.to);
        drops.push(...(step.drops ?? []));
      } else if (step.kind === 'deliver') delivered.push(step.delivered);
      else drops.push(step.because);
    }
    positions = next;
  }
  if (positions.length > 0) drops.push('loop');
  if (delivered.length > 0) return { verdict: 'deliver', to: delivered, drops, hops: walk.hops };
  const [because] = drops;
  if (because !== undefined && because !== 'loop') return dropped(because, walk.hops);
  walk.hops.push({ point: 'stamp', step: 'route', because: 'loop' });
  return dropped('loop', walk.hops);
}

function dropped(because: string, hops: readonly Hop[]): Fate {
  return { verdict: 'drop', because, hops };
}

function startOf(walk: Walk, { origin, ...packet }: Packet): Position | string {
  const [source, target] = [tryAddress(packet.source), tryAddress(packet.target)];
  if (source === undefined || target === undefined || source.family !== target.family) {
    return refusedAt(walk, 'source and target are not addresses of one family');
  }
  if (
    (packet.protocol === 'tcp' || packet.protocol === 'udp') &&
    !(isPort(packet.sourcePort) && isPort(packet.targetPort))
  ) {
    return refusedAt(walk, 'a port is not between 0 and 65535');
  }
  switch (origin.kind) {
    case 'nic': {
      const point = routerOfMark(walk.programs, origin.mark);
      if (point === undefined) return refusedAt(walk, `no port has mark ${origin.mark}`);
      return { place: { kind: 'guest', point, mark: origin.mark }, packet };
    }
    case 'probe':
      return { place: { kind: 'probe', point: origin.point }, packet };
    case 'internet':
    case 'operator':
      return { place: { kind: 'boundary', from: origin.kind }, packet };
    default:
      return never(origin);
  }
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 65_535;
}

function refusedAt(walk: Walk, because: string): string {
  walk.hops.push({ point: 'stamp', step: 'spoof', because });
  return because;
}

function stepAt(walk: Walk, place: Place, packet: Header): Step {
  switch (place.kind) {
    case 'guest':
      return atGuest(walk, place, packet);
    case 'entry':
      return atEntry(walk, place, packet);
    case 'arrival':
      return atArrival(walk, place, packet);
    case 'probe':
      return atProbe(walk, place.point, packet);
    case 'uplink':
      return atUplink(walk, packet);
    case 'boundary':
      return atBoundary(walk, place.from, packet);
    case 'label':
      return atLabel(walk, packet, place.sent);
    case 'infra':
      return atInfra(walk, packet);
    default:
      return never(place);
  }
}
