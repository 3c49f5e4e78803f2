/** Which canaries the kernel's keeper sends at all: the asker is not trusted, so that owning it gives no packets of one's choice towards tenants. */

import { isObject } from '#base/json.ts';
import { canariesPerOrderMax, canaryPlacesMax, canaryPortFirst } from '#base/limits.ts';
import { tryAddress } from '#base/prefix.ts';
import { Fault } from '#base/wrong.ts';
import type { CanaryOrder, CanaryOrigin, CanaryPlace } from '#engine/canary/canary.ts';
import { isIn } from '#program/filter.ts';
import type { EdgeProgram, Port, Programs } from '#program/program.ts';

/** Reads orders strictly; a Fault names the first member that will not do. */
export function parseOrders(given: unknown): readonly CanaryOrder[] {
  if (!Array.isArray(given) || given.length === 0 || given.length > canariesPerOrderMax)
    throw refused(`a list of 1 to ${canariesPerOrderMax}`, 'canaries');
  return given.map((one: unknown, index) => {
    const at = `canaries/${index}`;
    const order = membersOf(one, at, ['origin', 'source', 'target', 'sourcePort', 'targetPort', 'watch']);
    const { watch } = order;
    if (!Array.isArray(watch) || watch.length === 0 || watch.length > canaryPlacesMax)
      throw refused(`a list of 1 to ${canaryPlacesMax} places`, `${at}/watch`);
    return {
      origin: originOf(order['origin'], `${at}/origin`),
      source: addressOf(order['source'], `${at}/source`),
      target: addressOf(order['target'], `${at}/target`),
      sourcePort: numberOf(order['sourcePort'], { at: `${at}/sourcePort`, first: canaryPortFirst }),
      targetPort: numberOf(order['targetPort'], { at: `${at}/targetPort`, first: 1 }),
      watch: watch.map((place: unknown, number) => placeOf(place, `${at}/watch/${number}`)),
    };
  });
}

type Members = { readonly [name: string]: unknown };

function membersOf(value: unknown, at: string, names: readonly string[]): Members {
  if (
    !isObject(value) ||
    Object.keys(value).length !== names.length ||
    !names.every((name) => Object.hasOwn(value, name))
  )
    throw refused(`an object with ${names.join(', ')} and no more`, at);
  return value;
}

function placeOf(value: unknown, at: string): CanaryPlace {
  const kind = isObject(value) ? value['kind'] : undefined;
  if (kind === 'internet' || kind === 'infra') {
    membersOf(value, at, ['kind']);
    return { kind };
  }
  if (kind !== 'nic') throw refused('a place of kind nic, internet or infra', at);
  const { mark } = membersOf(value, at, ['kind', 'mark']);
  return { kind, mark: numberOf(mark, { at: `${at}/mark`, first: 1 }) };
}

function originOf(value: unknown, at: string): CanaryOrigin {
  const place = placeOf(value, at);
  if (place.kind === 'infra') throw refused('an origin of kind nic or internet', at);
  return place;
}

function addressOf(value: unknown, at: string): string {
  if (typeof value !== 'string' || value.length > 45 || tryAddress(value) === undefined)
    throw refused('an address', at);
  return value;
}

function numberOf(value: unknown, { at, first }: { readonly at: string; readonly first: number }): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < first || value > 65_535)
    throw refused(`a whole number from ${first} to 65535`, at);
  return value;
}

function refused(wanted: string, at: string): Fault {
  return new Fault('CanaryRefused', `The value of ${at} is not accepted: ${wanted} is wanted.`);
}

/** The addresses and NICs that canaries may speak of: those of the programs in force. */
type Known = {
  readonly ports: ReadonlyMap<number, Port>;
  readonly privates: ReadonlySet<string>;
  readonly labels: ReadonlySet<string>;
  /** Public addresses that stand for something, and the stamp's own endpoints. */
  readonly publics: ReadonlySet<string>;
  readonly endpoints: ReadonlySet<string>;
  readonly internet: readonly string[];
};
const known = new WeakMap<Programs, Known>();

/**
 * Why the keeper does not send this canary under these programs; undefined: it does. A guest's canary has an address of a NIC of this
 * stamp as its source; one from the internet comes from the lab's internet, or (to see it dropped) from a NIC's address. Whatever
 * it is, it goes to what the programs know, never to a host on the real internet.
 */
export function refusalOf(programs: Programs, { origin, source, target, watch }: CanaryOrder): string | undefined {
  const { ports, privates, labels, publics, endpoints, internet } = knownOf(programs);
  if (tryAddress(source)?.family !== tryAddress(target)?.family) return 'source and target are of two families';
  const strange = [origin, ...watch].find((place) => place.kind === 'nic' && !ports.has(place.mark));
  if (strange !== undefined) return 'no NIC here has the mark';
  if (origin.kind === 'internet') {
    if (!isIn(internet, source) && !privates.has(source)) return `${source} is not of the lab's internet`;
    return publics.has(target) ? undefined : `${target} is no public address here`;
  }
  if (!privates.has(source)) return `${source} is the address of no NIC here`;
  const isKnown = privates.has(target) || labels.has(target) || publics.has(target) || endpoints.has(target);
  return isKnown || isIn(internet, target) ? undefined : `${target} is nobody here`;
}

/** The port of a mark in the programs in force. */
export function portOf(programs: Programs, mark: number): Port | undefined {
  return knownOf(programs).ports.get(mark);
}

function knownOf(programs: Programs): Known {
  const found = known.get(programs);
  if (found !== undefined) return found;
  const all = Object.values(programs);
  const routers = all.filter((program) => program.kind === 'router');
  const ports = routers.flatMap((router) => Object.values(router.ports));
  const edge = all.find((program) => program.kind === 'edge');
  const infra = all.find((program) => program.kind === 'infra');
  const balances = routers.flatMap((router) => Object.values(router.balances));
  const fresh: Known = {
    ports: new Map(ports.map((port) => [port.mark, port])),
    privates: new Set([
      ...ports.flatMap(({ addresses }) => Object.keys(addresses)),
      ...balances.map(({ frontend }) => frontend),
    ]),
    labels: new Set(ports.flatMap(({ addresses }) => Object.values(addresses).map(({ label }) => label))),
    publics: new Set(edge === undefined ? [] : publicsOf(edge)),
    endpoints: new Set(infra?.addresses ?? []),
    internet: edge?.internet ?? [],
  };
  known.set(programs, fresh);
  return fresh;
}

function publicsOf({ publics, balances, published }: EdgeProgram): string[] {
  return [
    ...Object.keys(publics),
    ...Object.values(balances).map(({ frontend }) => frontend),
    ...Object.values(published).map(({ address }) => address),
  ];
}
