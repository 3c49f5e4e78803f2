/** A provider and its tenants by az: the operator sells an offer on its own plane, a user of another directory signs up, and each sees what is theirs. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { randomBytes, randomUUID } from 'node:crypto';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bound, openBind } from '#main/command/bind.ts';
import { az, type AzWanted, judge } from '#test/peers/az.ts';
import type { AzContext } from '#test/peers/context.ts';
import { filled, type Row, valueAt, words } from '#test/peers/row.ts';
import { as, fresh } from '#test/peers/suites/signed.ts';
import type { AzSuite } from '#test/peers/suites/suite.ts';

const provider = '/subscriptions/{provider}';
const plans = `${provider}/resourceGroups/plans/providers/Microsoft.Subscriptions.Admin`;
const quota = `${provider}/providers/Microsoft.Network.Admin/locations/{location}/quotas/small`;
const customer = `${provider}/providers/Microsoft.Subscriptions.Admin/subscriptions/{mine}`;
const offered = 'api-version=2015-11-01';

const open: { way?: Bound; folder?: string } = {};

/** A command on the operator's plane, through `ringwall bind`: the client is unmodified and holds no key. */
function operator(command: string, wanted: AzWanted = {}): Row<AzContext> {
  return {
    name: `${wanted.isRefused === true ? 'refused: ' : ''}az ${command} (as operator)`,
    secondsMax: wanted.secondsMax ?? 29,
    attempt: async ({ az: client, notebook }) => {
      const argv = words(command).map((word) => filled(word, notebook));
      const environment = [`REQUESTS_CA_BUNDLE=${notebook.get('file.authorities') ?? ''}`];
      return judge(await client.run(argv, { configuration: 'operator', environment }), wanted, notebook);
    },
  };
}

const put = (path: string, body: object, wanted: AzWanted = {}) =>
  operator(`rest --method put --url ${path} --body '${JSON.stringify(body)}'`, wanted);
const refusedWith = (...says: readonly RegExp[]): AzWanted => ({ isRefused: true, says });

const sells: AzSuite['rows'] = [
  operator('cloud register -n operator --cloud-config @{file.cloud}'),
  operator('cloud set -n operator'),
  operator('login --service-principal -u {sp.appId} --password={sp.secret} --tenant adfs', {
    shows: { '[0].id': '{provider}' },
  }),
  operator('group create -n plans -l {location}', { shows: { 'properties.provisioningState': 'Succeeded' } }),
  put(
    `${quota}?api-version=2015-06-15`,
    { properties: { maxPublicIpsPerSubscription: 2, maxNicsPerSubscription: 3 } },
    {
      shows: { 'properties.maxPublicIpsPerSubscription': 2, 'properties.maxVnetsPerSubscription': 50 },
    },
  ),
  put(
    `${plans}/plans/base?${offered}`,
    { location: '{location}', properties: { displayName: 'Base', quotaIds: [quota] } },
    {
      shows: { name: 'base' },
    },
  ),
  put(
    `${plans}/offers/gold?${offered}`,
    {
      location: '{location}',
      properties: { displayName: 'Gold', state: 'Public', basePlanIds: [`${plans}/plans/base`] },
    },
    { shows: { 'properties.state': 'Public' } },
  ),
  operator(`rest --method delete --url ${quota}?api-version=2015-06-15`, refusedWith(/QuotaInUse/)),
  put(
    `${quota}?api-version=2015-06-15`,
    { properties: { maxNicsPerSubscription: -1 } },
    refusedWith(/maxNicsPerSubscription/),
  ),
];

const signUp = { offerId: '/delegatedProviders/default/offers/gold', displayName: 'Fabrikam One' };

type Raw = { readonly method: 'GET' | 'PUT'; readonly path: string; readonly body?: object };
type RawWanted = { readonly status: number; readonly says: RegExp };

/** A request with az's own token: `az rest` itself refuses to ask for a subscription that it does not know. */
function raw(name: string, { method, path, body }: Raw, wanted: RawWanted): Row<AzContext> {
  return {
    name: `${method} ${path} with the token of az: ${wanted.status} (as ${name})`,
    secondsMax: 29,
    attempt: async ({ az: client, stamp, notebook }) => {
      const command = ['account', 'get-access-token', '--query', 'accessToken', '-o', 'tsv'];
      const token = (await client.run(command, { configuration: name })).stdout.trim();
      const url = `${stamp.endpoints.management}${filled(path, notebook)}`;
      const { status, text } = await ask(url, { ca: stamp.ca, method, token, body });
      const problems = [
        ...(status === wanted.status ? [] : [`the status is ${status}`]),
        ...(wanted.says.test(text) ? [] : [`the answer does not say ${wanted.says}`]),
      ];
      return { problems, output: text.slice(0, 1000) };
    },
  };
}

type Asking = {
  readonly ca: string;
  readonly method: string;
  readonly token: string;
  readonly body: object | undefined;
};

function ask(url: string, { ca, method, token, body }: Asking): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const headers = { authorization: `Bearer ${token}`, ...type };
    const sent = request(url, { ca, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    sent.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const tenant = (command: string, wanted: AzWanted = {}) => as('tenant', command, wanted);
const mine = '/subscriptions/{mine}';
const ip = (name: string) => `network public-ip create -g one -n ${name} --sku Basic`;

/** Both public addresses that the plan allows are in use, and said to be. */
function isFull(rows: unknown): boolean {
  if (!Array.isArray(rows)) return false;
  const row: unknown = rows.find((one: unknown) => valueAt(one, 'name.value') === 'PublicIPAddresses');
  return Number(valueAt(row, 'currentValue')) === 2 && Number(valueAt(row, 'limit')) === 2;
}

/** The activity log as az sends for it, from a time that is past. */
const events = `${mine}/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01&$filter=eventTimestamp%20ge%20%272026-11-01T00:00:00Z%27`;

const buys: AzSuite['rows'] = [
  fresh('newcomer', 'login -u {fabrikam.user} -p {fabrikam.password} --allow-no-subscriptions', {
    shows: { '[0].tenantId': '{fabrikam.tenant}' },
  }),
  as('newcomer', `rest --method get --url /offers?${offered}`, {
    shows: { 'value.length': 1, 'value[0].name': 'gold' },
  }),
  raw(
    'newcomer',
    { method: 'PUT', path: `${mine}?${offered}`, body: signUp },
    { status: 201, says: /"state":"Enabled"/ },
  ),
  fresh('tenant', 'login -u {fabrikam.user} -p {fabrikam.password}', {
    shows: { length: 1, '[0].id': '{mine}', '[0].tenantId': '{fabrikam.tenant}', '[0].name': 'Fabrikam One' },
  }),
  tenant('group create -n one -l {location}', { shows: { 'properties.provisioningState': 'Succeeded' } }),
  tenant(
    'network vnet create -g one -n net --address-prefixes 10.0.0.0/16 --subnet-name web --subnet-prefixes 10.0.1.0/24',
  ),
  tenant('network nsg create -g one -n guard'),
  tenant('network nic create -g one -n first --vnet-name net --subnet web --network-security-group guard'),
  tenant(ip('a'), { shows: { 'publicIp.provisioningState': 'Succeeded' } }),
  tenant(ip('b')),
  tenant(ip('c'), refusedWith(/PublicIPCountLimitReached/, /more than 2 public IP addresses/)),
  tenant('network list-usages -l {location}', { shows: { '': isFull } }),
  tenant('lock create -n keep -g one --lock-type CanNotDelete', { shows: { level: 'CanNotDelete' } }),
  tenant('group delete -n one -y', refusedWith(/ScopeLocked|locked/)),
  tenant('lock delete -n keep -g one'),
  tenant('ad user create --display-name Bob --user-principal-name bob@{fabrikam.domain} --password {secret}', {
    keeps: { bob: 'id' },
  }),
  tenant(
    `role assignment create --assignee-object-id {bob} --assignee-principal-type User --role Reader --scope ${mine}/resourceGroups/one`,
    { shows: { principalId: '{bob}' } },
  ),
  fresh('bob', 'login -u bob@{fabrikam.domain} -p {secret}', { shows: { '[0].id': '{mine}' } }),
  as('bob', 'network vnet list -g one', { shows: { length: 1 } }),
  as('bob', 'network vnet delete -g one -n net', refusedWith(/AuthorizationFailed/)),
  raw('tenant', { method: 'GET', path: events }, { status: 200, says: /virtualNetworks\/net.*Succeeded/ }),
];

const groupsOf = (subscription: string): Raw => ({
  method: 'GET',
  path: `/subscriptions/${subscription}/resourcegroups?api-version=2020-06-01`,
});
const notThere: RawWanted = {
  status: 404,
  says: /^\{"error":\{"code":"SubscriptionNotFound","message":"The subscription '[0-9a-f-]{36}' could not be found\."\}\}$/,
};

const apart: AzSuite['rows'] = [
  // Another directory's subscription, the operator's own and one that never was: one answer, word for word.
  ...['{subscription}', '{provider}', '{never}'].map((other) => raw('tenant', groupsOf(other), notThere)),
  tenant('rest --method get --url /subscriptions?api-version=2020-01-01', { shows: { 'value.length': 1 } }),
  tenant(
    `role assignment create --assignee-object-id {home.oid} --assignee-principal-type ServicePrincipal --role Reader --scope ${mine}/resourceGroups/one`,
    refusedWith(/PrincipalNotFound/),
  ),
  // The stamp's own directory sees nothing of the tenant either.
  raw('home', groupsOf('{mine}'), notThere),
];

const standing = (state: string) => ({
  owner: '{fabrikam.user}',
  offerId: `${plans}/offers/gold`,
  displayName: 'Fabrikam One',
  state,
});

const suspends: AzSuite['rows'] = [
  operator(`rest --method get --url ${customer}?${offered}`, {
    shows: { state: 'Enabled', displayName: 'Fabrikam One' },
  }),
  put(`${customer}?${offered}`, standing('Disabled'), { shows: { state: 'Disabled' } }),
  tenant('network nsg create -g one -n late', refusedWith(/ReadOnlyDisabledSubscription/)),
  tenant('network vnet list -g one', { shows: { length: 1 } }),
  put(`${customer}?${offered}`, standing('Enabled'), { shows: { state: 'Enabled' } }),
  tenant('network nsg create -g one -n late'),
];

export const tenancy: AzSuite = {
  name: 'tenancy',
  says: '[S1.20] an offer sold on the operator’s plane, bought from another directory, held to its quotas, and seen by nobody else',
  release: 'trixie',
  isSignedOut: true,
  prepare: async (stamp, notebook, { putFile }) => {
    const { endpoint, subscriptionId } = await stamp.administration();
    const scope = `/subscriptions/${subscriptionId}`;
    const program = await stamp.principal('peers-operator', { scope });
    const home = await stamp.principal('peers-home');
    const fabrikam = await stamp.directory('fabrikam-one');
    open.folder = mkdtempSync(join(tmpdir(), 'ringwall-peers-bind-'));
    open.way = await openBind(endpoint, { key: join(open.folder, 'bind.pem'), ca: stamp.caFile });
    notebook.set('file.cloud', putFile('cloud.json', readFileSync(open.way.cloudFile, 'utf8')));
    notebook.set('file.authorities', putFile('authorities.pem', `${stamp.ca}\n${open.way.caPem}`));
    notebook.set('provider', subscriptionId).set('mine', randomUUID()).set('never', randomUUID());
    notebook.set('sp.appId', program.appId).set('sp.secret', program.secret ?? '');
    notebook
      .set('home.appId', home.appId)
      .set('home.secret', home.secret ?? '')
      .set('home.oid', home.oid);
    notebook.set('fabrikam.user', fabrikam.administrator).set('fabrikam.password', fabrikam.password);
    notebook.set('fabrikam.tenant', fabrikam.tenantId).set('fabrikam.domain', fabrikam.domains[0] ?? '');
    notebook.set('secret', `Peers-${randomBytes(12).toString('base64url')}`);
  },
  finish: async () => {
    await open.way?.close();
    if (open.folder !== undefined) rmSync(open.folder, { recursive: true, force: true });
  },
  rows: [
    ...sells,
    az('cloud register -n ringwall --endpoint-resource-manager {management}'),
    az('cloud set -n ringwall'),
    fresh('home', 'login --service-principal -u {home.appId} --password={home.secret} --tenant {tenant}', {}),
    ...buys,
    ...apart,
    ...suspends,
  ],
};
