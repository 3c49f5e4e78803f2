/** Quarantine under the proof: it breaks nothing that somebody demands always to be reached, and what is demanded else stands. */

import { deepEqual, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { brokenBy } from '#engine/checker/judge.ts';
import { estateOf } from '#engine/proof/estate.ts';
import { evaluate } from '#program/eval.ts';
import type { Packet } from '#program/packet.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';
import { Proof } from '#verify/proof/proof.ts';
import type { World } from '#verify/proof/standing.ts';
import { addBudgeted } from '#test/generate/budgeted.ts';
import { idOf, labStamp, newBuild, viewOf } from '#test/generate/build.ts';

const [one, two] = ['networkInterfaces/one', 'networkInterfaces/two'].map(
  (path) => ({ kind: 'scope', ids: [idOf(path).toLowerCase()] }) as const,
);
const about = { title: 'it holds', effect: 'deny', owner: 'tenant', exclude: [] } as const;
const services = [{ protocol: 'tcp', ports: [[443, 443]] }] as const;
const always = [
  [one, two],
  [two, one],
].map(([from, to], index): Invariant => {
  ok(from !== undefined && to !== undefined);
  return { ...about, id: `always${index}`, kind: 'always', from: [from], to: [to], services };
});

function worldOf(isApart: boolean): World {
  const build = newBuild();
  addBudgeted(build, {}, isApart);
  const view = viewOf(build);
  const programs = compileStamp(view, labStamp, new CompileMemo());
  return { programs, estate: estateOf(view, labStamp, new CompileMemo()), invariants: always };
}

test('no policy makes a NIC safe from quarantine, as its sender or as its target', () => {
  const proof = new Proof();
  deepEqual(proof.load(worldOf(false)), []);
  deepEqual(proof.propose(worldOf(true)).refused, []);
  proof.keep();
  deepEqual(proof.propose(worldOf(false)).refused, [], 'and its end is no breach either');
});

test('a port that is closed without a quarantine is one', () => {
  const [free, apart] = [worldOf(false), worldOf(true)];
  const proof = new Proof();
  deepEqual(proof.load(free), []);
  // The compiler says so and no resource does.
  const { refused } = proof.propose({ ...free, programs: apart.programs });
  deepEqual(refused.map(({ invariant }) => invariant.id).sort(), ['always0', 'always1']);
});

test('who checks the proof by single packets judges the same', () => {
  const packet: Packet = {
    origin: { kind: 'nic', mark: 2 },
    source: '10.0.0.5',
    target: '10.0.0.4',
    protocol: 'tcp',
    sourcePort: 50_000,
    targetPort: 443,
  };
  const [free, apart] = [worldOf(false), worldOf(true)];
  const fate = evaluate(apart.programs, packet);
  const broken = (world: World) => always.flatMap((invariant) => brokenBy(invariant, { packet, fate }, world.estate));
  deepEqual([broken(apart).length, broken(free).length], [0, 1]);
});
