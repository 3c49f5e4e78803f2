/** Canaries worth sending: packets of the classes that the invariants speak of, with the place where one of them would do harm. */

import { canaryPortFirst } from '#base/limits.ts';
import type { CanaryOrigin, CanaryPlace } from '#engine/canary/canary.ts';
import { oneOf, type Throw } from '#engine/checker/dice.ts';
import type { Packet } from '#program/packet.ts';
import type { EdgeProgram, Port, Programs, RouterProgram } from '#program/program.ts';

/** A packet, the class it is drawn from, and where it would come out if nothing held it. */
export type Drawn = {
  readonly about: string;
  readonly origin: CanaryOrigin;
  readonly packet: Packet;
  readonly watch: readonly CanaryPlace[];
};

type Nic = { readonly router: RouterProgram; readonly port: Port; readonly address: string; readonly label: string };
type Public = { readonly address: string; readonly marks: readonly number[] };

/** What is drawn from, gathered once per set of programs. */
export type CanaryDeck = {
  readonly nics: readonly Nic[];
  readonly publics: readonly Public[];
  readonly internet: readonly string[];
  /** The stamp's own endpoints, as guests and as the internet may name them. */
  readonly endpoints: readonly string[];
  readonly ports: readonly number[];
};

const managementPorts = [22, 3389, 5985, 5986] as const;
/** Without rules there are still ports that people use; the last is one that nobody does. */
const commonPorts = [80, 443, 22, 53, 9] as const;
const portsOfRulesMax = 256;

/** `isRunning`: has the NIC (ARM id) a guest? Only there can a canary be sent or seen. */
export function canaryDeckOf(programs: Programs, isRunning: (nic: string) => boolean): CanaryDeck {
  const all = Object.values(programs);
  const routers = all.filter((program) => program.kind === 'router');
  const edge = all.find((program) => program.kind === 'edge');
  const infra = all.find((program) => program.kind === 'infra');
  const nics = routers.flatMap((router) =>
    Object.values(router.ports)
      .filter(({ nic }) => isRunning(nic))
      .flatMap((port) =>
        Object.entries(port.addresses).map(([address, { label }]): Nic => ({ router, port, address, label })),
      ),
  );
  return {
    nics,
    publics: edge === undefined ? [] : publicsOf(edge, new Set(nics.map(({ port }) => port.mark))),
    internet: (edge?.internet ?? []).map((prefix) => hostIn(prefix)),
    endpoints: [...(infra?.addresses ?? []), ...Object.values(edge?.published ?? {}).map(({ address }) => address)],
    ports: [...portsOf(routers, edge)],
  };
}

function publicsOf({ publics, balances }: EdgeProgram, marks: ReadonlySet<number>): Public[] {
  const singles = Object.entries(publics).map(([address, { mark }]) => ({ address, marks: [mark] }));
  const shared = Object.values(balances).map(({ frontend, targets }) => {
    return { address: frontend, marks: Object.values(targets).map(({ mark }) => mark) };
  });
  return [...singles, ...shared].filter((one) => one.marks.length > 0 && one.marks.every((mark) => marks.has(mark)));
}

/** A host of a prefix that nobody else uses in tests and labs: its ninth from the end of the first block. */
function hostIn(prefix: string): string {
  const [first = ''] = prefix.split('/');
  return first.includes(':') ? `${first}f7` : first.replace(/\d+$/, '247');
}

function portsOf(routers: readonly RouterProgram[], edge: EdgeProgram | undefined): ReadonlySet<number> {
  const found = new Set<number>(commonPorts);
  const balances = [...Object.values(edge?.balances ?? {}), ...routers.flatMap((one) => Object.values(one.balances))];
  for (const { port } of balances) if (port > 0) found.add(port);
  for (const { filters } of routers) {
    for (const filter of Object.values(filters)) {
      for (const { targetPorts } of Object.values(filter.rules)) {
        for (const [first, last] of targetPorts) {
          if (found.size >= portsOfRulesMax) return found;
          if (first > 0) found.add(first).add(last);
        }
      }
    }
  }
  return found;
}

type Draft = Pick<Drawn, 'about' | 'origin' | 'watch'> & Pick<Packet, 'source' | 'target' | 'targetPort'>;
type Draw = (deck: CanaryDeck, dice: Throw) => Draft | undefined;

const sixOf = (address: string): boolean => address.includes(':');
const nicPlace = ({ port }: Nic): { readonly kind: 'nic'; readonly mark: number } => ({ kind: 'nic', mark: port.mark });

function fromInternet(about: string, portOf: (deck: CanaryDeck, dice: Throw) => number): Draw {
  return (deck, dice) => {
    const target = oneOf(deck.publics, dice);
    const source = oneOf(
      deck.internet.filter((each) => target !== undefined && sixOf(each) === sixOf(target.address)),
      dice,
    );
    if (target === undefined || source === undefined) return undefined;
    const watch = target.marks.map((mark) => ({ kind: 'nic', mark }) as const);
    const origin = { kind: 'internet' } as const;
    return { about, origin, source, target: target.address, targetPort: portOf(deck, dice), watch };
  };
}

/** From one NIC to another that fits; `sourceOf` names the sender's address, its own or not. */
function between(
  about: string,
  fits: (from: Nic, to: Nic) => boolean,
  {
    targetOf = ({ address }) => address,
    sourceOf = (from) => from.address,
  }: {
    readonly targetOf?: (to: Nic) => string;
    readonly sourceOf?: (from: Nic, others: readonly Nic[], dice: Throw) => string | undefined;
  } = {},
): Draw {
  return (deck, dice) => {
    const from = oneOf(deck.nics, dice);
    if (from === undefined) return undefined;
    const others = deck.nics.filter(
      ({ port, address }) => port !== from.port && sixOf(address) === sixOf(from.address),
    );
    const to = oneOf(
      others.filter((other) => fits(from, other)),
      dice,
    );
    const source = sourceOf(from, others, dice);
    if (to === undefined || source === undefined) return undefined;
    const targetPort = oneOf(deck.ports, dice) ?? 443;
    return { about, origin: nicPlace(from), source, target: targetOf(to), targetPort, watch: [nicPlace(to)] };
  };
}

const isSameNetwork = (from: Nic, to: Nic): boolean => from.router.key === to.router.key;
const port = (deck: CanaryDeck, dice: Throw): number => oneOf(deck.ports, dice) ?? 443;

/** One row is a class: what an invariant forbids, or what somebody relies on. The oracle says which of the two a packet is. */
const classes: readonly Draw[] = [
  fromInternet('a management port from the internet', (_, dice) => oneOf(managementPorts, dice) ?? 22),
  fromInternet('a service from the internet', port),
  between('a neighbour in the network', isSameNetwork),
  between('a NIC of another network', (from, to) => !isSameNetwork(from, to)),
  between('a label address', () => true, { targetOf: ({ label }) => label }),
  between('a source that is not the NIC’s own', isSameNetwork, {
    sourceOf: (from, others, dice) => oneOf(others, dice)?.address,
  }),
  (deck, dice) => {
    const target = oneOf(deck.endpoints, dice);
    const from = oneOf(
      deck.nics.filter(({ address }) => target !== undefined && sixOf(address) === sixOf(target)),
      dice,
    );
    if (target === undefined || from === undefined) return undefined;
    const rest = { source: from.address, target, targetPort: port(deck, dice), watch: [{ kind: 'infra' }] } as const;
    return { about: 'an endpoint of the stamp from a guest', origin: nicPlace(from), ...rest };
  },
  (deck, dice) => {
    const target = oneOf(deck.publics, dice);
    const from = oneOf(
      deck.nics.filter(({ address }) => target !== undefined && sixOf(address) === sixOf(target.address)),
      dice,
    );
    if (target === undefined || from === undefined) return undefined;
    const watch = target.marks.map((mark) => ({ kind: 'nic', mark }) as const);
    const rest = { source: from.address, target: target.address, targetPort: port(deck, dice), watch };
    return { about: 'a private source from the internet', origin: { kind: 'internet' }, ...rest };
  },
  (deck, dice) => {
    const from = oneOf(deck.nics, dice);
    const target = oneOf(
      deck.internet.filter((each) => from !== undefined && sixOf(each) === sixOf(from.address)),
      dice,
    );
    if (target === undefined || from === undefined) return undefined;
    const rest = { source: from.address, target, targetPort: port(deck, dice), watch: [{ kind: 'internet' }] } as const;
    return { about: 'the internet from a guest', origin: nicPlace(from), ...rest };
  },
];

/** One canary of a class that is drawn too; undefined where the stamp has none of that class. */
export function drawCanary(deck: CanaryDeck, dice: Throw): Drawn | undefined {
  const draft = oneOf(classes, dice)?.(deck, dice);
  if (draft === undefined || draft.watch.length === 0) return undefined;
  const { about, origin, watch, ...ends } = draft;
  const sourcePort = canarySourcePort(dice);
  return { about, origin, watch, packet: { origin, ...ends, protocol: 'tcp', sourcePort } };
}

/** A source port for one canary. */
export function canarySourcePort(dice: Throw): number {
  return canaryPortFirst + dice(65_536 - canaryPortFirst);
}
