/** Policies of the mode `Ringwall.Reachability`: what is taken, what is refused and at which field, and that parameters cannot smuggle anything in. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { builtInPolicies } from '#model/authorization/built-in-policies.ts';
import { policyOf, reachesOf } from '#model/authorization/reach-policy.ts';
import { tryService } from '#model/authorization/reach-terms.ts';
import { group, makeWorld, net, outcome, type World } from '#model/test-world.ts';

const sub = '/subscriptions/s1';
const at = (scope: string, type: string, name: string): string =>
  `${scope}/providers/Microsoft.Authorization/${type}/${name}`;
const definition = at(sub, 'policyDefinitions', 'mine');
const subnet = net('virtualNetworks/v/subnets/web');
const then = (invariant: Json, effect = 'deny'): JsonObject => ({
  mode: 'Ringwall.Reachability',
  policyRule: { if: {}, then: { effect, details: { invariant } } },
});
const never = { kind: 'never', from: ['Internet'] };
const inThen = '/properties/policyRule/then';

function world(): World {
  const made = makeWorld();
  made.put(sub.concat('/resourceGroups/rg1'), { location: 'local' });
  return made;
}

// One row is the properties of a definition, and how its write ends.
const definitions: readonly (readonly [properties: JsonObject, ends: string])[] = [
  [then(never), 'ok'],
  [then({ kind: 'Never', from: 'internet', to: [subnet], services: ['tcp/22,3389-3390'] }, 'Audit'), 'ok'],
  [then({ kind: 'only', from: ['10.0.0.0/8', 'Operator'], services: 'udp/53' }), 'ok'],
  [then({ kind: 'via', through: [net('networkInterfaces/fw')] }), 'ok'],
  [then({ kind: 'isolated' }), 'ok'],
  [then({ kind: 'always', from: ['AzureLoadBalancer'], services: ['tcp/443'] }), 'ok'],
  [then({ kind: 'exposure', max: 3 }), 'ok'],
  [then({ kind: 'unchanged', declared: [{ from: ['Internet'], to: [subnet], services: ['tcp/443'] }] }), 'ok'],
  [then({ kind: 'tenants' }), `InvalidParameter ${inThen}/details/invariant/kind`],
  [then({}), `InvalidRequestFormat ${inThen}/details/invariant/kind`],
  [then('never'), `InvalidParameter ${inThen}/details/invariant`],
  [then({ kind: 'never' }), `InvalidRequestFormat ${inThen}/details/invariant/from`],
  [then({ kind: 'never', from: [] }), `InvalidParameter ${inThen}/details/invariant/from`],
  [then({ ...never, exceptform: [] }), `InvalidParameter ${inThen}/details/invariant/exceptform`],
  [then({ ...never, to: ['internets'] }), `InvalidParameter ${inThen}/details/invariant/to/0`],
  [then({ ...never, to: [net('networkSecurityGroups/n')] }), `InvalidParameter ${inThen}/details/invariant/to/0`],
  [then({ ...never, to: [3] }), `InvalidParameter ${inThen}/details/invariant/to/0`],
  [then({ ...never, to: ['10.0.0.1/8'] }), `InvalidParameter ${inThen}/details/invariant/to/0`],
  [then({ ...never, services: ['tcp/70000'] }), `InvalidParameter ${inThen}/details/invariant/services/0`],
  [then({ ...never, services: ['icmp/8'] }), `InvalidParameter ${inThen}/details/invariant/services/0`],
  [then({ ...never, services: [] }), `InvalidParameter ${inThen}/details/invariant/services`],
  [then({ kind: 'exposure', max: -1 }), `InvalidParameter ${inThen}/details/invariant/max`],
  [then({ kind: 'exposure' }), `InvalidRequestFormat ${inThen}/details/invariant/max`],
  [then({ kind: 'via' }), `InvalidRequestFormat ${inThen}/details/invariant/through`],
  [then(never, 'modify'), `InvalidParameter ${inThen}/effect`],
  [then(never, "[parameters('effect')]"), `InvalidParameter ${inThen}/effect`],
  [
    { ...then(never, "[parameters('effect')]"), parameters: { effect: { type: 'String', defaultValue: 'deny' } } },
    'ok',
  ],
  [then({ ...never, to: ["[concat('a', 'b')]"] }), `InvalidParameter ${inThen}/details/invariant/to/0`],
  [then({ ...never, to: ["[parameters('a')] "] }), `InvalidParameter ${inThen}/details/invariant/to/0`],
  [
    { mode: 'ringwall.reachability', policyRule: { if: {}, then: { effect: 'deny' } } },
    `InvalidRequestFormat ${inThen}/details`,
  ],
  [
    {
      mode: 'Ringwall.Reachability',
      policyRule: { if: { field: 'location', equals: 'x' }, then: { effect: 'deny', details: { invariant: never } } },
    },
    'InvalidParameter /properties/policyRule/if',
  ],
  [{ ...then(never), parameters: { a: { type: 'Text' } } }, 'InvalidParameter /properties/parameters/a/type'],
  [
    { ...then(never), parameters: { a: { type: 'Integer', defaultValue: 'x' } } },
    'InvalidParameter /properties/parameters/a/defaultValue',
  ],
  // Other modes are kept as they are and enforce nothing.
  [{ mode: 'All', policyRule: { if: { field: 'type' }, then: { effect: 'deny', details: { invariant: 3 } } } }, 'ok'],
];

test('a definition states one invariant, and every mistake is refused at its field', () => {
  for (const [properties, ends] of definitions) {
    assert.equal(
      outcome(() => world().put(definition, { properties })),
      ends,
      JSON.stringify(properties),
    );
  }
});

test('a built-in definition is found at the tenant and at any subscription, and cannot be changed', () => {
  const made = world();
  for (const { id, name } of builtInPolicies) {
    assert.equal(policyOf(id, made.draft)?.name, name);
    assert.equal(policyOf(at(sub, 'policyDefinitions', name.toUpperCase()), made.draft)?.id, id);
    assert.equal(
      outcome(() => made.put(at(sub, 'policyDefinitions', name), { properties: then(never) })),
      'BuiltInPolicyCannotBeChanged /name',
    );
  }
});

test('every built-in definition is one that the stamp itself would take', () => {
  const made = world();
  for (const [index, { properties }] of builtInPolicies.entries()) {
    const { policyType: _, ...rest } = properties;
    const id = at(sub, 'policyDefinitions', `copy-${index}`);
    assert.equal(
      outcome(() => made.put(id, { properties: rest })),
      'ok',
      String(properties['displayName']),
    );
  }
});

const withParameters: JsonObject = {
  ...then(
    { kind: 'never', from: "[parameters('from')]", services: "[parameters('services')]" },
    "[parameters('effect')]",
  ),
  parameters: {
    effect: { type: 'String', defaultValue: 'deny', allowedValues: ['deny', 'audit', 'disabled'] },
    from: { type: 'Array' },
    services: { type: 'Array', defaultValue: ['any'] },
  },
};
const internet = { from: { value: ['Internet'] } };
const other = '/subscriptions/s2/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v';

// One row is the scope and properties of an assignment of it, and how its write ends.
const assignments: readonly (readonly [scope: string, properties: JsonObject, ends: string])[] = [
  [group, { parameters: internet }, 'ok'],
  [sub, { parameters: { ...internet, effect: { value: 'Audit' } }, enforcementMode: 'DoNotEnforce' }, 'ok'],
  [group, { parameters: { FROM: { value: ['VirtualMachines'] } }, notScopes: [subnet] }, 'ok'],
  [group, {}, 'MissingPolicyParameter /properties/parameters/from'],
  [group, { parameters: { from: { value: 'Internet' } } }, 'InvalidParameter /properties/parameters/from/value'],
  [group, { parameters: { ...internet, x: { value: 1 } } }, 'UndefinedPolicyParameter /properties/parameters/x'],
  [
    group,
    { parameters: { ...internet, effect: { value: 'append' } } },
    'InvalidParameter /properties/parameters/effect/value',
  ],
  [group, { parameters: { from: { value: ['nowhere'] } } }, 'InvalidPolicyParameters /properties/parameters'],
  [group, { parameters: { from: { value: [] } } }, 'InvalidPolicyParameters /properties/parameters'],
  [group, { parameters: { from: { value: [other] } } }, 'InvalidPolicyParameters /properties/parameters'],
  [
    group,
    { parameters: { from: { value: ["[parameters('services')]"] } } },
    'InvalidPolicyParameters /properties/parameters',
  ],
  [group, { parameters: internet, notScopes: [sub] }, 'InvalidParameter /properties/notScopes/0'],
];

test('an assignment gives each parameter a value of its type, and judges its own subscription alone', () => {
  for (const [scope, properties, ends] of assignments) {
    const made = world();
    made.put(definition, { properties: withParameters });
    assert.equal(
      outcome(() =>
        made.put(at(scope, 'policyAssignments', 'a'), {
          properties: { policyDefinitionId: definition, ...properties },
        }),
      ),
      ends,
      JSON.stringify(properties),
    );
  }
});

test('a definition of another subscription cannot be assigned: its owner would change what it demands', () => {
  const made = world();
  const theirs = at('/subscriptions/s2', 'policyDefinitions', 'theirs');
  made.put(theirs, { properties: then(never) });
  assert.match(
    outcome(() => made.put(at(group, 'policyAssignments', 'a'), { properties: { policyDefinitionId: theirs } })),
    /^PolicyDefinitionNotFound/,
  );
});

test('a definition that is assigned is changed only to what its assignments still fit', () => {
  const made = world();
  made.put(definition, { properties: withParameters });
  const assignment = at(group, 'policyAssignments', 'a');
  made.put(assignment, { properties: { policyDefinitionId: definition, parameters: internet } });
  assert.match(
    outcome(() => made.put(definition, { properties: then(never) })),
    /^PolicyDefinitionInUse/,
  );
  assert.equal(
    outcome(() => made.put(definition, { properties: { ...withParameters, displayName: 'New' } })),
    'ok',
  );
});

test('a set gives its policies its own parameters', () => {
  const made = world();
  const set = at(sub, 'policySetDefinitions', 'set');
  made.put(definition, { properties: withParameters });
  const entry = { policyDefinitionId: definition, parameters: { from: { value: "[parameters('who')]" } } };
  const who = { who: { type: 'Array' } };
  assert.equal(
    outcome(() => made.put(set, { properties: { policyDefinitions: [entry] } })),
    'InvalidParameter /properties/policyDefinitions/0/parameters/from/value',
  );
  assert.match(
    outcome(() =>
      made.put(set, {
        properties: { policyDefinitions: [{ policyDefinitionId: at(sub, 'policyDefinitions', 'no') }] },
      }),
    ),
    /^PolicyDefinitionNotFound/,
  );
  made.put(set, { properties: { parameters: who, policyDefinitions: [entry] } });
  const assignment = at(group, 'policyAssignments', 'a');
  assert.equal(
    outcome(() => made.put(assignment, { properties: { policyDefinitionId: set } })),
    'MissingPolicyParameter /properties/parameters/who',
  );
  const properties = { policyDefinitionId: set, parameters: { who: { value: ['10.1.0.0/16'] } } };
  assert.equal(
    outcome(() => made.put(assignment, { properties })),
    'ok',
  );
  const [reach] = reachesOf(made.get(set), { scope: group, properties }, made.draft);
  assert.deepEqual(reach?.rule.kind === 'never' && reach.rule.from, [{ kind: 'addresses', prefixes: ['10.1.0.0/16'] }]);
  assert.equal(reach?.reference, 'mine');
  for (const id of [definition, set])
    assert.match(
      outcome(() => made.remove(id)),
      /^PolicyDefinitionInUse/,
    );
});

const assignment = at(sub, 'policyAssignments', 'a');
const waiver = { policyAssignmentId: assignment, exemptionCategory: 'Waiver' };

// One row is the scope and properties of an exemption, and how its write ends.
const exemptions: readonly (readonly [scope: string, properties: JsonObject, ends: string])[] = [
  [group, waiver, 'ok'],
  [sub, { ...waiver, exemptionCategory: 'mitigated', expiresOn: '2026-06-01T00:00:00' }, 'ok'],
  [group, { policyAssignmentId: assignment }, 'InvalidRequestFormat /properties/exemptionCategory'],
  [group, { ...waiver, exemptionCategory: 'Gift' }, 'InvalidParameter /properties/exemptionCategory'],
  [group, { exemptionCategory: 'Waiver' }, 'InvalidRequestFormat /properties/policyAssignmentId'],
  [group, { ...waiver, expiresOn: '2025-12-31' }, 'InvalidParameter /properties/expiresOn'],
  [group, { ...waiver, expiresOn: 'soon' }, 'InvalidParameter /properties/expiresOn'],
  [group, { ...waiver, expiresOn: '2026-13-01' }, 'InvalidParameter /properties/expiresOn'],
  [group, { ...waiver, resourceSelectors: [] }, 'InvalidParameter /properties/resourceSelectors'],
  [
    group,
    { ...waiver, policyAssignmentId: 'baseline/management-ports' },
    'PolicyExemptionNotAllowed /properties/policyAssignmentId',
  ],
  [
    group,
    { ...waiver, policyAssignmentId: 'Operator/mine' },
    'PolicyExemptionNotAllowed /properties/policyAssignmentId',
  ],
  [
    group,
    { ...waiver, policyAssignmentId: at(sub, 'policyAssignments', 'none') },
    'PolicyAssignmentNotFound /properties/policyAssignmentId',
  ],
  ['/subscriptions/s2', waiver, 'InvalidPolicyExemptionScope /id'],
];

test('an exemption lies within its assignment, has not expired, and never loosens the operator', () => {
  for (const [scope, properties, ends] of exemptions) {
    const made = world();
    made.put(definition, { properties: then(never) });
    made.put(assignment, { properties: { policyDefinitionId: definition } });
    assert.equal(
      outcome(() => made.put(at(scope, 'policyExemptions', 'e'), { properties })),
      ends,
      JSON.stringify(properties),
    );
  }
});

test('an exemption goes with its assignment', () => {
  const made = world();
  made.put(definition, { properties: then(never) });
  made.put(assignment, { properties: { policyDefinitionId: definition } });
  const exemption = at(group, 'policyExemptions', 'e');
  made.put(exemption, { properties: waiver });
  made.remove(assignment);
  assert.equal(made.draft.get(exemption), undefined);
});

test('services are parsed exactly', () => {
  assert.deepEqual(tryService('TCP/3389, 22'), {
    protocol: 'tcp',
    ports: [
      [22, 22],
      [3389, 3389],
    ],
  });
  assert.deepEqual(tryService('any'), { protocol: 'any', ports: [] });
  for (const text of ['', 'tcp/', 'tcp/22,', 'tcp/5-1', 'tcp/-1', 'tcp/65536', 'any/22', 'sctp/1', 'tcp 22'])
    assert.equal(tryService(text), undefined, text);
});

const leaf = fc.oneof(
  fc.constantFrom<Json>(
    'Internet',
    subnet,
    'AssignmentScope',
    "[parameters('services')]",
    "[[parameters('from')]",
    '[',
  ),
  fc.string({ maxLength: 20 }),
  fc.integer(),
  fc.constant(null),
);
const junk = fc.oneof(leaf, fc.array(leaf, { maxLength: 4 }), fc.dictionary(fc.string({ maxLength: 8 }), leaf));

test('whatever the values of parameters are: a refusal, or an invariant whose parties are exactly the stated ones', () => {
  const made = world();
  made.put(definition, { properties: withParameters });
  const places = /^(\/subscriptions\/s1(\/|$))/;
  fc.assert(
    fc.property(junk, junk, junk, (from, services, effect) => {
      const parameters = { from: { value: from }, services: { value: services }, effect: { value: effect } };
      const id = at(group, 'policyAssignments', 'fuzz');
      const ends = outcome(() => made.put(id, { properties: { policyDefinitionId: definition, parameters } }));
      if (ends !== 'ok') {
        assert.match(ends, /^(InvalidParameter|InvalidPolicyParameters|MissingPolicyParameter) \/properties/);
        return;
      }
      const held = made.get(id).properties;
      const [reach] = reachesOf(made.get(definition), { scope: group, properties: held }, made.draft);
      assert.ok(reach !== undefined && reach.rule.kind === 'never');
      const stated = Array.isArray(from) ? from.length : 0;
      assert.ok(reach.rule.from.length > 0 && reach.rule.from.length <= stated);
      for (const party of reach.rule.from) {
        if (party.kind === 'scope') for (const one of party.ids) assert.match(one, places);
      }
    }),
    { numRuns: 500 },
  );
});

test('whatever stands in the place of the invariant: a refusal or a rule, never a fault', () => {
  const any = fc.dictionary(
    fc.constantFrom('kind', 'from', 'to', 'services', 'max', 'through', 'x'),
    fc.oneof(junk, fc.constantFrom<Json>('never', 'via', 'exposure')),
  );
  fc.assert(
    fc.property(any, (invariant) => {
      assert.ok(isObject(invariant));
      const ends = outcome(() => world().put(definition, { properties: then(invariant) }));
      assert.match(ends, /^(ok$|Invalid)/);
    }),
    { numRuns: 500 },
  );
});
