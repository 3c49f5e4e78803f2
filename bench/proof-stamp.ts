/** The large stamp on which proofs are measured: 10,000 NICs in 100 networks, each subnet and most NICs with an NSG of 20 rules of their own. */

import {
  addNic,
  addNsg,
  addPeering,
  addPublicIp,
  addRoutes,
  addSubnet,
  addVnet,
  type Build,
  newBuild,
  labStamp,
  type RuleRow,
} from '#test/generate/build.ts';
import { randomFrom, type Random } from '#test/generate/random.ts';

/** How large. The usual one is that of the published figures; smaller ones are for quick looks. */
export type ProofStampSize = {
  readonly vnets: number;
  readonly subnetsPerVnet: number;
  readonly nicsPerSubnet: number;
  readonly rulesPerGroup: number;
  /** NICs without an NSG of their own, of ten: their subnet's alone judges them. */
  readonly bareOfTen: number;
};

export const largeStamp: ProofStampSize = {
  vnets: 100,
  subnetsPerVnet: 10,
  nicsPerSubnet: 10,
  rulesPerGroup: 20,
  bareOfTen: 1,
};

/** One in so many: NICs with a public address, subnets whose egress goes through their network's appliance, peerings per network. */
const publicOneIn = 10;
const routedOneIn = 3;
const vnetsPerPeering = 5;
/** Rules come in so many kinds of groups, as templates do. */
const templates = 40;
const ports = [80, 443, 8080, 8443, 1433, 3306, 5432, 6379, 9092, 53, 25, 389, 636, 445, 2049, 27017, 9200, 5672];

export type ProofStamp = {
  readonly build: Build;
  /** Names of all NSGs, and of the subnets whose egress must pass the appliance (`vnet/subnet`). */
  readonly groups: readonly string[];
  readonly routed: readonly string[];
  readonly appliances: readonly string[];
};

/** `number`: of the stamp; `first`: numbers of NICs and networks below are somebody else's; `host`: where all machines are, else on both. */
export type ProofStampOptions = {
  readonly size?: ProofStampSize;
  readonly seed?: number;
  readonly number?: number;
  readonly first?: number;
  readonly host?: string;
};

/** Builds it, the same for the same seed. */
export function proofStamp(options: ProofStampOptions = {}): ProofStamp {
  const { size = largeStamp, seed = 12_345, number = 0, first = 0, host } = options;
  const random = randomFrom(seed);
  const build = newBuild({ ...labStamp, number, publicPools: ['198.18.0.0/18', '2001:db8::/64'] });
  build.marks = first;
  build.labels = first;
  build.keys = first;
  const made: { groups: string[]; routed: string[]; appliances: string[] } = { groups: [], routed: [], appliances: [] };
  for (let vnet = 0; vnet < size.vnets; vnet++) makeVnet({ build, random, size, host, ...made }, vnet);
  for (let link = 0; link < size.vnets / vnetsPerPeering; link++) {
    const [one, other] = [random.below(size.vnets), random.below(size.vnets)];
    if (one === other) continue;
    addPeering(build, [`v${one}`, `v${other}`]);
    addPeering(build, [`v${other}`, `v${one}`]);
  }
  return { build, ...made };
}

type Making = ProofStamp & {
  readonly random: Random;
  readonly size: ProofStampSize;
  readonly host: string | undefined;
} & {
  readonly groups: string[];
  readonly routed: string[];
  readonly appliances: string[];
};

function makeVnet(making: Making, vnet: number): void {
  const { build, size, host = 'h1', routed, appliances } = making;
  const name = `v${vnet}`;
  addVnet(build, name, [`10.${vnet}.0.0/16`]);
  addRoutes(build, `${name}-udr`, [['out', '0.0.0.0/0', 'VirtualAppliance', `10.${vnet}.255.4`]]);
  addSubnet(build, `${name}/hub`, [[`10.${vnet}.255.0/24`], { nsg: makeGroup(making, `${name}-hub`, vnet) }]);
  addNic(build, `${name}-nva`, {
    subnet: `${name}/hub`,
    addresses: [`10.${vnet}.255.4`],
    forwarding: true,
    host,
  });
  appliances.push(`${name}-nva`);
  for (let subnet = 0; subnet < size.subnetsPerVnet; subnet++) {
    const path = `${name}/s${subnet}`;
    const isRouted = subnet % routedOneIn === 0;
    if (isRouted) routed.push(path);
    const nsg = makeGroup(making, `${name}-s${subnet}`, vnet);
    addSubnet(build, path, [
      [`10.${vnet}.${subnet}.0/24`],
      { nsg, ...(isRouted ? { routeTable: `${name}-udr` } : {}) },
    ]);
    for (let index = 0; index < size.nicsPerSubnet; index++) makeNic(making, { vnet, subnet, index });
  }
}

function makeNic(making: Making, { vnet, subnet, index }: { vnet: number; subnet: number; index: number }): void {
  const { build, random, size } = making;
  const name = `v${vnet}s${subnet}n${index}`;
  const address = `10.${vnet}.${subnet}.${index + 4}`;
  const isPublic = making.host === undefined && random.below(publicOneIn) === 0;
  const place = build.marks + 1;
  if (isPublic) addPublicIp(build, name, [`198.18.${place >> 8}.${place & 255}`]);
  addNic(build, name, {
    subnet: `v${vnet}/s${subnet}`,
    addresses: [isPublic ? { address, publicIp: name } : address],
    host: making.host ?? (random.below(2) === 0 ? 'h1' : 'h2'),
    ...(random.below(10) < size.bareOfTen ? {} : { nsg: makeGroup(making, name, vnet) }),
  });
}

function makeGroup({ build, random, size, groups }: Making, name: string, vnet: number): string {
  const kind = randomFrom(random.below(templates) * 7919 + 13);
  const rows: RuleRow[] = [
    ['admin', 100, 'In', 'Allow', 'Tcp', `10.${vnet}.250.0/24`, '*', ['22', '3389']],
    ['no-admin', 110, 'In', 'Deny', 'Tcp', 'Internet', '*', ['22', '3389', '5985', '5986']],
    ['no-admin-udp', 115, 'In', 'Deny', 'Udp', 'Internet', '*', '3389'],
  ];
  for (let rule = rows.length; rule < size.rulesPerGroup; rule++) rows.push(randomRule(kind, rule, vnet));
  addNsg(build, name, rows);
  groups.push(name);
  return name;
}

function randomRule(kind: Random, rule: number, vnet: number): RuleRow {
  const direction = rule % 3 === 2 ? 'Out' : 'In';
  const port = ports[kind.below(ports.length)] ?? 443;
  const range = kind.below(10) === 0 ? `${1024 * (1 + kind.below(4))}-${5900 + kind.below(80)}` : String(port);
  const remote = remoteOf(kind, vnet);
  const protocol = kind.below(10) < 8 ? 'Tcp' : 'Udp';
  const access = kind.below(4) < 3 ? 'Allow' : 'Deny';
  const ends = direction === 'In' ? ([remote, '*'] as const) : (['*', remote] as const);
  return [`r${rule}`, 100 + rule * 10, direction, access, protocol, ...ends, range];
}

function remoteOf(kind: Random, vnet: number): string | readonly string[] {
  switch (kind.below(5)) {
    case 0:
      return 'VirtualNetwork';
    case 1:
      return 'Internet';
    case 2:
      return `10.${vnet}.${kind.below(10)}.0/24`;
    case 3:
      return '*';
    default:
      return Array.from({ length: 1 + kind.below(6) }, () => {
        const [first, second] = [20 + kind.below(150), kind.below(256)];
        return kind.below(2) === 0 ? `${first}.${second}.0.0/16` : `${first}.${second}.${kind.below(256)}.0/24`;
      });
  }
}
