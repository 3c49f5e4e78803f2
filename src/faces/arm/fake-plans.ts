/** Both faces on one fake engine, for the tests of plans: an operator, tenants, and short names for what they speak of. */

import type { Json, JsonObject } from '#base/json.ts';
import { fakeStamp, provider } from '#faces/arm/fake-engine.ts';

const version = 'api-version=2015-11-01';
export const plans = `${provider}/resourceGroups/plans`;
export const ofPlan = (name: string): string => `${plans}/providers/Microsoft.Subscriptions.Admin/plans/${name}`;
export const ofOffer = (name: string): string => `${plans}/providers/Microsoft.Subscriptions.Admin/offers/${name}`;
export const ofUser = (id: string): string => `${provider}/providers/Microsoft.Subscriptions.Admin/subscriptions/${id}`;
export const networkQuota = `${provider}/providers/Microsoft.Network.Admin/locations/local/quotas/small`;
export const computeQuota = `${provider}/providers/Microsoft.Compute.Admin/locations/local/quotas/small`;
export const guid = (digit: string): string => `${digit.repeat(8)}-1111-4111-8111-${digit.repeat(12)}`;

export type Told = { readonly status: number; readonly json: JsonObject; readonly text: string };
export type Sent = [method: string, path: string, body?: JsonObject | undefined, query?: string];

/** The two faces; `operator` owns the provider's subscription, `user` is whoever is named. */
export async function bothFaces() {
  const tenant = await fakeStamp();
  const admin = await fakeStamp({ plane: 'admin', engine: tenant.engine, wantsBound: false });
  return {
    tenant,
    admin,
    async operator(...[method, path, body, query = version]: Sent): Promise<Told> {
      return await admin.send(`${encodeURI(path)}?${query}`, { method, ...(body === undefined ? {} : { body }) });
    },
    async user(name: string, ...[method, path, body]: Sent): Promise<Told> {
      const headers = { authorization: `Bearer ${name}` };
      return await tenant.send(`${path}?${version}`, { method, headers, ...(body === undefined ? {} : { body }) });
    },
    async close(): Promise<void> {
      await tenant.close();
      await admin.close();
    },
  };
}

export const codeOf = ({ json }: Told): Json | undefined => (json['error'] as JsonObject | undefined)?.['code'];
/** The targets of a refusal's details. */
export const details = ({ json }: Told): string[] =>
  ((json['error'] as JsonObject)['details'] as { target: string }[]).map(({ target }) => target);
export const propertiesOf = ({ json }: Told): JsonObject => json['properties'] as JsonObject;
export const values = ({ json }: Told): JsonObject[] => json['value'] as JsonObject[];
/** `409 QuotaInUse`, or the status alone. */
export const outcomeOf = (told: Told): string => `${told.status} ${String(codeOf(told) ?? '')}`.trim();
