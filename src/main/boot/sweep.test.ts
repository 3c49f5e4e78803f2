/** The sweep of authorizations: every route of the stamp, asked by every kind of caller that must not get anything from it. */

import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startModel, type ModelStamp } from '#main/boot/model.ts';
import { readSettings } from '#main/boot/settings.ts';
import {
  callersOf,
  furnish,
  routesOf,
  sender,
  type ArmHandler,
  type Sender,
  type Swept,
  type SweptCaller,
  type SweptCallers,
  type SweptRoute,
} from '#main/boot/sweep-world.ts';

let model: ModelStamp;
let state: string;
let stamp: Sender;
let callers: SweptCallers;
let routes: readonly SweptRoute[];

before(async () => {
  state = mkdtempSync(join(tmpdir(), 'ringwall-sweep-'));
  model = await startModel({ settings: readSettings({ number: 5, state }) });
  await furnish(model);
  callers = await callersOf(model);
  routes = routesOf(model.assembly.engine.view(), model.prepared.subscriptionId);
  stamp = await sender(model.assembly.handlers.arm);
});
after(async () => {
  await stamp?.close();
  await model?.close();
  rmSync(state, { recursive: true, force: true });
});

// Told to whoever has signed in: what the stamp is, what roles can name, and what the caller itself may do. Nothing of a subscription.
const open: readonly string[] = [
  'GET /subscriptions',
  'GET /tenants',
  'GET /providers',
  'GET /providers/{namespace}',
  ...['Network', 'Compute', 'Storage', 'Security', 'Resources', 'Authorization', 'PolicyInsights', 'Subscriptions'].map(
    (name) => `GET /providers/Microsoft.${name}/operations`,
  ),
  'GET /providers/Microsoft.Authorization/providerOperations',
  'GET /providers/Microsoft.Authorization/providerOperations/{namespace}',
  'GET /providers/Microsoft.Insights/eventcategories',
  'GET {scope}/providers/Microsoft.Authorization/policyDefinitions',
  'POST /providers/Microsoft.Resources/calculateTemplateHash',
  'POST /providers/Microsoft.Resources/checkResourceName',
];

// Catalogs of a location: the same for every subscription, shown to who holds anything in the one that is named.
const inside: readonly string[] = [
  'GET /subscriptions/{subscription}',
  'GET /subscriptions/{subscription}/locations',
  'GET /subscriptions/{subscription}/providers',
  'GET /subscriptions/{subscription}/providers/{namespace}',
  'GET /subscriptions/{subscription}/providers/Microsoft.Network/locations/{location}/CheckDnsNameAvailability',
  'POST /subscriptions/{subscription}/providers/Microsoft.Storage/checkNameAvailability',
  // The caller's own, which it may read where it holds a role.
  'GET {scope}/providers/Microsoft.Authorization/roleAssignments',
];
const catalogs =
  /^\/subscriptions\/\{subscription\}\/providers\/Microsoft\.Compute\/(skus$|locations\/\{location\}\/(vmSizes$|publishers))/;

// Reads by POST, which a Reader may send.
const reads = /policyStates\/\{states\}\/(queryResults|summarize)$|\/exportTemplate$/;

/** Refused whoever asks, before any right counts, since there is nothing of the kind at such a scope; the request alone tells so. */
const elsewhere = ['InvalidDeploymentScope', 'TagsNotSupported'];

/** What is wrong with an answer to somebody who must get nothing; undefined when it is a refusal without content. */
function fault({ status, text }: Swept): string | undefined {
  if (text === '{"value":[]}' && status === 200) return undefined;
  const body: unknown = text === '' ? {} : JSON.parse(text);
  const members = Object.keys(body as object);
  const code = (body as { error?: { code?: string } }).error?.code ?? '';
  if (members.some((name) => name !== 'error')) return `${status} with content: ${text.slice(0, 120)}`;
  if ([401, 403, 404].includes(status) || (status === 400 && text === '') || elsewhere.includes(code)) return undefined;
  return `${status} ${text.slice(0, 120)}`;
}

type Swept1 = { readonly caller: string; readonly asked: number; readonly faults: readonly string[] };

async function sweep(
  { send }: Sender,
  caller: SweptCaller,
  over: { readonly routes: readonly SweptRoute[]; readonly judge?: (answer: Swept) => string | undefined },
): Promise<Swept1> {
  const faults: string[] = [];
  for (const route of over.routes) {
    const found = (over.judge ?? fault)(await send(route, caller.authorization));
    if (found !== undefined) faults.push(`${caller.name}: ${route.method} ${route.path} (${route.pattern}): ${found}`);
  }
  return { caller: caller.name, asked: over.routes.length, faults };
}

const must401 = ({ status, text }: Swept): string | undefined =>
  status === 401 && (text === '' || Object.keys(JSON.parse(text) as object).join() === 'error')
    ? undefined
    : `${status} ${text.slice(0, 120)}`;

const isOpen = ({ method, pattern }: SweptRoute): boolean => open.includes(`${method} ${pattern}`);
const isInside = (route: SweptRoute): boolean =>
  isOpen(route) || inside.includes(`${route.method} ${route.pattern}`) || catalogs.test(route.pattern);
const isWrite = ({ method, pattern }: SweptRoute): boolean => !['GET', 'HEAD'].includes(method) && !reads.test(pattern);

/** What callers can change; what the stamp notes of its own (health, where machines are) is not among it. */
function written(): readonly string[] {
  const all = [...model.assembly.engine.parts.view.all()];
  return all.map(({ id, properties, tags }) => JSON.stringify([id, properties, tags])).sort();
}

test('every route refuses every caller that has no right to it, and tells it nothing', async (t) => {
  const kept = written();
  const swept: Swept1[] = [];
  for (const caller of callers.unknown) swept.push(await sweep(stamp, caller, { routes, judge: must401 }));
  swept.push(await sweep(stamp, callers.nobody, { routes: routes.filter((route) => !isOpen(route)) }));
  swept.push(await sweep(stamp, callers.elsewhere, { routes: routes.filter((route) => !isInside(route)) }));
  swept.push(
    await sweep(stamp, callers.reader, { routes: routes.filter((route) => isWrite(route) && !isInside(route)) }),
  );
  const [asked, faults] = [swept.reduce((sum, one) => sum + one.asked, 0), swept.flatMap((one) => one.faults)];
  for (const one of swept)
    t.diagnostic(`${one.caller}: ${one.asked - one.faults.length} of ${one.asked} routes refused`);
  t.diagnostic(
    `${routes.length} routes x ${swept.length} callers = ${asked - faults.length} refused of ${asked} asked`,
  );
  assert.deepEqual(faults, []);
  assert.deepEqual(written(), kept);
});

test('the routes that are swept answer who has a right: there is something to be kept from others', async () => {
  const counts = new Map<number, number>();
  for (const route of routes.filter(({ method }) => method === 'GET')) {
    const { status, text } = await stamp.send(route, callers.owner.authorization);
    const isFull = status === 200 && text !== '{"value":[]}';
    if (isFull) counts.set(200, (counts.get(200) ?? 0) + 1);
  }
  assert.ok((counts.get(200) ?? 0) > 100, String(counts.get(200)));
});

test('what is told to everybody names nothing of a subscription', async () => {
  for (const route of routes.filter((one) => isOpen(one) && !one.path.startsWith('/subscriptions/'))) {
    const { text } = await stamp.send(route, callers.nobody.authorization);
    assert.ok(!text.includes(model.prepared.subscriptionId), `${route.path} ${text.slice(0, 200)}`);
  }
});

test('a route that somebody left open is noticed', async () => {
  const inner = model.assembly.handlers.arm;
  const leaky: ArmHandler = (request, response) => {
    if (request.method !== 'GET' || !/\/networkSecurityGroups\/x1\?/.test(request.url ?? '')) inner(request, response);
    else response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"/x","name":"x1"}');
  };
  const planted = await sender(leaky);
  try {
    const { faults } = await sweep(planted, callers.nobody, { routes });
    assert.ok(faults.some((says) => says.includes('networkSecurityGroups/x1?') && says.includes('with content')));
    const unknown = await sweep(planted, { name: 'no token', authorization: undefined }, { routes, judge: must401 });
    assert.equal(unknown.faults.length, 1);
  } finally {
    await planted.close();
  }
});
