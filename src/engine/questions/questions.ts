/** Questions about what is in force: each is authorised, and tells no more than its asker may read (decision D2.8). */

import { Refusal } from '#base/wrong.ts';
import { flowVerdict, type Flow, type FlowVerdict } from '#compile/answer/flow.ts';
import { layersOf, portOfNic, subnetOf, type Layer, type Placed } from '#compile/answer/port.ts';
import { effectiveRules, ruleName, type EffectiveRule } from '#compile/answer/rule.ts';
import { topologyOf, type TopologyEntry, type TopologyScope } from '#compile/answer/topology.ts';
import { effectiveRoutes, nextHopOf, type EffectiveRoute } from '#compile/answer/way.ts';
import { idAt, idsAt, objectAt } from '#compile/read.ts';
import { sameId, typeOfId } from '#model/arm-id.ts';
import type { Resource, View } from '#model/resource.ts';
import type { NextHop, Programs } from '#program/program.ts';
import type { Caller } from '#engine/engine.ts';
import type { AccessIndex } from '#engine/gate/access-index.ts';
import { notFound } from '#engine/gate/draw.ts';

const nicType = 'Microsoft.Network/networkInterfaces';
const machineType = 'Microsoft.Compute/virtualMachines';
const watcherType = 'Microsoft.Network/networkWatchers';

/** Where a question about a flow is asked from: a machine, and the one of its NICs that is meant when several could be. */
export type Target = { readonly machine: string; readonly nic: string | undefined };

/** One layer at a NIC: without `nsg` and rules when the asker may not read the NSG. */
export type LayerRules = Pick<Layer, 'nic' | 'subnet'> & {
  readonly nsg?: Resource;
  readonly rules: readonly EffectiveRule[];
};

export type FlowAnswer = { readonly access: 'allow' | 'deny'; readonly ruleName?: string };
export type HopAnswer = { readonly hop: NextHop; readonly table: 'system' | 'hidden' | Resource };
export type NicRules = { readonly nic: Resource; readonly layers: readonly LayerRules[] };

export type QuestionParts = {
  readonly view: () => View;
  readonly programs: () => Promise<Programs>;
  readonly access: AccessIndex;
};

/** Asks the programs in force. Every answer is about the revision that stands when it is given. */
export class Questions {
  readonly parts: QuestionParts;

  constructor(parts: QuestionParts) {
    this.parts = parts;
  }

  /** The rules that judge a NIC, per NSG. */
  async rules(nicId: string, caller: Caller): Promise<readonly LayerRules[]> {
    const nic = this.#allowed({ id: nicId, type: nicType, action: 'effectiveNetworkSecurityGroups' }, caller);
    const placed = await this.#placed(nic);
    return this.#layers(placed, caller);
  }

  /** The routes in force at a NIC. A route table that the asker may not read keeps its names. */
  async routes(nicId: string, caller: Caller): Promise<readonly EffectiveRoute[]> {
    const nic = this.#allowed({ id: nicId, type: nicType, action: 'effectiveRouteTable' }, caller);
    const routes = effectiveRoutes(await this.#placed(nic));
    const table = this.#tableOf(nic);
    const isHidden = table === undefined || !this.#mayRead(table, caller);
    return isHidden ? routes.map(({ prefix, hop, source, isActive }) => ({ prefix, hop, source, isActive })) : routes;
  }

  /** May the flow pass at the machine's NIC, and which rule says so? */
  async flow(watcher: string, { target, flow }: { target: Target; flow: Flow }, caller: Caller): Promise<FlowAnswer> {
    this.#allowed({ id: watcher, type: watcherType, action: 'ipFlowVerify' }, caller);
    const candidates = this.#nicsOf(target, caller);
    const programs = await this.parts.programs();
    const placed = chosen(programs, candidates, { address: flow.local.address, pointer: '/localIPAddress' });
    const verdict = flowVerdict(programs, placed, flow);
    if (verdict.kind === 'depends') throw dependsOnPort(flow, verdict);
    const { filter, rule } = verdict;
    if (filter === undefined || rule === undefined) return { access: verdict.kind };
    const layers = layersOf(this.parts.view(), placed.port);
    const layer = layers.find(({ inbound, outbound }) => inbound === filter || outbound === filter);
    const isTold = layer !== undefined && this.#mayTell(layer, caller);
    return { access: verdict.kind, ...(isTold ? { ruleName: ruleName(filter, rule) } : {}) };
  }

  /** Where does a packet of the machine go next? */
  async hop(
    watcher: string,
    { target, source, address }: { target: Target; source: string; address: string },
    caller: Caller,
  ): Promise<HopAnswer> {
    this.#allowed({ id: watcher, type: watcherType, action: 'nextHop' }, caller);
    const candidates = this.#nicsOf(target, caller);
    const programs = await this.parts.programs();
    const placed = chosen(programs, candidates, { address: source, pointer: '/sourceIPAddress' });
    const { hop, name } = nextHopOf(placed, address);
    if (name === undefined) return { hop, table: 'system' };
    const nic = this.parts.view().get(placed.port.nic);
    const table = nic === undefined ? undefined : this.#tableOf(nic);
    return { hop, table: table !== undefined && this.#mayRead(table, caller) ? table : 'hidden' };
  }

  /** The rules of all NICs of a machine. */
  async groups(watcher: string, machine: string, caller: Caller): Promise<readonly NicRules[]> {
    this.#allowed({ id: watcher, type: watcherType, action: 'securityGroupView' }, caller);
    const nics = this.#nicsOf({ machine, nic: undefined }, caller);
    const programs = await this.parts.programs();
    return nics.map((nic) => {
      const placed = portOfNic(programs, nic.id);
      return { nic, layers: placed === undefined ? [] : this.#layers(placed, caller) };
    });
  }

  /** What hangs on what in a group, a virtual network or a subnet, as far as the asker may read it. */
  topology(watcher: string, scope: TopologyScope, caller: Caller): readonly TopologyEntry[] {
    this.#allowed({ id: watcher, type: watcherType, action: 'topology' }, caller);
    const { access } = this.parts;
    const view = this.parts.view();
    const type = scope.kind === 'group' ? 'Microsoft.Resources/resourceGroups' : (typeOfId(scope.id) ?? '');
    access.authorize(caller, `${type}/read`, scope.id);
    if (view.get(scope.id) === undefined) throw notFound(scope.id, type);
    return topologyOf(view, scope, (resource) => this.#mayRead(resource, caller));
  }

  /** The resource, if it is there and the action is allowed; a lock that stops actions stops questions, as in Azure. */
  #allowed({ id, type, action }: { id: string; type: string; action: string }, caller: Caller): Resource {
    const { access, view } = this.parts;
    access.authorize(caller, `${type}/${action}/action`, id);
    if (type === nicType) access.authorize(caller, `${type}/read`, id);
    access.unlocked('action', id);
    const found = view().get(id);
    if (found === undefined) throw notFound(id, type);
    return found;
  }

  async #placed(nic: Resource): Promise<Placed> {
    const placed = portOfNic(await this.parts.programs(), nic.id);
    if (placed === undefined) throw notAttached(nic);
    return placed;
  }

  #layers(placed: Placed, caller: Caller): readonly LayerRules[] {
    return layersOf(this.parts.view(), placed.port).map((layer) => {
      const { nsg, nic, subnet } = layer;
      if (!this.#mayTell(layer, caller)) return { nic, subnet, rules: [] };
      return { nic, subnet, rules: effectiveRules(placed, layer), ...(nsg === undefined ? {} : { nsg }) };
    });
  }

  #mayTell({ nsg }: Layer, caller: Caller): boolean {
    return nsg === undefined || this.#mayRead(nsg, caller);
  }

  /** The NICs that the question may be about: the named one, or all of the machine's. */
  #nicsOf({ machine, nic }: Target, caller: Caller): readonly Resource[] {
    const { access, view } = this.parts;
    if (typeOfId(machine) !== machineType) {
      const says = `'${machine.slice(0, 200)}' is not the id of a virtual machine.`;
      throw new Refusal('InvalidParameter', says, { target: '/targetResourceId' });
    }
    access.authorize(caller, `${machineType}/read`, machine);
    const found = view().get(machine);
    if (found === undefined) throw notFound(machine, machineType);
    const ids = idsAt(objectAt(found.properties, 'networkProfile'), 'networkInterfaces');
    const named = nic === undefined ? ids : ids.filter((id) => sameId(id, nic));
    if (nic !== undefined && named.length === 0) {
      const says = `'${nic.slice(0, 200)}' is not a network interface of the machine '${found.name}'.`;
      throw new Refusal('InvalidParameter', says, { target: '/targetNicResourceId' });
    }
    return named.flatMap((id) => {
      const resource = view().get(id);
      if (resource === undefined) return [];
      access.authorize(caller, `${nicType}/read`, resource.id);
      return resource;
    });
  }

  #tableOf(nic: Resource): Resource | undefined {
    const view = this.parts.view();
    const id = idAt(subnetOf(view, nic)?.properties, 'routeTable');
    return id === undefined ? undefined : view.get(id);
  }

  #mayRead({ type, id }: Resource, caller: Caller): boolean {
    return this.parts.access.may(caller, `${type}/read`, id);
  }
}

/** The NIC that has the address; a forwarding NIC that was named alone may send for any. */
function chosen(
  programs: Programs,
  nics: readonly Resource[],
  { address, pointer }: { address: string; pointer: string },
): Placed {
  const placed = nics.flatMap((nic) => portOfNic(programs, nic.id) ?? []);
  const [first] = nics;
  if (placed.length === 0 && first !== undefined) throw notAttached(first);
  const own = placed.find(({ port }) => Object.hasOwn(port.addresses, address));
  const [only, ...others] = placed;
  const found = own ?? (others.length === 0 && only?.port.forwarding === true ? only : undefined);
  if (found !== undefined) return found;
  const known = placed.flatMap(({ port }) => Object.keys(port.addresses)).join(', ');
  const says = `${address} is no address of the machine's network interfaces; they have ${known || 'none'}.`;
  throw new Refusal('InvalidParameter', says, { target: pointer });
}

/** Azure refuses in the same way and with 400; its code for it is not documented. */
function notAttached({ id, name }: Resource): Refusal {
  const says = `The network interface '${name}' is not attached to a virtual machine, so nothing is in force at it. Attach it first.`;
  return new Refusal('NetworkInterfaceNotAttachedToVirtualMachine', says, { target: id });
}

function dependsOnPort({ direction }: Flow, { ports }: Extract<FlowVerdict, { kind: 'depends' }>): Refusal {
  const member = direction === 'inbound' ? 'remotePort' : 'localPort';
  const says = `The answer depends on ${member}: ${ports.allow} is allowed and ${ports.deny} is denied. State the port instead of "*".`;
  return new Refusal('InvalidParameter', says, { target: `/${member}` });
}
