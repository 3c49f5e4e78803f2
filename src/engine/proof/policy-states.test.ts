/** Policy states: what the prover found, by resource and policy, told only of what the asker may read, and counted. */

import { strict as assert } from 'node:assert';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { ProofDesk } from '#engine/gate/proof-desk.ts';
import { baselineDemands } from '#engine/proof/baseline.ts';
import { demandsOf } from '#engine/proof/invariants.ts';
import { policyStates, type PolicyState } from '#engine/proof/policy-states.ts';
import { summaryOf } from '#engine/proof/policy-summary.ts';
import { MemoryView } from '#model/memory.ts';
import {
  addNic,
  addNsg,
  addPublicIp,
  addSubnet,
  addVnet,
  idOf,
  labStamp,
  newBuild,
  resourceOf,
  type RuleRow,
  viewOf,
} from '#test/generate/build.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const group = idOf('x/y').split('/').slice(0, 5).join('/');
const subscription = group.split('/').slice(0, 3).join('/');
const authorization = `${group}/providers/Microsoft.Authorization`;
const builtIn = (last: string): string =>
  `/providers/Microsoft.Authorization/policyDefinitions/5b6f2c10-7d0e-4a51-9c1b-0000000000${last}`;

/** Two NICs, of which `open` is reached from the Internet at 22 and 443, and assignments at the group. */
function resources(assignments: { readonly [name: string]: object }) {
  const build = newBuild();
  const rule = (name: string, priority: number, port: string): RuleRow => [
    name,
    priority,
    'In',
    'Allow',
    'Tcp',
    '*',
    '*',
    port,
  ];
  addNsg(build, 'g', [rule('ssh', 100, '22'), rule('web', 110, '443')]);
  addVnet(build, 'a', ['10.0.0.0/16']);
  addSubnet(build, 'a/s', [['10.0.0.0/24'], { nsg: 'g' }]);
  addPublicIp(build, 'p', ['198.18.0.40']);
  addNic(build, 'open', { subnet: 'a/s', addresses: [{ address: '10.0.0.4', publicIp: 'p' }] });
  addNic(build, 'shut', { subnet: 'a/s', addresses: [{ address: '10.0.0.5' }] });
  const places = [subscription, group].map((id) => ({ ...resourceOf({ path: id }), id, name: id }));
  const set = {
    path: `${authorization}/policySetDefinitions/both`,
    properties: {
      policyDefinitions: [
        { policyDefinitionId: builtIn('01'), policyDefinitionReferenceId: 'Shells' },
        { policyDefinitionId: builtIn('16'), policyDefinitionReferenceId: 'count', parameters: { max: { value: 0 } } },
      ],
    },
  };
  const assigned = Object.entries(assignments).map(([name, properties]) => {
    const path = `${authorization}/policyAssignments/${name}`;
    return resourceOf({ path, properties: { scope: group, ...properties } });
  });
  return new MemoryView([...viewOf(build).all(), ...places, resourceOf(set), ...assigned]);
}

type Asked = { readonly mayRead?: (id: string) => boolean; readonly own?: readonly Invariant[]; readonly at?: string };

async function statesOf(view: MemoryView, { mayRead = () => true, own = [], at = group }: Asked = {}) {
  const baseline = baselineDemands();
  const signed = demandsOf((world) => [...baseline(world).slice(0, 1), ...own]);
  const desk = new ProofDesk(labStamp, privateKey, signed);
  await desk.load(1, [...view.all()]);
  return policyStates(await desk.compliance(at), { view, mayRead });
}

function told(states: readonly PolicyState[]): readonly string[] {
  return states.map(({ resource, policy: { assignment, definition, set, reference }, isCompliant }) => {
    const name = resource.id === group ? 'group' : resource.name;
    const within = set === undefined ? '' : `(${set.name}/${reference})`;
    return `${name} ${assignment.name}${within} ${definition.id === assignment.id ? '' : definition.name.slice(-2)} ${isCompliant ? 'ok' : 'broken'}`;
  });
}

test('a NIC is judged by the baseline and by every assignment over it; the finding is at the one that is reached', async () => {
  const view = resources({
    web: { policyDefinitionId: builtIn('03'), parameters: { internetFacingSubnets: { value: [] } } },
    off: { policyDefinitionId: builtIn('03'), parameters: { effect: { value: 'disabled' } } },
  });
  assert.deepEqual(told(await statesOf(view)), [
    'open management-ports  broken',
    'open web 03 broken',
    'shut management-ports  ok',
    'shut web 03 ok',
  ]);
});

test('a policy of a set is named with its set, and one that counts NICs is about the scope of its assignment', async () => {
  const view = resources({ both: { policyDefinitionId: `${authorization}/policySetDefinitions/both` } });
  assert.deepEqual(told(await statesOf(view)), [
    'group both(both/count) 16 broken',
    'open management-ports  broken',
    'open both(both/Shells) 01 broken',
    'shut management-ports  ok',
    'shut both(both/Shells) 01 ok',
  ]);
});

test('what is left out is not evaluated, and what is only watched says so', async () => {
  const notScopes = [idOf('networkInterfaces/open')];
  const policyDefinitionId = builtIn('01');
  const view = resources({ out: { policyDefinitionId, notScopes, enforcementMode: 'DoNotEnforce' } });
  const mine = (await statesOf(view)).filter(({ policy }) => policy.assignment.name === 'out');
  assert.deepEqual(told(mine), ['shut out 01 ok']);
  assert.equal(mine[0]?.policy.action, 'audit');
});

test('of what the asker may not read nothing is told: no resource, and no parameters of an assignment', async () => {
  const view = resources({ web: { policyDefinitionId: builtIn('03'), parameters: { effect: { value: 'audit' } } } });
  const mayRead = (id: string): boolean => id.endsWith('/shut');
  const states = await statesOf(view, { mayRead });
  assert.deepEqual(told(states), ['shut management-ports  ok', 'shut web 03 ok']);
  assert.deepEqual(states[1]?.policy.assignment.parameters, {});
  const whole = resources({ both: { policyDefinitionId: `${authorization}/policySetDefinitions/both` } });
  assert.equal(
    (await statesOf(whole, { mayRead })).some(({ resource }) => resource.id === group),
    false,
  );
  const [, all] = await statesOf(view);
  assert.deepEqual(all?.policy.assignment.parameters, { effect: { value: 'audit' } });
});

test('an assignment to a network is told to those who may read it, not to whoever has an interface there', async () => {
  const view = resources({ web: { policyDefinitionId: builtIn('03'), scope: idOf('virtualNetworks/a') } });
  const named = (states: readonly PolicyState[]) => states.map(({ policy }) => policy.assignment.name);
  assert.deepEqual(named(await statesOf(view)).slice(0, 2), ['management-ports', 'web']);
  const mayRead = (id: string): boolean => id.endsWith('/open');
  assert.deepEqual(named(await statesOf(view, { mayRead })), ['management-ports']);
});

test('what the operator demands of its own is told where it is broken, and never that it holds', async () => {
  const own: Invariant = {
    id: 'operator/apart',
    title: 'Apart',
    kind: 'never',
    effect: 'deny',
    owner: 'operator',
    exclude: [],
    from: [{ kind: 'internet' }],
    to: [{ kind: 'nics' }],
    services: [{ protocol: 'tcp', ports: [[443, 443]] }],
    exceptFrom: [],
    exceptTo: [],
  };
  const states = (await statesOf(resources({}), { own: [own] })).filter(
    ({ policy }) => policy.assignment.id === own.id,
  );
  assert.deepEqual(told(states), ['open apart  broken']);
});

test('an assignment that went while the prover was asked is not told', async () => {
  const view = resources({ web: { policyDefinitionId: builtIn('03') } });
  const desk = new ProofDesk(labStamp, privateKey);
  await desk.load(1, [...view.all()]);
  const compliance = await desk.compliance(idOf('networkInterfaces/shut'));
  const states = policyStates(compliance, { view: resources({}), mayRead: () => true });
  assert.equal(
    states.some(({ policy }) => policy.assignment.id.startsWith('/')),
    false,
  );
});

test('the summary counts resources and policies, and begins with the assignment that has most findings', async () => {
  const view = resources({
    both: { policyDefinitionId: `${authorization}/policySetDefinitions/both` },
    shells: { policyDefinitionId: builtIn('01'), notScopes: [idOf('networkInterfaces/open')] },
  });
  const { counted, assignments } = summaryOf(await statesOf(view));
  assert.deepEqual(counted, {
    resources: { compliant: 1, nonCompliant: 2 },
    policies: { compliant: 0, nonCompliant: 3 },
  });
  assert.deepEqual(
    assignments.map(({ policy, counted: { resources: some }, policies }) => [
      policy.assignment.name,
      some.nonCompliant,
      ...policies.map((one) => `${one.policy.reference}: ${one.counted.resources.nonCompliant}`),
    ]),
    [
      ['both', 2, 'count: 1', 'Shells: 1'],
      ['management-ports', 1, ': 1'],
      ['shells', 0, ': 0'],
    ],
  );
});
