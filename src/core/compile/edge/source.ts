/** How each NIC address reaches the internet: NAT gateway, its own public address, its load balancer, or the default. */

import { byId, type Lists, sortedById } from '#compile/lists.ts';
import { addressAt, familyOf, idAt, idsAt, numberAt, partsAt, skuOf, textAt } from '#compile/read.ts';
import { frontendOf, type Member, type Members } from '#compile/sdn/balance.ts';
import type { NicFacts } from '#compile/sdn/nic.ts';
import { defaultSource } from '#model/infra.ts';
import type { Resource, StampFacts } from '#model/resource.ts';
import type { EdgeProgram, PortRange, PublicAddress, SourceBlock } from '#program/program.ts';

/** The translations of the boundary that concern single addresses. */
export type Sources = Pick<EdgeProgram, 'publics' | 'ones' | 'blocks'>;

/** All that outbound translation is decided by. */
export type SourceParts = {
  readonly lists: Lists;
  readonly publicIps: ReadonlyMap<string, Resource>;
  readonly members: Members;
  readonly nics: readonly NicFacts[];
  readonly stamp: StampFacts;
};

/** Azure's order of outbound methods (doc "Default outbound access", "NAT gateway and other outbound scenarios"). */
export function compileSources(parts: SourceParts): Sources {
  const publics: { [address: string]: PublicAddress } = {};
  const ones: { [label: string]: EdgeProgram['ones'][string] } = {};
  const blocks: { [label: string]: SourceBlock } = {};
  const gateways = gatewayBlocks(parts);
  const balancers = balancerBlocks(parts);
  const subnets = byId(parts.lists.subnets);
  for (const nic of parts.nics) {
    for (const at of nic.addresses) {
      const publicIp = parts.publicIps.get(at.publicIp ?? '');
      const address = addressAt(publicIp?.properties, 'ipAddress');
      const isPublic = publicIp !== undefined && address !== undefined && familyOf(address) === at.family;
      const because = `pip/${publicIp?.name ?? ''}`;
      const idleMinutes = idleOf(publicIp?.properties);
      if (isPublic) publics[address] = { label: at.label, mark: nic.mark, idleMinutes, because };
      const gateway = gateways.get(at.label);
      if (gateway === undefined && isPublic) {
        ones[at.label] = { address, idleMinutes, because };
        continue;
      }
      const isOpen =
        at.family === 4 &&
        !balancers.closed.has(at.label) &&
        subnets.get(at.subnet)?.properties['defaultOutboundAccess'] !== false;
      const block = gateway ?? balancers.blocks.get(at.label) ?? (isOpen ? defaultBlock(parts, nic) : undefined);
      if (block !== undefined) blocks[at.label] = block;
      for (const key of gateway === undefined ? [`${at.label}/tcp`, `${at.label}/udp`] : []) {
        const narrow = balancers.blocks.get(key);
        if (narrow !== undefined) blocks[key] = narrow;
      }
    }
  }
  return { publics, ones, blocks };
}

/** Azure's default of public addresses, NAT gateways and rules alike. */
function idleOf(properties: Resource['properties'] | undefined): number {
  return numberAt(properties, 'idleTimeoutInMinutes') ?? 4;
}

function defaultBlock({ stamp }: SourceParts, nic: NicFacts): SourceBlock | undefined {
  const source = defaultSource(stamp, nic.mark);
  return source && { ...source, mark: nic.mark, idleMinutes: idleOf(undefined), because: 'snat/default' };
}

/** The blocks of subnets with a NAT gateway. */
function gatewayBlocks({ lists, publicIps, nics }: SourceParts): ReadonlyMap<string, SourceBlock> {
  const gateways = byId(lists.natGateways);
  const users = new Map<Resource, Member[]>();
  const subnets = byId(lists.subnets);
  for (const nic of nics.toSorted((left, right) => left.mark - right.mark)) {
    for (const at of nic.addresses) {
      const gateway = gateways.get(idAt(subnets.get(at.subnet)?.properties, 'natGateway') ?? '');
      if (gateway === undefined) continue;
      users.set(gateway, [...(users.get(gateway) ?? []), { nic, at }]);
    }
  }
  const blocks = new Blocks(new Map());
  for (const [gateway, members] of users) {
    const addresses = idsAt(gateway.properties, 'publicIpAddresses').flatMap(
      (id) => addressAt(publicIps.get(id)?.properties, 'ipAddress') ?? [],
    );
    divide(blocks, { addresses, members, because: `natgw/${gateway.name}`, idleMinutes: idleOf(gateway.properties) });
  }
  return blocks;
}

type Grant = {
  readonly addresses: readonly string[];
  readonly members: readonly Member[];
  readonly because: string;
  readonly idleMinutes: number;
  /** Ports per NIC; Azure's table by the size of the pool when absent or 0. */
  readonly portsEach?: number | undefined;
  /** The one protocol that the blocks are for (`tcp`, `udp`); absent: all. */
  readonly protocol?: string | undefined;
};

/** Blocks of outbound rules and of rules that allow SNAT; and the labels that a Standard balancer keeps from the default. */
function balancerBlocks({ lists, publicIps, members }: SourceParts) {
  const next = new Map<string, number>();
  const byRule = new Blocks(next);
  const byOutbound = new Blocks(next);
  const closed = new Set<string>();
  const pools = new Map<string, readonly Member[]>([...members].filter(([id]) => id.includes('/backendaddresspools/')));
  const balancers = byId(lists.loadBalancers);
  for (const [pool, list] of pools) {
    const balancer = balancers.get(pool.split('/').slice(0, -2).join('/'));
    if (skuOf(balancer) === 'Standard') for (const { at } of list) closed.add(at.label);
  }
  for (const balancer of sortedById(lists.loadBalancers)) {
    const publicOf = (ids: readonly (string | undefined)[]) =>
      ids
        .flatMap((id) => frontendOf(balancer, id, publicIps) ?? [])
        .flatMap(({ vnet, address }) => (vnet === undefined ? [address] : []));
    for (const { name, properties } of partsAt(balancer, 'outboundRules')) {
      const addresses = publicOf(idsAt(properties, 'frontendIPConfigurations'));
      const portsEach = numberAt(properties, 'allocatedOutboundPorts');
      const pool = members.get(idAt(properties, 'backendAddressPool') ?? '') ?? [];
      const protocol = protocolOf(properties);
      const idleMinutes = idleOf(properties);
      const because = `lb/${balancer.name}/${name}`;
      divide(byOutbound, { addresses, members: pool, because, idleMinutes, portsEach, protocol });
    }
    for (const { name, properties } of partsAt(balancer, 'loadBalancingRules')) {
      if (properties['disableOutboundSnat'] === true) continue;
      const addresses = publicOf([idAt(properties, 'frontendIPConfiguration')]);
      const pool = members.get(idAt(properties, 'backendAddressPool') ?? '') ?? [];
      // Azure doc "Load Balancer SKUs", outbound connections: a Standard one translates the protocol of the rule.
      const protocol = skuOf(balancer) === 'Standard' ? protocolOf(properties) : undefined;
      const because = `lb/${balancer.name}/${name}`;
      divide(byRule, { addresses, members: pool, because, idleMinutes: idleOf(properties), protocol });
    }
  }
  // An outbound rule for all protocols goes before a rule for one.
  const left = [...byRule].filter(([key]) => !byOutbound.has(key.split('/')[0] ?? key));
  return { blocks: new Map([...left, ...byOutbound]), closed };
}

/** The one protocol with ports that a rule is for; undefined: all. */
function protocolOf(properties: Resource['properties']): string | undefined {
  const stated = textAt(properties, 'protocol')?.toLowerCase();
  return stated === 'tcp' || stated === 'udp' ? stated : undefined;
}

const firstPort = 1024;
const portsEnd = 65_536;

/** Blocks by key. Those of one address never overlap, whatever rule or pool they are for: a port names one NIC (S1.3). */
class Blocks extends Map<string, SourceBlock> {
  readonly #next: Map<string, number>;

  constructor(next: Map<string, number>) {
    super();
    this.#next = next;
  }

  nextPort(address: string): number {
    return this.#next.get(address) ?? firstPort;
  }

  override set(key: string, block: SourceBlock): this {
    this.#next.set(block.address, block.ports[1] + 1);
    return super.set(key, block);
  }
}

/** Gives each member of the family its block, by its place in the pool; a member that has a block keeps it. */
function divide(blocks: Blocks, { addresses, members, because, idleMinutes, portsEach, protocol }: Grant): void {
  for (const family of [4, 6] as const) {
    const shared = addresses.filter((address) => familyOf(address) === family);
    const mine = members.filter(({ at }) => at.family === family);
    const size = portsEach || azurePorts(mine.length);
    for (const { nic, at } of mine) {
      const key = protocol === undefined ? at.label : `${at.label}/${protocol}`;
      if (blocks.has(key)) continue;
      const address = shared.find((candidate) => blocks.nextPort(candidate) + size <= portsEnd);
      if (address === undefined) break;
      const first = blocks.nextPort(address);
      const ports: PortRange = [first, first + size - 1];
      blocks.set(key, { address, ports, mark: nic.mark, idleMinutes, because });
    }
  }
}

/** Azure's preallocated SNAT ports by pool size (doc "Source Network Address Translation for outbound connections"). */
function azurePorts(size: number): number {
  if (size <= 50) return 1024;
  if (size <= 100) return 512;
  if (size <= 200) return 256;
  if (size <= 400) return 128;
  return size <= 800 ? 64 : 32;
}
