/** Work that goes on for a caller who is revoked meanwhile: it stops before its next write, whatever began it. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { Refusal } from '#base/wrong.ts';
import type { PrincipalNow } from '#engine/gate/standing-caller.ts';
import { after, deploy, input, noted, nsg, owner, resource, scope, stateOf } from '#test/sim/deployment.ts';
import { location, net, ownerOid, testEngine } from '#test/sim/engine.ts';

type Now = ReturnType<PrincipalNow>;
const standing: Now = { isEnabled: true, tokensValidFromS: 0, groups: [] };
const chain = ['a', 'b', 'c'].map((name, index, all) => nsg(name, index === 0 ? {} : after(all[index - 1] ?? '')));

const ways: readonly (readonly [says: string, now: Now])[] = [
  ['switched off', { ...standing, isEnabled: false }],
  ['removed', undefined],
];

for (const [says, revoked] of ways) {
  test(`a deployment whose principal is ${says} stops before its next resource`, async () => {
    const { stamp, order } = await noted({
      // Revoked at the very moment of the first commit.
      principalNow: ({ oid }) => (oid === ownerOid && order.length > 0 ? revoked : standing),
    });
    const record = await deploy(stamp, input('d', { resources: chain }));
    assert.deepEqual([stateOf(record), order], ['Failed', ['a']]);
    const error = record.properties['error'] as { details: { code: string; message: string }[] };
    assert.deepEqual([error.details.length, error.details[0]?.code], [1, 'Unauthorized']);
    assert.match(error.details[0]?.message ?? '', /has been revoked/);
    const refused = stamp.entries().filter(({ audit }) => audit?.outcome === 'Refused');
    assert.deepEqual(
      refused.map(({ audit }) => [audit?.code, audit?.who.oid]),
      [['AuthenticationFailed', ownerOid]],
    );
  });
}

test('a nested deployment stops as well, and nothing is deleted for a principal that is gone', async () => {
  const { stamp, order } = await noted({
    principalNow: () => (order.includes('a') ? undefined : standing),
  });
  await stamp.put(net('red', 'networkSecurityGroups/old'), { location });
  order.length = 0;
  const nested = {
    ...resource('', 'inner', after('a')),
    type: 'Microsoft.Resources/deployments',
    properties: {
      mode: 'Incremental',
      template: input('inner', { resources: [nsg('n')] }).properties['template'] ?? {},
    },
  };
  const record = await deploy(stamp, input('d', { resources: [nsg('a'), nested] }, { mode: 'Complete' }));
  assert.deepEqual([stateOf(record), order], ['Failed', ['a']]);
  assert.ok(stamp.engine.view().get(net('red', 'networkSecurityGroups/old')));
});

test('a write counts by the groups and the password of the moment when it is judged', async () => {
  const now = { ...standing, tokensValidFromS: 100 };
  const stamp = await testEngine({ principalNow: () => now });
  const request = {
    kind: 'put',
    id: `${scope}/x`,
    type: 'Microsoft.Network/networkSecurityGroups',
    body: { location },
  } as const;
  const put = { ...request, id: net('red', 'networkSecurityGroups/x') };
  const sent = (tokenIssuedS: number) =>
    stamp.engine.submit({ request: put, apiVersion: '2021-04-01' }, { ...owner, tokenIssuedS });
  await assert.rejects(sent(99), (error) => error instanceof Refusal && error.status === 401);
  assert.equal((await stamp.settle(sent(100))).kind, 'settled');
});
