/** The grid's rows: what each check lets through, and what it answers when it does not. */

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Fault } from '#base/wrong.ts';
import type { JsonObject } from '#base/json.ts';
import { fakeStamp, s, type FakeStamp } from '#faces/arm/fake-engine.ts';

const rg = `${s}/resourceGroups/rg1`;
const net = `${rg}/providers/Microsoft.Network`;
const v = '?api-version=2018-11-01';
const vnet = {
  location: 'local',
  properties: {
    addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
    subnets: [{ name: 'a', properties: { addressPrefix: '10.0.0.0/24' } }],
  },
};

let stamp: FakeStamp;
before(async () => {
  stamp = await fakeStamp();
  await stamp.send(`${rg}?api-version=2019-10-01`, { method: 'PUT', body: { location: 'local', tags: { team: 'a' } } });
  await stamp.send(`${net}/virtualNetworks/v1${v}`, { method: 'PUT', body: vnet });
  await stamp.send(`${net}/networkSecurityGroups/n1${v}`, { method: 'PUT', body: { location: 'local' } });
});
after(() => stamp.close());
beforeEach(() => {
  stamp.engine.isSlow = false;
});

// One row is one request: method, path, and the status and code (or a piece of the body) that it must be answered with.
const rows: readonly (readonly [method: string, path: string, status: number, has: string])[] = [
  ['GET', '/metadata/endpoints', 400, 'MissingApiVersionParameter'],
  ['GET', '/metadata/endpoints?api-version=1.0', 200, 'galleryEndpoint'],
  ['GET', '/metadata/endpoints?api-version=2015-01-01', 200, 'galleryEndpoint'],
  ['GET', '/metadata/endpoints?api-version=2019-05-01', 200, '[{"name":"Ringwall"'],
  ['GET', '/metadata/endpoints?api-version=2022-09-01', 200, '{"name":"Ringwall"'],
  ['GET', '/metadata/endpoints?api-version=latest', 400, 'InvalidApiVersionParameter'],
  ['POST', '/metadata/endpoints?api-version=1.0', 405, 'MethodNotAllowed'],
  ['GET', '/subscriptions', 400, 'MissingApiVersionParameter'],
  ['GET', '/subscriptions?api-version=yesterday', 400, 'InvalidApiVersionParameter'],
  ['GET', '/subscriptions?API-VERSION=2016-06-01', 200, '"subscriptionId"'],
  ['GET', '//Subscriptions/?api-version=2022-12-01', 200, '"managedByTenants":[]'],
  ['GET', '/subscriptions?api-version=1999-01-01', 400, 'NoRegisteredProviderFound'],
  ['GET', `${s}/locations?api-version=2022-12-01`, 200, '"name":"local"'],
  ['GET', '/tenants?api-version=2016-06-01', 200, '"tenantId"'],
  ['GET', '/nothing/here?api-version=2022-12-01', 404, 'NotFound'],
  ['GET', '/subscriptions/s1/resourceGroups?api-version=2019-10-01', 400, 'InvalidSubscriptionId'],
  [
    'GET',
    '/subscriptions/99999999-2222-4333-8444-555555555555/resourceGroups?api-version=2019-10-01',
    404,
    'SubscriptionNotFound',
  ],
  ['GET', `${s}/resourcegroups/RG1?api-version=2024-11-01`, 200, '"name":"rg1"'],
  ['GET', `${s}/resourceGroups/none?api-version=2024-11-01`, 404, 'ResourceGroupNotFound'],
  ['HEAD', `${s}/resourcegroups/rg1?api-version=2024-11-01`, 204, ''],
  ['HEAD', `${s}/resourcegroups/none?api-version=2024-11-01`, 404, ''],
  ['DELETE', `${s}/resourcegroups/none?api-version=2024-11-01`, 404, 'ResourceGroupNotFound'],
  ['PUT', `${s}/resourcegroups?api-version=2024-11-01`, 405, 'MethodNotAllowed'],
  [
    'GET',
    `${s}/resourceGroups?api-version=2024-11-01&$filter=tagName%20eq%20%27team%27%20and%20tagValue%20eq%20%27b%27`,
    200,
    '"value":[]',
  ],
  ['GET', `${s}/resourceGroups?api-version=2024-11-01&$filter=substringof(x)`, 400, 'InvalidFilterInQueryString'],
  ['GET', `${net}/virtualNetworks/v1${v}`, 200, '"subnets":[{'],
  ['GET', `${net}/VIRTUALNETWORKS/V1/${v}`, 200, '/virtualNetworks/v1"'],
  ['GET', `${net}/virtualNetworks/v1/subnets${v}`, 200, '"name":"a"'],
  ['GET', `${net}/virtualNetworks/none/subnets${v}`, 404, 'ResourceNotFound'],
  ['GET', `${net}/virtualNetworks/none${v}`, 404, 'ResourceNotFound'],
  ['GET', `${s}/resourceGroups/none/providers/Microsoft.Network/virtualNetworks${v}`, 404, 'ResourceGroupNotFound'],
  ['GET', `${s}/resourceGroups/none/providers/Microsoft.Network/virtualNetworks/v1${v}`, 404, 'ResourceGroupNotFound'],
  ['PUT', `${s}/resourceGroups/none/providers/Microsoft.Network/virtualNetworks/v1${v}`, 404, 'ResourceGroupNotFound'],
  ['PUT', `${net}/virtualNetworks/none/subnets/a${v}`, 404, 'ParentResourceNotFound'],
  ['HEAD', `${net}/virtualNetworks/v1?api-version=2019-10-01`, 204, ''],
  ['DELETE', `${net}/virtualNetworks/none${v}`, 204, ''],
  ['PATCH', `${net}/virtualNetworks/none${v}`, 404, 'ResourceNotFound'],
  ['GET', `${net}/virtualNetworks/v1?api-version=2018-11-01-preview`, 400, 'NoRegisteredProviderFound'],
  ['GET', `${net}/unknownThings/x${v}`, 404, 'InvalidResourceType'],
  ['GET', `${rg}/providers/Contoso.Things/x/y${v}`, 404, 'InvalidResourceNamespace'],
  ['POST', `${net}/virtualNetworks/v1/explode${v}`, 404, 'InvalidResourceOperation'],
  ['PATCH', `${net}/virtualNetworks/v1/subnets/a${v}`, 405, 'MethodNotAllowed'],
  ['GET', `${net}/networkSecurityGroups/n1/defaultSecurityRules${v}`, 200, 'AllowVnetInBound'],
  ['GET', `${net}/networkSecurityGroups/n1/defaultSecurityRules/denyallinbound${v}`, 200, '"priority":65500'],
  ['GET', `${net}/networkSecurityGroups/n1/defaultSecurityRules/none${v}`, 404, 'NotFound'],
  [
    'GET',
    `${net}/virtualNetworks/v1/CheckIPAddressAvailability?ipAddress=10.0.0.9&api-version=2018-11-01`,
    200,
    '"available":true',
  ],
  [
    'GET',
    `${s}/resources?api-version=2019-10-01&$filter=resourceType eq 'Microsoft.Network/networkSecurityGroups'`.replaceAll(
      ' ',
      '%20',
    ),
    200,
    '/n1"',
  ],
  ['GET', `${s}/providers?api-version=2019-10-01`, 200, '"registrationState":"Registered"'],
  ['GET', '/providers/microsoft.network?api-version=2019-10-01', 200, '"namespace":"Microsoft.Network"'],
  ['POST', `${s}/providers/Microsoft.Network/register?api-version=2016-02-01`, 200, 'Registered'],
  ['POST', `${s}/providers/Microsoft.Network/unregister?api-version=2016-02-01`, 409, 'ProviderCannotBeUnregistered'],
  ['GET', '/providers/Contoso.Things?api-version=2019-10-01', 404, 'InvalidResourceNamespace'],
  [
    'GET',
    '/providers/Microsoft.Compute/operations?api-version=2020-06-01',
    200,
    'Microsoft.Compute/virtualMachines/write',
  ],
  [
    'GET',
    `${rg}/providers/Microsoft.Authorization/roleDefinitions?api-version=2022-04-01&$filter=roleName%20eq%20'reader'`,
    200,
    'acdd72a7-3385-48ef-bd42-f606fba81ae7',
  ],
  [
    'GET',
    '/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7?api-version=2022-04-01',
    403,
    'AuthorizationFailed',
  ],
  [
    'GET',
    `${s}/providers/Microsoft.Authorization/policyDefinitions?api-version=2021-06-01&$filter=policyType%20eq%20'BuiltIn'`,
    200,
    '5b6f2c10-7d0e-4a51-9c1b-000000000001',
  ],
  [
    'GET',
    '/providers/Microsoft.Authorization/policyDefinitions/5b6f2c10-7d0e-4a51-9c1b-000000000002?api-version=2021-06-01',
    200,
    'Egress goes only through the declared firewalls',
  ],
  ['GET', `${s}/providers/Microsoft.Authorization/policyDefinitions/absent?api-version=2021-06-01`, 404, 'NotFound'],
  ['POST', '/providers/Microsoft.Authorization/elevateAccess?api-version=2015-07-01', 403, 'ElevateAccessNotAllowed'],
  [
    'DELETE',
    `${s}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7?api-version=2022-04-01`,
    403,
    'BuiltInRoleCannotBeChanged',
  ],
  ['GET', `${s}/providers/Microsoft.Authorization/permissions?api-version=2015-07-01`, 200, '"actions":["*"]'],
  [
    'GET',
    `${s}/providers/Microsoft.Compute/locations/local/publishers?api-version=2020-06-01`,
    200,
    '[{"location":"local"',
  ],
  [
    'GET',
    `${s}/providers/Microsoft.Compute/locations/westus/publishers?api-version=2020-06-01`,
    400,
    'LocationNotAvailableForResourceType',
  ],
  ['GET', `${s}/providers/Microsoft.Network/locations/Lo cal/usages${v}`.replace(' ', '%20'), 200, '"currentValue":1'],
  ['GET', `${s}/providers/Microsoft.Network/locations/local/operations/none${v}`, 404, 'OperationNotFound'],
  ['GET', `${s}/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01`, 200, '"value":[]'],
  ['GET', `${rg}/providers/Microsoft.Resources/deployments/none?api-version=2019-10-01`, 404, 'DeploymentNotFound'],
  ['HEAD', `${rg}/providers/Microsoft.Resources/deployments/none?api-version=2019-10-01`, 404, ''],
  ['GET', `${rg}/providers/Microsoft.Resources/deployments/?api-version=2019-10-01`, 200, '"value":[]'],
  ['GET', '/providers/Microsoft.Resources/deployments/?api-version=2019-10-01', 400, 'InvalidDeploymentScope'],
  ['GET', `${net}/virtualNetworks/v1/../v2${v}`, 400, 'InvalidRequestUri'],
  ['GET', `${net}/virtualNetworks/%zz${v}`, 400, 'InvalidRequestUri'],
  ['GET', `${net}/virtualNetworks/a%2Fb${v}`, 400, 'InvalidRequestUri'],
  ['GET', `/${'a/'.repeat(80)}${v}`, 400, 'InvalidRequestUri'],
  ['GET', `${s}/resources?api-version=2019-10-01&$top=-1`, 400, 'InvalidTopParameter'],
  ['GET', `${s}/resources?api-version=2019-10-01&$skiptoken=!!`, 400, 'InvalidSkipToken'],
];

test('each request of the table is answered with its status and code', async () => {
  for (const [method, path, status, has] of rows) {
    const reply = await stamp.send(path, { method, ...(method === 'PUT' || method === 'PATCH' ? { body: {} } : {}) });
    assert.equal(reply.status, status, `${method} ${path}: ${reply.text}`);
    assert.ok(reply.text.includes(has), `${method} ${path}: ${reply.text}`);
    if (status >= 400 && method !== 'HEAD')
      assert.ok((reply.json['error'] as JsonObject | undefined)?.['message'], reply.text);
  }
  assert.deepEqual(stamp.bugs, []);
});

test('without a token every path but the metadata is 401 with a challenge, also paths that are not there', async () => {
  for (const path of ['/subscriptions?api-version=2016-06-01', '/nothing', `${net}/virtualNetworks/v1${v}`]) {
    for (const authorization of ['', 'Basic eDp5', 'Bearer wrong']) {
      const reply = await stamp.send(path, { headers: { authorization } });
      assert.equal(reply.status, 401);
      assert.match(
        String(reply.headers['www-authenticate']),
        /^Bearer authorization_uri="https:\/\/adfs\.local\.test\/adfs"/,
      );
    }
  }
});

test('who has no right sees no resource, no list and no subscription', async () => {
  const headers = { authorization: 'Bearer stranger' };
  assert.equal((await stamp.send(`${net}/virtualNetworks/v1${v}`, { headers })).status, 403);
  assert.equal((await stamp.send(`${net}/virtualNetworks/none${v}`, { headers })).status, 403);
  assert.equal((await stamp.send(`${net}/virtualNetworks${v}`, { headers })).status, 403);
  assert.deepEqual((await stamp.send('/subscriptions?api-version=2016-06-01', { headers })).json, { value: [] });
  assert.equal((await stamp.send(`${net}/virtualNetworks/v9${v}`, { method: 'PUT', headers, body: vnet })).status, 403);
});

test('every answer has the ids, the transport headers, and says that nothing is enforced', async () => {
  const sent = {
    'x-ms-correlation-request-id': 'abc-1',
    'x-ms-client-request-id': 'mine',
    'x-ms-return-client-request-id': 'true',
  };
  for (const path of [`${net}/virtualNetworks/v1${v}`, '/nothing?api-version=2016-06-01']) {
    const { headers } = await stamp.send(path, { headers: sent });
    assert.equal(headers['x-ms-correlation-request-id'], 'abc-1');
    assert.equal(headers['x-ms-client-request-id'], 'mine');
    assert.ok(headers['x-ms-request-id']);
    assert.equal(headers['cache-control'], 'no-cache');
    assert.match(String(headers['strict-transport-security']), /max-age/);
    assert.equal(headers['x-ms-ringwall-enforcing'], 'false');
    assert.match(String(headers['x-ms-ratelimit-remaining-subscription-reads']), /^\d+$/);
  }
  const etag = (await stamp.send(`${net}/virtualNetworks/v1${v}`)).headers.etag;
  assert.match(String(etag), /^W\/"/);
});

test('bodies: not JSON, not an object, too deep, another type and too large are refused as what they are', async () => {
  const path = `${net}/virtualNetworks/v1${v}`;
  const deep = `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`;
  const cases: readonly (readonly [string, number, string])[] = [
    ['{"a":', 400, 'InvalidRequestContent'],
    ['[]', 400, 'InvalidRequestContent'],
    ['', 400, 'InvalidRequestContent'],
    [deep, 400, 'InvalidRequestContent'],
    ['{"__proto__": {"x": 1}}', 400, 'InvalidRequestContent'],
    [`{"a":"${'x'.repeat(4 * 1024 * 1024)}"}`, 413, 'RequestContentTooLarge'],
  ];
  for (const [body, status, code] of cases) {
    const reply = await stamp.send(path, { method: 'PUT', body });
    assert.equal(reply.status, status, reply.text);
    assert.equal((reply.json['error'] as JsonObject)['code'], code);
  }
  const typed = await stamp.send(path, { method: 'PUT', body: '<a/>', headers: { 'content-type': 'text/xml' } });
  assert.equal(typed.status, 415);
});

test('preconditions go to the engine, a stale etag is 412', async () => {
  const path = `${net}/virtualNetworks/v1${v}`;
  const stale = await stamp.send(path, { method: 'PUT', body: vnet, headers: { 'if-match': 'W/"old"' } });
  assert.equal(stale.status, 412);
  const exists = await stamp.send(path, { method: 'PUT', body: vnet, headers: { 'if-none-match': '*' } });
  assert.equal(exists.status, 412);
  const { etag } = (await stamp.send(path)).json;
  assert.equal(
    (await stamp.send(path, { method: 'PUT', body: vnet, headers: { 'if-match': String(etag) } })).status,
    200,
  );
});

test('tags at a scope: replaced, merged, deleted, always 200', async () => {
  const path = `${net}/networkSecurityGroups/n1/providers/Microsoft.Resources/tags/default?api-version=2019-10-01`;
  const tags = async (method: string, body?: JsonObject): Promise<unknown> => {
    const reply = await stamp.send(path, { method, ...(body && { body }) });
    assert.equal(reply.status, 200, reply.text);
    return (reply.json['properties'] as JsonObject | undefined)?.['tags'];
  };
  assert.deepEqual(await tags('PUT', { properties: { tags: { a: '1', b: '2' } } }), { a: '1', b: '2' });
  assert.deepEqual(await tags('PATCH', { operation: 'Merge', properties: { tags: { B: '3', c: '4' } } }), {
    a: '1',
    B: '3',
    c: '4',
  });
  assert.deepEqual(await tags('PATCH', { operation: 'Delete', properties: { tags: { a: '9', c: '4' } } }), {
    a: '1',
    B: '3',
  });
  assert.deepEqual(await tags('GET'), { a: '1', B: '3' });
  await tags('DELETE');
  assert.deepEqual(await tags('GET'), {});
});

test('PATCH of tags keeps to the limits of tags', async () => {
  const path = `${net}/networkSecurityGroups/n1${v}`;
  for (const [tags, status] of [
    [{ a: 'b' }, 200],
    [{ a: { b: 1 } }, 400],
    [{ 'a<b': 'c' }, 400],
    [{ a: 'x'.repeat(257) }, 400],
    [Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`t${index}`, 'x'])), 400],
    ['all', 400],
  ] as const) {
    const reply = await stamp.send(path, { method: 'PATCH', body: { tags } });
    assert.equal(reply.status, status, reply.text);
  }
  const other = await stamp.send(path, { method: 'PATCH', body: { properties: {} } });
  assert.equal(other.status, 400);
});

test('a bug is a 500 that says nothing of itself, a fault a 503 to be tried again', async () => {
  const path = `${net}/networkSecurityGroups/n9${v}`;
  stamp.engine.failure = new Error('secret inner workings');
  const bug = await stamp.send(path, { method: 'PUT', body: {} });
  assert.equal(bug.status, 500);
  assert.ok(!bug.text.includes('secret'));
  stamp.engine.failure = new Fault('StoreFault', 'The disk is full.');
  const fault = await stamp.send(path, { method: 'PUT', body: {} });
  assert.equal(fault.status, 503);
  assert.ok(Number(fault.headers['retry-after']) >= 1);
  assert.equal(stamp.bugs.splice(0).length, 2);
});

test('a list in pages leads through all entries once', async () => {
  const table = `${net}/routeTables`;
  for (const name of ['r1', 'r2', 'r3', 'r4', 'r5'])
    await stamp.send(`${table}/${name}${v}`, { method: 'PUT', body: {} });
  const seen: unknown[] = [];
  let path: string | undefined = `${table}${v}&$top=2`;
  for (let pages = 0; path !== undefined && pages < 5; pages += 1) {
    const { json } = await stamp.send(path);
    seen.push(...(json['value'] as JsonObject[]).map((item) => item['name']));
    const link = json['nextLink'];
    path = typeof link === 'string' ? link.replace(stamp.base, '') : undefined;
  }
  assert.deepEqual(seen, ['r1', 'r2', 'r3', 'r4', 'r5']);
});
