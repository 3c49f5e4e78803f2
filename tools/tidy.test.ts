/** Holds every source file to the ring law and the shape of files, and shows that the judge catches each kind of violation. */

import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root, sourcePaths } from '#tools/sources.ts';
import { judge } from '#tools/tidy.ts';

test('every source file is tidy', () => {
  const paths = sourcePaths();
  assert.ok(paths.length > 10, `only ${paths.length} source files were found`);
  const found = paths.flatMap((path) => judge(path, readFileSync(join(root, path), 'utf8')));
  assert.deepEqual(
    found.map(({ path, line, says }) => `${path}:${line} ${says}`),
    [],
  );
});

const opening = '/** Says what it is for. */\n';
const importing = (specifier: string) => `${opening}import { a } from '${specifier}';\n`;

// One row is one made-up file: its path, its text, and a part of what the judge must say.
const violations: [string, string, string][] = [
  ['src/core/base/a.ts', importing('#program/a.ts'), 'base may not import program'],
  ['src/core/program/a.ts', importing('#model/a.ts'), 'program may not import model'],
  ['src/core/model/a.ts', importing('#program/a.ts'), 'model may not import program'],
  ['src/core/access/a.ts', importing('#template/a.ts'), 'access may not import template'],
  ['src/core/template/a.ts', importing('#compile/a.ts'), 'template may not import compile'],
  ['src/core/compile/a.ts', importing('#verify/a.ts'), 'compile may not import verify'],
  ['src/core/verify/a.ts', importing('#compile/a.ts'), 'verify may not import compile'],
  ['src/core/verify/a.ts', importing('#model/a.ts'), 'verify may not import model'],
  ['src/core/compile/a.test.ts', importing('#verify/a.ts'), 'compile may not import verify'],
  ['src/core/model/a.ts', importing('#engine/a.ts'), 'model may not import engine'],
  ['src/engine/a.ts', importing('#adapters/linux/a.ts'), 'engine may not import adapters'],
  ['src/engine/a.ts', importing('#test/sim/a.ts'), 'engine may not import test'],
  ['src/faces/arm/a.ts', importing('#adapters/linux/a.ts'), 'faces may not import adapters'],
  ['src/adapters/linux/a.ts', importing('#faces/arm/a.ts'), 'adapters may not import faces'],
  ['src/adapters/linux/a.ts', importing('#adapters/guest/a.ts'), 'siblings do not see each other'],
  ['src/faces/arm/a.ts', importing('#faces/cli/a.ts'), 'siblings do not see each other'],
  ['src/faces/arm/a.ts', importing('#main/a.ts'), 'faces may not import main'],
  ['src/engine/a.ts', importing('./b.ts'), 'write #ring/file.ts'],
  ['src/engine/a.ts', importing('../engine/b.ts'), 'write #ring/file.ts'],
  ['src/engine/a.ts', importing('#engine/../faces/b.ts'), 'no dots in a path'],
  ['src/engine/a.ts', importing('#engine/b'), 'write the extension'],
  ['src/engine/a.ts', importing('#nowhere/b.ts'), '"#nowhere" is no ring'],
  ['src/engine/a.ts', `${opening}export type A = import('#main/a.ts').A;\n`, 'engine may not import main'],
  ['src/engine/a.ts', `${opening}export const a = await import('#main/a.ts');\n`, 'engine may not import main'],
  ['src/engine/a.ts', `${opening}export { a } from '#main/a.ts';\nexport const b = 1;\n`, 'engine may not import main'],
  ['src/engine/a.ts', `${opening}import '#main/a.ts';\n`, 'engine may not import main'],
  ['src/core/base/a.ts', importing('node:fs'), 'core may not import "node:fs"'],
  ['src/core/base/a.ts', importing('pino'), 'core may not import "pino"'],
  ['src/core/base/a.ts', `${opening}export const a = Date.now();\n`, 'no clock'],
  ['src/core/base/a.ts', `${opening}export const a = new Date();\n`, 'no clock'],
  ['src/core/base/a.ts', `${opening}export const a = \`x\${Math.random()}\`;\n`, 'no clock'],
  ['src/core/base/a.ts', `${opening}export const a = process.env;\n`, 'no clock'],
  ['src/engine/a.ts', 'export const a = 1;\n', 'must open with one sentence'],
  ['src/engine/a.ts', '/** */\nexport const a = 1;\n', 'must open with one sentence'],
  ['src/engine/a.ts', '// Not a docstring.\nexport const a = 1;\n', 'must open with one sentence'],
  ['src/engine/a.ts', `${opening}${'//\n'.repeat(400)}`, 'a file has at most 400'],
  ['src/engine/a.ts', `${opening}export default 1;\n`, 'default export'],
  ['src/engine/a.ts', `${opening}const a = 1;\nexport { a as default };\n`, 'default export'],
  ['src/engine/a.ts', `${opening}export enum A { B }\n`, 'enum'],
  ['src/engine/a.ts', `${opening}const enum A { B }\n`, 'enum'],
  ['src/engine/a.ts', `${opening}class A { constructor(private a: string) {} }\n`, 'parameter property'],
  [
    'src/engine/a.ts',
    `${opening}class A { constructor(a: number, private readonly b: string) {} }\n`,
    'parameter property',
  ],
  ['src/engine/a.ts', `${opening}export const a = await import(\`#${'x'}/a.ts\`);\n`, 'import of a computed name'],
  ['src/engine/a.ts', `${opening}export * from '#engine/b.ts';\n`, 'export *'],
  [
    'src/engine/a.ts',
    `${opening}export { b } from '#engine/b.ts';\nexport type { c } from '#engine/c.ts';\n`,
    'barrel',
  ],
  ['src/engine/a.ts', `${opening}// TODO later\n`, 'a TODO names what will make it due'],
  ['src/engine/a.ts', `${opening}/* FIXME */\n`, 'a TODO names what will make it due'],
  ['src/engine/utils.ts', opening, 'the name "utils" is banned'],
  ['src/engine/index.ts', opening, 'an index.ts says nothing'],
  ['src/engine/common/a.ts', opening, 'the name "common" is banned'],
  ['src/engine/key-manager.ts', opening, 'the name "manager" is banned'],
  ['src/engine/vm.info.ts', opening, 'the name "info" is banned'],
  ['elsewhere/a.ts', importing('#base/a.ts'), 'lies in no ring'],
];

test('the judge catches every kind of violation', () => {
  for (const [path, text, part] of violations) {
    const said = judge(path, text).map(({ says }) => says);
    assert.equal(said.length, 1, `${path} ${JSON.stringify(text.slice(0, 90))}: ${JSON.stringify(said)}`);
    assert.ok(said[0]?.includes(part), `${path}: wanted "${part}", got ${JSON.stringify(said)}`);
  }
});

// What looks like a violation and is none.
const innocent: [string, string][] = [
  ['src/core/verify/a.ts', importing('#program/a.ts')],
  ['src/core/verify/a.test.ts', importing('#compile/a.ts')],
  ['src/core/base/a.ts', importing('node:crypto')],
  ['src/core/base/a.test.ts', importing('node:fs')],
  ['src/faces/arm/a.ts', importing('#faces/arm/b.ts')],
  ['src/faces/arm/a.ts', importing('#engine/ports.ts')],
  ['src/main/netd.ts', importing('#adapters/linux/adapter.ts')],
  ['src/engine/a.test.ts', importing('#test/sim/clock.ts')],
  ['test/sim/a.ts', importing('#faces/arm/a.ts')],
  ['src/core/base/a.ts', `${opening}export const a = new Date('2020-01-01');\n`],
  ['src/core/base/a.ts', `${opening}// Date.now() is not for us.\nexport const a = 'Math.random()';\n`],
  ['src/core/base/a.ts', `${opening}export const a = /process.env/.test('Date.now()') ? \`new Date()\` : 4 / 2 / 1;\n`],
  ['src/engine/a.ts', `${opening}export const a = "import { b } from '#main/a.ts'; export default enum A {";\n`],
  ['src/engine/a.ts', `${opening}export const a = \`\${[1].map(() => { return '}' })} export default 1\`;\n`],
  ['src/engine/a.ts', `${opening}export const from = (a: string) => a;\nexport const b = from('./c.ts');\n`],
  ['src/engine/a.ts', `${opening}// TODO(issue C): roles come from the directory.\n`],
  ['src/engine/a.ts', `${opening}export { b } from '#engine/b.ts';\nexport const c = 1;\n`],
  ['src/engine/a.ts', `${opening}export class A { private a = 1; constructor(a: string) { this.a = a.length; } }\n`],
  ['src/engine/a.ts', `${opening}export class A { constructor(a: { readonly b: string }) { void a; } }\n`],
  ['src/engine/gate/access-index.ts', opening],
  ['tools/a.ts', `#!/usr/bin/env node\n${opening}`],
];

test('the judge leaves innocent files alone', () => {
  for (const [path, text] of innocent) assert.deepEqual(judge(path, text), [], JSON.stringify(text));
});
