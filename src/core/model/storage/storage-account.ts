/** Storage accounts: names, endpoints and keys, so that what asks for them deploys. */

import { createHash } from 'node:crypto';
import { canonical, isObject, type JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { amend, keepTracked, openJob, skuOf, type Job } from '#model/job.ts';
import { mergingPatch } from '#model/merge-patch.ts';
import { nameFault } from '#model/names.ts';
import { finish, flagOf, member, note, oneOf, readBody, textOf } from '#model/parse.ts';
import type { Noun, NounAction } from '#model/noun.ts';
import type { Context, Resource, View } from '#model/resource.ts';
import { showPlain } from '#model/show.ts';

const storageAccountType = 'Microsoft.Storage/storageAccounts';

const skuNames = [
  'Standard_LRS',
  'Standard_GRS',
  'Standard_RAGRS',
  'Standard_ZRS',
  'Premium_LRS',
  'Premium_ZRS',
  'Standard_GZRS',
  'Standard_RAGZRS',
] as const;
const kinds = ['Storage', 'StorageV2', 'BlobStorage', 'FileStorage', 'BlockBlobStorage'] as const;

export const storageAccount: Noun = {
  type: storageAccountType,

  write(write, draft, context) {
    const job = openJob(storageAccountType, write, { draft, context });
    const name = job.id.slice(job.id.lastIndexOf('/') + 1);
    const taken = job.before === undefined && ownerOf(name, draft);
    if (taken)
      throw new Refusal('StorageAccountAlreadyTaken', `The storage account named ${name} is already taken.`, {
        status: 409,
        target: '/name',
      });
    const { name: sku } = skuOf(job.body, skuNames);
    const kind = oneOf(job.body, 'kind', kinds) ?? 'Storage';
    const internal = job.before?.internal ?? {
      createdAt: context.now,
      keys: { key1: newKey(context), key2: newKey(context) },
    };
    return keepTracked(job, {
      properties: statedOf(job),
      sku: { name: sku, tier: String(sku).split('_')[0] },
      kind,
      internal,
    });
  },

  remove: (resource, draft) => draft.delete(resource.id),

  show(resource, _view, context) {
    const { location, zone } = context.stamp;
    const endpoint = (service: string) => `https://${resource.name}.${service}.${location}.${zone}/`;
    return showPlain(resource, {
      ...resource.properties,
      creationTime: resource.createdAt,
      primaryLocation: location,
      statusOfPrimary: 'available',
      primaryEndpoints: {
        blob: endpoint('blob'),
        queue: endpoint('queue'),
        table: endpoint('table'),
        file: endpoint('file'),
      },
    });
  },

  patch: mergingPatch(() => storageAccount),

  actions: {
    listKeys: { method: 'POST', run: (resource) => ({ keys: keysOf(resource) }) },
    regenerateKey: {
      method: 'POST',
      run(...[resource, { body }, draft, context]: Parameters<NounAction['run']>) {
        const reader = readBody(isObject(body) ? body : {});
        const name = oneOf(reader, 'keyName', ['key1', 'key2']) ?? 'key1';
        finish(reader);
        const keys = { ...(resource.internal?.['keys'] as JsonObject), [name]: newKey(context) };
        return { keys: keysOf(amend(resource, { internal: { ...resource.internal, keys } }, { draft, context })) };
      },
    },
  },
};

function statedOf({ properties }: Job): JsonObject {
  const rules = member(properties, 'networkAcls');
  if (rules !== undefined && (!isObject(rules) || canonical(rules).length > 65_536))
    note(properties, 'networkAcls', 'an object of at most 65536 characters is wanted');
  return {
    networkAcls: isObject(rules) ? rules : undefined,
    publicNetworkAccess: oneOf(properties, 'publicNetworkAccess', ['Enabled', 'Disabled']),
    supportsHttpsTrafficOnly: flagOf(properties, 'supportsHttpsTrafficOnly') ?? true,
    minimumTlsVersion: oneOf(properties, 'minimumTlsVersion', ['TLS1_2', 'TLS1_3', 'TLS1_0', 'TLS1_1']) ?? 'TLS1_2',
    allowBlobPublicAccess: flagOf(properties, 'allowBlobPublicAccess') ?? false,
    accessTier: oneOf(properties, 'accessTier', ['Hot', 'Cool', 'Premium']),
  };
}

function ownerOf(name: string, view: View): Resource | undefined {
  for (const account of view.ofType(storageAccountType))
    if (account.name.toLowerCase() === name.toLowerCase()) return account;
  return undefined;
}

function keysOf(resource: Resource): JsonObject[] {
  const keys = resource.internal?.['keys'];
  return Object.entries(isObject(keys) ? keys : {}).map(([keyName, value]) => ({
    keyName,
    value,
    permissions: 'FULL',
  }));
}

/** 64 bytes in base64, from as many random bits as four fresh identifiers hold (488). */
function newKey({ newGuid }: Context): string {
  const hash = createHash('sha512');
  for (let index = 0; index < 4; index += 1) hash.update(newGuid());
  return hash.digest('base64');
}

/** `POST …/providers/Microsoft.Storage/checkNameAvailability`. */
export function checkStorageName(body: JsonObject, view: View): JsonObject {
  const reader = readBody(body);
  const name = textOf(reader, 'name', { required: true, lengthMax: 260 }) ?? '';
  finish(reader);
  const fault = nameFault(storageAccountType, name);
  if (fault !== undefined) return { nameAvailable: false, reason: 'AccountNameInvalid', message: fault.message };
  const taken = ownerOf(name, view);
  if (taken === undefined) return { nameAvailable: true };
  return {
    nameAvailable: false,
    reason: 'AlreadyExists',
    message: `The storage account named ${name} is already taken.`,
  };
}
