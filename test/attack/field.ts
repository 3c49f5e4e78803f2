/** The field of the packet attacks: two tenants with the same addresses, peers in a row, an NVA, and NSGs that someone wants around. */

import { setTimeout as sleep } from 'node:timers/promises';
import { gatewayMac, wireMacs } from '#adapters/linux/names.ts';
import { evaluate } from '#program/eval.ts';
import type { Packet } from '#program/packet.ts';
import type { Programs } from '#program/program.ts';
import { ether, etherFour, etherSix, tagBytes } from '#test/attack/forge.ts';
import {
  addNic,
  addNsg,
  addPeering,
  addPublicIp,
  addRoutes,
  addSubnet,
  addVnet,
  type Build,
} from '#test/generate/build.ts';
import { readFrame } from '#test/stamp/frame.ts';
import type { Harness } from '#test/stamp/harness.ts';
import { programsFrom } from '#test/stamp/scenario.ts';
import { Wire } from '#test/stamp/wire.ts';

/** NICs by what they are; the numbers are their marks. */
export const nic = {
  web1: 1,
  web2: 2,
  app1: 3,
  app2: 4,
  other1: 5,
  other2: 6,
  peer: 7,
  beyond: 8,
  still: 9,
  nva: 10,
} as const;

/** What each NIC is called in IPv4. */
export const address: { readonly [mark: number]: string } = {
  1: '10.0.0.4',
  2: '10.0.0.5',
  3: '10.0.1.4',
  4: '10.0.1.5',
  5: '10.0.0.4',
  6: '10.0.1.4',
  7: '10.2.0.4',
  8: '10.3.0.4',
  9: '10.0.2.4',
  10: '10.0.2.5',
};

/** web may speak with the world and, by a hostile route table, even with what the stamp is made of; app takes TCP 21 and 443 only. */
export function build(field: Build): void {
  const pool = `198.18.${field.stamp.number}`;
  addNsg(field, 'app', [
    ['open', 100, 'In', 'Allow', 'Tcp', 'VirtualNetwork', '*', ['21', '443']],
    ['closed', 200, 'In', 'Deny', '*', '*', '*'],
  ]);
  addNsg(field, 'open', [['open', 100, 'In', 'Allow', '*', '*', '*']]);
  addRoutes(field, 'hostile', [
    ['labels', '100.64.0.0/10', 'Internet'],
    ['infra', '10.255.0.0/16', 'Internet'],
    ['underlay', '10.254.0.0/16', 'Internet'],
    ['wires', '169.254.0.0/16', 'Internet'],
    ['pools', '198.18.0.0/15', 'Internet'],
    ['still', '10.9.0.0/16', 'VirtualAppliance', '10.0.2.4'],
    ['loop', '127.0.0.0/8', 'Internet'],
  ]);
  addPublicIp(field, 'web', [`${pool}.40`]);
  addPublicIp(field, 'other', [`${pool}.41`]);
  addVnet(field, 'a', ['10.0.0.0/16', 'fd00::/48']);
  addSubnet(field, 'a/web', [['10.0.0.0/24', 'fd00::/64'], { routeTable: 'hostile', nsg: 'open' }]);
  addSubnet(field, 'a/app', [['10.0.1.0/24', 'fd00:0:0:1::/64'], { nsg: 'app' }]);
  addSubnet(field, 'a/nva', [['10.0.2.0/24']]);
  addVnet(field, 'b', ['10.0.0.0/16', 'fd00::/48']);
  addSubnet(field, 'b/s', [['10.0.0.0/23', 'fd00::/63'], { nsg: 'open' }]);
  for (const [name, space] of [
    ['c', '10.2.0.0'],
    ['d', '10.3.0.0'],
  ] as const) {
    addVnet(field, name, [`${space}/16`]);
    addSubnet(field, `${name}/s`, [[`${space}/24`]]);
  }
  for (const pair of [
    ['a', 'c'],
    ['c', 'a'],
    ['c', 'd'],
    ['d', 'c'],
  ] as const)
    addPeering(field, pair);
  addNic(field, 'web1', { subnet: 'a/web', addresses: ['10.0.0.4', 'fd00::4'] });
  addNic(field, 'web2', {
    subnet: 'a/web',
    addresses: [{ address: '10.0.0.5', publicIp: 'web' }, 'fd00::5'],
    host: 'h2',
  });
  addNic(field, 'app1', { subnet: 'a/app', addresses: ['10.0.1.4', 'fd00:0:0:1::4'] });
  addNic(field, 'app2', { subnet: 'a/app', addresses: ['10.0.1.5', 'fd00:0:0:1::5'], host: 'h2' });
  addNic(field, 'other1', { subnet: 'b/s', addresses: [{ address: '10.0.0.4', publicIp: 'other' }, 'fd00::4'] });
  addNic(field, 'other2', { subnet: 'b/s', addresses: ['10.0.1.4', 'fd00:0:0:1::4'], host: 'h2' });
  addNic(field, 'peer', { subnet: 'c/s', addresses: ['10.2.0.4'] });
  addNic(field, 'beyond', { subnet: 'd/s', addresses: ['10.3.0.4'] });
  addNic(field, 'still', { subnet: 'a/nva', addresses: ['10.0.2.4'] });
  addNic(field, 'nva', { subnet: 'a/nva', addresses: ['10.0.2.5'], forwarding: true });
}

/** How long the kernel may take to do what it must not do. */
const quietMs = 12;

export type Place = number | 'internet' | 'operator';

/** A frame that came out somewhere. */
export type Leak = { readonly at: string; readonly frame: Buffer };

/** The stamp under attack with raw ends on all sides. */
export class Field {
  readonly harness: Harness;
  readonly programs: Programs;
  readonly #wires: { readonly [at: string]: Wire };
  readonly #links = new Map<number, string>();
  #tag = 1_000_000;

  constructor(harness: Harness) {
    const { stamp } = harness;
    this.harness = harness;
    this.programs = programsFrom(stamp, build);
    this.#wires = {
      guests: new Wire(harness.guests),
      internet: new Wire(`rw${stamp}-inet`),
      infra: new Wire(`rw${stamp}-infra`),
      operator: new Wire(undefined, `rw${stamp}-up`),
    };
  }

  async open(): Promise<void> {
    await this.harness.apply(this.programs);
    for (const mark of Object.values(nic)) this.#links.set(this.#wire('guests').index(`g${mark}`), `nic ${mark}`);
  }

  close(): void {
    for (const wire of Object.values(this.#wires)) wire.close();
  }

  get stamp(): number {
    return this.harness.stamp;
  }

  tag(): number {
    return ++this.#tag;
  }

  macOf(mark: number): string {
    return this.harness.port(mark)?.mac ?? '';
  }

  labelOf(mark: number, isSix = false): string {
    const addresses = Object.entries(this.harness.port(mark)?.addresses ?? {});
    return addresses.find(([text]) => text.includes(':') === isSix)?.[1].label ?? '';
  }

  /** Puts a whole frame on the wire of a place. */
  put(from: Place, frame: Buffer): void {
    const [at, link] =
      typeof from === 'number' ? ['guests', `g${from}`] : [from, from === 'internet' ? 'edge' : `rw${this.stamp}-up`];
    const wire = this.#wire(at);
    wire.send(wire.index(link), frame);
  }

  /** Puts an IP packet in the frame that an honest sender at that place would use. */
  putPacket(from: Place, packet: Buffer): void {
    const type = (packet[0] ?? 0) >> 4 === 6 ? etherSix : etherFour;
    const [target, source] = typeof from === 'number' ? [gatewayMac, this.macOf(from)] : [wireMacs[1], wireMacs[0]];
    this.put(from, ether(target, source, [type, packet]));
  }

  /** Every frame that arrives anywhere within the quiet time and carries the tag, whatever it is wrapped in. */
  async leaks(tag: number): Promise<Leak[]> {
    await sleep(quietMs);
    const wanted = tagBytes(tag);
    return Object.entries(this.#wires).flatMap(([at, wire]) =>
      wire
        .drain()
        .filter(({ isIncoming, frame }) => isIncoming && frame.includes(wanted))
        .map(({ link, frame }) => ({ at: at === 'guests' ? (this.#links.get(link) ?? 'nic 0') : at, frame })),
    );
  }

  /** What went wrong when something arrived that must not; the sender itself may hear an error about its packet. */
  async nothing(tag: number, from?: Place): Promise<string | undefined> {
    const back = typeof from === 'number' ? `nic ${from}` : from;
    const leaks = (await this.leaks(tag)).filter(({ at }) => at !== back);
    return leaks.length === 0 ? undefined : `arrived: ${leaks.map(print).join(', ')}`;
  }

  /** What went wrong when nothing arrived at the place. */
  async arrives(tag: number, at: string): Promise<string | undefined> {
    const leaks = await this.leaks(tag);
    if (leaks.some((one) => one.at === at)) return undefined;
    return `wanted at ${at}, seen: ${leaks.map(print).join(', ') || 'nothing'}`;
  }

  /** The oracle's word. */
  isDropped(packet: Packet): boolean {
    return evaluate(this.programs, packet).verdict === 'drop';
  }

  /** No flow is known any more, and nothing waits on the wires. */
  forget(): void {
    this.harness.forget();
    this.harness.look();
    for (const wire of Object.values(this.#wires)) wire.drain();
  }

  #wire(name: string): Wire {
    const wire = this.#wires[name];
    if (wire === undefined) throw new Error(`There is no wire ${name}.`);
    return wire;
  }
}

function print({ at, frame }: Leak): string {
  const seen = readFrame(frame);
  if (seen === undefined) return `${at} ${frame.subarray(12, 54).toString('hex')}`;
  const { protocol, source, sourcePort, target, targetPort } = seen.packet;
  return `${at} ${protocol} ${source}:${sourcePort} > ${target}:${targetPort}`;
}
