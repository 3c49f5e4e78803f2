/** Connectivity checks and diagnostics as clients send them: Azure's shapes, at once or as an operation. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import type { FakeStamp } from '#faces/arm/fake-engine.ts';
import { type Asked, check, diagnostic, machine, net, profile, questionStamp } from '#faces/arm/question-world.ts';

let stamp: FakeStamp;
let ask: Asked['ask'];
before(async () => {
  ({ stamp, ask } = await questionStamp());
});
after(() => stamp.close());

test('[S2.19] connectivity is told hop by hop with what stands in the way, and a model says that it sent nothing', async () => {
  const reply = await ask('networkWatchers/w/connectivityCheck', check);
  assert.equal(reply.status, 200, reply.text);
  const { hops, ...rest } = reply.json as { hops: JsonObject[] } & JsonObject;
  const { path: _, ...ours } = rest['ringwall'] as JsonObject;
  assert.deepEqual(
    { ...rest, ringwall: ours },
    {
      connectionStatus: 'Unreachable',
      probesSent: 0,
      probesFailed: 0,
      ringwall: {
        proof: 'Unreachable',
        probe: { from: 'nothing', says: 'nothing was sent: no guest runs in a model' },
      },
    },
  );
  const [first, last] = hops;
  assert.deepEqual(first, {
    type: 'Source',
    id: first?.['id'],
    address: '10.0.0.4',
    resourceId: `${net}/networkInterfaces/n`,
    nextHopIds: [last?.['id']],
    issues: [
      {
        origin: 'Outbound',
        severity: 'Error',
        type: 'UserDefinedRoute',
        context: [
          { key: 'RouteType', value: 'User' },
          { key: 'RouteName', value: 'all' },
        ],
      },
    ],
  });
  assert.equal(last?.['address'], '203.0.113.9');
  const inside = { ...check, destination: { resourceId: machine, port: 80 } };
  assert.equal((await ask('networkWatchers/w/connectivityCheck', inside)).status, 200);
});

test('a connectivity check that takes its time is an operation whose result is the answer', async () => {
  stamp.engine.isSlow = true;
  try {
    const reply = await ask('networkWatchers/w/connectivityCheck', check);
    assert.deepEqual([reply.status, reply.text], [202, '']);
    const location = String(reply.headers['location']);
    assert.equal((await stamp.send(location.slice(location.indexOf('/subscriptions')))).status, 202);
    stamp.engine.end();
    const result = await stamp.send(location.slice(location.indexOf('/subscriptions')));
    assert.deepEqual([result.status, result.json['connectionStatus']], [200, 'Unreachable']);
  } finally {
    stamp.engine.isSlow = false;
  }
});

test('[S2.19] a diagnostic names the groups, the rule that matches, and which members of each rule do', async () => {
  const reply = await ask('networkWatchers/w/networkConfigurationDiagnostic', diagnostic);
  assert.equal(reply.status, 200, reply.text);
  const [result] = reply.json['results'] as JsonObject[];
  assert.deepEqual(result?.['profile'], profile);
  const group = result?.['networkSecurityGroupResult'] as { evaluatedNetworkSecurityGroups: JsonObject[] } & JsonObject;
  assert.equal(group['securityRuleAccessResult'], 'Allow');
  const [evaluated] = group.evaluatedNetworkSecurityGroups;
  const { rulesEvaluationResult, ...named } = evaluated ?? {};
  assert.deepEqual(named, {
    networkSecurityGroupId: `${net}/networkSecurityGroups/guard`,
    appliedTo: `${net}/virtualNetworks/v1/subnets/a`,
    matchedRule: { ruleName: 'securityRules/web', action: 'Allow' },
  });
  assert.deepEqual((rulesEvaluationResult as JsonObject[])[0], {
    name: 'securityRules/web',
    protocolMatched: true,
    sourceMatched: true,
    sourcePortMatched: true,
    destinationMatched: true,
    destinationPortMatched: true,
  });
  const partly = { ...diagnostic, verbosityLevel: 'Normal', profiles: [{ ...profile, destinationPort: '80-81' }] };
  const [other] = (await ask('networkWatchers/w/networkConfigurationDiagnostic', partly)).json[
    'results'
  ] as JsonObject[];
  assert.ok(JSON.stringify(other).includes('"securityRuleAccessResult":"Deny"'));
  assert.ok(JSON.stringify(other).includes('"partial":true'));
});
