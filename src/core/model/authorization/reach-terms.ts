/** The terms in which an invariant is stated, by policies and by the operator: parties, services and the kinds of invariants, parsed once. */

import { reachDeclaredMax, reachPartiesMax, reachServicesMax } from '#base/limits.ts';
import type { Json } from '#base/json.ts';
import { tryPrefix, printPrefix } from '#base/prefix.ts';
import { typeOfId } from '#model/arm-id.ts';
import { integerOf, listOf, member, missing, note, oneOf, shorten, type Reader } from '#model/parse.ts';
import { isReference } from '#model/authorization/policy-parameters.ts';

/** Parties as the prover takes them; ids in lower case. */
export type ReachParty =
  | { readonly kind: 'internet' | 'operator' | 'probe' | 'nics' }
  | { readonly kind: 'scope'; readonly ids: readonly string[] }
  | { readonly kind: 'addresses'; readonly prefixes: readonly string[] };

/** No ports: all. */
export type ReachService = {
  readonly protocol: 'any' | 'tcp' | 'udp' | 'icmp' | 'esp' | 'ah';
  readonly ports: readonly (readonly [number, number])[];
};

type Parties = readonly ReachParty[];
type Flow = { readonly from: Parties; readonly to: Parties; readonly services: readonly ReachService[] };

/** What must hold, without who demands it and where. */
export type ReachRule =
  | ({ readonly kind: 'never'; readonly exceptFrom: Parties; readonly exceptTo: Parties } & Flow)
  | ({ readonly kind: 'only' | 'always' } & Flow)
  | { readonly kind: 'via'; readonly from: Parties; readonly to: Parties; readonly through: Parties }
  | { readonly kind: 'isolated'; readonly inside: Parties; readonly except: Parties }
  | { readonly kind: 'exposure'; readonly of: Parties; readonly max: number }
  | { readonly kind: 'unchanged'; readonly declared: readonly Flow[] };

export type ReachKind = ReachRule['kind'];

/** How the terms are read. */
export type Reading = {
  /** The scope that the words `AssignmentScope` stand for; the empty text is the whole stamp. */
  readonly scope: string;
  /** A tenant's invariant judges NICs of its own subscription alone: nobody else's write can then break it. */
  readonly isTenant: boolean;
  /** While a definition is written, its parameters have no values yet: what they stand for is not judged. */
  readonly isOpen: boolean;
};

/** The members of each kind, as they are written. */
const members: { readonly [kind in ReachKind]: readonly string[] } = {
  never: ['from', 'to', 'services', 'exceptFrom', 'exceptTo'],
  only: ['from', 'to', 'services'],
  via: ['from', 'to', 'through'],
  isolated: ['inside', 'except'],
  always: ['from', 'to', 'services'],
  exposure: ['of', 'max'],
  unchanged: ['declared'],
};

/** The kinds that can be stated. */
export const reachKinds = Object.keys(members) as readonly ReachKind[];

const any: readonly ReachService[] = [{ protocol: 'any', ports: [] }];

/** Reads one invariant; every mistake is noted with its pointer. Undefined when there is no kind to read by. */
export function reachRuleOf(reader: Reader, reading: Reading): ReachRule | undefined {
  if (member(reader, 'kind') === undefined) missing(reader, 'kind');
  const kind = oneOf(reader, 'kind', reachKinds);
  if (kind === undefined) return undefined;
  const known = ['kind', ...members[kind]];
  refuseOthers(reader, known);
  const own = (name: string): Parties =>
    partiesOf(reader, name, { ...reading, absent: 'AssignmentScope', isOwn: true });
  const others = (name: string): Parties => partiesOf(reader, name, { ...reading, isOwn: reading.isTenant });
  const all = (name: string, absent?: string): Parties =>
    partiesOf(reader, name, { ...reading, isOwn: false, ...(absent === undefined ? {} : { absent }) });
  switch (kind) {
    case 'never':
      return {
        kind,
        from: others('from'),
        to: own('to'),
        services: servicesOf(reader, 'services', reading) ?? any,
        exceptFrom: all('exceptFrom', ''),
        exceptTo: all('exceptTo', ''),
      };
    case 'only':
      return { kind, from: all('from'), to: own('to'), services: servicesOf(reader, 'services', reading) ?? any };
    case 'always':
      return { kind, from: others('from'), to: own('to'), services: servicesOf(reader, 'services', reading) ?? any };
    case 'via':
      return { kind, from: own('from'), to: all('to', 'Internet'), through: all('through') };
    case 'isolated':
      return { kind, inside: own('inside'), except: all('except', '') };
    case 'exposure':
      return { kind, of: own('of'), max: maxOf(reader, reading) };
    case 'unchanged':
      return { kind, declared: declaredOf(reader, reading) };
  }
}

/** A misspelt member would make another invariant than was meant, so none is passed over. */
export function refuseOthers(reader: Reader, known: readonly string[]): void {
  for (const name of reader.members.keys()) {
    if (known.some((one) => one.toLowerCase() === name)) continue;
    const says = `it is not known here; known are ${known.join(', ')}`;
    note(reader, shorten(name).replaceAll('~', '~0').replaceAll('/', '~1'), says);
  }
}

function maxOf(reader: Reader, { isOpen }: Reading): number {
  const stated = member(reader, 'max');
  if (isOpen && isReference(stated)) return 0;
  if (stated === undefined) missing(reader, 'max');
  return integerOf(reader, 'max', [0, 65_535]) ?? 0;
}

function declaredOf(reader: Reader, reading: Reading): readonly Flow[] {
  if (reading.isOpen && isReference(member(reader, 'declared'))) return [];
  return (listOf(reader, 'declared', reachDeclaredMax) ?? []).map((flow) => {
    refuseOthers(flow, ['from', 'to', 'services']);
    const all = (name: string) => partiesOf(flow, name, { ...reading, isOwn: false });
    return { from: all('from'), to: all('to'), services: servicesOf(flow, 'services', reading) ?? any };
  });
}

/** A text or a list of texts; references stand for themselves while the definition is open. */
function textsAt(
  reader: Reader,
  name: string,
  max: number,
): readonly (readonly [text: Json, at: string])[] | undefined {
  const value = member(reader, name);
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) return [[value, name]];
  if (value.length > max) {
    note(reader, name, `at most ${max} entries are allowed, ${value.length} are stated`);
    return [];
  }
  return (value as readonly Json[]).map((item, index) => [item, `${name}/${index}`] as const);
}

type PartyReading = Reading & {
  /** What is meant when nothing is stated; the empty text is nobody; absent: it must be stated. */
  readonly absent?: string;
  /** Must what is named lie in the assignment's own subscription, for a tenant? */
  readonly isOwn: boolean;
};

const words = {
  internet: { kind: 'internet' },
  operator: { kind: 'operator' },
  azureloadbalancer: { kind: 'probe' },
  virtualmachines: { kind: 'nics' },
} as const;

const wanted =
  'Internet, Operator, AzureLoadBalancer, VirtualMachines, AssignmentScope, a prefix, or the ARM id of a subscription, resource group, virtual network, subnet, machine, network interface or application security group';

function partiesOf(reader: Reader, name: string, reading: PartyReading): Parties {
  const stated = textsAt(reader, name, reachPartiesMax);
  if (stated === undefined) {
    if (reading.absent === undefined) missing(reader, name);
    return reading.absent === undefined || reading.absent === '' ? [] : wordParty(reading.absent, reading);
  }
  if (stated.length === 0 && reading.absent !== '') note(reader, name, 'at least one party is wanted');
  const found: Parties[] = stated.map(([text, at]) => {
    if (reading.isOpen && isReference(text)) return [];
    if (typeof text === 'string') return partyOf(text, reading, (says) => note(reader, at, says));
    note(reader, at, `${wanted} is wanted`);
    return [];
  });
  return merged(found.flat());
}

function partyOf(text: string, reading: PartyReading, refuse: (says: string) => void): Parties {
  if (/^(assignmentscope|internet|operator|azureloadbalancer|virtualmachines)$/i.test(text))
    return wordParty(text, reading);
  const prefix = tryPrefix(text);
  if (prefix !== undefined) return [{ kind: 'addresses', prefixes: [printPrefix(prefix)] }];
  const id = text.toLowerCase().replace(/\/+$/, '');
  if (!isPlace(id)) {
    refuse(`"${shorten(text)}" is no party: ${wanted} is wanted`);
    return [];
  }
  const home = subscriptionOf(reading.scope);
  if (reading.isTenant && reading.isOwn && home !== '' && subscriptionOf(id) !== home) {
    refuse(`"${shorten(text)}" lies outside the subscription of the assignment, whose writes alone it may judge`);
    return [];
  }
  return [{ kind: 'scope', ids: [id] }];
}

/** `VirtualMachines` of a tenant are those of its subscription where others' would be judged. */
function wordParty(text: string, { scope, isTenant, isOwn }: PartyReading): Parties {
  const word = text.toLowerCase();
  const home = subscriptionOf(scope);
  if (word === 'assignmentscope')
    return scope === '' ? [{ kind: 'nics' }] : [{ kind: 'scope', ids: [scope.toLowerCase()] }];
  if (word === 'virtualmachines' && isTenant && isOwn && home !== '') return [{ kind: 'scope', ids: [home] }];
  return [words[word as keyof typeof words]];
}

const placeTypes = [
  'microsoft.network/networkinterfaces',
  'microsoft.network/virtualnetworks',
  'microsoft.network/virtualnetworks/subnets',
  'microsoft.network/applicationsecuritygroups',
  'microsoft.compute/virtualmachines',
];

/** Does the id (in lower case) name something that has NICs in or under it? */
export function isPlace(id: string): boolean {
  if (/^\/subscriptions\/[^/]+(?:\/resourcegroups\/[^/]+)?$/.test(id)) return id.length <= 1024;
  return placeTypes.includes(typeOfId(id)?.toLowerCase() ?? '');
}

/** `/subscriptions/x` of an id, in lower case; the empty text when there is none. */
export function subscriptionOf(id: string): string {
  return /^\/subscriptions\/[^/]+/.exec(id.toLowerCase())?.[0] ?? '';
}

/** One entry per kind, so that the same parties in another order are the same. */
function merged(parties: Parties): Parties {
  const kinds = [...new Set(parties.map(({ kind }) => kind))].toSorted();
  return kinds.map((kind): ReachParty => {
    if (kind === 'scope')
      return { kind, ids: sorted(parties.flatMap((party) => (party.kind === 'scope' ? party.ids : []))) };
    if (kind === 'addresses')
      return { kind, prefixes: sorted(parties.flatMap((party) => (party.kind === 'addresses' ? party.prefixes : []))) };
    return { kind };
  });
}

function sorted(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].toSorted();
}

const serviceWanted = 'a service such as tcp/22,3389, udp/1000-2000, tcp, icmp or any is wanted';

/** Services as texts: `tcp/22,3389-3390`. Undefined when none are stated. */
export function servicesOf(
  reader: Reader,
  name: string,
  { isOpen }: Pick<Reading, 'isOpen'>,
): readonly ReachService[] | undefined {
  const stated = textsAt(reader, name, reachServicesMax);
  if (stated === undefined) return undefined;
  if (stated.length === 0) note(reader, name, 'at least one service is wanted; leave the member out for all');
  return stated.flatMap(([text, at]) => {
    if (isOpen && isReference(text)) return [];
    const service = typeof text === 'string' ? tryService(text) : undefined;
    if (service === undefined) note(reader, at, serviceWanted);
    return service ?? [];
  });
}

/** One service; undefined when the text is none. */
export function tryService(text: string): ReachService | undefined {
  const match = /^(any|tcp|udp|icmp|esp|ah)(?:\/([\d,\s-]{1,1024}))?$/i.exec(text.trim());
  if (match === null) return undefined;
  const protocol = match[1]?.toLowerCase() as ReachService['protocol'];
  const stated = match[2];
  if (stated === undefined) return { protocol, ports: [] };
  if (protocol !== 'tcp' && protocol !== 'udp') return undefined;
  const ports = stated.split(',').map((part) => tryRange(part.trim()));
  if (!ports.every((range) => range !== undefined)) return undefined;
  return { protocol, ports: ports.toSorted((left, right) => left[0] - right[0] || left[1] - right[1]) };
}

function tryRange(text: string): readonly [number, number] | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
  return first <= last && last <= 65_535 ? [first, last] : undefined;
}
