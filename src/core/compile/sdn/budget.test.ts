/** Budgets in programs: by the plans of whose NIC it is, and what a quarantine leaves of a port. */

import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { boundaryStatesShared } from '#base/limits.ts';
import { type Budgets, edgeShares } from '#compile/sdn/budget.ts';
import type { NicFacts } from '#compile/sdn/nic.ts';
import { evaluate } from '#program/eval.ts';
import type { EdgeProgram, Programs, RouterProgram } from '#program/program.ts';
import { parseProgram, printProgram } from '#program/text.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { budgetedStamp } from '#test/generate/budgeted.ts';
import { addBalancer, addNic, addPublicIp, addSubnet, addVnet, idOf, newBuild, viewOf } from '#test/generate/build.ts';

const router = (programs: Programs): RouterProgram => programs['router/v1/h1'] as RouterProgram;
const budgetOf = (programs: Programs, port: string) => {
  const { budgets = {}, spenders = {} } = router(programs);
  return budgets[spenders[port] ?? ''];
};

test('a NIC has the numbers of its plans, and the text of a program says them', () => {
  const programs = budgetedStamp({ maxNewConnectionsPerSecondPerNic: 7, maxMailConnectionsPerMinutePerNic: 0 });
  deepEqual(budgetOf(programs, 'n1'), {
    newPerSecond: 7,
    mailPerMinute: 0,
    targetsPerMinute: 1000,
    packetsPerSecond: 100_000,
    forgedPerMinute: 100,
  });
  for (const point of ['router/v1/h1', 'edge']) {
    const program = programs[point] as RouterProgram;
    deepEqual(parseProgram(printProgram(point, program)).program, program);
  }
});

test('plans that allow nothing of networks leave the standard budget', () => {
  const none = Object.fromEntries(
    [
      'NewConnectionsPerSecond',
      'MailConnectionsPerMinute',
      'TargetsPerMinute',
      'PacketsPerSecond',
      'ForgedPacketsPerMinute',
    ].map((name) => [`max${name}PerNic`, 0]),
  );
  equal(budgetOf(budgetedStamp(none), 'n1')?.newPerSecond, 500);
});

test('a subscription with plans has a share of the boundary', () => {
  const { shares = {}, sharers = {} } = budgetedStamp()['edge'] as EdgeProgram;
  deepEqual(
    Object.values(shares).map(({ because, ...share }) => (because === '' ? undefined : share)),
    [{ connections: 50_000, newPerSecond: 2000, packetsPerSecond: 200_000, megabitsPerSecond: 1000 }],
  );
  equal(Object.keys(sharers).length, 2);
});

test('shares never come to more than the boundary has, whatever quotas promise', () => {
  const nics = ['a', 'b', 'c'].map(
    (subscription, index) => ({ subscription, addresses: [{ label: `100.64.0.${index}` }] }) as unknown as NicFacts,
  );
  const budgets: Budgets = new Map(
    nics.map(({ subscription }, index) => [
      subscription,
      new Map([['maxConnectionsPerSubscription', 100_000 * (index + 1)]]),
    ]),
  );
  const { shares = {} } = edgeShares(nics, budgets);
  const sum = Object.values(shares).reduce((total, { connections }) => total + connections, 0);
  ok(sum <= boundaryStatesShared && sum > boundaryStatesShared - 3, String(sum));
  ok((shares['c']?.connections ?? 0) > 2.9 * (shares['a']?.connections ?? 0));
});

test('a balance sends nothing to a quarantined member, and the source ports of others stay', () => {
  const programsOf = (isApart: boolean): EdgeProgram => {
    const build = newBuild();
    addPublicIp(build, 'lb', ['198.51.100.61']);
    addVnet(build, 'a', ['10.0.0.0/16']);
    addSubnet(build, 'a/s', [['10.0.0.0/24']]);
    addBalancer(build, 'lb', { publicIp: 'lb', rules: [{ frontendPort: 80, backendPort: 80 }] });
    for (const last of [4, 5])
      addNic(build, `n${last}`, { subnet: 'a/s', addresses: [{ address: `10.0.0.${last}`, pools: ['lb/pool'] }] });
    const nic = build.resources.get(idOf('networkInterfaces/n4').toLowerCase());
    if (nic !== undefined && isApart)
      build.resources.set(nic.id.toLowerCase(), { ...nic, internal: { ...nic.internal, quarantine: { since: '' } } });
    return compileStamp(viewOf(build), build.stamp, new CompileMemo())['edge'] as EdgeProgram;
  };
  const [free, apart] = [programsOf(false), programsOf(true)];
  const targets = ({ balances }: EdgeProgram) => Object.values(balances).map((one) => Object.keys(one.targets).length);
  deepEqual([targets(free), targets(apart)], [[2], [1]]);
  deepEqual(apart.blocks, free.blocks);
});

test('from a quarantined NIC nothing goes out, nothing but the health probe gets in, and the resolver still answers', () => {
  const fate = (programs: Programs, mark: number, [source, target]: readonly [string, string]) =>
    evaluate(programs, {
      origin: { kind: 'nic', mark },
      source,
      target,
      protocol: 'tcp',
      sourcePort: 50_000,
      targetPort: 53,
    }).verdict;
  const [apart, free] = [budgetedStamp(), budgetedStamp({}, false)];
  for (const [mark, way] of [
    [2, ['10.0.0.5', '10.0.0.4']],
    [1, ['10.0.0.4', '10.0.0.5']],
    [2, ['10.0.0.5', '198.51.100.1']],
  ] as const) {
    equal(fate(free, mark, way), 'deliver', way.join());
    equal(fate(apart, mark, way), 'drop', way.join());
  }
  equal(fate(apart, 2, ['10.0.0.5', '168.63.129.16']), 'deliver');
  const probe = evaluate(apart, {
    origin: { kind: 'probe', point: 'router/v1/h1' },
    source: '168.63.129.16',
    target: '10.0.0.5',
    protocol: 'tcp',
    sourcePort: 50_000,
    targetPort: 80,
  });
  equal(probe.verdict, 'deliver');
});
