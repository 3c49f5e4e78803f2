/** What hangs on the location: images, sizes, skus, quotas in use, and the checks whether a name is free. */

import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { imageOf, offers, publishers, showImage, skus, versions } from '#model/compute/image.ts';
import { showSizes, sizeNamed, sizes } from '#model/compute/size.ts';
import { nameFault } from '#model/names.ts';
import { jitPolicyType } from '#model/security/jit.ts';
import { checkStorageName } from '#model/storage/storage-account.ts';
import type { Resource, StampFacts } from '#model/resource.ts';
import { shown, type Answer } from '#faces/arm/answer.ts';
import { bodyObject, checkGroup, checkSubscription, partOf, subscriptionId, type Call } from '#faces/arm/call.ts';
import { lies, readable, shower } from '#faces/arm/list.ts';
import { listAnswer, pageAnswer } from '#faces/arm/page.ts';

/** The stamp's one location, compared without case and blanks (ARM RPC). */
function atLocation(call: Call): string {
  const scope = subscriptionId(call);
  const stated = partOf(call, 'location');
  const { location } = call.options;
  if (plain(stated) === plain(location)) return scope;
  const says = `The provided location '${stated.slice(0, 100)}' is not available. The available locations are '${location}'.`;
  throw new Refusal('LocationNotAvailableForResourceType', says, { target: 'location' });
}

function plain(location: string): string {
  return location.toLowerCase().replaceAll(' ', '');
}

function facts(call: Call): StampFacts {
  return call.engine.context(call.apiVersion).stamp;
}

/** GET `publishers`: a bare list, as all image lists (arm facts §2.6). */
export function listPublishers(call: Call): Answer {
  return names(call, publishers(facts(call)));
}

export function listOffers(call: Call): Answer {
  return names(call, offers(facts(call), partOf(call, 'publisher')));
}

export function listSkus(call: Call): Answer {
  return names(call, skus(facts(call), [partOf(call, 'publisher'), partOf(call, 'offer')]));
}

export function listVersions(call: Call): Answer {
  const found = versions(facts(call), [partOf(call, 'publisher'), partOf(call, 'offer'), partOf(call, 'sku')]);
  const isDescending = /\bdesc\b/i.test(call.asked.query.get('$orderby') ?? '');
  const ordered = found.toSorted(
    (left, right) => left.localeCompare(right, 'en', { numeric: true }) * (isDescending ? -1 : 1),
  );
  const top = Number(call.asked.query.get('$top') ?? ordered.length);
  return names(call, Number.isInteger(top) && top > 0 ? ordered.slice(0, top) : ordered);
}

/** GET of one version. */
export function getVersion(call: Call): Answer {
  atLocation(call);
  const [publisher, offer, sku, version] = [
    partOf(call, 'publisher'),
    partOf(call, 'offer'),
    partOf(call, 'sku'),
    partOf(call, 'version'),
  ];
  const image = imageOf({ publisher, offer, sku, version }, facts(call));
  if (image === undefined) {
    const says = `Artifact: VMImage was not found: ${[publisher, offer, sku, version].join(':').slice(0, 300)}.`;
    throw new Refusal('NotFound', says, { status: 404 });
  }
  const { location } = call.options;
  return shown({ location, name: image.version, id: idHere(call), ...showImage(image) });
}

function names(call: Call, list: readonly string[]): Answer {
  atLocation(call);
  const { location } = call.options;
  return shown(list.map((name) => ({ location, name, id: `${idHere(call)}/${name}` })));
}

function idHere(call: Call): string {
  return `/${call.asked.segments.join('/')}`;
}

/** The extensions that guests can run, as `az vm extension set` looks them up. */
const extensions: readonly (readonly [publisher: string, type: string, version: string])[] = [
  ['Microsoft.Azure.Extensions', 'CustomScript', '2.1.0'],
  ['Microsoft.OSTCExtensions', 'CustomScriptForLinux', '1.5.0'],
];

export function listExtensionTypes(call: Call): Answer {
  const publisher = partOf(call, 'publisher').toLowerCase();
  return names(
    call,
    extensions.filter(([name]) => name.toLowerCase() === publisher).map(([, type]) => type),
  );
}

export function listExtensionVersions(call: Call): Answer {
  const [publisher, type] = [partOf(call, 'publisher').toLowerCase(), partOf(call, 'type').toLowerCase()];
  return names(
    call,
    extensions
      .filter((row) => row[0].toLowerCase() === publisher && row[1].toLowerCase() === type)
      .map(([, , version]) => version),
  );
}

/** GET `vmSizes`. */
export function listSizes(call: Call): Answer {
  atLocation(call);
  return listAnswer(call, showSizes());
}

/** GET `virtualMachines` of a location. */
export function listMachines(call: Call): Answer {
  const scope = atLocation(call);
  const machines = [...call.engine.view().ofType('Microsoft.Compute/virtualMachines')].filter(({ id }) =>
    lies(id, scope),
  );
  return pageAnswer(call, readable(call, machines), shower(call));
}

/** GET `Microsoft.Compute/skus`: the sizes and disk kinds that can be had here. */
export function listComputeSkus(call: Call): Answer {
  subscriptionId(call);
  const { location } = call.options;
  const common = { locations: [location], locationInfo: [{ location, zones: [], zoneDetails: [] }], restrictions: [] };
  const machines = sizes.map(({ name, cores, memoryMb, disks, nics }) => ({
    resourceType: 'virtualMachines',
    name,
    tier: name.split('_')[0] ?? 'Standard',
    size: name.split('_').slice(1).join('_'),
    family: 'standardFamily',
    ...common,
    capabilities: [
      { name: 'vCPUs', value: String(cores) },
      { name: 'MemoryGB', value: String(memoryMb / 1024) },
      { name: 'MaxDataDiskCount', value: String(disks) },
      { name: 'MaxNetworkInterfaces', value: String(nics) },
      { name: 'HyperVGenerations', value: 'V1,V2' },
      { name: 'PremiumIO', value: String(/^Standard_[A-Z]+S|s_v\d|s$/.test(name)) },
    ],
  }));
  const disks = ['Standard_LRS', 'Premium_LRS', 'StandardSSD_LRS'].map((name) => ({
    resourceType: 'disks',
    name,
    tier: name.split('_')[0] ?? '',
    ...common,
    capabilities: [],
  }));
  return listAnswer(call, [...machines, ...disks]);
}

type Counted = readonly [name: string, says: string, type: string, limit: number];

// Azure's names and default limits (Azure doc "Azure subscription and service limits"); the stamp itself limits by its pools.
const networkCounted: readonly Counted[] = [
  ['VirtualNetworks', 'Virtual Networks', 'Microsoft.Network/virtualNetworks', 1000],
  ['PublicIPAddresses', 'Public IP Addresses', 'Microsoft.Network/publicIPAddresses', 224],
  ['NetworkInterfaces', 'Network Interfaces', 'Microsoft.Network/networkInterfaces', 65_535],
  ['NetworkSecurityGroups', 'Network Security Groups', 'Microsoft.Network/networkSecurityGroups', 5000],
  ['LoadBalancers', 'Load Balancers', 'Microsoft.Network/loadBalancers', 1000],
  ['ApplicationSecurityGroups', 'Application Security Groups', 'Microsoft.Network/applicationSecurityGroups', 3000],
  ['RouteTables', 'Route Tables', 'Microsoft.Network/routeTables', 200],
  ['NatGateways', 'NAT Gateways', 'Microsoft.Network/natGateways', 100],
  ['NetworkWatchers', 'Network Watchers', 'Microsoft.Network/networkWatchers', 1],
];

/** GET `Microsoft.Network/locations/{location}/usages`. */
export function listNetworkUsages(call: Call): Answer {
  const scope = countedAt(call, 'Microsoft.Network');
  const id = `${scope}/providers/Microsoft.Network/locations/${call.options.location}/usages`;
  return listAnswer(
    call,
    networkCounted.map((row) => ({ id: `${id}/${row[0]}`, ...usage(call, scope, row) })),
  );
}

/** How much there is in a whole subscription is for who may read that of the whole. */
function countedAt(call: Call, namespace: string): string {
  const scope = atLocation(call);
  call.engine.authorize(call.caller, `${namespace}/locations/usages/read`, scope);
  return scope;
}

function usage(call: Call, scope: string, [value, localizedValue, type, limit]: Counted): JsonObject {
  return { unit: 'Count', currentValue: inScope(call, scope, type).length, limit, name: { value, localizedValue } };
}

function inScope(call: Call, scope: string, type: string): readonly Resource[] {
  return [...call.engine.view().ofType(type)].filter(({ id }) => lies(id, scope));
}

/** GET `Microsoft.Compute/locations/{location}/usages`. */
export function listComputeUsages(call: Call): Answer {
  const scope = countedAt(call, 'Microsoft.Compute');
  const machines = inScope(call, scope, 'Microsoft.Compute/virtualMachines');
  const cores = machines.reduce((sum, machine) => sum + coresOf(machine), 0);
  return listAnswer(call, [
    usage(call, scope, ['availabilitySets', 'Availability Sets', 'Microsoft.Compute/availabilitySets', 2500]),
    {
      unit: 'Count',
      currentValue: cores,
      limit: 10_000,
      name: { value: 'cores', localizedValue: 'Total Regional vCPUs' },
    },
    usage(call, scope, ['virtualMachines', 'Virtual Machines', 'Microsoft.Compute/virtualMachines', 25_000]),
  ]);
}

function coresOf({ properties }: Resource): number {
  const hardware = properties['hardwareProfile'];
  return sizeNamed(String(isObject(hardware) ? hardware['vmSize'] : ''))?.cores ?? 0;
}

/** GET `Microsoft.Storage/locations/{location}/usages`. */
export function listStorageUsages(call: Call): Answer {
  const scope = countedAt(call, 'Microsoft.Storage');
  return listAnswer(call, [
    usage(call, scope, ['StorageAccounts', 'Storage Accounts', 'Microsoft.Storage/storageAccounts', 250]),
  ]);
}

/** GET `CheckDnsNameAvailability`: labels are unique in the stamp, whoever owns them. */
export function checkDnsName(call: Call): Answer {
  atLocation(call);
  const label = (call.asked.query.get('domainnamelabel') ?? '').toLowerCase();
  if (!/^[a-z][a-z0-9-]{1,61}[a-z0-9]$/.test(label)) {
    const says = `The domain name label '${label.slice(0, 100)}' is invalid. It must match ^[a-z][a-z0-9-]{1,61}[a-z0-9]$.`;
    throw new Refusal('InvalidDomainNameLabel', says, { target: 'domainNameLabel' });
  }
  const isTaken = [...call.engine.view().ofType('Microsoft.Network/publicIPAddresses')].some(({ properties }) => {
    const dns: Json | undefined = properties['dnsSettings'];
    return isObject(dns) && dns['domainNameLabel'] === label;
  });
  return shown({ available: !isTaken });
}

/** POST `Microsoft.Storage/checkNameAvailability`. */
export function checkStorage(call: Call): Answer {
  subscriptionId(call);
  return shown(checkStorageName(bodyObject(call), call.engine.view()));
}

/** POST `Microsoft.Resources/checkResourceName`: reserved words and ill-formed names. */
export function checkResourceName(call: Call): Answer {
  const { name, type } = bodyObject(call);
  if (typeof name !== 'string' || typeof type !== 'string') {
    throw new Refusal('InvalidRequestContent', 'The request content must have the texts "name" and "type".', {
      target: '/name',
    });
  }
  const fault = nameFault(type, name);
  if (fault !== undefined) throw new Refusal(fault.code, fault.message, { target: '/name' });
  const isReserved = /^(login|microsoft|windows|xbox)/i.test(name) || /microsoft|windows/i.test(name);
  return shown({ name, type, status: isReserved ? 'Reserved' : 'Allowed' });
}

/** GET of just-in-time policies: of a subscription or a group, and of the location where one is named. */
export function listJitPolicies(call: Call): Answer {
  const [subscription, group, location] = ['subscription', 'group', 'location'].map((name) => call.parts[name]);
  if (location !== undefined) atLocation(call);
  const scope = `/subscriptions/${subscription}${group === undefined ? '' : `/resourceGroups/${group}`}`;
  checkSubscription(call, scope);
  checkGroup(call, scope);
  const found = [...call.engine.view().ofType(jitPolicyType)].filter(({ id }) => lies(id, scope));
  return pageAnswer(call, readable(call, found), shower(call));
}
