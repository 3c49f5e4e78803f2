/** Programs of hosts elsewhere never reach this machine's kernel, and what is local stays the same object. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { localPlane } from '#engine/keeper/local-plane.ts';
import type { Plane } from '#engine/plane-port.ts';
import type { Programs } from '#program/program.ts';
import { addNic, addSubnet, addVnet, labStamp, newBuild, viewOf } from '#test/generate/build.ts';

test('the plane is given local points alone, and routes to local hosts', async () => {
  const stamp = { ...labStamp, hosts: ['h1', 'h2', 'h3'] };
  const build = newBuild(stamp);
  addVnet(build, 'v', ['10.0.0.0/16']);
  addSubnet(build, 'v/s', [['10.0.0.0/24']]);
  addNic(build, 'near', { subnet: 'v/s', addresses: ['10.0.0.4'], host: 'h1' });
  addNic(build, 'far', { subnet: 'v/s', addresses: ['10.0.0.5'], host: 'h3' });
  const programs = compileStamp(viewOf(build), stamp, new CompileMemo());
  const seen: Programs[] = [];
  const applied = { points: [], ruleOperations: 0, networkLines: 0, waves: 1, windowMs: 0 } as const;
  const read: string[] = [];
  const inner = {
    apply: (before: Programs, after: Programs) => {
      seen.push(before, after);
      return Promise.resolve(applied);
    },
    readBack: (point: string) => {
      read.push(point);
      return Promise.resolve([]);
    },
  } as Partial<Plane> as Plane;
  const plane = localPlane(inner, ['h1', 'h2']);
  await plane.apply({}, programs);
  await plane.apply(programs, programs);
  const [, first, second] = seen;
  assert.deepEqual(
    Object.keys(first ?? {}).filter((point) => point.endsWith('h3')),
    [],
  );
  assert.equal(first, second);
  assert.equal(first?.['router/v1/h1'], programs['router/v1/h1']);
  const { switch: whole } = programs;
  const { switch: part } = first ?? {};
  assert.ok(whole?.kind === 'switch' && part?.kind === 'switch');
  assert.equal(Object.values(whole.routes).filter((at) => at === 'host/h3').length, 1);
  assert.equal(Object.values(part.routes).filter((at) => at === 'host/h3').length, 0);
  assert.ok(Object.values(part.routes).includes('host/h1') && Object.values(part.routes).includes('infra'));
  for (const point of Object.keys(programs)) await plane.readBack(point);
  assert.deepEqual(
    read.filter((point) => point.endsWith('h3')),
    [],
  );
});
