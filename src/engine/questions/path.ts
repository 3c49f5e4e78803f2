/** The way of one packet by the oracle's word, hop by hop with the resources behind the hops, through appliances to its end. */

import { pathLegsMax } from '#base/limits.ts';
import type { Placed } from '#compile/answer/port.ts';
import { ruleName } from '#compile/answer/rule.ts';
import { familyOf } from '#compile/read.ts';
import type { View } from '#model/resource.ts';
import { evaluate } from '#program/eval.ts';
import type { Delivered, Fate, Hop, Packet } from '#program/packet.ts';
import type { Port, Programs } from '#program/program.ts';
import { behind, type Finder, layerOf } from '#engine/proof/told.ts';

/** The world that a way is told from. */
export type PathWorld = { readonly programs: Programs; readonly view: View };

/** One step. `direction`: of a group's filter. `resource` and `rule`: where a resource of a tenant stands behind it. */
export type PathStep = {
  readonly point: string;
  readonly layer: string;
  readonly verdict: 'allow' | 'deny';
  readonly because: string;
  readonly direction?: 'inbound' | 'outbound';
  readonly resource?: string;
  readonly rule?: string;
};

/** From where a packet starts, or an appliance sends it on, to the next guest. `nic`: of the sender. */
export type Leg = {
  readonly packet: Packet;
  readonly nic?: string;
  /** An appliance sends it as its own: with the source kept it could not leave. */
  readonly isTranslated?: boolean;
  readonly fate: Fate;
  readonly steps: readonly PathStep[];
};

/** `verdict`: of the last leg. `to`: where it was delivered; several when a load balancer may choose. */
export type PacketPath = {
  readonly legs: readonly Leg[];
  readonly verdict: 'deliver' | 'drop';
  readonly because?: string;
  readonly to: readonly Delivered[];
};

/**
 * Follows a packet. An appliance (a forwarding NIC that gets what is not for it) sends on what it receives with the source kept, or as
 * its own where the edge lets nobody else's source out; whether it does lies with its guest. Of the
 * targets that a balance may choose the first is followed through appliances, the others are told as they stand.
 */
export function pathOf(world: PathWorld, packet: Packet): PacketPath {
  const ports = portsOf(world.programs);
  const legs: Leg[] = [];
  const seen = new Set<number>();
  let next = packet;
  for (;;) {
    const leg = sentOn(world, next, ports);
    legs.push(leg);
    const { fate } = leg;
    if (fate.verdict === 'drop') return { legs, verdict: 'drop', because: fate.because, to: [] };
    const relay = relayOf(fate.to, ports);
    if (relay === undefined) return { legs, verdict: 'deliver', to: fate.to };
    if (seen.has(relay.mark) || legs.length >= pathLegsMax) {
      return { legs, verdict: 'drop', because: `loop: ${relay.nic} would send it to itself again`, to: [] };
    }
    seen.add(relay.mark);
    next = { ...relay.packet, origin: { kind: 'nic', mark: relay.mark } };
  }
}

type Ports = ReadonlyMap<number, Placed>;

function portsOf(programs: Programs): Ports {
  return new Map(
    Object.values(programs).flatMap((router) =>
      router.kind === 'router' ? Object.values(router.ports).map((port) => [port.mark, { router, port }] as const) : [],
    ),
  );
}

function relayOf(to: readonly Delivered[], ports: Ports) {
  for (const { at, packet } of to) {
    const port = at.kind === 'nic' ? ports.get(at.mark)?.port : undefined;
    if (port === undefined || at.kind !== 'nic' || !port.forwarding) continue;
    if (!Object.hasOwn(port.addresses, packet.target)) return { mark: at.mark, nic: port.nic, packet };
  }
  return undefined;
}

/** A leg; of an appliance, once more as its own when the source that it kept has no way out. */
function sentOn(world: PathWorld, packet: Packet, ports: Ports): Leg {
  const leg = legOf(world, packet, ports);
  const port = packet.origin.kind === 'nic' ? ports.get(packet.origin.mark)?.port : undefined;
  const isStuck = leg.fate.verdict === 'drop' && leg.fate.hops.at(-1)?.step === 'translate';
  if (!isStuck || port === undefined || !port.forwarding || Object.hasOwn(port.addresses, packet.source)) return leg;
  const source = Object.keys(port.addresses).find((each) => familyOf(each) === familyOf(packet.source));
  return source === undefined ? leg : { ...legOf(world, { ...packet, source }, ports), isTranslated: true };
}

function legOf({ programs, view }: PathWorld, packet: Packet, ports: Ports): Leg {
  const fate = evaluate(programs, packet);
  const sender = packet.origin.kind === 'nic' ? ports.get(packet.origin.mark) : undefined;
  const taking = [...(sender === undefined ? [] : [sender]), ...receivers(fate, packet, ports)];
  const finder: Finder = { programs, view, ports: taking };
  const outward = fate.hops.findIndex(({ step }) => step !== 'filter');
  const steps = fate.hops.map((hop, index): PathStep => {
    const isLast = index === fate.hops.length - 1;
    const isSent = sender !== undefined && (outward < 0 || index < outward);
    return stepOf(hop, { finder, isDenied: isLast && fate.verdict === 'drop', isSent });
  });
  return { packet, ...(sender === undefined ? {} : { nic: sender.port.nic }), fate, steps };
}

/** The NICs whose groups may have judged it: those that got it, or those that have the address it was stopped on its way to. */
function receivers(fate: Fate, packet: Packet, ports: Ports): readonly Placed[] {
  if (fate.verdict === 'deliver') {
    return fate.to.flatMap(({ at }) => (at.kind === 'nic' ? (ports.get(at.mark) ?? []) : []));
  }
  const last = fate.hops.at(-1);
  if (last?.step !== 'filter') return [];
  const here = [...ports.values()].filter(({ router }) => `router/${router.key}/${router.host}` === last.point);
  const own = here.filter(({ port }) => Object.hasOwn(port.addresses, packet.target));
  return own.length > 0 ? own : here.filter(({ port, router }) => judgesBy(port, router.filters, last));
}

function judgesBy(port: Port, filters: Placed['router']['filters'], { because }: Hop): boolean {
  return port.inbound.some((name) =>
    Object.values(filters[name]?.rules ?? {}).some((rule) => rule.because === because),
  );
}

type StepParts = { readonly finder: Finder; readonly isDenied: boolean; readonly isSent: boolean };

function stepOf(hop: Hop, { finder, isDenied, isSent }: StepParts): PathStep {
  const { point, because, step } = hop;
  const isOfGroup = step === 'filter' && point.startsWith('router/');
  const found = behind(hop, finder);
  const rule = isOfGroup ? (nameOfRule(hop, finder) ?? found.rule) : found.rule;
  return {
    point,
    layer: layerOf(hop),
    verdict: isDenied ? 'deny' : 'allow',
    because,
    ...(isOfGroup ? { direction: isSent ? ('outbound' as const) : ('inbound' as const) } : {}),
    ...found,
    ...(rule === undefined ? {} : { rule }),
  };
}

/** The rule's name as Azure's questions tell it, which says whether it is one of Azure's own. */
function nameOfRule({ because }: Hop, { ports }: Finder): string | undefined {
  for (const { router, port } of ports) {
    for (const filter of [...port.outbound, ...port.inbound]) {
      const rules = (Object.hasOwn(router.filters, filter) ? router.filters[filter] : undefined)?.rules ?? {};
      const key = Object.keys(rules).find((each) => rules[each]?.because === because);
      if (key !== undefined) return ruleName(filter, key);
    }
  }
  return undefined;
}
