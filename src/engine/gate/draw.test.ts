/** One request through the gate: who may, what stops it, what it was meant for, and what it must not take with it. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { contributor, networkContributor, owner, reader } from '#access/roles.ts';
import type { JsonObject } from '#base/json.ts';
import type { Caller, Precondition, Request } from '#engine/engine.ts';
import { isStampCaller, stampCaller } from '#engine/gate/own-caller.ts';
import {
  assignment,
  base,
  callerOf,
  location,
  net,
  place,
  ruleBody,
  stamps,
  strangerOid,
  testEngine,
  vnetBody,
} from '#test/sim/engine.ts';
import type { Resource } from '#model/resource.ts';

const nsgType = 'Microsoft.Network/networkSecurityGroups';
const red = net('red', 'networkSecurityGroups/n');
const put = (body: JsonObject = { location }): Request => ({ kind: 'put', id: red, type: nsgType, body });

// One row: role (or none), its scope, the request, and the code that refuses it ('' when it passes).
const rights: [string | undefined, string, Request, string][] = [
  [undefined, base, put(), 'AuthorizationFailed'],
  [reader.id, base, put(), 'AuthorizationFailed'],
  [contributor.id, base, put(), ''],
  [networkContributor.id, `${base}/resourceGroups/red`, put(), ''],
  [contributor.id, `${base}/resourceGroups/blue`, put(), 'AuthorizationFailed'],
  [contributor.id, red, put(), ''],
  [
    networkContributor.id,
    base,
    { kind: 'put', id: `${base}/resourceGroups/x`, type: 'Microsoft.Resources/resourceGroups', body: { location } },
    'AuthorizationFailed',
  ],
  [
    contributor.id,
    base,
    { kind: 'put', id: `${base}/resourceGroups/x`, type: 'Microsoft.Resources/resourceGroups', body: { location } },
    '',
  ],
];

test('a write needs a role at its scope or above', async () => {
  for (const [role, scope, request, code] of rights) {
    const stamp = await testEngine();
    if (role !== undefined) await place(stamp, assignment(scope, strangerOid, role));
    const sent = stamp.settle(stamp.send(request, strangerOid));
    if (code === '') assert.equal((await sent).kind, 'settled', `${role} ${scope}`);
    else await assert.rejects(sent, { code, status: 403 });
    assert.equal(stamp.engine.view().get(request.id) !== undefined, code === '');
  }
});

test('roles are asked for groups under the name that Azure gives the action', async () => {
  const stamp = await testEngine();
  await place(stamp, assignment(base, strangerOid, networkContributor.id));
  const group = `${base}/resourceGroups/red`;
  assert.ok(stamp.engine.may(callerOf(strangerOid), 'Microsoft.Resources/resourceGroups/read', group));
  assert.ok(!stamp.engine.may(callerOf(strangerOid), 'Microsoft.Resources/resourceGroups/write', group));
});

test('[S2.1] nobody becomes the stamp by saying so', async () => {
  const stamp = await testEngine();
  const claimed: Caller = { ...callerOf(strangerOid), kind: 'stamp' };
  assert.ok(!isStampCaller(claimed));
  assert.ok(!isStampCaller({ ...stampCaller('t', 'c') }));
  await assert.rejects(stamp.settle(stamp.engine.submit({ request: put(), apiVersion: '2021-04-01' }, claimed)), {
    code: 'AuthorizationFailed',
  });
  const own = stampCaller('t', 'c');
  assert.equal(
    (await stamp.settle(stamp.engine.submit({ request: put(), apiVersion: '2021-04-01' }, own))).kind,
    'settled',
  );
});

const missing: [string, string, string][] = [
  [`/subscriptions/nobody/resourceGroups/red/providers/${nsgType}/n`, nsgType, 'SubscriptionNotFound'],
  [`${base}/resourceGroups/none/providers/${nsgType}/n`, nsgType, 'ResourceGroupNotFound'],
  [net('red', 'networkSecurityGroups/none/securityRules/r'), `${nsgType}/securityRules`, 'ParentResourceNotFound'],
  [`${red}/providers/Microsoft.Authorization/locks/l`, 'Microsoft.Authorization/locks', 'ResourceNotFound'],
  [net('red', 'teapots/t'), 'Microsoft.Network/teapots', 'InvalidResourceType'],
];

test('what a resource is put into must be there', async () => {
  const stamp = await testEngine();
  await place(
    stamp,
    assignment('/subscriptions/nobody', strangerOid, owner.id),
    assignment(base, strangerOid, owner.id),
  );
  for (const [id, type, code] of missing) {
    await assert.rejects(stamp.settle(stamp.send({ kind: 'put', id, type, body: {} }, strangerOid)), {
      code,
      status: 404,
    });
  }
});

// One row: what is there ('old', 'new' or nothing), the kind, the precondition, the body's etag, and the status ('' passes).
const preconditions: ['none' | 'there', Request['kind'], Precondition, string, number][] = [
  ['there', 'put', {}, '', 0],
  ['there', 'put', { ifMatch: '*' }, '', 0],
  ['there', 'put', { ifMatch: 'TAG' }, '', 0],
  ['there', 'put', { ifMatch: '"other", TAG' }, '', 0],
  ['there', 'put', { ifMatch: '"other"' }, '', 412],
  ['there', 'put', { ifNoneMatch: '*' }, '', 412],
  ['there', 'put', { ifNoneMatch: 'TAG' }, '', 412],
  ['there', 'put', { ifNoneMatch: '"other"' }, '', 0],
  ['there', 'put', {}, 'TAG', 0],
  ['there', 'put', {}, 'W/"stale"', 412],
  ['there', 'patch', { ifMatch: '"other"' }, '', 412],
  ['there', 'delete', { ifMatch: '"other"' }, '', 412],
  ['there', 'delete', { ifMatch: 'TAG' }, '', 0],
  ['none', 'put', { ifMatch: '*' }, '', 412],
  ['none', 'put', { ifNoneMatch: '*' }, '', 0],
  ['none', 'put', {}, 'W/"stale"', 0],
  ['none', 'delete', { ifMatch: '"other"' }, '', 0],
  ['none', 'patch', {}, '', 404],
];

test('a write that was meant for another state is refused and changes nothing', async () => {
  for (const [there, kind, given, etag, status] of preconditions) {
    const stamp = await testEngine();
    if (there === 'there') await stamp.settle(stamp.send(put()));
    const before = stamp.engine.view().get(red);
    const own = before?.etag ?? '';
    const precondition = Object.fromEntries(
      Object.entries(given).map(([key, text]) => [key, text.replace('TAG', own)]),
    );
    const body = { location, ...(etag === '' ? {} : { etag: etag.replace('TAG', own) }) };
    const request = (
      kind === 'delete'
        ? { kind, id: red, type: nsgType }
        : { kind, id: red, type: nsgType, body: kind === 'patch' ? { tags: {} } : body }
    ) as Request;
    const sent = stamp.settle(
      stamp.engine.submit(
        { request, precondition, apiVersion: '2021-04-01' },
        callerOf('22222222-2222-4222-8222-222222222222'),
      ),
    );
    const row = JSON.stringify([there, kind, given, etag]);
    if (status === 0) await sent;
    else {
      await assert.rejects(sent, { status }, row);
      assert.equal(stamp.engine.view().get(red), before, row);
    }
  }
});

test('of two writers that read the same state, one wins and the other is told', async () => {
  const stamp = await testEngine();
  await stamp.settle(stamp.send(put()));
  const etag = stamp.engine.view().get(red)?.etag ?? '';
  const ends = await stamp.settle(
    Promise.allSettled(['a', 'b', 'c'].map((who) => stamp.send(put({ location, etag, tags: { who } })))),
  );
  assert.deepEqual(
    ends.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected'],
  );
  assert.deepEqual(stamp.engine.view().get(red)?.tags, { who: 'a' });
});

test('a link to another resource needs the right to join it, in the resource itself and in children that it embeds', async () => {
  const stamp = await testEngine();
  await place(stamp, assignment(`${base}/resourceGroups/red`, strangerOid, contributor.id));
  const [mine, theirs] = [red, net('blue', 'networkSecurityGroups/n')];
  for (const id of [mine, theirs]) await stamp.settle(stamp.put(id, { location }));
  const vnet = net('red', 'virtualNetworks/vn');
  const subnet = (nsg: string): JsonObject => ({ addressPrefix: '10.0.1.0/24', networkSecurityGroup: { id: nsg } });
  const whole = (nsg: string): JsonObject => ({
    location,
    properties: {
      addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
      subnets: [{ name: 'web', properties: subnet(nsg) }],
    },
  });
  await assert.rejects(stamp.settle(stamp.put(vnet, whole(theirs), strangerOid)), {
    code: 'LinkedAuthorizationFailed',
    status: 403,
  });
  assert.equal(stamp.engine.view().get(vnet), undefined);
  await stamp.settle(stamp.put(vnet, whole(mine), strangerOid));
  await assert.rejects(stamp.settle(stamp.put(`${vnet}/subnets/web`, { properties: subnet(theirs) }, strangerOid)), {
    code: 'LinkedAuthorizationFailed',
  });
  // The owner may link it; after that the stranger's own write may keep the link but not make a new one.
  await stamp.settle(stamp.put(`${vnet}/subnets/web`, { properties: subnet(theirs) }));
  await stamp.settle(stamp.put(`${vnet}/subnets/web`, { properties: subnet(theirs) }, strangerOid));
  await assert.rejects(
    stamp.settle(
      stamp.put(
        `${vnet}/subnets/new`,
        { properties: { ...subnet(theirs), addressPrefix: '10.0.2.0/24' } },
        strangerOid,
      ),
    ),
    {
      code: 'LinkedAuthorizationFailed',
    },
  );
});

// The peer's role on the remote network: its actions, and whether the peering is refused.
const peerRoles: [string, boolean][] = [
  ['Microsoft.Network/virtualNetworks/peer/action', false],
  ['Microsoft.Network/virtualNetworks/join/action', true],
  ['Microsoft.Network/virtualNetworks/read', true],
];

test('a peering asks the remote network for peer/action, by this name', async () => {
  for (const [action, isRefused] of peerRoles) {
    const stamp = await testEngine();
    const remote = net('blue', 'virtualNetworks/far');
    const space = (prefix: string): JsonObject => ({
      location,
      properties: { addressSpace: { addressPrefixes: [prefix] } },
    });
    const near = net('red', 'virtualNetworks/near');
    await stamp.settle(stamp.put(near, space('10.0.0.0/16')));
    await stamp.settle(stamp.put(remote, space('10.1.0.0/16')));
    const type = 'Microsoft.Authorization/roleDefinitions';
    const name = '44444444-4444-4444-8444-444444444444';
    const properties = { roleName: 'peer', permissions: [{ actions: [action] }], assignableScopes: [base] };
    await place(
      stamp,
      assignment(`${base}/resourceGroups/red`, strangerOid, contributor.id),
      { id: `${base}/providers/${type}/${name}`, type, name, properties, ...stamps },
      assignment(remote, strangerOid, name),
    );
    const peering = stamp.settle(
      stamp.put(
        `${near}/virtualNetworkPeerings/p`,
        { properties: { remoteVirtualNetwork: { id: remote } } },
        strangerOid,
      ),
    );
    if (isRefused)
      await assert.rejects(peering, { code: 'LinkedAuthorizationFailed', message: /virtualnetworks\/peer\/action/ });
    else await peering;
  }
});

test('writes and deletes of groups are refused under the names that Azure gives the actions', async () => {
  const stamp = await testEngine();
  const [id, type] = [`${base}/resourceGroups/red`, 'Microsoft.Resources/resourceGroups'];
  const rows: [Request, string][] = [
    [{ kind: 'put', id, type, body: { location } }, 'write'],
    [{ kind: 'patch', id, type, body: { tags: {} } }, 'write'],
    [{ kind: 'delete', id, type }, 'delete'],
  ];
  for (const [request, word] of rows) {
    await assert.rejects(stamp.settle(stamp.send(request, strangerOid)), {
      code: 'AuthorizationFailed',
      message: new RegExp(`'Microsoft\\.Resources/subscriptions/resourceGroups/${word}'`),
    });
  }
});

function lock(scope: string, level: string): Resource {
  const type = 'Microsoft.Authorization/locks';
  return { id: `${scope}/providers/${type}/keep`, type, name: 'keep', properties: { level }, ...stamps };
}

test('locks stop writes and deletes, also those that a parent or a group would do on the way', async () => {
  const vnet = net('red', 'virtualNetworks/vn');
  const group: Request = {
    kind: 'delete',
    id: `${base}/resourceGroups/red`,
    type: 'Microsoft.Resources/resourceGroups',
  };
  const bare = { location, properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] }, subnets: [] } };
  const vnetPut = (body: JsonObject): Request => ({
    kind: 'put',
    id: vnet,
    type: 'Microsoft.Network/virtualNetworks',
    body,
  });
  const rows: [string, string, Request, boolean][] = [
    [vnet, 'CanNotDelete', vnetPut(vnetBody), true],
    [vnet, 'CanNotDelete', { kind: 'delete', id: vnet, type: 'Microsoft.Network/virtualNetworks' }, false],
    [vnet, 'ReadOnly', vnetPut(vnetBody), false],
    [`${vnet}/subnets/web`, 'CanNotDelete', vnetPut(bare), false],
    [`${vnet}/subnets/web`, 'CanNotDelete', group, false],
    [base, 'CanNotDelete', group, false],
    [base, 'ReadOnly', vnetPut(vnetBody), false],
    [net('blue', 'x/y'), 'ReadOnly', group, true],
  ];
  for (const [scope, level, request, passes] of rows) {
    const stamp = await testEngine();
    await stamp.settle(stamp.put(vnet, vnetBody));
    await place(stamp, lock(scope, level));
    const sent = stamp.settle(stamp.send(request));
    if (passes) await sent;
    else {
      await assert.rejects(sent, { code: 'ScopeLocked', status: 409 }, `${scope} ${level} ${request.kind}`);
      assert.ok(stamp.engine.view().get(`${vnet}/subnets/web`));
    }
  }
});

test('a group goes whole or not at all, naming what holds it, and takes its assignments and deployments along', async () => {
  const stamp = await testEngine();
  const [group, blue] = [`${base}/resourceGroups/red`, net('blue', 'virtualNetworks/vn')];
  await stamp.settle(stamp.put(red, { location }));
  await stamp.settle(stamp.put(`${red}/securityRules/r`, ruleBody(100)));
  const subnet = { addressPrefix: '10.0.1.0/24', networkSecurityGroup: { id: red } };
  await stamp.settle(
    stamp.put(net('red', 'virtualNetworks/vn'), {
      location,
      properties: {
        addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
        subnets: [{ name: 'web', properties: subnet }],
      },
    }),
  );
  await place(stamp, assignment(red, strangerOid, reader.id));
  await stamp.settle(
    stamp.put(blue, {
      location,
      properties: {
        addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
        subnets: [{ name: 'web', properties: subnet }],
      },
    }),
  );
  await assert.rejects(
    stamp.settle(stamp.remove(group)),
    (error: { code: string; status: number; details: { target?: string }[] }) => {
      assert.deepEqual([error.code, error.status], ['ResourceGroupDeletionBlocked', 409]);
      assert.equal(error.details.length, 1);
      return true;
    },
  );
  assert.ok(stamp.engine.view().get(`${red}/securityRules/r`));
  await stamp.settle(stamp.remove(blue));
  assert.equal((await stamp.settle(stamp.remove(group))).existed, true);
  assert.deepEqual([...stamp.engine.view().under(group)], []);
  assert.equal(stamp.engine.view().get(group), undefined);
  assert.equal((await stamp.settle(stamp.remove(group))).existed, false);
});

test('an assignment does not outlive its resource: whoever takes the name later starts without it', async () => {
  const stamp = await testEngine();
  await stamp.settle(stamp.send(put()));
  await place(stamp, assignment(red, strangerOid, owner.id));
  assert.ok(stamp.engine.may(callerOf(strangerOid), `${nsgType}/write`, red));
  await stamp.settle(stamp.remove(red));
  await stamp.settle(stamp.send(put()));
  assert.ok(!stamp.engine.may(callerOf(strangerOid), `${nsgType}/write`, red));
});
