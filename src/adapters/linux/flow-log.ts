/** The flows of a stamp's routers: read from the kernel's log when asked, named by the programs, and held against their verdicts. */

import { flowContinuesMs, flowMessagesMax, flowsComparedMax, flowsQueuedMax, flowsWatchedMax } from '#base/limits.ts';
import {
  connectionEnded,
  connectionEndedGroup,
  connectionListed,
  type CountedConnection,
  listConnections,
  type LoggedPacket,
  packetMessage,
  readConnection,
  readPacket,
  subscribe,
} from '#adapters/linux/flow-log-message.ts';
import { filterMark, flowLogGroup, portChain, priorityOf, readPrefix } from '#adapters/linux/flow-log-prefix.ts';
import { portName } from '#adapters/linux/names.ts';
import { NetlinkSocket } from '#adapters/linux/netlink.ts';
import { linkNumber, writeSysctls } from '#adapters/linux/netns.ts';
import { NftContext } from '#adapters/linux/nft.ts';
import type { Count, Disagreement, Flow, FlowBatch } from '#engine/flow-logs/flow.ts';
import { lookupOf } from '#program/filter-lookup.ts';
import type { Header } from '#program/filter.ts';
import type { Filter, Port, Programs, RouterProgram } from '#program/program.ts';

const netlinkNetfilter = 12;
/** A packet that is read now was judged by a program that stands, or did so this long ago: the kernel hands over what it logged in batches. */
const programKeptMs = 5000;
const programsKeptMax = 16;
/** The counters of what went over the rate are read at every so many readings. */
const countersEvery = 10;

type Found = {
  -readonly [name in keyof FlowBatch]: FlowBatch[name] extends readonly (infer T)[] ? T[] : FlowBatch[name];
};

/** Is this TCP sequence number one of a canary that we sent a moment ago? */
type IsCanary = (sequence: number) => boolean;
type Place = { readonly point: string; readonly namespace: string; readonly isCanary: IsCanary };

/** The flows of one router, from the moment its program first asks for any. */
export class RouterFlows {
  readonly #point: string;
  readonly #namespace: string;
  readonly #packets: NetlinkSocket;
  readonly #ends: NetlinkSocket;
  readonly #listing: NetlinkSocket;
  readonly #counters: NftContext;
  readonly #isCanary: IsCanary;
  /** The newest program first. */
  #programs: Standing[];
  /** Until then it is not known which programs a packet may have met: nothing is compared. */
  #blindUntil = 0;
  readonly #links = new Map<number, Port>();
  readonly #open = new Map<string, Watched>();
  readonly #over = new Map<string, number>();
  #openCount = 0;
  #sequence: number | undefined;
  #listedAt: number | undefined;
  #readings = 0;

  constructor({ point, namespace, isCanary }: Place, program: RouterProgram) {
    this.#point = point;
    this.#namespace = namespace;
    this.#isCanary = isCanary;
    this.#programs = [{ program, until: Number.POSITIVE_INFINITY }];
    writeSysctls(namespace, { 'net/netfilter/nf_conntrack_acct': 1 });
    this.#packets = new NetlinkSocket(namespace, netlinkNetfilter, 0);
    this.#packets.send(subscribe(flowLogGroup));
    this.#ends = new NetlinkSocket(namespace, netlinkNetfilter, connectionEndedGroup);
    this.#listing = new NetlinkSocket(namespace, netlinkNetfilter, 0);
    this.#counters = new NftContext(namespace, { isStateless: false });
  }

  /** The router's program is this one from `now` on (milliseconds since 1970). */
  follow(program: RouterProgram, now: number): void {
    const [newest, ...older] = this.#programs;
    if (newest?.program === program) return;
    const before = newest === undefined ? [] : [{ ...newest, until: now }, ...older];
    if (before.length >= programsKeptMax) this.#blindUntil = now + programKeptMs;
    this.#programs = [{ program, until: Number.POSITIVE_INFINITY }, ...before].slice(0, programsKeptMax);
  }

  /** Reads what the kernel has told since the last reading. `now` in milliseconds since 1970. */
  read(now: number, into: Found): void {
    this.#findLinks();
    this.#programs = this.#programs.filter(({ until }) => until > now - programKeptMs);
    const told = this.#packets.drain(flowMessagesMax);
    // What waits on in the kernel is older than the next reading will believe.
    if (told.length >= flowMessagesMax) this.#blindUntil = now + programKeptMs;
    for (const { type, body } of told) {
      const packet = type === packetMessage ? readPacket(body) : undefined;
      if (packet !== undefined) this.#take(packet, now, into);
    }
    if (this.#packets.takeLossy()) add(into, '', 1);
    for (const { type, body } of this.#ends.drain(flowMessagesMax)) {
      const ended = type === connectionEnded ? readConnection(body) : undefined;
      if (ended !== undefined) this.#carried(ended, { at: now, isEnded: true }, into);
    }
    this.#list(now, into);
    this.#ends.takeLossy();
    if (this.#readings++ % countersEvery === 0) this.#countOver(into);
  }

  close(): void {
    this.#packets.close();
    this.#ends.close();
    this.#listing.close();
    this.#counters.close();
  }

  #take(packet: LoggedPacket, at: number, into: Found): void {
    this.#noteGap(packet.sequence, into);
    const said = readPrefix(packet.prefix);
    const port = this.#links.get(packet.link);
    if (said === undefined || port === undefined) {
      add(into, '', 1);
      return;
    }
    for (const { program } of this.#programs) {
      const named = nameOf(program, { filter: said.filter, priority: said.priority, access: said.access });
      if (named === undefined) continue;
      const { nic, mac } = port;
      const flow: Flow = { ...packet.header, at, nic, mac, direction: packet.direction, ...named, access: said.access };
      this.#compare(flow, into);
      // A canary is judged like any other packet, and is no tenant's flow.
      if (packet.canary !== undefined && this.#isCanary(packet.canary)) return;
      if (into.flows.length >= flowsQueuedMax) add(into, nic, 1);
      else into.flows.push(flow);
      if (flow.access === 'allow') this.#watch(flow);
      return;
    }
    add(into, port.nic, 1);
  }

  #noteGap(sequence: number | undefined, into: Found): void {
    if (sequence === undefined) return;
    const wanted = this.#sequence;
    if (wanted !== undefined && sequence > wanted) add(into, '', sequence - wanted);
    this.#sequence = sequence + 1;
  }

  /** The kernel's verdict must be one that a program gives that stood while the packet may have passed. */
  #compare(flow: Flow, into: Found): void {
    if (into.compared >= flowsComparedMax || flow.at < this.#blindUntil) return;
    into.compared += 1;
    let wanted: Disagreement['wanted'] | undefined;
    for (const { program } of this.#programs) {
      const { filters, sets } = program;
      const filter = Object.hasOwn(filters, flow.filter) ? filters[flow.filter] : undefined;
      if (filter === undefined) continue;
      const { verdict, rule = '' } = lookupOf(filter, sets).verdict(flow);
      if (verdict === flow.access && rule === flow.rule) return;
      wanted ??= { access: verdict, rule };
    }
    if (wanted !== undefined && into.disagreements.length < disagreementsMax)
      into.disagreements.push({ point: this.#point, flow, wanted });
  }

  #watch(flow: Flow): void {
    const key = flowKey(flow);
    const known = this.#open.get(key);
    if (known === undefined) {
      if (this.#openCount >= flowsWatchedMax) return;
      this.#open.set(key, { flows: [flow], sent: noCount, received: noCount });
    } else {
      // Two filters, and both ends in one router, may each have let the flow pass.
      if (known.flows.length >= flowEndsMax) return;
      known.flows.push(flow);
    }
    this.#openCount += 1;
  }

  /** Flows that go on are told of again after a time; the list of them comes over several readings. */
  #list(now: number, into: Found): void {
    this.#listedAt ??= now;
    if (this.#openCount > 0 && now - this.#listedAt >= flowContinuesMs) {
      this.#listedAt = now;
      this.#listing.send(listConnections());
    }
    for (const { type, body } of this.#listing.drain(flowMessagesMax)) {
      const one = type === connectionListed ? readConnection(body) : undefined;
      if (one !== undefined) this.#carried(one, { at: now, isEnded: false }, into);
    }
    this.#listing.takeLossy();
  }

  #carried(
    { original, delivered, ...counts }: CountedConnection,
    { at, isEnded }: { readonly at: number; readonly isEnded: boolean },
    into: Found,
  ): void {
    for (const key of new Set([flowKey(original), flowKey(delivered)])) {
      const known = this.#open.get(key);
      if (known === undefined) continue;
      const sent = less(counts.sent, known.sent);
      const received = less(counts.received, known.received);
      Object.assign(known, counts);
      if (isEnded) {
        this.#open.delete(key);
        this.#openCount -= known.flows.length;
      }
      for (const flow of known.flows) {
        if (into.flows.length >= flowsQueuedMax) add(into, flow.nic, 1);
        else into.flows.push({ ...flow, at, carried: { isEnded, sent, received } });
      }
    }
  }

  /** A link may be made anew under another number while its port stays. */
  #findLinks(): void {
    this.#links.clear();
    const program = this.#programs[0]?.program;
    const logged = new Set(Object.values(program?.flowLogs ?? {}).flatMap(({ ports }) => ports));
    for (const port of Object.values(program?.ports ?? {})) {
      if (!logged.has(portName(port.mark))) continue;
      const link = linkNumber(this.#namespace, portName(port.mark));
      if (link !== 0) this.#links.set(link, port);
    }
  }

  #countOver(into: Found): void {
    for (const { mark, nic } of this.#links.values()) {
      for (const direction of ['outbound', 'inbound'] as const) {
        const chain = portChain(mark, direction);
        const count = this.#overOf(chain);
        const before = this.#over.get(chain) ?? 0;
        this.#over.set(chain, count);
        // A chain that was made anew counts from zero.
        add(into, nic, count >= before ? count - before : count);
      }
    }
  }

  #overOf(chain: string): number {
    try {
      const listed = this.#counters.run(`list chain inet rw ${chain}`);
      return Number(/limit rate over .* counter packets (\d+) /.exec(listed)?.[1] ?? 0);
    } catch {
      // A port without filters in this direction has no such chain.
      return 0;
    }
  }
}

const disagreementsMax = 20;

/** A program, and when another took its place. */
type Standing = { readonly program: RouterProgram; readonly until: number };

/** Filters that one connection may meet in one router: two at each end. */
const flowEndsMax = 4;

/** An allowed flow, at each filter that let it pass, and what it had carried when it was last told of. */
type Watched = { readonly flows: Flow[]; sent: Count; received: Count };

const noCount: Count = { packets: 0, bytes: 0 };

/** What came since; a connection that replaced another under the same names counts from zero. */
function less(now: Count, before: Count): Count {
  if (now.packets < before.packets || now.bytes < before.bytes) return now;
  return { packets: now.packets - before.packets, bytes: now.bytes - before.bytes };
}

function add(into: Found, nic: string, count: number): void {
  if (count > 0) into.notLogged = { ...into.notLogged, [nic]: (into.notLogged[nic] ?? 0) + count };
}

function flowKey({ protocol, source, target, sourcePort, targetPort }: Header): string {
  return `${protocol} ${source} ${sourcePort} ${target} ${targetPort}`;
}

type Said = NonNullable<ReturnType<typeof readPrefix>>;

/** The filter and rule that a prefix stands for in a program, if that program can have written it. */
function nameOf(program: RouterProgram, said: Said): Pick<Flow, 'filter' | 'rule' | 'because'> | undefined {
  for (const filter of Object.keys(program.flowLogs ?? {})) {
    if (filterMark(filter) !== said.filter || !Object.hasOwn(program.filters, filter)) continue;
    const rules: Filter['rules'] = program.filters[filter]?.rules ?? {};
    if (said.priority === '') return { filter, rule: '', because: 'no rule matched' };
    for (const [key, rule] of Object.entries(rules))
      if (priorityOf(key) === said.priority) return { filter, rule: key, because: rule.because };
  }
  return undefined;
}

/** The flows of all routers of a stamp that log any. */
export class StampFlows {
  readonly #routers = new Map<string, RouterFlows>();
  readonly #wanted = new Map<string, RouterProgram>();
  readonly #isCanary: IsCanary;
  #turn = 0;

  /** `isCanary`: packets that are judged and not told of. */
  constructor(isCanary: IsCanary = () => false) {
    this.#isCanary = isCanary;
  }

  /** The routers' programs are these from `now` on. Opens nothing: what enforces must not fail for what only looks. */
  follow(programs: Programs, now: number): void {
    this.#wanted.clear();
    for (const [point, program] of Object.entries(programs)) {
      if (program.kind !== 'router' || program.flowLogs === undefined) continue;
      this.#wanted.set(point, program);
      this.#routers.get(point)?.follow(program, now);
    }
    for (const [point, flows] of this.#routers) {
      if (this.#wanted.has(point)) continue;
      flows.close();
      this.#routers.delete(point);
    }
  }

  /**
   * All that was seen since the last reading, within the limits. `now`: milliseconds since 1970; `namespaceOf`: where a point's
   * kernel state lives. A router whose log cannot be read is told of, and opened anew at the next reading.
   */
  read(now: number, namespaceOf: (point: string) => string): FlowBatch {
    const found: Found = { flows: [], notLogged: {}, disagreements: [], compared: 0, troubles: [] };
    const points = [...this.#wanted];
    // The limits are shared by all: each reading begins with another router.
    const first = this.#turn++ % Math.max(1, points.length);
    for (const [point, program] of [...points.slice(first), ...points.slice(0, first)]) {
      // What is not read now waits in the kernel; what that has no room for is counted as lost.
      if (found.flows.length >= flowsQueuedMax) break;
      try {
        let flows = this.#routers.get(point);
        const [namespace, isCanary] = [namespaceOf(point), this.#isCanary];
        if (flows === undefined)
          this.#routers.set(point, (flows = new RouterFlows({ point, namespace, isCanary }, program)));
        flows.read(now, found);
      } catch (error) {
        this.#routers.get(point)?.close();
        this.#routers.delete(point);
        found.troubles.push(`${point}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return found;
  }

  close(): void {
    for (const flows of this.#routers.values()) flows.close();
    this.#routers.clear();
  }
}
