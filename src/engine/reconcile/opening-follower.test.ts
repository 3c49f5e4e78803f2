/** Just-in-time access from request to end: what may be asked, what it opens in the programs and for the proof, and that it is over when its time is. */

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { isObject, type JsonObject } from '#base/json.ts';
import { jitRequestsKeptMax, openingsMax } from '#base/limits.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import { brokenBy } from '#engine/checker/judge.ts';
import { baselineOf } from '#engine/proof/baseline.ts';
import { estateOf } from '#engine/proof/estate.ts';
import { endOpenings } from '#engine/reconcile/opening-follower.ts';
import { group, makeWorld, net, nicBody, outcome, refusalOf, withVnet, type World } from '#model/test-world.ts';
import { jitPolicy } from '#model/security/jit-policy.ts';
import { evaluate } from '#program/eval.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';
import { Proof } from '#verify/proof/proof.ts';

const machine = `${group}/providers/Microsoft.Compute/virtualMachines/vm1`;
const policy = `${group}/providers/Microsoft.Security/locations/local/jitNetworkAccessPolicies/default`;
const machineBody: JsonObject = {
  properties: {
    hardwareProfile: { vmSize: 'Standard_D2s_v5' },
    storageProfile: {
      imageReference: { publisher: 'Ringwall', offer: 'lab', sku: 'tiny', version: 'latest' },
      osDisk: { createOption: 'fromImage' },
    },
    osProfile: { computerName: 'vm1', adminUsername: 'azureuser', adminPassword: 'Harbour-Lantern-42' },
    networkProfile: { networkInterfaces: [{ id: net('networkInterfaces/n1') }] },
  },
};

const port = (more: JsonObject = {}): JsonObject => ({
  number: 22,
  protocol: 'TCP',
  allowedSourceAddressPrefix: '*',
  maxRequestAccessDuration: 'PT2H',
  ...more,
});
const policyBody = (...ports: JsonObject[]): JsonObject => ({
  kind: 'Basic',
  properties: { virtualMachines: [{ id: machine, ports }] },
});

/** A machine with a public address and a group that lets nobody in. */
function prepared(): World {
  const world = withVnet(makeWorld());
  world.put(net('networkSecurityGroups/g'), { properties: {} });
  world.put(net('publicIPAddresses/p'), {
    sku: { name: 'Standard' },
    properties: { publicIPAllocationMethod: 'Static' },
  });
  world.put(
    net('networkInterfaces/n1'),
    nicBody(
      { publicIPAddress: { id: net('publicIPAddresses/p') } },
      { networkSecurityGroup: { id: net('networkSecurityGroups/g') } },
    ),
  );
  world.put(machine, machineBody);
  return world;
}

function ask(world: World, ...ports: JsonObject[]): JsonObject {
  const body = { virtualMachines: [{ id: machine, ports }], justification: 'ticket 7' };
  const context = { ...world.context, caller: 'ada@example.org' };
  const answer = jitPolicy.actions?.['initiate']?.run(
    world.get(policy),
    { body, query: new Map() },
    world.draft,
    context,
  );
  ok(isObject(answer));
  return answer;
}

const asked = (more: JsonObject = {}): JsonObject => ({
  number: 22,
  allowedSourceAddressPrefix: '203.0.113.9',
  endTimeUtc: '2026-01-01T01:00:00Z',
  ...more,
});

const at = '/properties/virtualMachines/0/ports/0/';
// A policy's port, and the outcome of its PUT.
const policies: [JsonObject, string][] = [
  [port(), 'ok'],
  [port({ protocol: '*', allowedSourceAddressPrefix: '203.0.113.0/24' }), 'ok'],
  [port({ allowedSourceAddressPrefixes: ['203.0.113.0/24', '2001:db8::/32'] }), 'ok'],
  [port({ number: 0 }), `InvalidParameter ${at}number`],
  [port({ protocol: 'SCTP' }), `InvalidParameter ${at}protocol`],
  [port({ allowedSourceAddressPrefix: '10.0.0.0/8' }), `InvalidParameter ${at}allowedSourceAddressPrefix`],
  [port({ allowedSourceAddressPrefix: 'Internet' }), `InvalidParameter ${at}allowedSourceAddressPrefix`],
  [port({ maxRequestAccessDuration: 'PT24H' }), `InvalidParameter ${at}maxRequestAccessDuration`],
  [port({ maxRequestAccessDuration: '3 hours' }), `InvalidParameter ${at}maxRequestAccessDuration`],
];

test('[S1.14] a policy says which ports may be asked open, from where, and for how long at most', () => {
  for (const [one, wanted] of policies)
    equal(
      outcome(() => prepared().put(policy, policyBody(one))),
      wanted,
      JSON.stringify(one),
    );
  const world = prepared();
  equal(
    outcome(() => world.put(policy, policyBody(port(), port()))),
    'InvalidParameter /properties/virtualMachines/0/ports/1/number',
  );
  const elsewhere = policy.replace('/local/', '/westeurope/');
  equal(
    outcome(() => world.put(elsewhere, policyBody(port()))),
    'LocationNotAvailableForResourceType /id',
  );
  const strange = { properties: { virtualMachines: [{ id: `${machine}9`, ports: [port()] }] } };
  equal(
    outcome(() => world.put(policy, strange)),
    'InvalidResourceReference /properties/virtualMachines',
  );
});

const there = '/virtualMachines/0/ports/0/';
// What is asked for under a policy for 203.0.113.0/24, and the outcome.
const requests: [JsonObject, string][] = [
  [asked(), 'ok'],
  [asked({ allowedSourceAddressPrefix: '203.0.113.0/28' }), 'ok'],
  [asked({ endTimeUtc: '2026-01-01T02:00:00' }), 'ok'],
  [asked({ number: 23 }), `InvalidParameter ${there}number`],
  [asked({ allowedSourceAddressPrefix: '*' }), `InvalidParameter ${there}allowedSourceAddressPrefix`],
  [asked({ allowedSourceAddressPrefix: '198.51.100.1' }), `InvalidParameter ${there}allowedSourceAddressPrefix`],
  [asked({ allowedSourceAddressPrefix: undefined }), `InvalidParameter ${there}allowedSourceAddressPrefix`],
  [asked({ endTimeUtc: '2026-01-01T02:00:01Z' }), `InvalidParameter ${there}endTimeUtc`],
  [asked({ endTimeUtc: '2026-01-01T00:00:00Z' }), `InvalidParameter ${there}endTimeUtc`],
  [asked({ endTimeUtc: 'tomorrow' }), `InvalidParameter ${there}endTimeUtc`],
];

test('[S1.14] a request is bound to a source and to a time, within what the policy allows', () => {
  for (const [one, wanted] of requests) {
    const world = prepared();
    world.put(policy, policyBody(port({ allowedSourceAddressPrefix: '203.0.113.0/24' })));
    equal(
      outcome(() => ask(world, one)),
      wanted,
      JSON.stringify(one),
    );
  }
  const world = prepared();
  world.put(policy, policyBody(port()));
  const { requestor, startTimeUtc, justification } = ask(world, asked());
  deepEqual([requestor, startTimeUtc, justification], ['ada@example.org', world.context.now, 'ticket 7']);
});

function statuses(world: World): readonly string[] {
  return (
    JSON.stringify(world.show(policy)).match(/"(?:Initiated|UserRequested|Revoked|Expired|NewerRequestInitiated)"/g) ??
    []
  );
}

test('a newer request takes the place of the one before; a port that the policy loses does not stay open', () => {
  const world = prepared();
  world.put(policy, policyBody(port(), port({ number: 3389 })));
  ask(world, asked());
  ask(world, asked());
  deepEqual(statuses(world), ['"Revoked"', '"NewerRequestInitiated"', '"Initiated"', '"UserRequested"']);
  world.put(policy, policyBody(port({ number: 3389 })));
  deepEqual(statuses(world), ['"Revoked"', '"NewerRequestInitiated"', '"Revoked"', '"UserRequested"']);
  for (let count = 0; count < jitRequestsKeptMax + 10; count++) ask(world, asked({ number: 3389 }));
  equal((world.properties(policy)['requests'] as unknown[]).length, jitRequestsKeptMax);
});

const otherPolicy = policy.replace(/default$/, 'more');

/** What comes of a request at the policy. */
function askedOf(world: World, id: string, ports: readonly JsonObject[]) {
  const body = { virtualMachines: [{ id: machine, ports }] };
  return refusalOf(() =>
    jitPolicy.actions?.['initiate']?.run(world.get(id), { body, query: new Map() }, world.draft, world.context),
  );
}

/** One request stands; what comes of another at the other policy, at a time. */
function askedBeside(source: string, now = '2026-01-01T00:00:00.000Z') {
  const world = prepared();
  for (const id of [policy, otherPolicy]) world.put(id, policyBody(port()));
  ask(world, asked());
  const later = { ...world, context: { ...world.context, now } };
  return askedOf(later, otherPolicy, [
    asked({ allowedSourceAddressPrefix: source, endTimeUtc: '2026-01-01T01:30:00Z' }),
  ]);
}

test('two sources of one port that overlap are not open at once, whoever asks; apart, or afterwards, they are', () => {
  const within = ['203.0.113.0/24', '203.0.113.9'];
  const nested = asked({ allowedSourceAddressPrefix: undefined, allowedSourceAddressPrefixes: within });
  const alone = prepared();
  alone.put(policy, policyBody(port()));
  equal(askedOf(alone, policy, [nested])?.code, 'JitOpeningOverlaps');
  const refusal = askedBeside('203.0.113.0/24');
  equal(refusal?.code, 'JitOpeningOverlaps');
  match(refusal?.message ?? '', /tcp\/22 .* is open until 2026-01-01T01:00:00.000Z/);
  equal(askedBeside('198.51.100.0/24'), undefined);
  equal(askedBeside('203.0.113.0/24', '2026-01-01T01:00:00.000Z'), undefined);
});

test('more openings than a router holds are refused, also by a policy that opens more of what was asked; addresses given later stay closed', () => {
  const ports = (protocol: string) =>
    Array.from({ length: 20 }, (_, index) => port({ number: 1000 + index, protocol }));
  const all = (network: string) => {
    const allowedSourceAddressPrefixes = Array.from({ length: 20 }, (_, index) => `${network}.${index}`);
    return ports('*').map(({ number }) =>
      asked({ number, allowedSourceAddressPrefix: undefined, allowedSourceAddressPrefixes }),
    );
  };
  const world = prepared();
  world.put(policy, policyBody(...ports('*')));
  world.put(otherPolicy, policyBody(...ports('TCP')));
  equal(askedOf(world, policy, all('203.0.113')), undefined);
  // 800 stand; 200 more do, and the same for both protocols do not.
  equal(askedOf(world, otherPolicy, all('198.51.100').slice(0, 10)), undefined);
  const { view } = world.settled();
  const wider = makeWorld({}, view);
  const both = outcome(() => wider.put(otherPolicy, policyBody(...ports('*'))));
  equal(both, 'JitOpeningLimitReached');
  const next = makeWorld({}, view);
  match(askedOf(next, otherPolicy, all('198.51.100'))?.message ?? '', /1200 openings .* 1024 are accepted/);

  const subnet = { subnet: { id: net('virtualNetworks/v1/subnets/a') } };
  const later = makeWorld({}, view);
  const ipConfigurations = [
    { name: 'one', properties: { ...subnet, primary: true } },
    { name: 'two', properties: subnet },
  ];
  later.put(net('networkInterfaces/n1'), { properties: { ipConfigurations } });
  const { view: grown, context } = later.settled();
  const programs = compileStamp(grown, context.stamp, new CompileMemo());
  const held = Object.values(programs).flatMap((one) => (one.kind === 'router' ? Object.keys(one.openings ?? {}) : []));
  equal(held.length, openingsMax);
});

const entry: AuditEntry = {
  at: 0,
  who: {},
  operation: 'x/write',
  resource: '',
  outcome: 'Succeeded',
  says: 'it is over',
  correlationId: 'c',
};

const ssh = (source: string) =>
  ({
    origin: { kind: 'internet' },
    source,
    target: '198.18.3.32',
    protocol: 'tcp',
    sourcePort: 50_000,
    targetPort: 22,
  }) as const;

test('[S1.14] what was asked for is open to that source alone, is no breach of closed management ports, and is closed when its time is over', async () => {
  const world = prepared();
  world.put(policy, policyBody(port()));
  const { view, context } = world.settled();
  const memo = new CompileMemo();
  const estates = new CompileMemo();
  const [shells] = baselineOf(estateOf(view, context.stamp, estates));
  ok(shells?.kind === 'never');
  const worldOf = (invariants: readonly Invariant[]) => ({
    programs: compileStamp(view, context.stamp, memo),
    estate: estateOf(view, context.stamp, estates),
    invariants,
  });
  const verdicts = () =>
    ['203.0.113.9', '203.0.113.10'].map((source) => evaluate(worldOf([]).programs, ssh(source)).verdict);
  // The operator may say for whom: here for nobody of that network.
  const bound: Invariant = { ...shells, id: 'bound', openings: ['198.51.100.0/24'] };
  const proof = new Proof();
  deepEqual(proof.load(worldOf([shells, bound])), []);
  const target = evaluate(worldOf([]).programs, ssh('203.0.113.9'));
  equal(target.verdict, 'drop', JSON.stringify(target));

  const next = makeWorld(context.stamp, view);
  ask(next, asked());
  next.settled();
  deepEqual(verdicts(), ['deliver', 'drop']);
  const { refused } = proof.propose(worldOf([shells, bound]));
  deepEqual(
    refused.map(({ invariant, witness }) => `${invariant.id} ${witness?.packet.source}`),
    ['bound 203.0.113.9'],
  );
  proof.keep();
  const seen = { packet: ssh('203.0.113.9'), fate: evaluate(worldOf([]).programs, ssh('203.0.113.9')) };
  deepEqual(brokenBy(shells, seen, worldOf([]).estate), []);
  equal(brokenBy(bound, seen, worldOf([]).estate).length, 1);

  const audited: string[] = [];
  const auditOf = (resource: string): AuditEntry => ({ ...entry, resource });
  const gate = {
    change: (draw: (draft: never) => { readonly about: { readonly audit?: AuditEntry } }) => {
      const draft = makeWorld(context.stamp, view);
      audited.push(draw(draft.draft as never).about.audit?.says ?? '');
      draft.settled();
      return Promise.resolve({ value: undefined, revision: 1, edits: [] });
    },
  };
  const then = (text: string) => ({
    view: () => view,
    gate: gate as never,
    clock: { now: () => Date.parse(text) },
    auditOf,
  });
  equal(await endOpenings(then('2026-01-01T00:59:59Z')), 0);
  equal(await endOpenings(then('2026-01-01T01:00:00Z')), 1);
  equal(await endOpenings(then('2026-01-01T01:00:01Z')), 0);
  deepEqual(statuses(makeWorld(context.stamp, view)), ['"Revoked"', '"Expired"']);
  deepEqual(audited, ['it is over']);
  deepEqual(verdicts(), ['drop', 'drop']);
  deepEqual(proof.propose(worldOf([shells, bound])).refused, []);
});
