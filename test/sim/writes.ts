/** What simulated tenants ask for: random writes of a small set of names, so that they meet each other. */

import type { JsonObject } from '#base/json.ts';
import type { Request } from '#engine/engine.ts';
import { labStamp } from '#test/generate/build.ts';
import type { Random } from '#test/generate/random.ts';

export const subscription = '11111111-1111-4111-8111-111111111111';
export const base = `/subscriptions/${subscription}`;
export const groups = [`${base}/resourceGroups/red`, `${base}/resourceGroups/blue`] as const;
const { location } = labStamp;
const network = 'Microsoft.Network';

/** One random request. */
export function randomRequest(random: Random): Request {
  const group = random.pick(groups);
  return random.pick([
    vnet,
    subnet,
    subnet,
    nsg,
    rule,
    rule,
    rule,
    publicIp,
    nic,
    nic,
    table,
    tags,
    removal,
    removal,
    groupWrite,
  ])(random, group);
}

function put(group: string, path: string, body: JsonObject): Request {
  const words = path.split('/');
  const type = [network, ...words.filter((_, index) => index % 2 === 0)].join('/');
  return { kind: 'put', id: `${group}/providers/${network}/${path}`, type, body };
}

function idOf(group: string, path: string): JsonObject {
  return { id: `${group}/providers/${network}/${path}` };
}

const digit = (random: Random): number => random.below(2);

function vnet(random: Random, group: string): Request {
  return put(group, `virtualNetworks/v${digit(random)}`, {
    location,
    properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] } },
  });
}

function subnet(random: Random, group: string): Request {
  const index = random.below(3);
  const guard = random.chance(0.5)
    ? { networkSecurityGroup: idOf(group, `networkSecurityGroups/n${digit(random)}`) }
    : {};
  return put(group, `virtualNetworks/v${digit(random)}/subnets/s${index}`, {
    properties: { addressPrefix: `10.0.${index}.0/24`, ...guard },
  });
}

function nsg(random: Random, group: string): Request {
  return put(group, `networkSecurityGroups/n${digit(random)}`, { location, tags: { turn: String(random.below(9)) } });
}

function rule(random: Random, group: string): Request {
  const index = random.below(4);
  return put(group, `networkSecurityGroups/n${digit(random)}/securityRules/r${index}`, {
    properties: {
      priority: 100 + index,
      direction: random.pick(['Inbound', 'Outbound']),
      access: random.pick(['Allow', 'Deny']),
      protocol: random.pick(['Tcp', 'Udp', '*']),
      sourceAddressPrefix: '*',
      sourcePortRange: '*',
      destinationAddressPrefix: random.pick(['*', '10.0.1.0/24', 'VirtualNetwork']),
      destinationPortRange: String(1 + random.below(60_000)),
    },
  });
}

function publicIp(random: Random, group: string): Request {
  return put(group, `publicIPAddresses/p${digit(random)}`, {
    location,
    properties: { publicIPAllocationMethod: 'Static' },
  });
}

function nic(random: Random, group: string): Request {
  const properties = { subnet: idOf(group, `virtualNetworks/v${digit(random)}/subnets/s${random.below(3)}`) };
  const address = random.chance(0.4) ? { publicIPAddress: idOf(group, `publicIPAddresses/p${digit(random)}`) } : {};
  const ipConfigurations = [{ name: 'main', properties: { ...properties, ...address } }];
  return put(group, `networkInterfaces/i${random.below(3)}`, { location, properties: { ipConfigurations } });
}

function table(random: Random, group: string): Request {
  const routes = [
    { name: 'all', properties: { addressPrefix: '0.0.0.0/0', nextHopType: random.pick(['None', 'Internet']) } },
  ];
  return put(group, `routeTables/t${digit(random)}`, { location, properties: { routes } });
}

function tags(random: Random, group: string): Request {
  const { id, type } = nsg(random, group);
  return { kind: 'patch', id, type, body: { tags: { patched: String(random.below(9)) } } };
}

function removal(random: Random, group: string): Request {
  const { id, type } = random.pick([vnet, subnet, nsg, rule, nic, publicIp, table])(random, group);
  return { kind: 'delete', id, type };
}

function groupWrite(random: Random, group: string): Request {
  const about = { id: group, type: 'Microsoft.Resources/resourceGroups' };
  return random.chance(0.15) ? { kind: 'delete', ...about } : { kind: 'put', ...about, body: { location } };
}

/** A template of a few resources, some of which wait for others, and some of which cannot be. */
export function randomTemplate(random: Random): JsonObject {
  const nsg = (name: string, dependsOn: readonly string[]): JsonObject => ({
    type: `${network}/networkSecurityGroups`,
    apiVersion: '2021-04-01',
    name,
    location,
    tags: { turn: String(random.below(9)) },
    dependsOn,
  });
  const first = "[resourceId('Microsoft.Network/networkSecurityGroups', 'n0')]";
  const prefix = random.chance(0.3) ? '10.0.0.1/8' : '10.0.0.0/16';
  const net: JsonObject = {
    type: `${network}/virtualNetworks`,
    apiVersion: '2021-04-01',
    name: 'v1',
    location,
    dependsOn: random.chance(0.5) ? [first] : [],
    properties: { addressSpace: { addressPrefixes: [prefix] } },
  };
  const schema = 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#';
  return { $schema: schema, contentVersion: '1.0.0.0', resources: [net, nsg('n1', [first]), nsg('n0', [])] };
}
