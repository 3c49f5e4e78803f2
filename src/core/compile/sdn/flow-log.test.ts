/** Flow logs in programs: only what a target names is logged, without one nothing of a program changes, and the text form says all. */

import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { parseProgram, printProgram } from '#program/text.ts';
import type { Programs, RouterProgram } from '#program/program.ts';
import { addNic, addNsg, addSubnet, addVnet, idOf, newBuild, resourceOf, viewOf } from '#test/generate/build.ts';

function programs(target?: string, enabled = true): Programs {
  const build = newBuild();
  for (const name of ['g', 'h']) addNsg(build, name);
  addVnet(build, 'a', ['10.0.0.0/16']);
  addSubnet(build, 'a/s', [['10.0.0.0/24'], { nsg: 'g' }]);
  addSubnet(build, 'a/t', [['10.0.1.0/24'], { nsg: 'h' }]);
  addNic(build, 'one', { subnet: 'a/s', addresses: ['10.0.0.4'], nsg: 'h' });
  addNic(build, 'two', { subnet: 'a/s', addresses: ['10.0.0.5'] });
  addNic(build, 'three', { subnet: 'a/t', addresses: ['10.0.1.4'] });
  if (target !== undefined) {
    const path = 'networkWatchers/w/flowLogs/f';
    const log = resourceOf({ path, properties: { targetResourceId: idOf(target), enabled } });
    build.resources.set(log.id.toLowerCase(), log);
  }
  return compileStamp(viewOf(build), build.stamp, new CompileMemo());
}

const router = (all: Programs): RouterProgram => all['router/v1/h1'] as RouterProgram;

/** Target, and the ports logged for group g and group h. */
const rows: [string, string[], string[]][] = [
  ['networkSecurityGroups/g', ['1', '2'], []],
  ['networkSecurityGroups/h', [], ['1', '3']],
  ['virtualNetworks/a', ['1', '2'], ['1', '3']],
  ['virtualNetworks/a/subnets/t', [], ['3']],
  ['networkInterfaces/one', ['1'], ['1']],
  ['networkInterfaces/none', [], []],
];

test('what a target names is logged', () => {
  for (const [target, g, h] of rows) {
    const { flowLogs = {}, ports } = router(programs(target));
    const marksOf = (group: string) =>
      Object.entries(flowLogs)
        .filter(([key]) => key.includes(`${group}`) && key.startsWith('nsg/'))
        .flatMap(([, logged]) => logged.ports.map((name) => String(ports[name]?.mark)));
    const keysOf = (mark: number) => {
      const port = Object.values(ports).find((one) => one.mark === mark);
      return new Set([...(port?.inbound ?? []), ...(port?.outbound ?? [])]);
    };
    const [ofTwo, ofThree] = [keysOf(2), keysOf(3)];
    const logged = (keys: ReadonlySet<string>) =>
      [...new Set([...keys].flatMap((key) => (key in flowLogs ? marksOf(key) : [])))].sort();
    deepEqual([logged(ofTwo), logged(ofThree)], [g, h], target);
  }
});

test('without an enabled flow log the programs are the same bytes', () => {
  const without = JSON.stringify(programs());
  equal(JSON.stringify(programs('networkSecurityGroups/g', false)), without);
  equal(without.includes('flowLogs'), false);
});

test('a program with flow logs prints and parses', () => {
  const program = router(programs('virtualNetworks/a'));
  deepEqual(parseProgram(printProgram('router/v1/h1', program)), { point: 'router/v1/h1', program });
});
