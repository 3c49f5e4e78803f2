/** The ground of the race: a model in a process that is killed and started again, a small plan, and a tenant who signed up for it. */

import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { LinkClient } from '#adapters/link/client.ts';
import { commonFlags } from '#main/boot/node-flags.ts';
import { kinds } from '#test/quota/kinds.ts';
import type { Ready, Told } from '#test/quota/stamp.ts';
import { Wire } from '#test/quota/wire.ts';

/** az's own public client. */
const azId = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
const version = 'api-version=2015-11-01';

/** The stamp's process, over its lives. */
export class Lives {
  readonly told: Told;
  count = 0;
  #child: ChildProcess | undefined;

  constructor() {
    const state = mkdtempSync(join(tmpdir(), 'rw-quota-'));
    this.told = { state, user: 'ann', password: `Aa1-${randomUUID()}` };
  }

  /** Starts it; resolves when it serves. */
  async start(): Promise<Ready> {
    const entry = join(import.meta.dirname, 'stamp.ts');
    const child = spawn(process.execPath, [...commonFlags, entry], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    child.stdin.end(JSON.stringify(this.told));
    this.count += 1;
    return await new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line) as Ready));
      child.once('exit', (code) => reject(new Error(`the stamp ended with ${code} before it was ready`)));
    });
  }

  /** Ends it at once, as a power cut does. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    await ended;
  }

  remove(): void {
    rmSync(this.told.state, { recursive: true, force: true });
  }
}

export type Ground = { readonly tenant: Wire; readonly subscription: string; readonly group: string };

/** Makes quota, plan and offer as the operator, and a subscription as the tenant, all over HTTPS. */
export async function furnish(ready: Ready, { password }: Told): Promise<Ground> {
  const { login, caFile, provider, location } = ready;
  const asPrincipal = async (name: string, scope: string) => {
    const link = new LinkClient('model', ready.socket);
    const wanted = { name, role: 'Owner', scope };
    const made = await link.call<{ appId: string; secret: string }>('createServicePrincipal', [wanted]);
    link.close();
    return { grant_type: 'client_credentials', client_id: made.appId, client_secret: made.secret };
  };
  const form = await asPrincipal('operator', provider);
  const operator = await Wire.open({ base: ready.adminManagement, login, caFile, form }, true);
  const services = ['Network', 'Compute', 'Storage'] as const;
  const versions = { Network: '2015-06-15', Compute: '2021-01-01', Storage: '2019-08-08-preview' };
  const quotaIds = services.map(
    (service) => `${provider}/providers/Microsoft.${service}.Admin/locations/${location}/quotas/race`,
  );
  for (const [index, service] of services.entries()) {
    const properties = Object.fromEntries(
      kinds.filter((kind) => kind.service === service).map(({ field, limit }) => [field, limit]),
    );
    await operator.want('PUT', `${quotaIds[index]}?api-version=${versions[service]}`, { properties });
  }
  const admin = `${provider}/resourceGroups/System.${location}/providers/Microsoft.Subscriptions.Admin`;
  await operator.want('PUT', `${admin}/plans/race?${version}`, { location, properties: { quotaIds } });
  const properties = { state: 'Public', basePlanIds: [`${admin}/plans/race`] };
  await operator.want('PUT', `${admin}/offers/race?${version}`, { location, properties });
  operator.close();
  const user = { grant_type: 'password', client_id: azId, username: ready.upn, password };
  const ann = await Wire.open({ base: ready.management, login, caFile, form: user }, false);
  const subscription = `/subscriptions/${randomUUID()}`;
  const offerId = '/delegatedProviders/default/offers/race';
  await ann.want('PUT', `${subscription}?${version}`, { displayName: 'Race', offerId });
  const group = `${subscription}/resourceGroups/race`;
  await ann.want('PUT', `${group}?api-version=2019-10-01`, { location });
  ann.close();
  const tenant = await Wire.open(
    { base: ready.management, login, caFile, form: await asPrincipal('tenant', subscription) },
    false,
  );
  for (const parent of kinds.flatMap(({ parent }) => parent ?? []))
    await tenant.want('PUT', `${group}/providers/${parent}?api-version=2018-11-01`, { location });
  return { tenant, subscription, group };
}
