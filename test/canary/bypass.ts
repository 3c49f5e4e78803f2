/** A hole that no list of the kernel shows: frames that come in at one port of a router are handed out at another, past all filters. */

import { run } from '#adapters/linux/ip.ts';
import { linksOf } from '#adapters/linux/netns.ts';
import { Wire } from '#test/stamp/wire.ts';

const everyMs = 2;
const tcp = 6;

type Port = { readonly wire: Wire; readonly link: number };

/** Hands TCP frames for IPv4 addresses of guests from port to port, also from one router to another, until it is closed. */
export class Bypass {
  readonly #wires: readonly Wire[];
  readonly #ports: readonly Port[];
  readonly #routes: ReadonlyMap<string, Port>;
  readonly #timer: NodeJS.Timeout;

  private constructor(ports: readonly Port[], routes: ReadonlyMap<string, Port>) {
    this.#wires = [...new Set(ports.map(({ wire }) => wire))];
    this.#ports = ports;
    this.#routes = routes;
    this.#timer = setInterval(() => this.#hand(), everyMs);
  }

  /** Opens it between the ports of these routers' namespaces. */
  static async between(namespaces: readonly string[]): Promise<Bypass> {
    const ports: Port[] = [];
    const routes = new Map<string, Port>();
    for (const namespace of namespaces) {
      const wire = new Wire(namespace);
      const names = linksOf(namespace).filter((name) => /^n\d+$/.test(name));
      ports.push(...names.map((name) => ({ wire, link: wire.index(name) })));
      const text = await run(['ip', '-n', namespace, '-4', 'route', 'show', 'table', 'main'], '');
      for (const [, address = '', name = ''] of text.matchAll(/^([\d.]+) dev (n\d+)/gm))
        routes.set(address, { wire, link: wire.index(name) });
    }
    return new Bypass(ports, routes);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const wire of this.#wires) wire.close();
  }

  #hand(): void {
    for (const wire of this.#wires) {
      for (const { link, isIncoming, frame } of wire.drain()) {
        const isFromGuest = isIncoming && this.#ports.some((port) => port.wire === wire && port.link === link);
        if (!isFromGuest || frame.readUInt16BE(12) !== 0x0800 || frame[23] !== tcp) continue;
        const to = this.#routes.get([...frame.subarray(30, 34)].join('.'));
        if (to !== undefined && !(to.wire === wire && to.link === link)) to.wire.send(to.link, frame);
      }
    }
  }
}
