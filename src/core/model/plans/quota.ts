/** Quotas of the services: numbers that plans hand to subscriptions; each holds for all that have it as soon as it is written. */

import type { JsonObject } from '#base/json.ts';
import { quotaNumberMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { nameOfId, sameId } from '#model/arm-id.ts';
import { keepPlain, openJob, tidy } from '#model/job.ts';
import type { Noun } from '#model/noun.ts';
import { integerOf } from '#model/parse.ts';
import type { Context, Resource } from '#model/resource.ts';
import { planType, textsIn } from '#model/plans/ids.ts';
import { checkUnused } from '#model/plans/in-use.ts';
import {
  computeQuotaFields,
  networkQuotaFields,
  storageQuotaFields,
  type QuotaField,
} from '#model/plans/quota-fields.ts';

export const delegationQuotaType = 'Microsoft.Subscriptions.Admin/locations/quotas';

type Rules = {
  readonly type: string;
  readonly fields: readonly QuotaField[];
  /** What the provider shows besides, by api-version. */
  readonly more: (
    resource: Resource,
    apiVersion: string,
  ) => { readonly top?: JsonObject; readonly properties?: JsonObject };
};

// Graphics processors are a field of Azure Stack's; a stamp has none, so that whatever is allowed none is used.
const graphics: readonly QuotaField[] = [
  { name: 'ddagpuCount', standard: 0, joins: 'sum' },
  { name: 'partitionedGpuCount', standard: 0, joins: 'sum' },
];

const rules: readonly Rules[] = [
  {
    type: 'Microsoft.Network.Admin/locations/quotas',
    fields: networkQuotaFields,
    more: ({ etag }) => ({ top: { etag }, properties: { provisioningState: 'Succeeded', migrationPhase: 'None' } }),
  },
  {
    type: 'Microsoft.Compute.Admin/locations/quotas',
    fields: [...computeQuotaFields, ...graphics],
    more: (_, apiVersion) =>
      apiVersion < '2021' ? { properties: Object.fromEntries(graphics.map(({ name }) => [name, undefined])) } : {},
  },
  { type: 'Microsoft.Storage.Admin/locations/quotas', fields: storageQuotaFields, more: () => ({}) },
];

/** The nouns of the services' quotas. */
export const quotaNouns: readonly Noun[] = rules.map(({ type, fields, more }) => ({
  type,

  write(write, draft, context) {
    const job = openJob(type, write, { draft, context });
    checkPlace(job.id, context);
    const stated = fields.map(({ name, standard }) => {
      const number = integerOf(job.properties, name, [0, quotaNumberMax]);
      return [name, number ?? standard] as const;
    });
    return keepPlain(job, { properties: Object.fromEntries(stated) });
  },

  remove(resource, draft) {
    const plans = [...draft.ofType(planType)].filter((plan) =>
      textsIn(plan, 'quotaIds').some((id) => sameId(id, resource.id)),
    );
    checkUnused(resource, plans, { code: 'QuotaInUse', what: 'quota' });
    draft.delete(resource.id);
  },

  show(resource, _view, context) {
    const { top, properties } = more(resource, context.apiVersion);
    return showQuota(resource, context, { top, properties: { ...resource.properties, ...properties } });
  },
}));

/** The quota of the subscriptions service: who has it may be given offers to hand on. There is one, made by the stamp. */
export const delegationQuota: Noun = {
  type: delegationQuotaType,

  write({ id }) {
    throw fixed(id);
  },

  remove({ id }) {
    throw fixed(id);
  },

  show: (resource, _view, context) => showQuota(resource, context, { properties: resource.properties }),
};

function fixed(id: string): Refusal {
  const says = `The quota '${nameOfId(id)}' of the subscriptions service is made by the stamp; it is there to be put into plans.`;
  return new Refusal('QuotaNotWritable', says, { status: 405, target: id });
}

/** Names of placed resources begin with the place (recorded bodies of Azure Stack). */
function showQuota(
  { id, name, type }: Resource,
  { stamp }: Context,
  { top = {}, properties }: { readonly top?: JsonObject | undefined; readonly properties: JsonObject },
): JsonObject {
  const { location } = stamp;
  return tidy({ id, name: `${location}/${name}`, type, location, ...top, properties });
}

/** The stamp is one location (recorded: compute 400 "Unsupported quota location"). */
export function checkPlace(id: string, { stamp }: Context): void {
  const stated = /\/locations\/([^/]+)/i.exec(id)?.[1] ?? '';
  if (stated.toLowerCase().replaceAll(' ', '') === stamp.location.toLowerCase()) return;
  const says = `Unsupported quota location: ${stated.slice(0, 100)}. The location of this stamp is '${stamp.location}'.`;
  throw new Refusal('UnsupportedQuotaLocation', says, { target: 'location' });
}

/** The quotas that a stamp has from its start, with the numbers that Azure Stack's own have (recorded). */
export function defaultQuotas(
  provider: string,
  location: string,
): readonly Pick<Resource, 'id' | 'type' | 'name' | 'properties'>[] {
  const recorded: JsonObject = { virtualMachineCount: 20, coresLimit: 50, vmScaleSetCount: 20 };
  const services = rules.map(({ type, fields }) => {
    const standard = Object.fromEntries(fields.map((field) => [field.name, field.standard]));
    const properties = type.startsWith('Microsoft.Compute.') ? { ...standard, ...recorded } : standard;
    return placed({ provider, location, type, name: 'Default Quota' }, properties);
  });
  const delegation = { provider, location, type: delegationQuotaType, name: 'delegatedProviderQuota' };
  return [...services, placed(delegation, { allowCustomPortalBranding: false })];
}

function placed(
  at: { readonly provider: string; readonly location: string; readonly type: string; readonly name: string },
  properties: JsonObject,
): Pick<Resource, 'id' | 'type' | 'name' | 'properties'> {
  const { provider, location, type, name } = at;
  const namespace = type.slice(0, type.indexOf('/'));
  return {
    id: `/subscriptions/${provider}/providers/${namespace}/locations/${location}/quotas/${name}`,
    type,
    name,
    properties,
  };
}

/** All types of quotas that a plan may hold, one of each. */
export const quotaTypes: readonly string[] = [...rules.map(({ type }) => type), delegationQuotaType];
