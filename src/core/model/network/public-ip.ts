/** Public IP addresses: addresses of the stamp's public pools, static or taken when something uses them, with a DNS name. */

import type { JsonObject } from '#base/json.ts';
import { lastOf, parsePrefix, printAddress, tryAddress, tryPrefix, type Address, type Family } from '#base/prefix.ts';
import { Refusal } from '#base/wrong.ts';
import { sameId } from '#model/arm-id.ts';
import { amend, isStated, keepTracked, openJob, skuOf, zonesOf, type Job } from '#model/job.ts';
import { finish, integerOf, note, objectOf, oneOf, textOf } from '#model/parse.ts';
import type { Noun } from '#model/noun.ts';
import { idIn } from '#model/reference.ts';
import type { Context, Draft, Resource, StampFacts, View } from '#model/resource.ts';
import { showNetwork } from '#model/show.ts';
import { entriesOf } from '#model/network/address-use.ts';

const publicIpType = 'Microsoft.Network/publicIPAddresses';

export const publicIp: Noun = {
  type: publicIpType,

  write(write, draft, context) {
    const job = openJob(publicIpType, write, { draft, context });
    const sku = skuOf(job.body, ['Basic', 'Standard']);
    const stated = statedOf(job, sku['name'] === 'Standard');
    for (const name of ['publicIPPrefix', 'linkedPublicIPAddress', 'servicePublicIPAddress']) {
      if (isStated(job.properties, name))
        note(job.properties, name, 'this stamp does not offer it; leave the member out');
    }
    finish(job.body);
    const user = job.before && userOf(job.before, draft);
    checkChange(job, { sku, stated, user });
    const kept = sameFamily(job.before, stated) ? job.before?.properties['ipAddress'] : undefined;
    const wantsNow = stated['publicIPAllocationMethod'] === 'Static' || user !== undefined;
    const ipAddress = wantsNow
      ? (kept ?? freePublicAddress(draft, { family: familyOf(stated), stamp: context.stamp }))
      : undefined;
    const zones = zonesOf(job.body);
    const internal = job.before?.internal ?? { guid: context.newGuid() };
    return keepTracked(job, { properties: { ...stated, ipAddress }, sku, internal, ...(zones && { zones }) });
  },

  remove(resource, draft) {
    const user = userOf(resource, draft);
    if (user !== undefined) {
      throw new Refusal(
        'PublicIPAddressCannotBeDeleted',
        `Public IP address ${resource.id} can not be deleted since it is still allocated to resource ${user.id}. ` +
          'In order to delete the public IP, disassociate/detach the Public IP address from the resource.',
        { target: resource.id },
      );
    }
    draft.delete(resource.id);
  },

  show(resource, view, context) {
    const { dnsSettings, ...properties } = resource.properties;
    const user = userOf(resource, view);
    const isNat = user?.type === 'Microsoft.Network/natGateways';
    return showNetwork(
      { ...resource, sku: { ...resource.sku, tier: 'Regional' } },
      {
        ...properties,
        resourceGuid: resource.internal?.['guid'],
        ipTags: [],
        ...(user !== undefined && { [isNat ? 'natGateway' : 'ipConfiguration']: { id: user.id } }),
        ...(dnsSettings !== undefined && { dnsSettings: withName(dnsSettings, context.stamp) }),
      },
    );
  },
};

function statedOf(job: Job, isStandard: boolean): JsonObject {
  const { properties } = job;
  const fallback = isStandard ? 'Static' : 'Dynamic';
  const method = oneOf(properties, 'publicIPAllocationMethod', ['Dynamic', 'Static']) ?? fallback;
  const version = oneOf(properties, 'publicIPAddressVersion', ['IPv4', 'IPv6']) ?? 'IPv4';
  if (isStandard && method === 'Dynamic') {
    note(properties, 'publicIPAllocationMethod', {
      code: 'StandardSkuPublicIPAddressesMustBeStatic',
      message: 'Standard sku publicIp must have AllocationMethod set to Static.',
    });
  }
  return {
    publicIPAddressVersion: version,
    publicIPAllocationMethod: method,
    idleTimeoutInMinutes: integerOf(properties, 'idleTimeoutInMinutes', [4, 30]) ?? 4,
    dnsSettings: dnsOf(job),
    deleteOption: oneOf(properties, 'deleteOption', ['Delete', 'Detach']),
  };
}

/** Azure doc "DNS name label": `^[a-z][a-z0-9-]{1,61}[a-z0-9]$`, one of a kind in the region. */
function dnsOf({ properties, draft, id }: Job): JsonObject | undefined {
  const settings = objectOf(properties, 'dnsSettings');
  if (settings === undefined) return undefined;
  const stated = textOf(settings, 'domainNameLabel', { lengthMax: 63 })?.toLowerCase();
  const label = stated === '' ? undefined : stated;
  const reverseFqdn = textOf(settings, 'reverseFqdn', { lengthMax: 255 });
  if (label === undefined) return reverseFqdn === undefined ? undefined : { reverseFqdn };
  if (!/^[a-z][a-z0-9-]{1,61}[a-z0-9]$/.test(label)) {
    note(settings, 'domainNameLabel', {
      code: 'InvalidDomainNameLabel',
      message: `The domain name label ${label} is invalid. It must conform to the following regular expression: ^[a-z][a-z0-9-]{1,61}[a-z0-9]$.`,
    });
  }
  for (const other of draft.ofType(publicIpType)) {
    if (labelOf(other) !== label || sameId(other.id, id)) continue;
    note(settings, 'domainNameLabel', {
      code: 'DnsRecordInUse',
      message: `DNS record ${label} is already used by another public IP.`,
    });
    break;
  }
  return { domainNameLabel: label, reverseFqdn };
}

function labelOf({ properties }: Resource): unknown {
  const settings = properties['dnsSettings'];
  return typeof settings === 'object' && settings !== null && 'domainNameLabel' in settings
    ? settings.domainNameLabel
    : undefined;
}

function withName(settings: unknown, stamp: StampFacts): JsonObject {
  const stated = settings as JsonObject;
  const label = stated['domainNameLabel'];
  return typeof label === 'string' ? { ...stated, fqdn: fqdnOf(label, stamp) } : stated;
}

/** The DNS name of a label: under the stamp's zone of published names (decision D5). */
export function fqdnOf(label: string, { location, zone }: StampFacts): string {
  return `${label}.${location}.cloudapp.${zone}`;
}

function checkChange(
  { before, id }: Job,
  { sku, stated, user }: { sku: JsonObject; stated: JsonObject; user: { id: string } | undefined },
): void {
  if (before === undefined) return;
  if (before.sku?.['name'] !== sku['name']) {
    throw new Refusal(
      'PublicIPAddressSkuCannotBeChanged',
      `The sku of ${id} is ${String(before.sku?.['name'])} and cannot be changed; make a new public IP address.`,
      { target: '/sku/name' },
    );
  }
  if (!sameFamily(before, stated) && user !== undefined) {
    throw new Refusal('PublicIPAddressInUse', `The address version of ${id} cannot change while ${user.id} uses it.`, {
      target: '/properties/publicIPAddressVersion',
    });
  }
}

function familyOf(properties: JsonObject): Family {
  return properties['publicIPAddressVersion'] === 'IPv6' ? 6 : 4;
}

function sameFamily(before: Resource | undefined, stated: JsonObject): boolean {
  return before !== undefined && familyOf(before.properties) === familyOf(stated);
}

/** Who uses a public address: the ipConfiguration, frontend, or NAT gateway. */
function userOf(address: Resource, view: View): { id: string; type: string } | undefined {
  const [user] = view.referrersOf(address.id);
  if (user === undefined) return undefined;
  const entry = entriesOf(user).find(({ properties }) => sameId(idIn(properties['publicIPAddress']), address.id));
  return { id: entry?.id ?? user.id, type: user.type };
}

/** Refuses an address that another resource than `id` uses. */
export function publicIpFault(
  address: Resource,
  { view, id }: { view: View; id: string },
): { code: string; message: string } | undefined {
  const other = view.referrersOf(address.id).find((user) => !sameId(user.id, id));
  if (other === undefined) return undefined;
  return {
    code: 'PublicIPAddressInUse',
    message: `Resource ${id} is referencing public IP address ${address.id} that is already allocated to resource ${other.id}.`,
  };
}

/**
 * After a resource's references changed from `before` to `after`: dynamic addresses are taken for what is used now, and
 * given back for what no longer is.
 */
export function settlePublicIps(
  { before, after }: { before: readonly string[]; after: readonly string[] },
  world: { draft: Draft; context: Context },
): void {
  const { draft, context } = world;
  for (const id of before.filter((one) => !after.some((other) => sameId(one, other)))) {
    const address = draft.get(id);
    if (address?.properties['publicIPAllocationMethod'] !== 'Dynamic' || draft.referrersOf(id).length > 0) continue;
    const { ipAddress: _released, ...properties } = address.properties;
    amend(address, { properties }, world);
  }
  for (const id of after) {
    const address = draft.get(id);
    if (address === undefined || address.properties['ipAddress'] !== undefined) continue;
    const ipAddress = freePublicAddress(draft, { family: familyOf(address.properties), stamp: context.stamp });
    amend(address, { properties: { ...address.properties, ipAddress } }, world);
  }
}

/** The lowest free address of the public pool of a family; refuses when there is none. */
function freePublicAddress(view: View, { family, stamp }: { family: Family; stamp: StampFacts }): string {
  const used = new Set<bigint>();
  for (const { properties } of view.ofType(publicIpType)) {
    const text = properties['ipAddress'];
    const address: Address | undefined = typeof text === 'string' ? tryAddress(text) : undefined;
    if (address?.family === family) used.add(address.value);
  }
  for (const text of stamp.publicPools) {
    const pool = tryPrefix(text) ?? parsePrefix(text, 'publicPools');
    if (pool.family !== family) continue;
    const first = pool.first + BigInt(family === 4 ? Math.max(1, stamp.publicReserved) : 16);
    const last = family === 4 ? lastOf(pool) - 1n : lastOf(pool);
    for (let value = first; value <= last; value += 1n) if (!used.has(value)) return printAddress({ family, value });
  }
  throw new Refusal(
    'PublicIPCountLimitReached',
    `All public IPv${family} addresses of the stamp are in use; delete some first.`,
    { status: 409 },
  );
}
