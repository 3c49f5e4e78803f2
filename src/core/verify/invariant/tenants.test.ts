/** Networks are joined by both owners' word alone: what one asked for joins nothing, whatever the programs say. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { Proof } from '#verify/proof/proof.ts';
import type { World } from '#verify/proof/standing.ts';
import { addNic, addPeering, addSubnet, addVnet, labStamp, newBuild, viewOf } from '#test/generate/build.ts';
import { testEstate } from '#test/generate/estate.ts';

function worldWith(...pairs: readonly (readonly [string, string])[]): World {
  const build = newBuild();
  for (const [index, name] of ['a', 'b'].entries()) {
    addVnet(build, name, [`10.${index}.0.0/16`]);
    addSubnet(build, `${name}/s`, [[`10.${index}.0.0/24`]]);
    addNic(build, name, { subnet: `${name}/s`, addresses: [`10.${index}.0.4`] });
  }
  for (const pair of pairs) addPeering(build, pair);
  const view = viewOf(build);
  return {
    programs: compileStamp(view, labStamp, new CompileMemo()),
    estate: testEstate(view, labStamp),
    invariants: [{ id: 'tenants', kind: 'tenants', title: 'apart', effect: 'deny', owner: 'operator', exclude: [] }],
  };
}

test('both sides of a peering that one owner alone asked for contradict the estate', () => {
  const whole = worldWith(['a', 'b'], ['b', 'a']);
  assert.deepEqual(new Proof().load(whole), []);
  const { estate } = worldWith(['a', 'b']);
  const points = new Proof()
    .load({ ...whole, estate })
    .flatMap(({ subject }) => (subject.kind === 'point' ? [subject.point.split('/')[1]] : []));
  assert.deepEqual(new Set(points), new Set(['v1', 'v2']));
});
