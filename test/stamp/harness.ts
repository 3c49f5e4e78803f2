/** A stamp's data plane with test ends on all sides: guests, internet, operator, endpoints; one packet in, where it came out. */

import { setTimeout as sleep } from 'node:timers/promises';
import { type LinuxPlane, openPlane } from '#adapters/linux/adapter.ts';
import { ipBatch, run } from '#adapters/linux/ip.ts';
import { gatewayMac, namesOf, namespaceOf, wireMacs } from '#adapters/linux/names.ts';
import { hasNamespace, inNamespace, linksOf, namespacesWith, writeSysctls } from '#adapters/linux/netns.ts';
import { message, NetlinkSocket } from '#adapters/linux/netlink.ts';
import { NftContext } from '#adapters/linux/nft.ts';
import type { Header } from '#program/filter.ts';
import type { Packet } from '#program/packet.ts';
import type { Port, Programs } from '#program/program.ts';
import { type FrameOptions, frameOf, ipOf, readFrame, type Seen } from '#test/stamp/frame.ts';
import { sendFrom, Wire } from '#test/stamp/wire.ts';

/** Where a packet came out. `router` and `infra` are seen by their answers. */
export type Arrival = { readonly at: string; readonly packet: Header; readonly seen: Seen };

/** Numbers from here on are for tests; a busy one is passed over. */
const stampFirst = 40;
const stampLast = 63;
/** A packet that must arrive is waited for this long: on a busy machine the kernel's work may be put off. */
const arrivalMsMax = 1000;
const carrierMsMax = 5000;

/** The number in RINGWALL_TEST_STAMP, or the first free one. */
export function freeStamp(): number {
  const given = Number(process.env['RINGWALL_TEST_STAMP'] ?? Number.NaN);
  if (Number.isInteger(given)) return given;
  for (let stamp = stampFirst; stamp <= stampLast; stamp++)
    if (namespacesWith(namesOf(stamp).prefix).length === 0) return stamp;
  throw new Error('All stamp numbers for tests are in use.');
}

export class Harness {
  readonly stamp: number;
  plane: LinuxPlane;
  readonly #names;
  readonly #wires = new Map<string, Wire>();
  readonly #flushers = new Map<string, NetlinkSocket>();
  readonly #counters = new Map<string, NftContext>();
  #applies = 0;
  #programs: Programs = {};
  #tag = 0;
  #flows = new Set<string>();
  #links = new Map<number, number>();

  constructor(stamp: number) {
    this.stamp = stamp;
    this.#names = namesOf(stamp);
    this.plane = openPlane({ number: stamp, hosts: ['h1', 'h2'] });
  }

  /** The namespace with the far ends of all guests' links. */
  get guests(): string {
    return `${this.#names.prefix}t`;
  }

  get programs(): Programs {
    return this.#programs;
  }

  async open(): Promise<void> {
    await this.plane.up();
    if (!hasNamespace(this.guests)) await ipBatch(undefined, [`netns add ${this.guests}`]);
    writeSysctls(this.guests, { 'net/ipv6/conf/all/disable_ipv6': 1, 'net/ipv6/conf/default/disable_ipv6': 1 });
    const quiet = { 'net/ipv4/icmp_ratemask': 0, 'net/ipv6/icmp/ratelimit': 0 };
    writeSysctls(this.#names.infra, quiet);
    // The test's own internet only looks: its kernel must not answer.
    const nft = new NftContext(this.#names.inet);
    nft.commit(
      'add table inet look\nadd chain inet look only { type filter hook prerouting priority -400; policy drop; }\n',
    );
    nft.close();
    this.#wires.set('guests', new Wire(this.guests));
    this.#wires.set('internet', new Wire(this.#names.inet));
    this.#wires.set('infra', new Wire(this.#names.infra));
    this.#wires.set('operator', new Wire(undefined, this.#names.up));
  }

  /** Brings the plane to the programs and takes the guests' ends of new ports into the test's namespace. */
  async apply(
    programs: Programs,
    { isKeepingState = false, isKeepingGuests = false }: { isKeepingState?: boolean; isKeepingGuests?: boolean } = {},
  ): Promise<void> {
    // Every other change is prepared, as it is while a write is made durable.
    this.#applies += 1;
    if (this.#applies % 2 === 0) await this.plane.prepare(this.#programs, programs);
    await this.plane.apply(this.#programs, programs);
    this.#programs = programs;
    for (const context of this.#counters.values()) context.close();
    this.#counters.clear();
    for (const [point, program] of Object.entries(programs)) {
      if (program.kind !== 'router') continue;
      const namespace = namespaceOf(this.#names, point);
      writeSysctls(namespace, { 'net/ipv4/icmp_ratemask': 0, 'net/ipv6/icmp/ratelimit': 0 });
      if (isKeepingGuests) continue;
      const waiting = linksOf(namespace).filter((name) => /^g\d+$/.test(name));
      await ipBatch(
        namespace,
        waiting.map((name) => `link set ${name} netns ${this.guests}`),
      );
      await ipBatch(
        this.guests,
        waiting.map((name) => `link set ${name} up`),
      );
      await this.#carrying(this.guests, waiting);
      await this.#carrying(
        namespace,
        waiting.map((name) => `n${name.slice(1)}`),
      );
    }
    const wire = this.#wire('guests');
    this.#links = new Map(
      linksOf(this.guests).flatMap((name) => (/^g\d+$/.test(name) ? [[wire.index(name), Number(name.slice(1))]] : [])),
    );
    if (!isKeepingState) this.forget();
  }

  /**
   * Waits until links carry: the kernel tells a new link's carrier in its own time (at most one round of events a second), and
   * drops what is sent before. A guest's kernel would send again; the test sends each packet once.
   */
  async #carrying(namespace: string, links: readonly string[]): Promise<void> {
    const until = Date.now() + carrierMsMax;
    for (let wanted = links; wanted.length > 0; await sleep(2)) {
      const told = JSON.parse(await run(['ip', '-n', namespace, '-j', 'link'], '')) as {
        ifname: string;
        operstate: string;
      }[];
      const up = new Set(told.filter(({ operstate }) => operstate === 'UP').map(({ ifname }) => ifname));
      wanted = wanted.filter((name) => !up.has(name));
      if (wanted.length > 0 && Date.now() > until) throw new Error(`${wanted.join()} of ${namespace} do not come up.`);
    }
  }

  port(mark: number): Port | undefined {
    for (const program of Object.values(this.#programs)) {
      if (program.kind !== 'router') continue;
      const port = Object.values(program.ports).find((one) => one.mark === mark);
      if (port !== undefined) return port;
    }
    return undefined;
  }

  /** The point of the router that has the port. */
  routerOf(mark: number): string | undefined {
    return Object.entries(this.#programs).find(
      ([, program]) => program.kind === 'router' && Object.values(program.ports).some((port) => port.mark === mark),
    )?.[0];
  }

  /** How many packets a router has taken for itself (resolver, gateway), by the counters of its input rules. */
  answers(point: string): number {
    const namespace = namespaceOf(this.#names, point);
    let context = this.#counters.get(namespace);
    if (context === undefined)
      this.#counters.set(namespace, (context = new NftContext(namespace, { isStateless: false })));
    const listed = context.run('list chain inet rw input');
    return [...listed.matchAll(/counter packets (\d+) bytes \d+ accept comment "platform: /g)].reduce(
      (sum, [, count]) => sum + Number(count),
      0,
    );
  }

  /** Puts a packet in where it starts; answers its tag. */
  put(packet: Packet, options: Partial<FrameOptions> = {}): number {
    const tag = ++this.#tag;
    const { origin, ...header } = packet;
    const whole = { source: wireMacs[0], target: wireMacs[1], tag, ...options };
    switch (origin.kind) {
      case 'nic': {
        const wire = this.#wire('guests');
        const mac = this.port(origin.mark)?.mac ?? '02:00:00:00:00:01';
        wire.send(
          wire.index(`g${origin.mark}`),
          frameOf(header, { ...whole, source: mac, target: gatewayMac, ...options }),
        );
        break;
      }
      case 'internet': {
        const wire = this.#wire('internet');
        wire.send(wire.index('edge'), frameOf(header, whole));
        break;
      }
      case 'operator': {
        const wire = this.#wire('operator');
        wire.send(wire.index(this.#names.up), frameOf(header, whole));
        break;
      }
      case 'probe':
        sendFrom(namespaceOf(this.#names, origin.point), ipOf(header, { tag }));
    }
    return tag;
  }

  /** Everything that arrived anywhere since the last look. */
  look(): Arrival[] {
    const arrivals: Arrival[] = [];
    for (const [at, wire] of this.#wires) {
      for (const { link, isIncoming, frame } of wire.drain()) {
        const seen = readFrame(frame);
        if (seen === undefined) continue;
        if (at === 'infra' ? isIncoming : !isIncoming) continue;
        const place = at === 'guests' ? `nic ${this.#links.get(link) ?? 0}` : at;
        arrivals.push({ at: place, packet: seen.packet, seen });
      }
    }
    return arrivals;
  }

  /** Sends one packet and waits until `wanted` of the arrivals is found, or until everything is quiet when none is expected. */
  async send(
    packet: Packet,
    isExpected: (arrivals: readonly Arrival[]) => boolean,
    options: Partial<FrameOptions> = {},
  ): Promise<Arrival[]> {
    this.put(packet, options);
    const arrivals = this.look();
    const until = Date.now() + arrivalMsMax;
    while (!isExpected(arrivals) && Date.now() < until) {
      await sleep(1);
      arrivals.push(...this.look());
    }
    return arrivals;
  }

  /** Notes a flow; if one that could be taken for it was there before, all state is forgotten first. */
  newFlow(headers: readonly Header[]): void {
    const keys = headers.flatMap(({ source, target, protocol, sourcePort, targetPort }) => [
      `${protocol} ${source} ${sourcePort} ${target} ${targetPort}`,
      `${protocol} ${target} ${targetPort} ${source} ${sourcePort}`,
    ]);
    // Without ports every packet between two addresses is of one flow, also where a translation stands between.
    const hasNoPorts = headers.some(({ protocol }) => protocol === 'esp' || protocol === 'ah');
    if (hasNoPorts || keys.some((key) => this.#flows.has(key))) this.forget();
    for (const key of keys) this.#flows.add(key);
  }

  /** Flushes connection tracking everywhere: the next packet is the first of its flow. */
  forget(): void {
    this.#flows.clear();
    const spaces = [this.#names.edge, this.#names.infra, ...namespacesWith(`${this.#names.prefix}v`)];
    for (const [name, socket] of this.#flushers) {
      if (spaces.includes(name)) continue;
      socket.close();
      this.#flushers.delete(name);
    }
    for (const name of spaces) {
      let socket = this.#flushers.get(name);
      if (socket === undefined) this.#flushers.set(name, (socket = new NetlinkSocket(name, 12, 0)));
      // nfnetlink_conntrack.h: IPCTNL_MSG_CT_DELETE without a tuple flushes the namespace's table, one family at a time.
      for (const family of [2, 10])
        socket.send(message({ type: (1 << 8) | 2, flags: 5, sequence: 1 }, Buffer.from([family, 0, 0, 0])));
      socket.drain();
    }
  }

  async close(): Promise<void> {
    for (const wire of this.#wires.values()) wire.close();
    for (const socket of this.#flushers.values()) socket.close();
    for (const context of this.#counters.values()) context.close();
    await this.plane.down();
    await this.plane.close();
  }

  #wire(name: string): Wire {
    const wire = this.#wires.get(name);
    if (wire === undefined) throw new Error('The harness is not open.');
    return wire;
  }

  /** Runs work inside one of the stamp's namespaces. */
  inside<T>(point: string, work: () => T): T {
    return inNamespace(namespaceOf(this.#names, point), work);
  }
}
