/** Shows that the prover's flags let its heap be put together, and that without them nothing is tried. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { commonFlags, mirrorFlags, proverFlags, serverFlags, smallFlags } from '#main/boot/node-flags.ts';

// One row: the flags, and whether what is not in use any more is gone after it.
const rows: [readonly string[], boolean][] = [
  [proverFlags, true],
  [mirrorFlags, true],
  [serverFlags, true],
  [smallFlags, true],
  [commonFlags, false],
];

for (const [flags, isGone] of rows) {
  test(`with ${flags.slice(commonFlags.length).join(' ') || 'the common flags alone'} a heap is ${isGone ? '' : 'not '}put together`, () => {
    const script = `
      import { compactHeap } from '#main/boot/heap.ts';
      const weak = new WeakRef({});
      setImmediate(() => { compactHeap(); console.log(weak.deref() === undefined); });
    `;
    const said = execFileSync(process.execPath, [...flags, '--input-type=module', '--eval', script], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    });
    assert.equal(said.trim(), String(isGone));
  });
}
