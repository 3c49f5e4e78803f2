/** Invariants in force: assignments add, exemptions and excluded scopes take out, what is the same stays the same object. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { CompileMemo } from '#compile/stamp.ts';
import { baselineDemands } from '#engine/proof/baseline.ts';
import { estateOf } from '#engine/proof/estate.ts';
import { demandsOf } from '#engine/proof/invariants.ts';
import { endExemptions } from '#engine/reconcile/exemption-follower.ts';
import { group, makeWorld, net, type World, withVnet } from '#model/test-world.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';

const ports = '/providers/Microsoft.Authorization/policyDefinitions/5b6f2c10-7d0e-4a51-9c1b-000000000001';
const assignment = `${group}/providers/Microsoft.Authorization/policyAssignments/shells`;
const exemption = `${group}/providers/Microsoft.Authorization/policyExemptions/one`;

function put(world: World, id: string, properties: object): void {
  world.put(id, { properties } as never, '2022-06-01');
}

function assigned(properties: object = {}): { readonly world: World; readonly mine: () => readonly Invariant[] } {
  let world = withVnet(makeWorld());
  put(world, assignment, { policyDefinitionId: ports, ...properties });
  world = world.settled();
  const demands = demandsOf(baselineDemands());
  const estates = new CompileMemo();
  const all = (): readonly Invariant[] =>
    demands({ view: world.view, estate: estateOf(world.view, world.context.stamp, estates) });
  return { world, mine: () => all().filter(({ owner }) => owner === 'tenant') };
}

test('an assignment adds an invariant of its scope, besides the baseline', () => {
  const { world, mine } = assigned({ displayName: 'No shells', notScopes: [net('virtualNetworks/v1')] });
  const [invariant, ...others] = mine();
  assert.deepEqual(others, []);
  assert.equal(invariant?.kind, 'never');
  assert.deepEqual(
    [invariant?.id, invariant?.title, invariant?.effect, invariant?.scope, invariant?.exclude],
    [assignment.toLowerCase(), 'No shells', 'deny', group.toLowerCase(), [net('virtualNetworks/v1').toLowerCase()]],
  );
  assert.equal(mine()[0], invariant);
  assert.deepEqual(
    baselineDemands()({ estate: estateOf(world.view, world.context.stamp, new CompileMemo()) }).length,
    7,
  );
});

test('what is not enforced is watched, and what is disabled is nothing', () => {
  assert.equal(assigned({ enforcementMode: 'DoNotEnforce' }).mine()[0]?.effect, 'audit');
  assert.equal(assigned({ parameters: { effect: { value: 'audit' } } }).mine()[0]?.effect, 'audit');
  assert.deepEqual(assigned({ parameters: { effect: { value: 'disabled' } } }).mine(), []);
});

test('an exemption takes its scope out until it runs out, and then passes the gate', async () => {
  const { world, mine } = assigned();
  const scoped = `${net('virtualNetworks/v1')}/providers/Microsoft.Authorization/policyExemptions/one`;
  put(world, scoped, {
    policyAssignmentId: assignment,
    exemptionCategory: 'Waiver',
    expiresOn: '2026-01-01T01:00:00Z',
  });
  const view = world.settled().view;
  assert.deepEqual(mine()[0]?.exclude, [net('virtualNetworks/v1').toLowerCase()]);
  const gate = {
    change: (draw: (draft: never) => unknown) => {
      const next = makeWorld({}, view);
      draw(next.draft as never);
      next.settled();
      return Promise.resolve({ value: undefined, revision: 1, edits: [] });
    },
  };
  const at = (text: string) => ({ view: () => view, gate: gate as never, clock: { now: () => Date.parse(text) } });
  assert.equal(await endExemptions(at('2026-01-01T00:59:59Z')), 0);
  assert.equal(await endExemptions(at('2026-01-01T01:00:00Z')), 1);
  assert.equal(await endExemptions(at('2026-01-01T01:00:01Z')), 0);
  assert.deepEqual(mine()[0]?.exclude, []);
});

test('nobody exempts from the baseline through ARM', () => {
  const world = withVnet(makeWorld());
  const refused = () =>
    put(world, exemption, { policyAssignmentId: 'baseline/management-ports', exemptionCategory: 'Waiver' });
  assert.throws(refused, { code: 'PolicyExemptionNotAllowed', status: 403 });
});

test('an assignment at a plan counts in every subscription that holds it, is the operator’s there and names no place of his', () => {
  const [provider, plan] = [
    '/subscriptions/p',
    '/subscriptions/p/resourceGroups/g/providers/Microsoft.Subscriptions.Admin/plans/gold',
  ];
  const common = { etag: 'W/"1"', createdAt: '', changedAt: '' };
  const holder = (name: string, plans: readonly string[]) => ({
    id: `/subscriptions/${name}`,
    type: 'Microsoft.Resources/subscriptions',
    name,
    properties: { plans },
    ...common,
  });
  let world = withVnet(makeWorld());
  world.draft.put({
    id: plan,
    type: 'Microsoft.Subscriptions.Admin/plans',
    name: 'gold',
    properties: { quotaIds: [] },
    ...common,
  });
  for (const one of [holder('s1', [plan]), holder('s2', []), holder('s3', [plan.toUpperCase()])]) world.draft.put(one);
  const id = `${plan}/providers/Microsoft.Authorization/policyAssignments/shells`;
  put(world, id, { policyDefinitionId: ports });
  world = world.settled();
  const demands = demandsOf(baselineDemands());
  const estates = new CompileMemo();
  const mine = () =>
    demands({ view: world.view, estate: estateOf(world.view, world.context.stamp, estates) }).filter(({ id: name }) =>
      name.startsWith('plan/'),
    );
  assert.deepEqual(
    mine().map(({ scope, owner, effect }) => [scope, owner, effect]),
    [
      ['/subscriptions/s1', 'operator', 'deny'],
      ['/subscriptions/s3', 'operator', 'deny'],
    ],
  );
  assert.ok(mine().every(({ id: name, title }) => !`${name} ${title}`.includes(provider) && !name.includes('gold')));
  const [first] = mine();
  const settled = world.settled();
  settled.draft.put(holder('s3', []));
  world = settled.settled();
  assert.deepEqual(mine(), [first]);
  assert.equal(mine()[0], first);
});

test('an assignment at the root speaks of every network interface', () => {
  const world = withVnet(makeWorld());
  put(world, '/providers/Microsoft.Authorization/policyAssignments/everywhere', { policyDefinitionId: ports });
  const { view, context } = world.settled();
  const estate = estateOf(view, context.stamp, new CompileMemo());
  const [mine] = demandsOf(baselineDemands())({ view, estate }).filter(({ owner }) => owner === 'tenant');
  assert.ok(mine?.kind === 'never');
  assert.deepEqual([mine.scope, mine.to], ['/', [{ kind: 'nics' }]]);
});
