/** Settings: every key that is not known and every value that will not do is refused by name, with what would do. */

import { strict as assert } from 'node:assert';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { keysKnown, readSettings, stampFacts } from '#main/boot/settings.ts';
import { root } from '#tools/sources.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringwall-settings-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function read(text: string, number = 0) {
  const file = join(folder, 'ringwall.yaml');
  writeFileSync(file, text);
  return readSettings({ number, file });
}

test('[S1.29] without a file the settings are those of a lab, and two stamps share nothing', () => {
  const [zero, seven] = [readSettings({ number: 0 }), readSettings({ number: 7 })];
  assert.deepEqual(
    [zero.profile, zero.zone, zero.state, zero.hosts],
    ['lab', 'local.ringwall.internal', '/var/lib/ringwall', ['h1', 'h2']],
  );
  assert.notEqual(zero.zone, seven.zone);
  assert.notEqual(zero.state, seven.state);
  const facts = [zero, seven].map((settings) => stampFacts(settings, { tenantId: 't', enforcing: true }).publicPools);
  assert.deepEqual(facts, [
    ['198.18.0.0/24', '2001:db8:0::/64'],
    ['198.18.7.0/24', '2001:db8:7::/64'],
  ]);
});

// One row: the file, and what the refusal must name.
const refused: [string, string][] = [
  ['colour: red', 'colour'],
  ['profile: production', 'profile'],
  ['hosts: 3', 'hosts'],
  ['hosts: "2"', 'hosts'],
  ['location: Über', 'location'],
  ['zone: nodots', 'zone'],
  ['zone: "a.b; rm -rf"', 'zone'],
  ['longRunning: maybe', 'longRunning'],
  ['canaries: false', 'canaries'],
  ['- a\n- b', 'ringwall.yaml'],
  ['a: [', 'ringwall.yaml'],
  ['__proto__: 1', '__proto__'],
];

test('[S1.29] what is unknown or wrong is refused by name', () => {
  for (const [text, target] of refused) {
    assert.throws(
      () => read(text),
      (error: { target?: string; status: number }) => error.status === 400 && error.target?.endsWith(target) === true,
      text,
    );
  }
  for (const number of [-1, 64, 1.5, Number.NaN]) assert.throws(() => readSettings({ number }), { target: '--stamp' });
  assert.throws(() => readSettings({ number: 0, file: join(folder, 'none') }), { code: 'SettingsMissing' });
  assert.deepEqual(read('').hosts, ['h1', 'h2']);
  assert.deepEqual(read('hosts: 1\nlocation: here').location, 'here');
});

test('a file that expands without end is refused', () => {
  const levels = Array.from(
    { length: 20 },
    (_, index) => `a${index}: &a${index} [${index === 0 ? '1' : `*a${index - 1}, *a${index - 1}`}]`,
  );
  assert.throws(() => read(levels.join('\n')));
});

test('the page of the settings names each key, what it takes and what it is without it', () => {
  const page = readFileSync(join(root, 'docs/settings.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+)` \| ([^|]+) \| `([^|]+)` \|/gm)];
  assert.deepEqual(Object.fromEntries(rows.map(([, key, takes]) => [key, takes])), keysKnown);
  const { hosts, remoteHosts, ...settings } = readSettings({ number: 0 });
  const absent: { readonly [key: string]: unknown } = {
    ...settings,
    hosts: hosts.length,
    remoteHosts: remoteHosts.length,
  };
  for (const [, key = '', , without] of rows) assert.equal(without, String(absent[key]), key);
});
