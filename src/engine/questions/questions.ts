/** Questions about what is in force: each is authorised, and tells no more than its asker may read (decision D2.8). */

import { Refusal } from '#base/wrong.ts';
import { flowVerdict, type Flow, type FlowVerdict } from '#compile/answer/flow.ts';
import { layersOf, portOfNic, subnetOf, type Layer, type Placed } from '#compile/answer/port.ts';
import { effectiveRules, ruleName, type EffectiveRule } from '#compile/answer/rule.ts';
import { topologyOf, type TopologyEntry, type TopologyScope } from '#compile/answer/topology.ts';
import { effectiveRoutes, nextHopOf, type EffectiveRoute } from '#compile/answer/way.ts';
import { addressAt, familyOf, idAt } from '#compile/read.ts';
import { sameId, typeOfId } from '#model/arm-id.ts';
import type { Resource, View } from '#model/resource.ts';
import type { NextHop, Programs } from '#program/program.ts';
import type { Caller } from '#engine/engine.ts';
import type { AccessIndex } from '#engine/gate/access-index.ts';
import { notFound } from '#engine/gate/draw.ts';
import type { Knocker } from '#engine/ports.ts';
import { type Check, type CheckAnswer, checkConnectivity } from '#engine/questions/connectivity.ts';
import { diagnosed, type LayerVerdict, type Profile } from '#engine/questions/diagnostic.ts';
import { nicsOf } from '#engine/questions/ends.ts';
import { layerStates, type LayerStates, type RuleState } from '#engine/questions/idle-layers.ts';

const nicType = 'Microsoft.Network/networkInterfaces';
const machineType = 'Microsoft.Compute/virtualMachines';
const publicType = 'Microsoft.Network/publicIPAddresses';
const watcherType = 'Microsoft.Network/networkWatchers';

/** Where a question about a flow is asked from: a machine, and the one of its NICs that is meant when several could be. */
export type Target = { readonly machine: string; readonly nic: string | undefined };

/** A rule in force, and whether it ever decides there; `by`: names of the rules of the same group that decide in its place. */
export type JudgedRule = EffectiveRule & Pick<RuleState, 'state' | 'by'>;

/** One layer at a NIC: without `nsg` and rules when the asker may not read the NSG. */
export type LayerRules = Pick<Layer, 'nic' | 'subnet'> & {
  readonly nsg?: Resource;
  readonly rules: readonly JudgedRule[];
};

export type FlowAnswer = { readonly access: 'allow' | 'deny'; readonly ruleName?: string };
export type HopAnswer = { readonly hop: NextHop; readonly table: 'system' | 'hidden' | Resource };
export type NicRules = { readonly nic: Resource; readonly layers: readonly LayerRules[] };

export type QuestionParts = {
  readonly view: () => View;
  readonly programs: () => Promise<Programs>;
  readonly access: AccessIndex;
  /** Absent where no guest runs: then nothing is sent. */
  readonly knocker?: Knocker;
};

/** A check from a machine to an address, a name, or what has one: a machine, an interface, a public address. */
export type CheckQuestion = {
  readonly machine: string;
  readonly to: string | { readonly id: string };
  readonly check: Omit<Check, 'host'>;
};

/** The groups that judge a profile at one NIC; without names and rules where the asker may not read the group. */
export type NicVerdicts = { readonly nic: Resource; readonly layers: readonly (Omit<LayerVerdict, 'layer'> & Told)[] };
type Told = Pick<Layer, 'nic' | 'subnet'> & { readonly nsg?: Resource };

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
    return await this.#layers(placed, caller);
  }

  /** The routes in force at a NIC. A route table that the asker may not read keeps its names. */
  async routes(nicId: string, caller: Caller): Promise<readonly EffectiveRoute[]> {
    const nic = this.#allowed({ id: nicId, type: nicType, action: 'effectiveRouteTable' }, caller);
    const routes = effectiveRoutes(await this.#placed(nic));
    const table = this.#tableOf(nic);
    const isHidden = table === undefined || !this.#mayRead(table, caller);
    return isHidden ? routes.map(withoutName) : routes;
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
    const told: NicRules[] = [];
    for (const nic of nics) {
      const placed = portOfNic(programs, nic.id);
      told.push({ nic, layers: placed === undefined ? [] : await this.#layers(placed, caller) });
    }
    return told;
  }

  /** Does a connection come through from a machine, and if not, what stands in its way? */
  async check(watcher: string, { machine, to, check }: CheckQuestion, caller: Caller): Promise<CheckAnswer> {
    this.#allowed({ id: watcher, type: watcherType, action: 'connectivityCheck' }, caller);
    const nics = this.#nicsOf({ machine, nic: undefined }, caller);
    const programs = await this.parts.programs();
    const placed = nics.flatMap((nic) => portOfNic(programs, nic.id) ?? []);
    const [first] = nics;
    if (placed.length === 0 && first !== undefined) throw notAttached(first);
    const { knocker } = this.parts;
    const view = this.parts.view();
    const source = view.get(machine);
    if (source === undefined) throw notFound(machine, machineType);
    const host = typeof to === 'string' ? to : this.#addressOf(to.id, { programs, placed }, caller);
    const mayRead = (id: string): boolean => this.#mayReadId(id, caller);
    return await checkConnectivity(
      { ...check, host },
      { world: { programs, view }, machine: source, placed, mayRead, knocker },
    );
  }

  /** What the groups at a machine's NICs, or at one NIC, say of traffic. */
  async diagnose(
    watcher: string,
    { target, profiles }: { target: string; profiles: readonly Profile[] },
    caller: Caller,
  ): Promise<readonly { readonly profile: Profile; readonly nics: readonly NicVerdicts[] }[]> {
    this.#allowed({ id: watcher, type: watcherType, action: 'networkConfigurationDiagnostic' }, caller);
    const nics = this.#nicsAt(target, caller);
    const programs = await this.parts.programs();
    const all = nics.flatMap((nic) => {
      const placed = portOfNic(programs, nic.id);
      return placed === undefined ? [] : { nic, placed, layers: layersOf(this.parts.view(), placed.port) };
    });
    const [first] = nics;
    if (all.length === 0 && first !== undefined) throw notAttached(first);
    return profiles.map((profile) => ({
      profile,
      nics: all.map(({ nic, placed, layers }) => ({
        nic,
        layers: diagnosed(profile, placed, layers).map((verdict) => this.#verdictTo(verdict, caller)),
      })),
    }));
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

  async #layers(placed: Placed, caller: Caller): Promise<readonly LayerRules[]> {
    const layers = layersOf(this.parts.view(), placed.port);
    const isAnyTold = layers.some((layer) => this.#mayTell(layer, caller));
    const states: LayerStates = isAnyTold ? await layerStates(placed, layers) : new Map();
    return layers.map((layer) => {
      const { nsg, nic, subnet } = layer;
      if (!this.#mayTell(layer, caller)) return { nic, subnet, rules: [] };
      const rules = effectiveRules(placed, layer).map((rule) => judgedRule(rule, states));
      return { nic, subnet, rules, ...(nsg === undefined ? {} : { nsg }) };
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
    const ids = nicsOf(found.properties);
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

  #nicsAt(target: string, caller: Caller): readonly Resource[] {
    if (typeOfId(target) !== nicType) return this.#nicsOf({ machine: target, nic: undefined }, caller);
    this.parts.access.authorize(caller, `${nicType}/read`, target);
    const nic = this.parts.view().get(target);
    if (nic === undefined) throw notFound(target, nicType);
    return [nic];
  }

  /** The address of what is named as a destination, of a family that the source has. */
  #addressOf(id: string, from: { programs: Programs; placed: readonly Placed[] }, caller: Caller): string {
    const { access, view } = this.parts;
    const type = typeOfId(id) ?? '';
    if (type !== machineType && type !== nicType && type !== publicType) {
      const says = `'${id.slice(0, 200)}' is not the id of a virtual machine, a network interface or a public address.`;
      throw new Refusal('InvalidParameter', says, { target: '/destination/resourceId' });
    }
    access.authorize(caller, `${type}/read`, id);
    const found = view().get(id);
    if (found === undefined) throw notFound(id, type);
    const families = new Set(from.placed.flatMap(({ port }) => Object.keys(port.addresses)).map(familyOf));
    const fitting = addressesOf(found, from.programs).find((address) => families.has(familyOf(address)));
    if (fitting !== undefined) return fitting;
    const says = `'${found.name}' has no address in force of a family that the source has.`;
    throw new Refusal('InvalidParameter', says, { target: '/destination/resourceId' });
  }

  #verdictTo({ layer, ...verdict }: LayerVerdict, caller: Caller): NicVerdicts['layers'][number] {
    const { nic, subnet, nsg } = layer;
    const { access, isPartial } = verdict;
    if (!this.#mayTell(layer, caller)) return { nic, subnet, access, isPartial, rules: [] };
    return { nic, subnet, ...verdict, ...(nsg === undefined ? {} : { nsg }) };
  }

  #mayReadId(id: string, caller: Caller): boolean {
    const type = typeOfId(id);
    return type !== undefined && this.parts.access.may(caller, `${type}/read`, id);
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

/** Private addresses of machines and interfaces that are in force, the primary interface's first; the address of a public one. */
function addressesOf({ type, id, properties }: Resource, programs: Programs): readonly string[] {
  if (type === publicType) return [addressAt(properties, 'ipAddress') ?? []].flat();
  const nics = type === machineType ? nicsOf(properties) : [id];
  return nics.flatMap((nic) => Object.keys(portOfNic(programs, nic)?.port.addresses ?? {}));
}

function withoutName(route: EffectiveRoute): EffectiveRoute {
  const { prefix, hop, source, isActive, shadowedBy } = route;
  return { prefix, hop, source, isActive, shadowedBy };
}

function judgedRule(rule: EffectiveRule, states: LayerStates): JudgedRule {
  const { state, by } = states.get(rule.filter)?.get(rule.key) ?? { state: 'unjudged' as const, by: [] };
  return { ...rule, state, by: by.map((key) => ruleName(rule.filter, key)) };
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
