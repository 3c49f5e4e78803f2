/** The compilers' cases: a few resources as JSON, and the programs that they become. */

import { join } from 'node:path';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { MemoryView } from '#model/memory.ts';
import { printPrograms } from '#program/text.ts';
import { type Given, labStamp, resourceOf } from '#test/generate/build.ts';
import { testCases } from '#tools/cases.ts';

/** `points`: which programs the answer shows. */
type Question = { readonly points: readonly string[]; readonly resources: readonly Given[] };

testCases(join(import.meta.dirname, 'cases'), (question) => {
  const { points, resources } = JSON.parse(question) as Question;
  const programs = compileStamp(new MemoryView(resources.map(resourceOf)), labStamp, new CompileMemo());
  return printPrograms(Object.fromEntries(points.map((point) => [point, programs[point] ?? missing(point)])));
});

function missing(point: string): never {
  throw new Error(`The resources of the case make no program ${point}.`);
}
