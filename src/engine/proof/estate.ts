/** What the prover is told besides the programs: whose NICs and networks these are, read from the resources and never from the compiler. */

import { Alike } from '#base/alike.ts';
import { isObject, type JsonObject } from '#base/json.ts';
import { printAddress, tryAddress } from '#base/prefix.ts';
import type { CompileMemo } from '#compile/memo.ts';
import { internetPrefixes, privatePrefixes, publishedEndpoints, stampNetworks } from '#model/infra.ts';
import type { Resource, StampFacts, View } from '#model/resource.ts';
import { quarantineOf } from '#model/security/quarantine.ts';
import type { Estate, NicEstate, VnetEstate } from '#verify/invariant/estate.ts';

const types = {
  vnets: 'Microsoft.Network/virtualNetworks',
  peerings: 'Microsoft.Network/virtualNetworks/virtualNetworkPeerings',
  nics: 'Microsoft.Network/networkInterfaces',
  vms: 'Microsoft.Compute/virtualMachines',
} as const;

/** So many texts of places are known while an estate is made: NICs lie in few networks, and each text would be one of its own. */
const placesMax = 1 << 14;

type Lists = { readonly [name in keyof typeof types]: readonly Resource[] };

/**
 * The estate of a set of resources, frozen. The same memo gives the same objects for what did not change, so that a rule's write
 * costs a few comparisons. This reads the resources a second time on purpose: a mistake of the compiler must contradict it.
 */
export function estateOf(view: View, stamp: StampFacts, memo: CompileMemo): Estate {
  return memo.round(() => {
    const names = Object.keys(types) as (keyof typeof types)[];
    const lists = Object.fromEntries(
      names.map((name) => [name, memo.stable(`list/${name}`, view.ofType(types[name]))]),
    ) as Lists;
    return memo.remember('estate', [...Object.values(lists), stamp.number, stamp.profile], (scope) =>
      estateFrom(lists, stamp, scope),
    );
  });
}

function estateFrom(lists: Lists, stamp: StampFacts, memo: CompileMemo): Estate {
  const machines = machinesByNic(lists.vms);
  const places = new Alike<string>(placesMax);
  const nics: { [mark: string]: NicEstate } = {};
  for (const nic of lists.nics) {
    const machine = machines.get(nic.id.toLowerCase());
    const mark = nic.internal?.['mark'];
    if (machine === undefined || typeof mark !== 'number') continue;
    nics[String(mark)] = memo.remember(`nic/${nic.id}`, [nic, machine], () => nicEstate(nic, machine, places));
  }
  const networks = stampNetworks(stamp.number);
  return {
    nics,
    vnets: vnetsOf(lists),
    endpoints: publishedEndpoints(stamp).map((endpoint) => ({ ...endpoint, protocol: 'tcp' as const })),
    internet: internetPrefixes(stamp.profile),
    closed: privatePrefixes(stamp.profile),
    labels: networks.labels,
    infra: networks.infra,
    underlay: networks.underlay,
    operator: networks.operator,
  };
}

/** The machine of each NIC, both by id in lower case. */
function machinesByNic(vms: readonly Resource[]): ReadonlyMap<string, string> {
  const machines = new Map<string, string>();
  for (const { id, properties } of vms) {
    for (const nic of referencesIn(objectIn(properties, 'networkProfile')['networkInterfaces'])) {
      machines.set(nic, id.toLowerCase());
    }
  }
  return machines;
}

function nicEstate(nic: Resource, machine: string, places: Alike<string>): NicEstate {
  const place = (text: string) => places.of(text, () => text);
  const id = nic.id.toLowerCase();
  const configurations = listIn(nic.properties['ipConfigurations']).map((part) => objectIn(part, 'properties'));
  const subnets = unique(configurations.flatMap(({ subnet }) => referencesIn([subnet ?? null]))).map(place);
  const groups = unique(configurations.flatMap((part) => referencesIn(part['applicationSecurityGroups'])));
  const vnet = place(subnets[0]?.split('/').slice(0, -2).join('/') ?? '');
  const [, , subscription = '', , group = ''] = id.split('/');
  return {
    nic: id,
    scopes: [
      place(`/subscriptions/${subscription}`),
      place(`/subscriptions/${subscription}/resourcegroups/${group}`),
      vnet,
      ...subnets,
      machine,
      id,
      ...groups,
    ],
    subscription,
    vnet,
    mac: String(nic.internal?.['mac'] ?? ''),
    addresses: configurations.flatMap(({ privateIPAddress }) => {
      const address = tryAddress(typeof privateIPAddress === 'string' ? privateIPAddress : '');
      return address === undefined ? [] : [printAddress(address)];
    }),
    forwarding: nic.properties['enableIPForwarding'] === true,
    ...(quarantineOf(nic) !== undefined && { isApart: true }),
  };
}

function vnetsOf({ vnets, peerings }: Lists): { readonly [key: string]: VnetEstate } {
  const keys = new Map(
    vnets.flatMap(({ id, internal }) =>
      typeof internal?.['key'] === 'number' ? [[id.toLowerCase(), `v${internal['key']}`] as const] : [],
    ),
  );
  const asked = Map.groupBy(peerings.filter(allowsAccess), ({ id }) =>
    id.toLowerCase().split('/').slice(0, -2).join('/'),
  );
  return Object.fromEntries(
    vnets.flatMap(({ id: stated, properties }): [string, VnetEstate][] => {
      const id = stated.toLowerCase();
      const key = keys.get(id);
      if (key === undefined) return [];
      const peered = (asked.get(id) ?? []).flatMap(({ properties: { remoteVirtualNetwork } }) =>
        referencesIn([remoteVirtualNetwork ?? null]).flatMap((remote) => keys.get(remote) ?? []),
      );
      const prefixes = objectIn(properties, 'addressSpace')['addressPrefixes'];
      const space = Array.isArray(prefixes) ? prefixes.filter((text) => typeof text === 'string').toSorted() : [];
      return [[key, { id, subscription: id.split('/')[2] ?? '', space, peered: peered.toSorted() }]];
    }),
  );
}

function allowsAccess({ properties, internal }: Resource): boolean {
  return properties['allowVirtualNetworkAccess'] !== false && internal?.['disconnected'] !== true;
}

function objectIn(from: JsonObject, name: string): JsonObject {
  const value = from[name];
  return isObject(value) ? value : {};
}

function listIn(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The ids of `{ id }` references, in lower case. */
function referencesIn(value: unknown): readonly string[] {
  return listIn(value).flatMap(({ id }) => (typeof id === 'string' ? id.toLowerCase() : []));
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
