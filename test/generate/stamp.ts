/** Random stamps from a seed: VNets that overlap or peer, NSGs on subnets and NICs, groups, routes, appliances, public addresses, balancers. */

import type { Json } from '#base/json.ts';
import type { StampFacts } from '#model/resource.ts';
import {
  addBalancer,
  addNatGateway,
  addNic,
  addNsg,
  type AddressOptions,
  addPeering,
  addPublicIp,
  addRoutes,
  addSubnet,
  addVnet,
  type Build,
  idOf,
  labStamp,
  newBuild,
  type RuleRow,
} from '#test/generate/build.ts';
import { type Random, randomFrom } from '#test/generate/random.ts';

/** How large the stamp may get. */
export type StampSize = { readonly vnets: number; readonly nicsPerSubnet: number; readonly rules: number };

const small: StampSize = { vnets: 3, nicsPerSubnet: 2, rules: 6 };

/** The stamp of a seed. */
export function randomStamp(seed: number, stamp: StampFacts = labStamp, size: StampSize = small): Build {
  const random = randomFrom(seed);
  const build = newBuild(stamp);
  const plan: Plan = { build, random, size, publics: 0, nsgs: [], pool: poolOf(stamp) };
  const groupCount = 1 + random.below(4);
  for (let index = 0; index < groupCount; index++) {
    const name = `nsg${index}`;
    addNsg(build, name, rulesOf(plan));
    plan.nsgs.push(name);
  }
  const count = 1 + random.below(size.vnets);
  for (let index = 0; index < count; index++) vnetOf(plan, index);
  peeringsOf(plan, count);
  return build;
}

type Plan = {
  readonly build: Build;
  readonly random: Random;
  readonly size: StampSize;
  publics: number;
  readonly nsgs: string[];
  readonly pool: { readonly four: string; readonly six: string };
};

function poolOf({ publicPools }: StampFacts): Plan['pool'] {
  const [four = '198.18.0.0/24', six = '2001:db8::/64'] = publicPools;
  return { four: four.replace(/\.0\/\d+$/, ''), six: six.replace(/::\/\d+$/, '') };
}

/** Every other VNet shares the space of the first: overlapping tenants are the rule, not the exception. */
function spaceOf(index: number, overlaps: boolean): number {
  return overlaps ? 0 : index;
}

function vnetOf(plan: Plan, index: number): void {
  const { build, random } = plan;
  const name = `v${index}`;
  const block = spaceOf(index, random.chance(0.3));
  const hasSix = random.chance(0.6);
  addVnet(build, name, [`10.${block}.0.0/16`, ...(hasSix ? [`fd00:${block}::/48`] : [])]);
  if (random.chance(0.6)) addRoutes(build, `rt${index}`, routesOf(plan, block));
  const hasGateway = random.chance(0.25);
  if (hasGateway) {
    addPublicIp(build, `gw${index}`, [publicAddress(plan, 4), 'Standard']);
    addNatGateway(build, `gw${index}`, [[`gw${index}`]]);
  }
  const subnets = 1 + random.below(3);
  for (let subnet = 0; subnet < subnets; subnet++) {
    const prefixes = [`10.${block}.${subnet}.0/24`, ...(hasSix ? [`fd00:${block}:0:${subnet}::/64`] : [])];
    addSubnet(build, `${name}/s${subnet}`, [
      prefixes,
      {
        ...(random.chance(0.6) ? { nsg: random.pick(plan.nsgs) } : {}),
        ...(build.resources.has(idOf(`routeTables/rt${index}`).toLowerCase()) && random.chance(0.6)
          ? { routeTable: `rt${index}` }
          : {}),
        ...(hasGateway && random.chance(0.5) ? { natGateway: `gw${index}` } : {}),
        isClosed: random.chance(0.1),
      },
    ]);
  }
  const balancers = balancersOf(plan, index, block);
  for (let subnet = 0; subnet < subnets; subnet++) nicsOf(plan, { vnet: index, block, subnet, hasSix, balancers });
}

function publicAddress(plan: Plan, family: 4 | 6): string {
  const next = 32 + plan.publics++;
  return family === 4 ? `${plan.pool.four}.${next}` : `${plan.pool.six}::${next.toString(16)}`;
}

/** NIC 4 of subnet 0 is the appliance, so routes can name it before it stands. */
function routesOf({ random }: Plan, block: number): [string, string, string, string?][] {
  const prefixes = [
    '0.0.0.0/0',
    '203.0.113.0/24',
    '198.51.100.128/25',
    `10.${block}.1.0/24`,
    `10.${block}.0.0/16`,
    '10.0.0.0/8',
    '::/0',
    `fd00:${block}:0:1::/64`,
  ];
  const count = 1 + random.below(4);
  const rows = new Map<string, [string, string, string, string?]>();
  for (let index = 0; index < count; index++) {
    const prefix = random.pick(prefixes);
    const isSix = prefix.includes(':');
    const type = random.pick([
      'VirtualAppliance',
      'VirtualAppliance',
      'None',
      'Internet',
      'VnetLocal',
      'VirtualNetworkGateway',
    ]);
    const appliance = isSix ? `fd00:${block}::4` : `10.${block}.0.4`;
    const address = random.chance(0.9) ? appliance : isSix ? `fd00:${block}::5` : `10.${block}.0.5`;
    rows.set(prefix, type === 'VirtualAppliance' ? [`r${index}`, prefix, type, address] : [`r${index}`, prefix, type]);
  }
  return [...rows.values()];
}

function balancersOf(plan: Plan, index: number, block: number): string[] {
  const { build, random } = plan;
  const names: string[] = [];
  const rules = (): { readonly [name: string]: Json }[] => [
    {
      frontendPort: 80,
      backendPort: random.pick([80, 8080]),
      loadDistribution: random.pick(['Default', 'SourceIP', 'SourceIPProtocol']),
    },
    { frontendPort: 53, backendPort: 53, protocol: 'Udp' },
    ...(random.chance(0.4) ? [{ frontendPort: 81, backendPort: 81, probe: { id: `loadBalancers/x/probes/p` } }] : []),
  ];
  const health = { p: { [`10.${block}.0.4`]: 'up', [`10.${block}.0.5`]: random.pick(['up', 'down']) } };
  if (random.chance(0.5)) {
    addPublicIp(build, `lbip${index}`, [publicAddress(plan, 4), random.pick(['Basic', 'Standard'])]);
    const outboundRules = random.chance(0.4) ? outboundOf(plan, index) : [];
    addBalancer(build, `out${index}`, {
      publicIp: `lbip${index}`,
      sku: random.pick(['Basic', 'Standard']),
      rules: rules().map((rule) => ({ ...rule, disableOutboundSnat: outboundRules.length > 0 })),
      outboundRules,
      health,
      natRules: [{ name: 'ssh', frontendPort: 50_000 + index, backendPort: 22 }],
    });
    names.push(`out${index}`);
  }
  if (random.chance(0.5)) {
    const all = random.chance(0.3) ? [{ frontendPort: 0, backendPort: 0, protocol: 'All' }] : rules();
    addBalancer(build, `in${index}`, { subnet: `v${index}/s0`, address: `10.${block}.0.200`, rules: all, health });
    names.push(`in${index}`);
  }
  return names;
}

/** One outbound rule, or one for each protocol. */
function outboundOf({ random }: Plan, index: number): { readonly [name: string]: Json }[] {
  const ports = { allocatedOutboundPorts: random.pick([0, 64, 1024]) };
  const one = { ...ports, protocol: random.pick(['All', 'Tcp', 'Udp']), idleTimeoutInMinutes: 4 + index };
  const two = { ...ports, protocol: one.protocol === 'Tcp' ? 'Udp' : 'Tcp', idleTimeoutInMinutes: 15 };
  return random.chance(0.3) ? [one, two] : [one];
}

type Place = {
  readonly vnet: number;
  readonly block: number;
  readonly subnet: number;
  readonly hasSix: boolean;
  readonly balancers: readonly string[];
};

function nicsOf(plan: Plan, { vnet, block, subnet, hasSix, balancers }: Place): void {
  const { build, random, size } = plan;
  const count = 1 + random.below(size.nicsPerSubnet);
  for (let nic = 0; nic < count; nic++) {
    const host = 4 + nic;
    const options = (address: string, family: 4 | 6): AddressOptions => {
      const name = `pip${plan.publics}`;
      const hasPublic = random.chance(0.4);
      if (hasPublic)
        addPublicIp(build, name, [publicAddress(plan, family), random.pick(['Basic', 'Basic', 'Standard'])]);
      return {
        address,
        ...(hasPublic ? { publicIp: name } : {}),
        groups: random.chance(0.4) ? [`g${random.below(2)}`] : [],
        pools: balancers.filter(() => random.chance(0.6)).map((balancer) => `${balancer}/pool`),
        natRules:
          nic === 0 && subnet === 0
            ? balancers.filter((name_) => name_.startsWith('out')).map((balancer) => `${balancer}/ssh`)
            : [],
      };
    };
    addNic(build, `v${vnet}s${subnet}n${nic}`, {
      subnet: `v${vnet}/s${subnet}`,
      addresses: [
        options(`10.${block}.${subnet}.${host}`, 4),
        ...(hasSix ? [options(`fd00:${block}:0:${subnet}::${host}`, 6)] : []),
      ],
      host: random.pick(build.stamp.hosts),
      forwarding: nic === 0 && subnet === 0 && random.chance(0.8),
      ...(random.chance(0.4) ? { nsg: random.pick(plan.nsgs) } : {}),
    });
  }
}

/** As the model demands: peers do not overlap, neither with each other nor with the peers that one of them has. */
function peeringsOf({ build, random }: Plan, count: number): void {
  const spaces = [...build.resources.values()]
    .filter(({ type }) => type.endsWith('/virtualNetworks'))
    .map(({ properties }) => JSON.stringify(properties['addressSpace']).slice(0, 32));
  const seen = spaces.map((space) => new Set([space]));
  for (let from = 0; from < count; from++) {
    for (let to = from + 1; to < count; to++) {
      const isTaken = seen[from]?.has(spaces[to] ?? '') === true || seen[to]?.has(spaces[from] ?? '') === true;
      if (isTaken || random.chance(0.4)) continue;
      seen[from]?.add(spaces[to] ?? '');
      seen[to]?.add(spaces[from] ?? '');
      const side = () => ({ allowVirtualNetworkAccess: random.chance(0.9), allowForwardedTraffic: random.chance(0.5) });
      addPeering(build, [`v${from}`, `v${to}`], side());
      if (random.chance(0.9)) addPeering(build, [`v${to}`, `v${from}`], side());
    }
  }
}

/** Addresses that rules speak of: those of the stamps, of the internet, tags and groups. */
const addressPool = [
  '*',
  '*',
  'VirtualNetwork',
  'Internet',
  'AzureLoadBalancer',
  '10.0.0.0/16',
  '10.0.0.4',
  '10.0.1.0/24',
  '10.1.0.0/24',
  '203.0.113.0/24',
  '203.0.113.9',
  '198.18.0.0/24',
  'fd00:0:0:1::/64',
  '2001:db8:ffff::/48',
  'asg:g0',
  'asg:g1',
];

/** A random rule; the name carries its priority, so that names and priorities stay unique together. */
export function randomRule(random: Random, priority: number): RuleRow {
  const some = () =>
    random.chance(0.2) ? [random.pick(addressPool), random.pick(addressPool)] : random.pick(addressPool);
  const ports = () =>
    random.pick(['*', '*', '80', '22', '8080', '53', '1-1024', ['80', '443', '8000-8100'], '40000-60000']);
  return [
    `r${priority}`,
    priority,
    random.pick(['In', 'Out'] as const),
    random.pick(['Allow', 'Allow', 'Deny'] as const),
    random.pick(['*', 'Tcp', 'Tcp', 'Udp', 'Icmp', 'Esp', 'Ah']),
    some(),
    some(),
    ports(),
    random.chance(0.15) ? '40000-60000' : '*',
  ];
}

function rulesOf({ random, size }: Plan): RuleRow[] {
  const count = random.below(size.rules + 1);
  const priorities = new Set(Array.from({ length: count }, () => 100 + random.below(3997)));
  return [...priorities].map((priority) => randomRule(random, priority));
}
