/** Sends canaries from where their senders would be, and tells where they came out; it bounds what whoever asks may have sent. */

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { canariesRememberedMax, canaryLeastMs, canaryWaitMs } from '#base/limits.ts';
import { Fault } from '#base/wrong.ts';
import { canaryFrame, type CanaryMark, readCanary } from '#adapters/linux/canary-frame.ts';
import { parseOrders, portOf, refusalOf } from '#adapters/linux/canary-order.ts';
import { withGuestNamespace } from '#adapters/linux/guest-namespace.ts';
import { gatewayMac, namespaceOf, type Names, portName, wireMacs } from '#adapters/linux/names.ts';
import { namespacePath } from '#adapters/linux/netns.ts';
import { PacketSocket } from '#adapters/linux/packet-socket.ts';
import {
  type CanaryAnswer,
  type CanaryOrder,
  type CanaryPlace,
  type CanarySighting,
  placeText,
} from '#engine/canary/canary.ts';
import { routerOfMark } from '#program/eval-router.ts';
import type { Programs } from '#program/program.ts';

export type CanaryParts = {
  readonly names: Names;
  /** The programs in force. */
  readonly programs: () => Programs;
  /** The user who makes guests' namespaces. */
  readonly guestOwner: number;
};

/** Where a NIC's other end is: a process of its guest, and the link's name there. */
type Guest = { readonly pid: number; readonly link: string };

const lookEveryMs = 5;

/** A socket at one place: at a NIC's link what goes out to the guest counts, everywhere else what comes in. */
type Lookout = { readonly place: CanaryPlace; readonly socket: PacketSocket; readonly isEntry: boolean };

type Flight = {
  readonly order: CanaryOrder;
  readonly mark: CanaryMark;
  because: string;
  /** It was seen to enter the stamp: what a guest itself drops on its way out says nothing of our rules. */
  hasEntered: boolean;
  readonly seen: CanarySighting[];
};

export class Canaries {
  readonly #parts: CanaryParts;
  readonly #guests = new Map<number, Guest>();
  #sequences: readonly number[] = [];
  #lastAt = Number.NEGATIVE_INFINITY;

  constructor(parts: CanaryParts) {
    this.#parts = parts;
  }

  /** The guest's end of a NIC is now there. Nothing is kept open: a guest that ends takes its namespace along. */
  attached(mark: number, guest: Guest): void {
    this.#guests.set(mark, guest);
  }

  /** Is this TCP sequence number one of ours? What the kernel logs of canaries is no tenant's flow. */
  isOurs(sequence: number): boolean {
    return this.#sequences.includes(sequence);
  }

  /** Sends and looks; answers in the orders' order. Orders that are malformed, too many or too soon are refused whole. */
  async send(given: unknown): Promise<readonly CanaryAnswer[]> {
    const orders = parseOrders(given);
    const now = performance.now();
    if (now - this.#lastAt < canaryLeastMs)
      throw new Fault('CanariesTooSoon', `Canaries are sent every ${canaryLeastMs} ms at most.`);
    this.#lastAt = now;
    const programs = this.#parts.programs();
    for (const mark of this.#guests.keys()) if (portOf(programs, mark) === undefined) this.#guests.delete(mark);
    const sequence = 1 + (randomBytes(4).readUInt32BE() % 0xffff_fffe);
    this.#sequences = [...this.#sequences, sequence].slice(-canariesRememberedMax);
    const flights = orders.map((order): Flight => {
      const because = refusalOf(programs, order) ?? '';
      return { order, mark: { sequence, nonce: randomBytes(16) }, because, hasEntered: false, seen: [] };
    });
    const lookouts = new Map<string, Lookout>();
    try {
      for (const flight of flights) if (flight.because === '') flight.because = this.#watch(flight, programs, lookouts);
      await this.#fly(flights, [...lookouts.values()]);
    } finally {
      for (const { socket } of lookouts.values()) socket.close();
    }
    return flights.map(answerOf);
  }

  /** Opens what a canary needs to be seen; answers why it cannot be, or nothing. */
  #watch({ order, mark }: Flight, programs: Programs, lookouts: Map<string, Lookout>): string {
    const places = [
      { key: `from ${placeText(order.origin)}`, place: order.origin, isEntry: true },
      ...order.watch.map((place) => ({ key: placeText(place), place, isEntry: false })),
    ];
    for (const { key, place, isEntry } of places) {
      if (!lookouts.has(key)) {
        const where = isEntry ? this.#entryOf(place, programs) : this.#linkOf(place, programs);
        try {
          const socket = new PacketSocket(namespacePath(where.namespace), {
            link: where.link,
            sequence: mark.sequence,
          });
          lookouts.set(key, { place, socket, isEntry });
        } catch (error) {
          return `${key}: ${error instanceof Error ? error.message : String(error)}`;
        }
      }
      if (lookouts.get(key)?.socket.isCarrying !== true) return `${key}: the link has no carrier`;
    }
    return '';
  }

  /** Where a canary comes in: on the NIC's own port, or at the boundary. */
  #entryOf(place: CanaryPlace, programs: Programs): { readonly namespace: string; readonly link: string } {
    return place.kind === 'nic' ? this.#linkOf(place, programs) : { namespace: this.#parts.names.edge, link: 'net' };
  }

  #linkOf(place: CanaryPlace, programs: Programs): { readonly namespace: string; readonly link: string } {
    const { names } = this.#parts;
    switch (place.kind) {
      case 'nic': {
        const point = routerOfMark(programs, place.mark);
        if (point === undefined) throw new Fault('NoPort', `No port has mark ${place.mark}.`);
        return { namespace: namespaceOf(names, point), link: portName(place.mark) };
      }
      case 'internet':
        return { namespace: names.inet, link: 'edge' };
      case 'infra':
        return { namespace: names.infra, link: 'tor' };
    }
  }

  async #fly(flights: readonly Flight[], lookouts: readonly Lookout[]): Promise<void> {
    const flying: Flight[] = [];
    for (const flight of flights) {
      if (flight.because === '') flight.because = await this.#put(flight, { isReset: false });
      if (flight.because === '') flying.push(flight);
    }
    if (flying.length === 0) return;
    for (const until = performance.now() + canaryWaitMs; performance.now() < until; ) {
      await sleep(lookEveryMs);
      look(flying, lookouts);
    }
    // The trackers on the way forget what they took in: an entry that waits for an answer would stay for two minutes.
    for (const flight of flying) await this.#put(flight, { isReset: true });
  }

  /** Sends one frame as its sender would; answers why not, or nothing. */
  async #put({ order, mark }: Flight, { isReset }: { readonly isReset: boolean }): Promise<string> {
    const { names, programs, guestOwner } = this.#parts;
    const { origin } = order;
    try {
      if (origin.kind === 'internet') {
        const frame = canaryFrame(order, { from: wireMacs[0], to: wireMacs[1], mark, isReset });
        return sendAt(namespacePath(names.inet), { link: 'edge', frame, sequence: mark.sequence });
      }
      const [guest, port] = [this.#guests.get(origin.mark), portOf(programs(), origin.mark)];
      if (guest === undefined || port === undefined) return `${placeText(origin)}: no guest is known there`;
      const frame = canaryFrame(order, { from: port.mac, to: gatewayMac, mark, isReset });
      return await withGuestNamespace({ pid: guest.pid, owner: guestOwner }, (path) =>
        Promise.resolve(sendAt(path, { link: guest.link, frame, sequence: mark.sequence, mac: port.mac })),
      );
    } catch (error) {
      return `${placeText(origin)}: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
}

type Shot = { readonly link: string; readonly frame: Buffer; readonly sequence: number; readonly mac?: string };

/** `mac`: what the link must have, so that another guest's link, under a number that was used again, is not taken for it. */
function sendAt(path: string, { link, frame, sequence, mac }: Shot): string {
  const socket = new PacketSocket(path, { link, sequence });
  try {
    if (mac !== undefined && socket.hardwareAddress !== mac) return `${link}: it is not the NIC's`;
    return socket.send(frame) ? '' : `${link}: the link did not take it`;
  } finally {
    socket.close();
  }
}

function look(flights: readonly Flight[], lookouts: readonly Lookout[]): void {
  for (const { place, socket, isEntry } of lookouts) {
    const isTowards = !isEntry && place.kind === 'nic';
    for (const { packet, isOutgoing } of socket.drain()) {
      const canary = isOutgoing === isTowards ? readCanary(packet) : undefined;
      const flight = flights.find(({ mark }) => canary?.mark.nonce.equals(mark.nonce) === true);
      if (canary === undefined || flight === undefined || canary.isReset) continue;
      const { source, target, sourcePort, targetPort } = canary;
      const { order, seen } = flight;
      const isOwn = (one: CanaryPlace): boolean => placeText(one) === placeText(place);
      const isAsSent =
        source === order.source &&
        target === order.target &&
        sourcePort === order.sourcePort &&
        targetPort === order.targetPort;
      if (isEntry) flight.hasEntered ||= isAsSent && isOwn(order.origin);
      else if (order.watch.some(isOwn) && seen.length < sightingsMax)
        seen.push({ at: place, source, target, sourcePort, targetPort });
    }
  }
}

/** The same canary more than once at one place is one too many already. */
const sightingsMax = 8;

function answerOf({ because, hasEntered, seen }: Flight): CanaryAnswer {
  if (because !== '') return { state: 'untried', because };
  return hasEntered ? { state: 'sent', seen } : { state: 'untried', because: 'it was not seen to enter the stamp' };
}
