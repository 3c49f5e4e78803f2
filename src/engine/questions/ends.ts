/** The ends of a flow as people name them: a machine, an interface, an address, the internet, the operator. */

import type { JsonObject } from '#base/json.ts';
import { printAddress, tryAddress } from '#base/prefix.ts';
import { Refusal } from '#base/wrong.ts';
import { portOfNic, type Placed } from '#compile/answer/port.ts';
import { familyOf, idsAt, objectAt } from '#compile/read.ts';
import { operatorAddresses } from '#model/infra.ts';
import type { Resource, StampFacts, View } from '#model/resource.ts';
import type { Origin } from '#program/packet.ts';
import type { EdgeProgram, Port } from '#program/program.ts';
import type { PathWorld } from '#engine/questions/path.ts';

export type EndsWorld = PathWorld & { readonly stamp: Pick<StampFacts, 'number' | 'profile'> };

/** One end. `addresses`: where it is reached from inside, or sends from, IPv4 first. `placed`: of a NIC. */
export type End = {
  readonly kind: 'nic' | 'internet' | 'operator' | 'address';
  readonly name: string;
  readonly addresses: readonly string[];
  readonly placed?: Placed;
};

const machineType = 'Microsoft.Compute/virtualMachines';
const nicType = 'Microsoft.Network/networkInterfaces';
/** A host beyond the boundary that stands for all: the lab's internet, else any public address. */
const outside = { lab: ['198.51.100.10', '2001:db8:ffff::10'], host: ['9.9.9.9', '2620:fe::9'] } as const;

/** The end that a text names. Refuses what names nothing, or more than one, with what there is. */
export function endOf(text: string, world: EndsWorld): End {
  if (text === 'internet') return { kind: 'internet', name: text, addresses: outside[world.stamp.profile] };
  if (text === 'operator') {
    return { kind: 'operator', name: text, addresses: [operatorAddresses(world.stamp.number).root] };
  }
  const address = tryAddress(text);
  return address === undefined ? endOfName(text, world) : endOfAddress(printAddress(address), world);
}

/** Where a flow of this end starts. An address that no NIC has is a host of the internet. */
export function originOf({ kind, placed }: End): Origin {
  if (placed !== undefined) return { kind: 'nic', mark: placed.port.mark };
  return { kind: kind === 'operator' ? 'operator' : 'internet' };
}

/** Where an end is sent to. From outside that is a public address, where there is one for the port. */
export function targetsOf(
  end: End,
  { from, port, world }: { from: End; port: number; world: EndsWorld },
): readonly string[] {
  if (end.placed === undefined || from.placed !== undefined) return end.addresses;
  const edge = Object.values(world.programs).find((program) => program.kind === 'edge');
  const publics = edge === undefined ? [] : publicsOf(edge, end.placed.port, port);
  return publics.length > 0 ? publics : end.addresses;
}

function publicsOf(edge: EdgeProgram, { mark }: Port, port: number): readonly string[] {
  const own = Object.entries(edge.publics).flatMap(([address, each]) => (each.mark === mark ? address : []));
  const balanced = Object.values(edge.balances).flatMap(({ frontend, port: open, targets }) =>
    (open === 0 || open === port) && Object.values(targets).some((target) => target.mark === mark) ? frontend : [],
  );
  return byFamily([...own, ...balanced]);
}

function byFamily(addresses: readonly string[]): readonly string[] {
  return addresses.toSorted((left, right) => familyOf(left) - familyOf(right));
}

function endOfAddress(address: string, { programs }: EndsWorld): End {
  const found = Object.values(programs).flatMap((router): Placed[] =>
    router.kind === 'router'
      ? Object.values(router.ports).flatMap((port) => (Object.hasOwn(port.addresses, address) ? { router, port } : []))
      : [],
  );
  const [placed, ...others] = found;
  if (others.length > 0)
    throw ambiguous(
      address,
      found.map(({ port }) => port.nic),
    );
  const name = placed?.port.nic ?? address;
  return { kind: placed === undefined ? 'address' : 'nic', name, addresses: [address], ...(placed && { placed }) };
}

function endOfName(text: string, world: EndsWorld): End {
  const { view, programs } = world;
  const [resource, ...others] = text.startsWith('/') ? [view.get(text) ?? []].flat() : named(text, view);
  if (resource === undefined) {
    const says = `There is no machine and no network interface "${text.slice(0, 200)}"; a name, an id, an address, "internet" or "operator" is wanted.`;
    throw new Refusal('EndUnknown', says, { status: 404 });
  }
  if (others.length > 0)
    throw ambiguous(
      text,
      [resource, ...others].map(({ id }) => id),
    );
  const [nic] = resource.type === machineType ? nicsOf(resource.properties) : [resource.id];
  const placed = nic === undefined ? undefined : portOfNic(programs, nic);
  if (placed === undefined) {
    throw new Refusal('EndNotPlaced', `Nothing is in force at ${resource.id}: it is no interface of a placed machine.`);
  }
  return { kind: 'nic', name: placed.port.nic, addresses: byFamily(Object.keys(placed.port.addresses)), placed };
}

/** Machines of the name, or interfaces when there is no such machine. */
function named(text: string, view: View): readonly Resource[] {
  const wanted = text.toLowerCase();
  const of = (type: string) => [...view.ofType(type)].filter(({ name }) => name.toLowerCase() === wanted);
  const machines = of(machineType);
  return machines.length > 0 ? machines : of(nicType);
}

/** The interfaces (ids in lower case) of a machine with these properties, its primary one first. */
export function nicsOf(properties: JsonObject): readonly string[] {
  const profile = objectAt(properties, 'networkProfile');
  const list = profile['networkInterfaces'];
  const primary = Array.isArray(list) ? list.findIndex((each) => isPrimary(each)) : -1;
  const ids = idsAt(profile, 'networkInterfaces');
  return primary > 0 ? [...ids.slice(primary, primary + 1), ...ids.filter((_, index) => index !== primary)] : ids;
}

function isPrimary(each: unknown): boolean {
  return (each as { properties?: { primary?: unknown } } | null)?.properties?.primary === true;
}

function ambiguous(text: string, ids: readonly string[]): Refusal {
  const says = `"${text.slice(0, 200)}" names more than one; say which by id: ${ids.slice(0, 10).join(', ')}`;
  return new Refusal('EndAmbiguous', says);
}
