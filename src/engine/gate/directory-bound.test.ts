/** A subscription belongs to one directory: callers of another are refused whatever was assigned to them, and none is assigned anything. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '#base/wrong.ts';
import { owner, reader } from '#access/roles.ts';
import { AccessIndex } from '#engine/gate/access-index.ts';
import type { Caller } from '#engine/engine.ts';
import { MemoryView } from '#model/memory.ts';
import type { Resource } from '#model/resource.ts';

const [home, tenant] = ['aaaaaaaa-0000-4000-8000-00000000000a', 'bbbbbbbb-0000-4000-8000-00000000000b'];
const common = { etag: 'W/"1"', createdAt: '2026-01-01T00:00:00.000Z', changedAt: '2026-01-01T00:00:00.000Z' };
const [own, theirs] = ['/subscriptions/s1', '/subscriptions/s2'];

const subscription = (id: string, properties: Resource['properties']): Resource => ({
  id,
  type: 'Microsoft.Resources/subscriptions',
  name: id.split('/')[2] ?? '',
  properties,
  ...common,
});
const assigned = (scope: string, principalId: string): Resource => ({
  id: `${scope}/providers/Microsoft.Authorization/roleAssignments/${principalId}`,
  type: 'Microsoft.Authorization/roleAssignments',
  name: principalId,
  properties: { principalId, roleDefinitionId: owner.id },
  ...common,
});
const caller = (oid: string, tenantId: string): Caller => ({
  oid,
  kind: 'user',
  tenantId,
  groups: [],
  from: 'test',
  correlationId: 'c',
  requestId: 'r',
});

const view = new MemoryView([
  subscription(own, { state: 'Enabled' }),
  subscription(theirs, { state: 'Enabled', tenantId: tenant.toUpperCase() }),
  ...['ada', 'eve'].flatMap((oid) => ['', own, theirs].map((scope) => assigned(scope, oid))),
]);
const index = new AccessIndex(
  () => view,
  home,
  (oid, directory) => oid === 'ada' && directory === home,
);
const [ada, eve] = [caller('ada', home), caller('eve', tenant)];

// One row: who, where, and whether the caller's directory is the scope's.
const rows: readonly (readonly [Caller, string, boolean])[] = [
  [ada, '/', true],
  [ada, own, true],
  [ada, `${own}/resourceGroups/g`, true],
  [ada, own.toUpperCase(), true],
  [ada, theirs, false],
  [ada, `${theirs}/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v`, false],
  [eve, '/', false],
  [eve, own, false],
  [eve, `${own}/resourceGroups/g`, false],
  [eve, theirs, true],
  [eve, theirs.toUpperCase(), true],
  [eve, `${theirs}/resourceGroups/g`, true],
];

for (const [who, scope, isOwn] of rows) {
  test(`${who.oid} ${isOwn ? 'acts' : 'is refused, though Owner there,'} at ${scope}`, () => {
    assert.equal(index.may(who, 'Microsoft.Network/virtualNetworks/read', scope), isOwn);
    const refused = refusal(() => index.authorize(who, 'Microsoft.Network/virtualNetworks/read', scope));
    assert.deepEqual(
      refused && [refused.status, refused.code],
      // A subscription of another directory is not there; the root is, and is closed.
      isOwn ? undefined : scope === '/' ? [403, 'AuthorizationFailed'] : [404, 'SubscriptionNotFound'],
    );
    if (scope === '/') return;
    const kept = refusal(() => index.enter(who, 'Microsoft.Network/virtualNetworks/read', scope));
    assert.equal(kept?.code, isOwn ? undefined : 'SubscriptionNotFound');
  });
}

test('a role is given to who is of the directory of its scope alone', () => {
  const codes = [assigned(own, 'ada'), assigned('', 'ada'), assigned(theirs, 'ada'), assigned(own, 'nobody')].map(
    (resource) => refusal(() => index.checkPrincipal(resource))?.code,
  );
  assert.deepEqual(codes, [undefined, undefined, 'PrincipalNotFound', 'PrincipalNotFound']);
});

test('who holds nothing in a subscription is not let in; a role anywhere below lets in', () => {
  const below = new MemoryView([subscription(own, {}), assigned(`${own}/resourceGroups/g`, 'bob')]);
  const access = new AccessIndex(() => below, home);
  assert.equal(
    refusal(() => access.enter(caller('bob', home), 'a/read', `${own}/resourceGroups/h`)),
    undefined,
  );
  assert.equal(refusal(() => access.enter(caller('dan', home), 'a/read', own))?.code, 'AuthorizationFailed');
  assert.equal(
    refusal(() => access.enter(caller('dan', home), 'a/read', '/subscriptions/none')),
    undefined,
  );
});

test('why it is refused is told to who may read the assignments there, and to nobody else', () => {
  const reading = { ...assigned(own, 'bob'), properties: { principalId: 'bob', roleDefinitionId: reader.id } };
  const access = new AccessIndex(() => new MemoryView([subscription(own, {}), reading]), home);
  const why = (oid: string) =>
    refusal(() => access.authorize(caller(oid, home), 'Microsoft.Network/virtualNetworks/write', own))?.details;
  assert.deepEqual(
    why('bob')?.map(({ code, message }) => [code, message]),
    [
      [
        'AccessDecision',
        `Reader at ${own} (assignment ${reading.id}): no action matches Microsoft.Network/virtualNetworks/write`,
      ],
    ],
  );
  assert.deepEqual(why('dan') ?? [], []);
});

function refusal(act: () => unknown): Refusal | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}
