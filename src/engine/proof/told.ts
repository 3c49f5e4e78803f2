/** A breach as it is told: plain data with the resources behind each hop, so that whoever asks can be shown what they may read and no more. */

import type { JsonObject } from '#base/json.ts';
import type { Resource, View } from '#model/resource.ts';
import type { Hop, Packet } from '#program/packet.ts';
import type { Port, Programs, RouterProgram } from '#program/program.ts';
import type { Breach, Fix } from '#verify/proof/verdict.ts';

/** One breach. `says` is for everybody; `title`, path and fixes name resources, and `resource` of each says whose they are. */
export type ToldBreach = {
  readonly invariant: { readonly id: string; readonly kind: string; readonly title: string; readonly owner: string };
  readonly effect: 'deny' | 'audit';
  readonly says: string;
  /** The NIC where it is broken (ARM id), when it is one. */
  readonly resource?: string;
  readonly witness?: ToldWitness;
  readonly path: readonly ToldHop[];
  readonly fixes: readonly ToldFix[];
};

/** The packet as it starts. Ports are 0 where the protocol has none. */
export type ToldWitness = {
  readonly source: string;
  readonly target: string;
  readonly protocol: string;
  readonly sourcePort: number;
  readonly targetPort: number;
  /** `internet`, `operator`, `probe`, or the ARM id of the NIC that sends it. */
  readonly from: string;
};

/** One step of the packet. `resource` and `rule` are absent where no resource of a tenant stands behind it. */
export type ToldHop = {
  readonly layer: string;
  readonly verdict: 'allow' | 'deny';
  readonly resource?: string;
  readonly rule?: string;
};

export type ToldFix = {
  readonly kind: Fix['kind'];
  readonly says: string;
  readonly resource?: string;
  readonly change?: JsonObject;
};

/** The world that a breach is told from: the programs that were judged, and the resources that they were made of. */
export type TellingParts = { readonly programs: Programs; readonly view: View };

/** Tells a breach. */
export function toldBreach(breach: Breach, parts: TellingParts): ToldBreach {
  const { invariant, witness } = breach;
  const { id, kind, title, owner } = invariant;
  const ports = portsOf(breach, parts.programs);
  const finder: Finder = { ...parts, ports };
  const mark = breach.subject.kind === 'nic' ? breach.subject.mark : undefined;
  const nic = mark === undefined ? undefined : ports.find(({ port }) => port.mark === mark)?.port.nic;
  return {
    invariant: { id, kind, title, owner },
    effect: invariant.effect,
    says: breach.says,
    ...(nic === undefined ? {} : { resource: nic }),
    ...(witness === undefined ? {} : { witness: toldWitness(witness.packet, ports) }),
    path: witness === undefined ? [] : toldPath(witness.fate.hops, witness.fate.verdict === 'deliver', finder),
    fixes: breach.fixes.map((fix) => toldFix(fix, finder)),
  };
}

type Placed = { readonly router: RouterProgram; readonly port: Port };
/** Where the resources behind hops are looked for: among those that judge the NICs which take part. */
export type Finder = TellingParts & { readonly ports: readonly Placed[] };

/** The ports of the NICs that take part: where the packet starts, where it ends, and where the breach is. */
function portsOf({ subject, witness }: Breach, programs: Programs): readonly Placed[] {
  const marks = new Set<number>();
  if (subject.kind === 'nic') marks.add(subject.mark);
  for (const packet of witness === undefined ? [] : [witness.packet, ...witness.relays]) {
    if (packet.origin.kind === 'nic') marks.add(packet.origin.mark);
  }
  if (witness?.fate.verdict === 'deliver') {
    for (const { at } of witness.fate.to) if (at.kind === 'nic') marks.add(at.mark);
  }
  if (marks.size === 0) return [];
  return Object.values(programs).flatMap((program): Placed[] => {
    if (program.kind !== 'router') return [];
    return Object.values(program.ports)
      .filter(({ mark }) => marks.has(mark))
      .map((port) => ({ router: program, port }));
  });
}

function toldWitness(packet: Packet, ports: readonly Placed[]): ToldWitness {
  const { origin, source, target, protocol, sourcePort, targetPort } = packet;
  const from =
    origin.kind === 'nic' ? (ports.find(({ port }) => port.mark === origin.mark)?.port.nic ?? 'nic') : origin.kind;
  return { source, target, protocol, sourcePort, targetPort, from };
}

function toldPath(hops: readonly Hop[], isDelivered: boolean, finder: Finder): readonly ToldHop[] {
  return hops.map((hop, index) => {
    const isLast = index === hops.length - 1;
    const verdict = isLast && !isDelivered ? 'deny' : 'allow';
    return { layer: layerOf(hop), verdict, ...behind(hop, finder) };
  });
}

/** The layer of a hop, in words that need no names of resources. */
export function layerOf({ point, step, because }: Hop): string {
  if (step === 'filter') {
    if (because.startsWith('nsg/') || because.startsWith('closed')) return 'networkSecurityGroup';
    return point;
  }
  if (step === 'route' && because.startsWith('udr/')) return 'routeTable';
  if (step === 'balance') return 'loadBalancer';
  const place = point.startsWith('router/') ? 'router' : point.startsWith('host/') ? 'host' : point;
  return `${place}.${step}`;
}

const typesBehind: { readonly [word: string]: string } = {
  nsg: 'networkSecurityGroups',
  udr: 'routeTables',
  lb: 'loadBalancers',
  natgw: 'natGateways',
  pip: 'publicIPAddresses',
};

/** The resource and the rule behind a hop; nothing when it is the stamp's own or cannot be told for certain. */
export function behind(hop: Hop, finder: Finder): Pick<ToldHop, 'resource' | 'rule'> {
  const [word = '', name = '', rule] = (hop.because.split(':')[0] ?? '').split('/');
  if (typesBehind[word] === undefined || name === '') return {};
  const resource = word === 'nsg' ? groupBehind(hop, finder) : resourceNamed(typesBehind[word], name, finder);
  return { ...(resource === undefined ? {} : { resource }), ...(rule === undefined ? {} : { rule }) };
}

/** The NSG whose rule decided: of those that judge the NICs that take part, the one that has this rule. */
function groupBehind({ because }: Hop, { ports, view }: Finder): string | undefined {
  const found = new Set<string>();
  for (const { router, port } of ports) {
    for (const key of [...port.inbound, ...port.outbound]) {
      const filter = Object.hasOwn(router.filters, key) ? router.filters[key] : undefined;
      if (!Object.values(filter?.rules ?? {}).some((rule) => rule.because === because)) continue;
      const [, group, name] = key.split('/');
      const subscription = router.vnet.split('/')[2];
      const id = `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Network/networkSecurityGroups/${name}`;
      const resource = view.get(id);
      if (resource !== undefined) found.add(resource.id);
    }
  }
  const [only, ...others] = found;
  return others.length === 0 ? only : undefined;
}

/** The one resource of this name in the subscriptions that take part. */
function resourceNamed(type: string | undefined, name: string, { ports, view }: Finder): string | undefined {
  const subscriptions = new Set(ports.map(({ router }) => router.vnet.split('/')[2]?.toLowerCase()));
  const found: Resource[] = [];
  for (const resource of view.ofType(`Microsoft.Network/${type}`)) {
    if (resource.name !== name || !subscriptions.has(resource.id.split('/')[2]?.toLowerCase())) continue;
    found.push(resource);
    if (found.length > 1) return undefined;
  }
  return found[0]?.id;
}

function toldFix({ kind, says, because, change }: Fix, finder: Finder): ToldFix {
  const hop: Hop = { point: '', step: 'filter', because: because ?? '' };
  const { resource } = behind(hop, finder);
  return { kind, says, ...(resource === undefined ? {} : { resource }), ...(change === undefined ? {} : { change }) };
}
