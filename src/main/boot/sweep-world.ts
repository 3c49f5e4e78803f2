/** What the sweep of authorizations is done on: a model with one resource of every type, its routes, and callers of every kind with their tokens. */

import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT, type CryptoKey } from 'jose';
import type { JsonObject } from '#base/json.ts';
import { principalOf } from '#engine/identity/directory.ts';
import { createServicePrincipal } from '#engine/identity/service-principals.ts';
import { generateProofKey, makeProof, readProofKey } from '#engine/identity/proof-maker.ts';
import { setEnabled } from '#engine/identity/users.ts';
import { generateTokenKeys, importTokenKeys, type StoredTokenKeys } from '#engine/identity/token-keys.ts';
import { issueAccessToken, issueIdToken, type Issuer, type TokenOrder } from '#engine/identity/tokens.ts';
import { apiVersionsOf, rows, type Row } from '#faces/arm/catalog.ts';
import { linesOf } from '#faces/arm/table.ts';
import { nouns } from '#model/nouns.ts';
import { servesType } from '#model/plans/plane.ts';
import { furnished } from '#model/test-furniture.ts';
import type { Resource, View } from '#model/resource.ts';
import { bootWith } from '#main/boot/boot.ts';
import type { ModelStamp } from '#main/boot/model.ts';

/** One address with a method, and what it is an instance of. */
export type SweptRoute = { readonly method: string; readonly path: string; readonly pattern: string };

/** The group that everything of the furnished world lies in, under the model's own subscription. */
export const groupOf = (subscription: string): string => `/subscriptions/${subscription}/resourceGroups/rg1`;

/** What the tenants' plane serves: that of administration is swept by its own tests. */
const lines = linesOf('tenant').filter(({ type }) => servesType('tenant', type));
const served = rows.filter(({ type }) => servesType('tenant', type));

/** Puts one resource of every type into the model, as if somebody had deployed them. */
export async function furnish({ assembly, prepared }: ModelStamp): Promise<void> {
  const text = JSON.stringify([...furnished().view.all()]).replaceAll(
    '/subscriptions/s1/',
    `/subscriptions/${prepared.subscriptionId}/`,
  );
  // A public address on a machine opens its management ports, which the baseline refuses.
  const resources = JSON.parse(text, (key: string, value: unknown) =>
    key === 'publicIPAddress' && JSON.stringify(value).includes('/publicIPAddresses/x1') ? undefined : value,
  ) as Resource[];
  await assembly.engine.gate.change((draft) => {
    for (const resource of resources) draft.put(resource);
    return { value: undefined, about: { subscription: prepared.subscriptionId } };
  });
}

/** Every route of the catalog and of the table, over what stands in the view: a new row is here without anyone's doing. */
export function routesOf(view: View, subscription: string): readonly SweptRoute[] {
  const scope = `/subscriptions/${subscription}`;
  const routes = [
    ...served.filter(({ lives }) => lives !== 'surface').flatMap((row) => catalogRoutes(view, { row, scope })),
    ...lines.flatMap(({ pattern, type, methods }) =>
      Object.keys(methods).flatMap((method) =>
        scopesOf(pattern, scope).map((at) => ({
          method,
          pattern,
          path: versioned(fill(at, { view, scope, type }), type),
        })),
      ),
    ),
  ];
  return [...new Map(routes.map((route) => [`${route.method} ${route.path.toLowerCase()}`, route])).values()];
}

type At = { readonly view: View; readonly scope: string };

function catalogRoutes(view: View, { row, scope }: { row: Row; scope: string }): readonly SweptRoute[] {
  const id = standing(view, row, scope);
  const list = id.slice(0, id.lastIndexOf('/'));
  const one = (method: string, path: string, pattern: string): SweptRoute => ({
    method,
    path: versioned(path, row.type),
    pattern: `${row.type}${pattern}`,
  });
  const everywhere = list.replace(/\/resourceGroups\/[^/]+/i, '');
  const isGroup = row.type === 'Microsoft.Resources/resourceGroups';
  const actions = Object.entries(nouns.get(row.type.toLowerCase())?.actions ?? {});
  return [
    ...row.methods.map((method) => one(method, id, '')),
    ...(row.lives === 'part' || tabled.has(row.type) ? [] : [one('HEAD', id, '')]),
    one('GET', list, ' list'),
    ...(row.listsAll && !isGroup && row.lives === 'group' ? [one('GET', everywhere, ' list of all')] : []),
    ...actions.map(([name, { method }]) => one(method, `${id}/${name}`, `/${name}`)),
  ];
}

/** Types whose own address is a line of the table, which says the methods. */
const tabled = new Set(lines.filter(({ methods }) => methods['PUT'] !== undefined).map(({ type }) => type));

/** A resource of the type that stands, or the id of one that could. */
function standing(view: View, row: Row, scope: string): string {
  const [found] = [...view.ofType(row.type)].filter(({ id }) => id.startsWith(scope));
  if (found !== undefined) return found.id;
  const [namespace = '', ...types] = row.type.split('/');
  if (row.lives === 'scope') return `${scope}/providers/${row.type}/${absentName}`;
  if (row.lives === 'part' || row.lives === 'child') {
    const [parent] = [...view.ofType(row.type.slice(0, row.type.lastIndexOf('/')))];
    if (parent !== undefined) return `${parent.id}/${types.at(-1) ?? ''}/x1`;
  }
  return `${scope}/resourceGroups/rg1/providers/${namespace}${types.map((type) => `/${type}/x1`).join('')}`;
}

const absentName = '0a0a0a0a-0000-4000-8000-00000000000a';

function scopesOf(pattern: string, scope: string): readonly string[] {
  if (!pattern.startsWith('{scope}')) return [pattern];
  const below = pattern.slice('{scope}'.length);
  const nsg = `${scope}/resourceGroups/rg1/providers/Microsoft.Network/networkSecurityGroups/x1`;
  return ['', scope, `${scope}/resourceGroups/rg1`, nsg].map((at) => `${at}${below}`);
}

function fill(pattern: string, { scope, type }: At & { type: string }): string {
  const words: { readonly [name: string]: string } = {
    subscription: scope.split('/')[2] ?? '',
    group: 'rg1',
    location: 'local',
    namespace: 'Microsoft.Network',
    name: 'x1',
    tag: 'a',
    value: 'b',
    states: 'latest',
    publisher: 'Ringwall',
    offer: 'lab',
    sku: 'tiny',
    version: '1.0.0',
    ...(/Authorization\//.test(type) ? { role: absentName, policy: 'x1' } : {}),
  };
  return pattern.replaceAll(/\{(\w+)\}/g, (_, name: string) => words[name] ?? absentName);
}

function versioned(path: string, type: string): string {
  return `${path}?api-version=${apiVersionsOf(type)[0] ?? ''}`;
}

/** Answers of the model's ARM face, over plain HTTP on loopback: what is swept are checks, not TLS. */
export type Swept = { readonly status: number; readonly text: string; readonly nonce?: string };

/** What a request has besides: a body (else an empty object), and the proof of a key. */
type More = { readonly body?: JsonObject; readonly proof?: string };

export type Sender = {
  readonly send: (route: SweptRoute, authorization: string | undefined, more?: More) => Promise<Swept>;
  readonly close: () => Promise<void>;
};

export type ArmHandler = ModelStamp['assembly']['handlers']['arm'];

/** Serves a handler and sends to it. */
export async function sender(handler: ArmHandler): Promise<Sender> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const send: Sender['send'] = ({ method, path }, authorization, { body = {}, proof } = {}) =>
    new Promise((resolve, reject) => {
      const hasBody = ['PUT', 'PATCH', 'POST'].includes(method);
      const text = JSON.stringify(body);
      const headers = {
        host: `127.0.0.1:${port}`,
        ...(authorization === undefined ? {} : { authorization }),
        ...(hasBody ? { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) } : {}),
        ...(proof === undefined ? {} : { dpop: proof }),
      };
      const sent = request({ host: '127.0.0.1', port, method, path, headers, agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        const nonce = response.headers['dpop-nonce'];
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            text: Buffer.concat(chunks).toString('utf8'),
            ...(typeof nonce === 'string' ? { nonce } : {}),
          }),
        );
      });
      sent.on('error', reject).end(hasBody ? text : undefined);
    });
  const close = (): Promise<void> => {
    agent.destroy();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  return { send, close };
}

/** The first administrator on the operator's plane, with a token that is bound to a key and the proof of it. */
export async function boundSender({ assembly, prepared, endpoints }: ModelStamp): Promise<{
  readonly ask: (method: string, path: string) => Promise<Swept>;
  readonly close: () => Promise<void>;
}> {
  const stored = JSON.parse(bootWith(prepared.boots.stampd).secret('tokens').reveal()) as StoredTokenKeys;
  const [keys, key] = [await importTokenKeys(stored), await readProofKey(generateProofKey())];
  const principal = principalOf(assembly.directory, [...assembly.directory.users.keys()][0] ?? '');
  if (principal === undefined) throw new Error('The directory has no user.');
  const issuer = { issuer: `${endpoints.adfs}/adfs`, tenantId: prepared.tenantId, keys, now: () => Date.now() };
  const audience = `${endpoints.adminManagement}/`;
  const order = {
    principal,
    clientId: principal.oid,
    audience,
    proof: 'none',
    confirmation: { jkt: key.jkt },
  } as const;
  const token = await issueAccessToken(issuer, order);
  const { send, close } = await sender(assembly.handlers.admin);
  const once = async (method: string, path: string, nonce?: string): Promise<Swept> => {
    const url = `${endpoints.adminManagement}${path}`;
    const proof = await makeProof(key, { method, url, nonce, token, nowMs: Date.now() });
    return await send({ method, path, pattern: path }, `DPoP ${token}`, { proof });
  };
  const ask = async (method: string, path: string) => await once(method, path, (await once(method, path)).nonce);
  return { ask, close };
}

/** Who knocks: without a good token, or with one that carries too little right. */
export type SweptCaller = { readonly name: string; readonly authorization: string | undefined };

export type SweptCallers = {
  /** Each is to be refused with 401 everywhere. */
  readonly unknown: readonly SweptCaller[];
  readonly owner: SweptCaller;
  readonly administrator: SweptCaller;
  readonly nobody: SweptCaller;
  readonly reader: SweptCaller;
  readonly elsewhere: SweptCaller;
};

/** What is wrong with a token: how it was issued, or for what. */
type Wrong = { readonly issuer?: Partial<Issuer>; readonly order?: Partial<TokenOrder> };

/** Makes principals in the model's directory, and tokens that are wrong in one thing each. */
export async function callersOf(model: ModelStamp): Promise<SweptCallers> {
  const { assembly, prepared, operator, endpoints } = model;
  const stored = JSON.parse(bootWith(prepared.boots.stampd).secret('tokens').reveal()) as StoredTokenKeys;
  const keys = await importTokenKeys(stored);
  const foreign = await importTokenKeys(await generateTokenKeys(2048));
  const issuer = { issuer: `${endpoints.adfs}/adfs`, tenantId: prepared.tenantId, keys, now: () => Date.now() };
  const scope = `/subscriptions/${prepared.subscriptionId}`;
  const made = async (name: string, role: string, at: string): Promise<string> =>
    (await operator.createServicePrincipal({ name, role, scope: at })).oid;
  const audience = `${endpoints.management}/`;
  const order = (oid: string) => {
    const principal = principalOf(assembly.directory, oid);
    if (principal === undefined) throw new Error(`${oid} is gone.`);
    return { principal, clientId: oid, audience, proof: 'secret' as const };
  };
  const token = async (name: string, oid: string, wrong: Wrong = {}): Promise<SweptCaller> => ({
    name,
    authorization: `Bearer ${await issueAccessToken({ ...issuer, ...wrong.issuer }, { ...order(oid), ...wrong.order })}`,
  });
  const ada = await made('ada', 'Owner', scope);
  const revoked = await made('revoked', 'Owner', scope);
  const gone = await token('a revoked principal', revoked);
  await setEnabled(assembly.directory, revoked, false);
  const hour = 3_600_000;
  const before = { ...keys, signing: foreign.signing };
  const idToken = await issueIdToken(issuer, order(ada));
  return {
    unknown: [
      { name: 'no token', authorization: undefined },
      { name: 'garbage', authorization: 'Bearer abc.def.ghi' },
      { name: 'another scheme', authorization: 'Basic YWRtaW46YWRtaW4=' },
      await token('another audience', ada, { order: { audience: `${endpoints.graph}/` } }),
      await token('another tenant', ada, { issuer: { tenantId: absentName } }),
      await token('another issuer', ada, { issuer: { issuer: 'https://login.example/adfs' } }),
      await token('expired', ada, { issuer: { now: () => Date.now() - 24 * hour } }),
      await token('not yet valid', ada, { issuer: { now: () => Date.now() + hour } }),
      await token('another key', ada, { issuer: { keys: before } }),
      await token('an unknown key', ada, { issuer: { keys: foreign } }),
      { name: 'an identity token', authorization: `Bearer ${idToken}` },
      { name: 'no signature', authorization: `Bearer ${await unsigned(keys.signing, ada)}` },
      gone,
    ],
    administrator: await token('first administrator', [...assembly.directory.users.keys()][0] ?? ''),
    owner: await token('owner', ada),
    nobody: await token('no role', (await createServicePrincipal(assembly.directory, { displayName: 'nobody' })).id),
    reader: await token('Reader', await made('reader', 'Reader', scope)),
    elsewhere: await token('Contributor elsewhere', await made('else', 'Contributor', `${scope}/resourceGroups/empty`)),
  };
}

/** RFC 7519 §6: a token that says it needs no signature. */
async function unsigned(key: CryptoKey, oid: string): Promise<string> {
  const signed = await new SignJWT({ oid }).setProtectedHeader({ alg: 'RS256' }).sign(key);
  const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' } satisfies JsonObject)).toString('base64url');
  return `${header}.${signed.split('.')[1] ?? ''}.`;
}
