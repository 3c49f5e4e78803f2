/** Shows on random stamps that compiling step by step equals compiling afresh, that programs print and parse, and that the oracle answers all. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { printAddress, printPrefix, tryAddress, tryPrefix } from '#base/prefix.ts';
import { digestOf, treeDifference, treePatch } from '#base/tree.ts';
import { affectedPoints, CompileMemo, compileStamp } from '#compile/stamp.ts';
import { MemoryView } from '#model/memory.ts';
import { evaluate } from '#program/eval.ts';
import { parsePrograms, printPrograms } from '#program/text.ts';
import type { Programs } from '#program/program.ts';
import { labStamp, viewOf } from '#test/generate/build.ts';
import { randomEdits } from '#test/generate/edit.ts';
import { packetPool, randomPacket } from '#test/generate/packet.ts';
import { type Random, randomFrom } from '#test/generate/random.ts';
import { randomStamp } from '#test/generate/stamp.ts';

const stamps = 25;
const tree = (programs: Programs) => programs as unknown as JsonObject;

test('compiling step by step gives the same programs as compiling afresh, and only changed points are new objects', () => {
  for (let seed = 1; seed <= stamps; seed++) {
    const random = randomFrom(seed);
    const view = viewOf(randomStamp(seed));
    const memo = new CompileMemo();
    let before = compileStamp(view, labStamp, memo);
    for (let step = 0; step < 8; step++) {
      view.commit(randomEdits(random, view));
      const after = compileStamp(view, labStamp, memo);
      const afresh = compileStamp(new MemoryView(view.all()), labStamp, new CompileMemo());
      assert.equal(digestOf(tree(after)), digestOf(tree(afresh)), `seed ${seed}, step ${step}`);
      for (const point of Object.keys(after)) {
        const isSame =
          digestOf(after[point] as unknown as JsonObject) ===
          digestOf((before[point] ?? null) as unknown as JsonObject);
        assert.equal(affectedPoints(before, after).includes(point), !isSame, `seed ${seed}, step ${step}, ${point}`);
      }
      const patched = treePatch(tree(before), treeDifference(tree(before), tree(after)));
      assert.equal(digestOf(patched), digestOf(tree(after)));
      before = after;
    }
  }
});

test('the order in which resources were created makes no difference', () => {
  for (let seed = 1; seed <= stamps; seed++) {
    const random = randomFrom(seed);
    const resources = [...randomStamp(seed).resources.values()];
    const digests = [resources, resources.toSorted(() => random.below(3) - 1), resources.toReversed()].map((list) =>
      digestOf(tree(compileStamp(new MemoryView(list), labStamp, new CompileMemo()))),
    );
    assert.equal(new Set(digests).size, 1, `seed ${seed}`);
  }
});

test('programs are frozen throughout, print deterministically and parse back to the same', () => {
  for (let seed = 1; seed <= stamps; seed++) {
    const programs = compileStamp(viewOf(randomStamp(seed)), labStamp, new CompileMemo());
    assertFrozen(programs);
    const text = printPrograms(programs);
    const parsed = parsePrograms(text);
    assert.deepEqual(parsed, programs, `seed ${seed}`);
    assert.equal(printPrograms(parsed), text);
  }
});

test('the oracle answers every packet with an end and reasons, and each kind of end occurs', () => {
  const ends = new Map<string, number>();
  for (let seed = 1; seed <= stamps; seed++) {
    const random = randomFrom(seed);
    const programs = compileStamp(viewOf(randomStamp(seed)), labStamp, new CompileMemo());
    const pool = packetPool(programs);
    for (let packet = 0; packet < 150; packet++) {
      const fate = evaluate(programs, randomPacket(random, pool));
      assert.ok(fate.hops.length > 0);
      const end = fate.verdict === 'deliver' ? (fate.to[0]?.at.kind ?? '') : (fate.hops.at(-1)?.step ?? '');
      ends.set(end, (ends.get(end) ?? 0) + 1);
      assert.ok(fate.verdict === 'deliver' || !fate.because.includes('undefined'), JSON.stringify(fate));
    }
  }
  for (const end of [
    'nic',
    'internet',
    'infra',
    'router',
    'spoof',
    'filter',
    'route',
    'translate',
    'boundary',
    'balance',
    'publish',
  ]) {
    assert.ok((ends.get(end) ?? 0) > 0, `no packet ended with ${end}: ${JSON.stringify([...ends])}`);
  }
});

function assertFrozen(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  assert.ok(Object.isFrozen(value), JSON.stringify(value).slice(0, 200));
  for (const member of Object.values(value)) assertFrozen(member);
}

test('the oracle answers on damaged programs too', () => {
  for (let seed = 1; seed <= stamps; seed++) {
    const random = randomFrom(seed);
    const whole = compileStamp(viewOf(randomStamp(seed)), labStamp, new CompileMemo());
    const pool = packetPool(whole);
    for (let damage = 0; damage < 6; damage++) {
      const programs = JSON.parse(JSON.stringify(whole)) as { [point: string]: Programs[string] };
      for (const program of Object.values(programs)) thinOut(random, program);
      if (random.chance(0.5)) delete programs[random.pick(Object.keys(programs))];
      for (let packet = 0; packet < 20; packet++) {
        const fate = evaluate(programs, randomPacket(random, pool));
        assert.ok(fate.verdict === 'deliver' ? fate.to.length > 0 : fate.because !== '');
      }
    }
  }
});

/** Takes entries out of the maps of a program: its members stay of their types. */
function thinOut(random: Random, program: Programs[string]): void {
  for (const [name, map] of Object.entries(program)) {
    if (typeof map !== 'object' || map === null || Array.isArray(map) || name === 'filter') continue;
    const entries = map as { [key: string]: unknown };
    for (const key of Object.keys(entries)) if (random.chance(0.2)) delete entries[key];
  }
}

test('every address and prefix of a program is in canonical text', () => {
  for (let seed = 1; seed <= stamps; seed++) {
    const programs = compileStamp(viewOf(randomStamp(seed)), labStamp, new CompileMemo());
    for (const text of textsIn(programs)) {
      const [address, prefix] = [tryAddress(text), text.includes('/') ? tryPrefix(text) : undefined];
      if (address !== undefined) assert.equal(text, printAddress(address));
      if (prefix !== undefined) assert.equal(text, printPrefix(prefix));
    }
  }
});

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return [...(Array.isArray(value) ? [] : Object.keys(value)), ...Object.values(value).flatMap(textsIn)];
}
