/** Tests of reading apt sources. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockSources, listSources } from '#adapters/guest/mirror.ts';

test('a one-line source gives its address and suite, with options or without; other lines give none', () => {
  const rows: [string, ReturnType<typeof listSources>][] = [
    ['deb http://mirror.test/debian bookworm main', [{ address: 'http://mirror.test/debian', suites: ['bookworm'] }]],
    [
      'deb [arch=amd64 signed-by=/k] https://m.test/d trixie main',
      [{ address: 'https://m.test/d', suites: ['trixie'] }],
    ],
    ['# deb http://mirror.test/debian bookworm main', []],
    ['deb-src http://mirror.test/debian bookworm main', []],
  ];
  for (const [text, wanted] of rows) assert.deepEqual(listSources(text), wanted, text);
});

test('a block source gives its first address and all suites; one that is switched off or of sources gives none', () => {
  const block = 'Types: deb\nURIs: http://m.test/debian\nSuites: bookworm bookworm-updates\nComponents: main';
  const wanted = [{ address: 'http://m.test/debian', suites: ['bookworm', 'bookworm-updates'] }];
  assert.deepEqual(blockSources(block), wanted);
  assert.deepEqual(blockSources(`# note\n\n${block}\n\n${block}\nEnabled: no\n`), wanted);
  assert.deepEqual(blockSources(block.replace('deb', 'deb-src')), []);
});
