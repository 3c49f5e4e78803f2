/** Builds sets of resources for tests in few words: short paths for ids, numbers and addresses given out as the model would. */

import { isObject, type Json, type JsonObject, deepFreeze } from '#base/json.ts';
import { macAddress } from '#model/network/label.ts';
import { MemoryView } from '#model/memory.ts';
import type { Resource, StampFacts } from '#model/resource.ts';

const subscription = '00000000-0000-0000-0000-00000000000a';

/** The facts of a lab stamp of number 0. */
export const labStamp: StampFacts = deepFreeze({
  number: 0,
  location: 'local',
  zone: 'local.ringwall.internal',
  tenantId: '00000000-0000-0000-0000-000000000001',
  hosts: ['h1', 'h2'],
  publicPools: ['198.18.0.0/24', '2001:db8::/64'],
  publicReserved: 32,
  profile: 'lab',
  enforcing: true,
});

/** The full id of a short path: `virtualNetworks/a/subnets/web`. A path that is a full id stays as it is. */
export function idOf(path: string): string {
  if (path.startsWith('/')) return path;
  return `/subscriptions/${subscription}/resourceGroups/g/providers/${providerOf(path)}/${path}`;
}

function providerOf(path: string): string {
  return /^(virtualMachines|availabilitySets|disks)\//.test(path) ? 'Microsoft.Compute' : 'Microsoft.Network';
}

/** What a resource is made of. References in the properties may be short paths. */
export type Given = {
  readonly path: string;
  readonly properties?: JsonObject;
  readonly internal?: JsonObject;
  readonly sku?: JsonObject;
};

let writes = 0;

/** A frozen resource. */
export function resourceOf({ path, properties = {}, internal, sku }: Given): Resource {
  const id = idOf(path);
  const parts = id.split('/').slice(id.split('/').indexOf('providers') + 1);
  const type = parts.filter((_, index) => index === 0 || index % 2 === 1).join('/');
  return deepFreeze({
    id,
    type,
    name: parts.at(-1) ?? '',
    location: 'local',
    properties: withFullIds(properties) as JsonObject,
    ...(internal === undefined ? {} : { internal }),
    ...(sku === undefined ? {} : { sku }),
    etag: `W/"${++writes}"`,
    createdAt: '2026-01-01T00:00:00Z',
    changedAt: '2026-01-01T00:00:00Z',
  });
}

function withFullIds(value: Json | undefined): Json | undefined {
  if (Array.isArray(value)) return value.map((item: Json) => withFullIds(item) ?? null);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([name, member]) => [
    name,
    name === 'id' && typeof member === 'string' ? idOf(member) : withFullIds(member),
  ]);
  return Object.fromEntries(entries) as JsonObject;
}

/** A set of resources under construction. */
export type Build = {
  readonly stamp: StampFacts;
  readonly resources: Map<string, Resource>;
  marks: number;
  labels: number;
  keys: number;
};

/** An empty set. */
export function newBuild(stamp: StampFacts = labStamp): Build {
  return { stamp, resources: new Map(), marks: 0, labels: 0, keys: 0 };
}

/** Puts a resource. */
function add(build: Build, given: Given): Resource {
  const resource = resourceOf(given);
  build.resources.set(resource.id.toLowerCase(), resource);
  return resource;
}

/** The set as a view. */
export function viewOf(build: Build): MemoryView {
  return new MemoryView(build.resources.values());
}

/** A VNet with its prefixes. */
export function addVnet(build: Build, name: string, addressPrefixes: readonly string[]): void {
  add(build, {
    path: `virtualNetworks/${name}`,
    properties: { addressSpace: { addressPrefixes } },
    internal: { key: ++build.keys },
  });
}

export type SubnetOptions = {
  readonly nsg?: string;
  readonly routeTable?: string;
  readonly natGateway?: string;
  readonly isClosed?: boolean;
};

/** A subnet `vnet/subnet` with its prefixes. */
export function addSubnet(
  build: Build,
  path: string,
  [prefixes, options = {}]: readonly [readonly string[], SubnetOptions?],
): void {
  const { nsg, routeTable, natGateway, isClosed } = options;
  const [vnet, subnet] = path.split('/');
  add(build, {
    path: `virtualNetworks/${vnet}/subnets/${subnet}`,
    properties: {
      addressPrefixes: prefixes,
      ...(nsg === undefined ? {} : { networkSecurityGroup: { id: `networkSecurityGroups/${nsg}` } }),
      ...(routeTable === undefined ? {} : { routeTable: { id: `routeTables/${routeTable}` } }),
      ...(natGateway === undefined ? {} : { natGateway: { id: `natGateways/${natGateway}` } }),
      ...(isClosed === true ? { defaultOutboundAccess: false } : {}),
    },
  });
}

/** An NSG with rules `[name, priority, direction, access, protocol, source, target, target ports, source ports]`. */
export type RuleRow = readonly [
  name: string,
  priority: number,
  direction: 'In' | 'Out',
  access: 'Allow' | 'Deny',
  protocol: string,
  source: string | readonly string[],
  target: string | readonly string[],
  targetPorts?: string | readonly string[],
  sourcePorts?: string | readonly string[],
];

/** An NSG with its rules. An address that starts with `asg:` names an application security group. */
export function addNsg(build: Build, name: string, rows: readonly RuleRow[] = []): void {
  add(build, { path: `networkSecurityGroups/${name}` });
  for (const row of rows) addRule(build, name, row);
}

/** One rule of an NSG. */
export function addRule(build: Build, nsg: string, row: RuleRow): Resource {
  const [name, priority, direction, access, protocol, source, target, targetPorts = '*', sourcePorts = '*'] = row;
  return add(build, {
    path: `networkSecurityGroups/${nsg}/securityRules/${name}`,
    properties: {
      priority,
      direction: direction === 'In' ? 'Inbound' : 'Outbound',
      access,
      protocol,
      ...addressesOf('source', source),
      ...addressesOf('destination', target),
      ...portsOf('source', sourcePorts),
      ...portsOf('destination', targetPorts),
    },
  });
}

function addressesOf(side: string, given: string | readonly string[]): JsonObject {
  const all = typeof given === 'string' ? [given] : given;
  const groups = all.filter((text) => text.startsWith('asg:'));
  const plain = all.filter((text) => !text.startsWith('asg:'));
  return {
    ...(plain.length === 1 ? { [`${side}AddressPrefix`]: plain[0] } : { [`${side}AddressPrefixes`]: plain }),
    [`${side}ApplicationSecurityGroups`]: groups.map((text) => ({ id: `applicationSecurityGroups/${text.slice(4)}` })),
  };
}

function portsOf(side: string, given: string | readonly string[]): JsonObject {
  return typeof given === 'string' ? { [`${side}PortRange`]: given } : { [`${side}PortRanges`]: given };
}

/** One address of a NIC. */
export type AddressOptions = {
  readonly address: string;
  readonly publicIp?: string;
  readonly pools?: readonly string[];
  readonly natRules?: readonly string[];
  readonly groups?: readonly string[];
};

export type NicOptions = {
  readonly subnet: string;
  readonly addresses: readonly (string | AddressOptions)[];
  readonly host?: string;
  readonly nsg?: string;
  readonly forwarding?: boolean;
};

/** A NIC, and the VM that it is attached to unless `host` is empty. Answers the NIC's mark. Pools are `balancer/pool`. */
export function addNic(build: Build, name: string, options: NicOptions): number {
  const mark = ++build.marks;
  const [vnet, subnet] = options.subnet.split('/');
  const addresses = options.addresses.map((item) => (typeof item === 'string' ? { address: item } : item));
  const labels = Object.fromEntries(addresses.map((_, index) => [`ip${index + 1}`, ++build.labels]));
  add(build, {
    path: `networkInterfaces/${name}`,
    properties: {
      enableIPForwarding: options.forwarding ?? false,
      ...(options.nsg === undefined ? {} : { networkSecurityGroup: { id: `networkSecurityGroups/${options.nsg}` } }),
      ipConfigurations: addresses.map((item, index) => ({
        name: `ip${index + 1}`,
        properties: {
          privateIPAddress: item.address,
          subnet: { id: `virtualNetworks/${vnet}/subnets/${subnet}` },
          ...(item.publicIp === undefined ? {} : { publicIPAddress: { id: `publicIPAddresses/${item.publicIp}` } }),
          loadBalancerBackendAddressPools: (item.pools ?? []).map((pool) => ({
            id: partPath(pool, 'backendAddressPools'),
          })),
          loadBalancerInboundNatRules: (item.natRules ?? []).map((rule) => ({ id: partPath(rule, 'inboundNatRules') })),
          applicationSecurityGroups: (item.groups ?? []).map((group) => ({ id: `applicationSecurityGroups/${group}` })),
        },
      })),
    },
    internal: { mark, mac: macAddress(build.stamp.number, mark), labels },
  });
  const host = options.host ?? 'h1';
  if (host !== '') {
    add(build, {
      path: `virtualMachines/${name}`,
      properties: { networkProfile: { networkInterfaces: [{ id: `networkInterfaces/${name}` }] } },
      internal: { host, slot: mark, key: `g${mark}`, power: 'running' },
    });
  }
  return mark;
}

function partPath(path: string, type: string): string {
  const [balancer, name] = path.split('/');
  return `loadBalancers/${balancer}/${type}/${name}`;
}

/** A public address. */
export function addPublicIp(
  build: Build,
  name: string,
  [ipAddress, sku = 'Basic', more = {}]: readonly [string, string?, JsonObject?],
): void {
  add(build, { path: `publicIPAddresses/${name}`, properties: { ipAddress, ...more }, sku: { name: sku } });
}

/** Both sides of a peering, or one. */
export function addPeering(build: Build, [from, to]: readonly [string, string], properties: JsonObject = {}): void {
  add(build, {
    path: `virtualNetworks/${from}/virtualNetworkPeerings/to-${to}`,
    properties: {
      remoteVirtualNetwork: { id: `virtualNetworks/${to}` },
      allowVirtualNetworkAccess: true,
      ...properties,
    },
  });
}

/** A route: name, prefix, type of the next hop, its address. */
export type RouteRow = readonly [name: string, prefix: string, hop: string, address?: string];

/** A route table with routes `[name, prefix, next hop type, address]`. */
export function addRoutes(build: Build, name: string, rows: readonly RouteRow[]): void {
  add(build, { path: `routeTables/${name}` });
  for (const [route, addressPrefix, nextHopType, nextHopIpAddress] of rows) {
    add(build, {
      path: `routeTables/${name}/routes/${route}`,
      properties: { addressPrefix, nextHopType, ...(nextHopIpAddress === undefined ? {} : { nextHopIpAddress }) },
    });
  }
}

export type BalancerOptions = {
  /** A public address by name, or `subnet` and `address`. */
  readonly publicIp?: string;
  readonly subnet?: string;
  readonly address?: string;
  readonly sku?: string;
  readonly rules?: readonly { readonly [name: string]: Json }[];
  readonly natRules?: readonly { readonly [name: string]: Json }[];
  readonly outboundRules?: readonly { readonly [name: string]: Json }[];
  readonly health?: JsonObject;
};

/** A load balancer with one frontend `f` and one pool `pool`; rules state what is not the default. */
export function addBalancer(build: Build, name: string, options: BalancerOptions): void {
  const path = `loadBalancers/${name}`;
  const [vnet, subnet] = (options.subnet ?? '').split('/');
  const inside = {
    subnet: { id: `virtualNetworks/${vnet}/subnets/${subnet}` },
    privateIPAddress: options.address ?? '',
  };
  const frontend =
    options.publicIp === undefined ? inside : { publicIPAddress: { id: `publicIPAddresses/${options.publicIp}` } };
  const frontendIPConfiguration = { id: `${path}/frontendIPConfigurations/f` };
  const backendAddressPool = { id: `${path}/backendAddressPools/pool` };
  const ruleOf = ({ name: rule, ...rest }: { readonly [name: string]: Json }, index: number): JsonObject => ({
    name: rule ?? `r${index + 1}`,
    properties: { protocol: 'Tcp', frontendIPConfiguration, backendAddressPool, ...rest },
  });
  add(build, {
    path,
    sku: { name: options.sku ?? 'Basic' },
    properties: {
      frontendIPConfigurations: [{ name: 'f', properties: frontend }],
      loadBalancingRules: (options.rules ?? []).map(ruleOf),
      outboundRules: (options.outboundRules ?? []).map(({ name: rule, ...rest }, index) => ({
        name: rule ?? `o${index + 1}`,
        properties: {
          protocol: 'All',
          frontendIPConfigurations: [frontendIPConfiguration],
          backendAddressPool,
          ...rest,
        },
      })),
    },
    ...(options.health === undefined ? {} : { internal: { health: options.health } }),
  });
  add(build, { path: `${path}/backendAddressPools/pool` });
  (options.natRules ?? []).forEach(({ name: rule, ...rest }, index) => {
    const ruleName = typeof rule === 'string' ? rule : `n${index + 1}`;
    add(build, {
      path: `${path}/inboundNatRules/${ruleName}`,
      properties: { protocol: 'Tcp', frontendIPConfiguration, ...rest },
    });
  });
}

/** A NAT gateway with public addresses by name. */
export function addNatGateway(
  build: Build,
  name: string,
  [publicIps, more = {}]: readonly [publicIps: readonly string[], more?: JsonObject],
): void {
  add(build, {
    path: `natGateways/${name}`,
    properties: { ...more, publicIpAddresses: publicIps.map((publicIp) => ({ id: `publicIPAddresses/${publicIp}` })) },
  });
}
