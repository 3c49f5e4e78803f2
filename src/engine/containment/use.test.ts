/** What a subscription uses of the data plane: counted where it is held, limited by its plans. */

import { deepEqual } from 'node:assert/strict';
import { test } from 'node:test';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { budgetUse } from '#engine/containment/use.ts';
import { addBudgeted } from '#test/generate/budgeted.ts';
import { idOf, labStamp, newBuild, viewOf } from '#test/generate/build.ts';

test('connections count in the routers of its networks, ports by interface, and rates have a limit alone', () => {
  const build = newBuild();
  addBudgeted(build, { maxSnatPortsPerSubscription: 1024 }, false);
  const view = viewOf(build);
  const programs = compileStamp(view, labStamp, new CompileMemo());
  const held = [
    { point: 'router/v1/h1', connections: 30 },
    { point: 'edge', connections: 500 },
    { point: 'router/v9/h1', connections: 7 },
  ];
  const subscription = idOf('virtualNetworks/a').split('/')[2] ?? '';
  deepEqual(budgetUse(subscription, { view, programs, held }), [
    { name: 'maxConnectionsPerSubscription', used: 30, limit: 50_000 },
    { name: 'maxSnatPortsPerSubscription', used: 512, limit: 1024 },
    { name: 'maxNewConnectionsPerSecondPerSubscription', limit: 2000 },
    { name: 'maxMegabitsPerSecondPerSubscription', limit: 1000 },
    { name: 'maxPacketsPerSecondPerSubscription', limit: 200_000 },
  ]);
  deepEqual(budgetUse('0000', { view, programs, held })[0], { name: 'maxConnectionsPerSubscription', used: 0 });
});
