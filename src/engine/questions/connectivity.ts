/** A connectivity check: the way by the programs in force with what stands in it, and connections tried from inside the guest. */

import { connectivityChecksMax, knocksPerCheck } from '#base/limits.ts';
import { printAddress, tryAddress } from '#base/prefix.ts';
import { Refusal } from '#base/wrong.ts';
import type { Placed } from '#compile/answer/port.ts';
import { familyOf } from '#compile/read.ts';
import type { Resource } from '#model/resource.ts';
import type { Programs, ResolverProgram } from '#program/program.ts';
import type { Knocked, Knocker } from '#engine/ports.ts';
import { type Leg, pathOf, type PacketPath, type PathStep, type PathWorld } from '#engine/questions/path.ts';

/** What is checked. `host`: an address or a name. `http`: the request to send and the statuses that count as good. */
export type Check = {
  readonly protocol: 'tcp' | 'icmp';
  readonly sourcePort?: number;
  readonly host: string;
  readonly port: number;
  readonly http?: { readonly request: string; readonly statuses: readonly number[] };
};

export type Issue = {
  readonly origin: 'Local' | 'Inbound' | 'Outbound';
  readonly severity: 'Error' | 'Warning';
  readonly kind: 'Unknown' | 'AgentStopped' | 'DnsResolution' | 'NetworkSecurityRule' | 'UserDefinedRoute' | 'Platform';
  readonly context: readonly { readonly key: string; readonly value: string }[];
};

/** One place on the way. `resource` and `address` are absent where the asker may not read them. */
export type CheckHop = {
  readonly kind: 'Source' | 'VirtualAppliance' | 'VnetLocal' | 'Internet';
  readonly address?: string;
  readonly resource?: string;
  readonly issues: readonly Issue[];
};

export type CheckAnswer = {
  readonly status: 'Reachable' | 'Unreachable' | 'Degraded' | 'Unknown';
  readonly hops: readonly CheckHop[];
  /** The word of the programs in force alone. */
  readonly proof: 'Reachable' | 'Unreachable';
  /** `guest`: connections were tried from inside it; `nothing`: none was sent, and the status is the proof's. */
  readonly probe: {
    readonly from: 'guest' | 'nothing';
    readonly says: string;
    readonly tried: readonly Knocked[];
    /** Of those that could be tried, how many were not answered as wanted. */
    readonly failed: number;
  };
  readonly steps: readonly Pick<PathStep, 'layer' | 'verdict' | 'resource' | 'rule'>[];
};

export type CheckParts = {
  readonly world: PathWorld;
  readonly machine: Resource;
  /** The machine's NICs that have a port, its primary one first. */
  readonly placed: readonly Placed[];
  readonly mayRead: (id: string) => boolean;
  readonly knocker: Knocker | undefined;
};

let underWay = 0;

/** Checks. What the asker may not read is told as layer and verdict. */
export async function checkConnectivity(check: Check, parts: CheckParts): Promise<CheckAnswer> {
  const target = targetFor(check.host, parts);
  const sender =
    target === undefined ? parts.placed[0] : parts.placed.find((each) => sourceOf(each, target) !== undefined);
  if (sender === undefined) {
    throw new Refusal('InvalidParameter', 'The source machine has no address of the family of the destination.', {
      target: '/source/resourceId',
    });
  }
  if (target === undefined) return unresolved(check, sender, parts);
  const source = sourceOf(sender, target) ?? '';
  const ports = { sourcePort: check.protocol === 'tcp' ? (check.sourcePort ?? 49_152) : 0, targetPort: check.port };
  const origin = { kind: 'nic', mark: sender.port.mark } as const;
  const path = pathOf(parts.world, { origin, source, target, protocol: check.protocol, ...ports });
  const tried = await knocks(check, { source, target }, parts);
  return told({ check, path, tried, target }, parts);
}

function sourceOf({ port }: Placed, target: string): string | undefined {
  return Object.keys(port.addresses).find((address) => familyOf(address) === familyOf(target));
}

/** The address of a host; a name as the stamp's resolver tells it to this machine. */
function targetFor(host: string, { world, placed }: CheckParts): string | undefined {
  const address = tryAddress(host);
  if (address !== undefined) return printAddress(address);
  const resolver = Object.values(world.programs).find((program) => program.kind === 'resolver');
  const families = new Set(placed.flatMap(({ port }) => Object.keys(port.addresses)).map(familyOf));
  const found = resolver === undefined ? [] : addressesOf(host.toLowerCase().replace(/\.$/, ''), resolver, placed[0]);
  return found.find((each) => families.has(familyOf(each)));
}

function addressesOf(name: string, resolver: ResolverProgram, placed: Placed | undefined): readonly string[] {
  const labels = Object.values(placed?.port.addresses ?? {}).map(({ label }) => label);
  const vnet = labels.flatMap((label) => own(resolver.clients, label) ?? [])[0];
  const names = vnet === undefined ? {} : (own(resolver.networks, vnet)?.names ?? {});
  const suffix = `.${resolver.domain}`;
  const short = name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
  return own(names, short) ?? own(resolver.publics, name) ?? [];
}

function own<T>(record: { readonly [key: string]: T }, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** All at once: they wait in the guest, not here. */
async function knocks(
  check: Check,
  ends: { readonly source: string; readonly target: string },
  { knocker, machine }: CheckParts,
): Promise<readonly Knocked[]> {
  if (knocker === undefined) return [];
  if (underWay >= connectivityChecksMax) {
    const says = `${underWay} connectivity checks are under way; try again when some have ended.`;
    throw new Refusal('TooManyRequests', says, { status: 429, retryAfterS: 5 });
  }
  underWay += 1;
  try {
    const { protocol, port, sourcePort, http } = check;
    const knock = { protocol, port, ...ends, ...(http === undefined ? {} : { request: http.request }) };
    // Two connections from one port to the same place cannot be.
    const count = sourcePort === undefined ? knocksPerCheck : 1;
    const one = sourcePort === undefined ? knock : { ...knock, sourcePort };
    return await Promise.all(Array.from({ length: count }, () => knocker.knock(machine, one)));
  } finally {
    underWay -= 1;
  }
}

type Known = {
  readonly check: Check;
  readonly path: PacketPath;
  readonly tried: readonly Knocked[];
  readonly target: string;
};

function told(known: Known, parts: CheckParts): CheckAnswer {
  const { path, tried } = known;
  const proof = path.verdict === 'deliver' ? 'Reachable' : 'Unreachable';
  const status = tried.length === 0 ? proof : statusOf(known);
  return {
    status,
    hops: hopsOf(known, { ...parts, status }),
    proof,
    probe: {
      from: tried.length === 0 ? 'nothing' : 'guest',
      says: tried.length === 0 ? 'nothing was sent: no guest runs in a model' : saysOf(known),
      tried,
      failed: tried.filter((each) => each.state !== 'untried' && !isGood(each, known.check)).length,
    },
    steps: path.legs.flatMap(({ steps }) => steps.map((step) => shownStep(step, parts.mayRead))),
  };
}

function saysOf(known: Known): string {
  return [...new Set(known.tried.map((each) => (isGood(each, known.check) ? 'answered' : badWords(each))))].join('; ');
}

function badWords({ state, says, answer }: Knocked): string {
  if (state !== 'open') return says;
  return `answered ${/^HTTP\/1\.[01] (\d{3})/.exec(answer ?? '')?.[0] ?? 'without an HTTP status'}`;
}

function isGood({ state, answer }: Knocked, { http }: Check): boolean {
  if (state !== 'open' || http === undefined) return state === 'open';
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer ?? '')?.[1];
  return status !== undefined && http.statuses.includes(Number(status));
}

function statusOf({ tried, check }: Known): CheckAnswer['status'] {
  if (tried.every(({ state }) => state === 'untried')) return 'Unknown';
  const good = tried.filter((each) => isGood(each, check)).length;
  return good === tried.length ? 'Reachable' : good > 0 ? 'Degraded' : 'Unreachable';
}

function shownStep({ layer, verdict, resource, rule }: PathStep, mayRead: CheckParts['mayRead']) {
  if (resource === undefined || !mayRead(resource)) return { layer, verdict };
  return { layer, verdict, resource, ...(rule === undefined ? {} : { rule }) };
}

type Telling = CheckParts & { readonly status: CheckAnswer['status'] };

function hopsOf(known: Known, parts: Telling): readonly CheckHop[] {
  const { legs } = known.path;
  const stop = issueOf(known.path, parts.mayRead);
  const last = legs.length - 1;
  const senders = legs.map((leg, index): CheckHop => {
    const issues = stop !== undefined && stop.origin !== 'Inbound' && index === last ? [stop] : [];
    const agent = index === 0 && known.tried.some(({ state }) => state === 'untried') ? [agentStopped(known)] : [];
    return {
      kind: index === 0 ? 'Source' : 'VirtualAppliance',
      ...placeOf(leg, index, parts),
      issues: [...issues, ...agent],
    };
  });
  const inbound = stop?.origin === 'Inbound' ? [stop] : [];
  return [...senders, { ...targetHop(known, parts), issues: [...inbound, ...disagreements(known, parts)] }];
}

/** An appliance's address is a row of somebody's route table: told only with the NIC itself. */
function placeOf(
  { nic, packet }: Leg,
  index: number,
  { world, mayRead }: Telling,
): Pick<CheckHop, 'address' | 'resource'> {
  if (nic === undefined || !mayRead(nic)) return {};
  const own = portAddresses(world.programs, nic).find((each) => familyOf(each) === familyOf(packet.target));
  const address = index === 0 ? packet.source : own;
  return { resource: nic, ...(address === undefined ? {} : { address }) };
}

function portAddresses(programs: Programs, nic: string): readonly string[] {
  for (const router of Object.values(programs)) {
    if (router.kind !== 'router') continue;
    const port = Object.values(router.ports).find((each) => each.nic === nic);
    if (port !== undefined) return Object.keys(port.addresses);
  }
  return [];
}

function targetHop({ path, target }: Known, { world, mayRead }: Telling): Omit<CheckHop, 'issues'> {
  const nics = new Map(
    Object.values(world.programs).flatMap((router) =>
      router.kind === 'router' ? Object.values(router.ports).map(({ mark, nic }) => [mark, nic] as const) : [],
    ),
  );
  const at = path.to[0]?.at;
  const nic = at?.kind === 'nic' ? nics.get(at.mark) : undefined;
  const leaves = at?.kind === 'internet' || path.legs.at(-1)?.steps.some(({ layer }) => layer.startsWith('edge.'));
  const kind = nic === undefined && leaves === true ? 'Internet' : 'VnetLocal';
  return { kind, address: target, ...(nic !== undefined && mayRead(nic) ? { resource: nic } : {}) };
}

/** What stops the packet by the programs, at the hop where it does. */
function issueOf({ legs, verdict }: PacketPath, mayRead: CheckParts['mayRead']): Issue | undefined {
  const step = verdict === 'drop' ? legs.at(-1)?.steps.at(-1) : undefined;
  if (step === undefined) return undefined;
  const isTold = step.resource !== undefined && mayRead(step.resource);
  const rule = isTold && step.rule !== undefined ? step.rule : undefined;
  const severity = 'Error';
  if (step.direction !== undefined) {
    const context = rule === undefined ? [] : [{ key: 'RuleName', value: rule }];
    return {
      origin: step.direction === 'inbound' ? 'Inbound' : 'Outbound',
      severity,
      kind: 'NetworkSecurityRule',
      context,
    };
  }
  if (step.layer === 'routeTable') {
    const named = rule === undefined ? [] : [{ key: 'RouteName', value: rule }];
    const context = [{ key: 'RouteType', value: 'User' }, ...named];
    return { origin: 'Outbound', severity, kind: 'UserDefinedRoute', context };
  }
  return { origin: 'Local', severity, kind: 'Platform', context: [{ key: 'Layer', value: step.layer }] };
}

function agentStopped({ tried }: Known): Issue {
  const says = tried.find(({ state }) => state === 'untried')?.says ?? '';
  return { origin: 'Local', severity: 'Error', kind: 'AgentStopped', context: [{ key: 'Says', value: says }] };
}

/** Where the programs and the packets differ, it is said: neither is bent to the other. */
function disagreements({ path, tried, check }: Known, { status }: Telling): readonly Issue[] {
  if (tried.length === 0 || status === 'Unknown') return [];
  const isAllowed = path.verdict === 'deliver';
  const arrived = tried.some(({ state }) => state === 'open' || state === 'closed');
  const issue = (severity: Issue['severity'], kind: Issue['kind'], value: string): Issue[] => [
    { origin: 'Inbound', severity, kind, context: [{ key: 'Says', value }] },
  ];
  if (!isAllowed && arrived) return issue('Error', 'Platform', 'a connection passed that the programs in force drop');
  if (!isAllowed || tried.every((each) => isGood(each, check))) return [];
  const says = arrived
    ? tried.map(badWords).find((words) => words !== 'answered')
    : 'the programs in force deliver it; the destination did not answer: nothing there, or its own firewall';
  return issue('Warning', 'Unknown', says ?? 'some connections were not answered');
}

function unresolved({ host }: Check, sender: Placed, { mayRead, knocker }: CheckParts): CheckAnswer {
  const { nic } = sender.port;
  const context = [{ key: 'Says', value: `the stamp's resolver knows no address of "${host.slice(0, 253)}"` }];
  const issue: Issue = { origin: 'Local', severity: 'Error', kind: 'DnsResolution', context };
  const [address] = Object.keys(sender.port.addresses);
  const place = mayRead(nic) ? { resource: nic, ...(address === undefined ? {} : { address }) } : {};
  return {
    status: 'Unreachable',
    hops: [{ kind: 'Source', ...place, issues: [issue] }],
    proof: 'Unreachable',
    probe: {
      from: 'nothing',
      says: `nothing was sent: the name has no address${knocker === undefined ? ' (model)' : ''}`,
      tried: [],
      failed: 0,
    },
    steps: [],
  };
}
