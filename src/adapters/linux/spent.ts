/** What ports send beyond their budgets: read from the kernel's samples when asked, and counted by the rules that dropped it. */

import { evidencePacketsMax, spentMessagesMax } from '#base/limits.ts';
import {
  forgedChain,
  mailChain,
  paceChain,
  spendChain,
  spentGroup,
  spentPrefix,
} from '#adapters/linux/budget-rules.ts';
import { type LoggedPacket, packetMessage, readPacket, subscribe } from '#adapters/linux/flow-log-message.ts';
import { portName } from '#adapters/linux/names.ts';
import { NetlinkSocket } from '#adapters/linux/netlink.ts';
import { linkNumber } from '#adapters/linux/netns.ts';
import { NftContext } from '#adapters/linux/nft.ts';
import type { Spent } from '#engine/containment/spent.ts';
import type { Abuse } from '#model/security/quarantine.ts';
import type { Port, Programs, RouterProgram } from '#program/program.ts';

const netlinkNetfilter = 12;

/** The chain whose rule counts what goes over a budget. */
const chains: { readonly [abuse in Abuse]: (mark: number) => string } = {
  new: spendChain,
  targets: spendChain,
  mail: mailChain,
  packets: paceChain,
  forged: forgedChain,
};

type Seen = { logged: number; readonly packets: string[] };

/** One router's samples, from the moment it has budgets. */
class RouterSpent {
  readonly #point: string;
  readonly #namespace: string;
  readonly #packets: NetlinkSocket;
  #counters: NftContext | undefined;
  readonly #counts = new Map<string, number>();

  constructor(point: string, namespace: string) {
    this.#point = point;
    this.#namespace = namespace;
    this.#packets = new NetlinkSocket(namespace, netlinkNetfilter, 0);
    this.#packets.send(subscribe(spentGroup));
  }

  read(program: RouterProgram, into: Spent[]): void {
    const told = this.#packets.drain(spentMessagesMax).flatMap(({ type, body }) => {
      const packet = type === packetMessage ? readPacket(body) : undefined;
      return packet === undefined ? [] : [packet];
    });
    // Lost samples are no loss: the rules count.
    this.#packets.takeLossy();
    if (told.length === 0) return;
    const links = new Map(
      Object.values(program.ports).map((port) => [linkNumber(this.#namespace, portName(port.mark)), port] as const),
    );
    for (const [port, abuses] of byPort(told, links)) {
      for (const [abuse, { logged, packets }] of abuses) {
        const { budgets = {}, spenders = {} } = program;
        const budget = budgets[spenders[portName(port.mark)] ?? ''];
        if (budget === undefined) continue;
        const { mark, nic } = port;
        const dropped = this.#droppedSince(mark, abuse) ?? logged;
        into.push({ point: this.#point, nic, mark, abuse, dropped, budget, packets });
      }
    }
  }

  /** Undefined when it is not known from where on to count. */
  #droppedSince(mark: number, abuse: Abuse): number | undefined {
    const key = `${mark} ${abuse}`;
    const count = this.#countOf(mark, abuse);
    const before = this.#counts.get(key);
    if (count !== undefined) this.#counts.set(key, count);
    if (count === undefined || before === undefined) return undefined;
    // A chain that was made anew counts from zero.
    return count >= before ? count - before : count;
  }

  #countOf(mark: number, abuse: Abuse): number | undefined {
    try {
      // Most routers are never asked.
      this.#counters ??= new NftContext(this.#namespace, { isStateless: false });
      const listed = this.#counters.run(`list chain inet rw ${chains[abuse](mark)}`);
      return Number(new RegExp(`counter packets (\\d+) bytes \\d+ goto over_${abuse}`).exec(listed)?.[1]);
    } catch {
      // A port that went meanwhile.
      return undefined;
    }
  }

  close(): void {
    this.#packets.close();
    this.#counters?.close();
  }
}

function byPort(
  told: readonly LoggedPacket[],
  links: ReadonlyMap<number, Port>,
): ReadonlyMap<Port, ReadonlyMap<Abuse, Seen>> {
  const found = new Map<Port, Map<Abuse, Seen>>();
  for (const { prefix, link, header } of told) {
    const port = links.get(link);
    const abuse = prefix.startsWith(spentPrefix) ? prefix.slice(spentPrefix.length) : '';
    if (port === undefined || !isAbuse(abuse)) continue;
    const abuses = found.get(port) ?? new Map<Abuse, Seen>();
    found.set(port, abuses);
    const seen = abuses.get(abuse) ?? { logged: 0, packets: [] };
    abuses.set(abuse, seen);
    seen.logged += 1;
    const { protocol, source, sourcePort, target, targetPort } = header;
    if (seen.packets.length < evidencePacketsMax)
      seen.packets.push(`${protocol} ${source}:${sourcePort} > ${target}:${targetPort}`);
  }
  return found;
}

function isAbuse(text: string): text is Abuse {
  return Object.hasOwn(chains, text);
}

/** The samples of all routers of a stamp that have budgets. */
export class StampSpent {
  readonly #routers = new Map<string, RouterSpent>();

  /** What was seen since the last reading. A router whose samples cannot be read is opened anew at the next one. */
  read(programs: Programs, namespaceOf: (point: string) => string): readonly Spent[] {
    const found: Spent[] = [];
    for (const [point, router] of this.#routers) {
      if (programs[point]?.kind === 'router') continue;
      router.close();
      this.#routers.delete(point);
    }
    for (const [point, program] of Object.entries(programs)) {
      if (program.kind !== 'router' || program.spenders === undefined) continue;
      try {
        let router = this.#routers.get(point);
        if (router === undefined) this.#routers.set(point, (router = new RouterSpent(point, namespaceOf(point))));
        router.read(program, found);
      } catch {
        this.#routers.get(point)?.close();
        this.#routers.delete(point);
      }
    }
    return found;
  }

  close(): void {
    for (const router of this.#routers.values()) router.close();
    this.#routers.clear();
  }
}
