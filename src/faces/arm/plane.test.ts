/** The sweep of the two planes: each address of the one is asked of the other, by somebody who owns both, and is not there. */

import { equal, ok } from 'node:assert/strict';
import { after, test } from 'node:test';
import { namespacesOf, rowsOf } from '#faces/arm/catalog.ts';
import { fakeStamp, provider, s, tenantId } from '#faces/arm/fake-engine.ts';
import { linesOf } from '#faces/arm/table.ts';

type Plane = 'tenant' | 'admin';
const stamps = {
  tenant: await fakeStamp({ plane: 'tenant' }),
  admin: await fakeStamp({ plane: 'admin', wantsBound: false }),
};
after(async () => {
  await stamps.tenant.close();
  await stamps.admin.close();
});
const other = { tenant: 'admin', admin: 'tenant' } as const;
const home = { tenant: s, admin: provider };

/** Told here anew, not read from the code: who is on both planes, and what is under no subscription there. */
const shared = /^Microsoft\.(Resources|Authorization|Insights)\//;
const isOfPlane = (type: string, plane: Plane): boolean =>
  shared.test(type) || /^Microsoft\.\w+\.Admin\//.test(type) === (plane === 'admin');

/** Paths of the plane's fixed addresses with their methods, and of every resource type's own address and list. */
function addressesOf(plane: Plane): { path: string; method: string; type: string }[] {
  const guid = '12345678-1234-4234-8234-123456789012';
  const fixed = linesOf(plane)
    .filter(({ type }) => isOfPlane(type, plane))
    .flatMap(({ pattern, type, methods }) =>
      Object.keys(methods).map((method) => ({
        path: pattern
          .replace('/subscriptions/{subscription}', home[plane])
          .replace('{scope}', home[plane])
          .replace(/\{namespace\}/, 'Microsoft.Resources')
          .replace(/\{\w+\}/g, guid),
        method,
        type,
      })),
    );
  const resources = namespacesOf(plane)
    .flatMap((namespace) => rowsOf(namespace, plane))
    .filter(({ lives }) => lives !== 'surface')
    .flatMap(({ type, methods }) => {
      const [namespace = '', ...names] = type.split('/');
      const path = `${home[plane]}/resourceGroups/g/providers/${namespace}/${names.join('/x/')}`;
      return [...methods.map((method) => ({ path: `${path}/x`, method, type })), { path, method: 'GET', type }];
    });
  return [...fixed, ...resources];
}

for (const plane of ['tenant', 'admin'] as const) {
  test(`no address of the plane "${plane}" is there on the other, whoever asks`, async () => {
    const addresses = addressesOf(plane).filter(
      // What is under no subscription and of a shared provider is on both: each shows its own there.
      ({ path, type }) => path.startsWith(home[plane]) || !shared.test(type),
    );
    ok(addresses.length > (plane === 'tenant' ? 200 : 50), `${addresses.length} addresses`);
    for (const { path, method, type } of addresses) {
      const version = rowsOf(type.split('/')[0] ?? '', plane).find((row) => row.type === type)?.versions.releases[0];
      const { status } = await stamps[other[plane]].send(`${path}?api-version=${version ?? '2019-08-08-preview'}`, {
        method,
        body: method === 'GET' || method === 'DELETE' ? undefined : {},
      });
      equal(status, 404, `${method} ${path} on the other plane`);
    }
  });

  test(`lists under no subscription on the plane "${plane}" show nothing of the other`, async () => {
    for (const { path, method } of addressesOf(plane)) {
      if (path.startsWith('/subscriptions/') || method !== 'GET') continue;
      const { text } = await stamps[plane].send(`${path}?api-version=2020-10-01`);
      ok(!text.includes(home[other[plane]]), path);
    }
    const { json } = await stamps[plane].send('/subscriptions?api-version=2020-01-01');
    equal(JSON.stringify((json['value'] as { id: string }[]).map(({ id }) => id)), JSON.stringify([home[plane]]));
    const { text } = await stamps[plane].send('/providers?api-version=2020-10-01');
    equal(/"Microsoft\.\w+\.Admin"/.test(text), plane === 'admin');
    equal(text.includes('"Microsoft.Network"'), plane === 'tenant');
  });
}

test('a role on a subscription of one plane lets nobody do anything there from the other', () => {
  const { engine } = stamps.tenant;
  const caller = {
    oid: 'aaaaaaaa-0000-4000-8000-000000000001',
    kind: 'user',
    tenantId,
    groups: [],
    from: '',
    correlationId: '',
    requestId: '',
  } as const;
  const action = 'Microsoft.Resources/subscriptions/resourceGroups/write';
  equal(engine.access.may(caller, action, provider), false);
  equal(engine.access.may({ ...caller, plane: 'admin' }, action, provider), true);
  equal(engine.access.may({ ...caller, plane: 'admin' }, action, s), false);
  equal(engine.access.may(caller, action, s), true);
});
