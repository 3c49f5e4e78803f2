/** Links, addresses, routes, policy rules and neighbours of one namespace as data, and the batch lines that turn one state into another. */

/** A link that this namespace owns and the batch makes; fixed wires of the fabric are not listed. */
export type PortLink = {
  readonly mark: number;
  readonly mac: string;
  readonly mtu: number;
  readonly isForwarding: boolean;
};

/**
 * What a namespace must have. Each text is one thing in iproute2's words after the verb, written one way only, so that
 * states compare as sets: `10.0.0.4 dev n7`.
 */
export type Network = {
  readonly ports: ReadonlyMap<number, PortLink>;
  /** `ADDRESS dev LINK` */
  readonly addresses: ReadonlySet<string>;
  /** `[TYPE] PREFIX [via ADDRESS] [dev LINK] table N [onlink]` */
  readonly routes: ReadonlySet<string>;
  /** `pref P fwmark M/M lookup T`, for both families. */
  readonly rules: ReadonlySet<string>;
  /** `ADDRESS lladdr MAC dev LINK` */
  readonly neighbours: ReadonlySet<string>;
  /** `MAC dev LINK dst ADDRESS` */
  readonly forwarding: ReadonlySet<string>;
};

export const emptyNetwork: Network = {
  ports: new Map(),
  addresses: new Set(),
  routes: new Set(),
  rules: new Set(),
  neighbours: new Set(),
  forwarding: new Set(),
};

/** The network without some ports and all that hangs on their links: when a link goes, the kernel takes the rest along. */
export function withoutPorts(network: Network, marks: ReadonlySet<number>): Network {
  if (marks.size === 0) return network;
  const names = [...marks].map((mark) => ` dev n${mark} `);
  const without = (texts: ReadonlySet<string>) =>
    new Set([...texts].filter((text) => !names.some((name) => `${text} `.includes(name))));
  return {
    ...network,
    ports: new Map([...network.ports].filter(([mark]) => !marks.has(mark))),
    addresses: without(network.addresses),
    routes: without(network.routes),
    neighbours: without(network.neighbours),
  };
}

/** The batch lines of a change: what must go, what must come, and links at both ends. */
export type NetworkChange = {
  readonly linksUp: readonly string[];
  readonly narrow: readonly string[];
  readonly widen: readonly string[];
  readonly bridge: readonly string[];
  readonly linksDown: readonly string[];
};

/** The lines that turn `actual` into `wanted`; `protocol` marks our routes. */
export function networkChange(actual: Network, wanted: Network, protocol: number): NetworkChange {
  if (actual === wanted) return { linksUp: [], narrow: [], widen: [], bridge: [], linksDown: [] };
  const links = linkLines(actual, wanted);
  const gone = new Set(links.gone);
  const isOfGone = (text: string) =>
    [...gone].some((name) => text.includes(` dev ${name} `) || text.endsWith(` dev ${name}`));
  const fresh = new Set(links.fresh);
  const kept = (texts: ReadonlySet<string>) =>
    fresh.size === 0
      ? texts
      : new Set([...texts].filter((text) => ![...fresh].some((name) => `${text} `.includes(` dev ${name} `))));
  const remove = (before: ReadonlySet<string>, after: ReadonlySet<string>) =>
    [...kept(before)].filter((text) => !after.has(text) && !isOfGone(text));
  const add = (before: ReadonlySet<string>, after: ReadonlySet<string>) => minus(after, kept(before));
  const routes = routeLines(
    { gone: remove(actual.routes, wanted.routes), fresh: add(actual.routes, wanted.routes) },
    protocol,
  );
  const narrow = [
    ...remove(actual.rules, wanted.rules).flatMap((text) => [`rule del ${text}`, `-6 rule del ${text}`]),
    ...routes.gone,
    ...remove(actual.addresses, wanted.addresses).map((text) => `addr del ${text}`),
    ...remove(actual.neighbours, wanted.neighbours)
      .filter((text) => !hasKey(wanted.neighbours, text))
      .map((text) => `neigh del ${text}`),
  ];
  const widen = [
    ...add(actual.addresses, wanted.addresses).map((text) => `addr add ${text}${text.includes(':') ? ' nodad' : ''}`),
    ...add(actual.neighbours, wanted.neighbours).map((text) => `neigh replace ${text} nud permanent`),
    ...routes.fresh,
    ...add(actual.rules, wanted.rules).flatMap((text) => [`rule add ${text}`, `-6 rule add ${text}`]),
  ];
  const bridge = [
    ...remove(actual.forwarding, wanted.forwarding).map((text) => `fdb del ${text} self`),
    ...add(actual.forwarding, wanted.forwarding).map((text) => `fdb replace ${text} self permanent`),
  ];
  return { linksUp: links.up, narrow, widen, bridge, linksDown: links.down };
}

function minus(left: ReadonlySet<string>, right: ReadonlySet<string>): string[] {
  return [...left].filter((text) => !right.has(text));
}

function six(text: string): string {
  return /^\S*:\S*/.test(text.replace(/^(throw|blackhole|local) /, '')) ? '-6 ' : '';
}

function hasKey(neighbours: ReadonlySet<string>, text: string): boolean {
  const key = (neighbour: string) => neighbour.replace(/ lladdr \S+/, '');
  const wanted = key(text);
  return [...neighbours].some((neighbour) => key(neighbour) === wanted);
}

/** A route that changes in place is replaced, so that no packet meets a gap; the others go first. */
function routeLines(
  { gone, fresh }: { gone: readonly string[]; fresh: readonly string[] },
  protocol: number,
): { gone: string[]; fresh: string[] } {
  const keyOf = (text: string) => {
    const words = text.replace(/^(throw|blackhole|local) /, '').split(' ');
    return `${words[0]} ${words[words.indexOf('table') + 1]}`;
  };
  const replaced = new Set(fresh.map(keyOf));
  return {
    // An IPv6 route of another type is another route to the kernel, so it cannot be replaced.
    gone: gone
      .filter((text) => six(text) !== '' || !replaced.has(keyOf(text)))
      .map((text) => `route del ${text} proto ${protocol}`),
    fresh: fresh.map((text) => `route replace ${text} proto ${protocol}`),
  };
}

function linkLines(
  actual: Network,
  wanted: Network,
): { up: string[]; down: string[]; gone: string[]; fresh: string[] } {
  const [up, down, gone, fresh]: [string[], string[], string[], string[]] = [[], [], [], []];
  for (const mark of actual.ports.keys()) {
    if (wanted.ports.has(mark)) continue;
    gone.push(`n${mark}`);
    down.push(`link del n${mark}`);
  }
  for (const [mark, link] of wanted.ports) {
    const old = actual.ports.get(mark);
    if (old === undefined) {
      fresh.push(`n${mark}`);
      up.push(...portLines(link));
    } else if (old.mtu !== link.mtu) up.push(`link set n${mark} mtu ${link.mtu}`);
  }
  return { up, down, gone, fresh };
}

/** Makes a port: the router's end with the gateway's hardware address, the guest's end waiting beside it until it is attached. */
function portLines({ mark, mac, mtu }: PortLink): string[] {
  return [
    `link add n${mark} mtu ${mtu} address 12:34:56:78:9a:bc type veth peer name g${mark} address ${mac} mtu ${mtu}`,
    `link set n${mark} up`,
  ];
}
