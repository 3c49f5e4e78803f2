/** Writes the fixture of the current format, once: a released format's fixture is never written again. */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { currentFormat } from '#engine/store/migrations.ts';
import { entryOf, openAt } from '#engine/store/scratch.ts';

const folder = fileURLToPath(new URL('fixtures/', import.meta.url));
const home = `${folder}v${currentFormat}`;
// Fails when it is there: what was released stays.
mkdirSync(home);
const store = openAt(`${home}/store.db`);
const audit = {
  at: 5,
  who: { upn: 'a@stamp.local' },
  operation: 'o',
  resource: 'r',
  outcome: 'Succeeded',
  correlationId: 'c',
} as const;
await store.append({ ...entryOf('', { put: ['stamp', 'region', 'lab'], payload: { text: 'first' } }), audit });
await store.append(entryOf('subscription-a', { put: ['vnet', 'a', { prefixes: ['10.0.0.0/16'] }], payload: 'a' }));
await store.append(entryOf('subscription-b', { put: ['vnet', 'b', { prefixes: ['10.1.0.0/16'] }], payload: 'b' }));
await store.append(entryOf('subscription-a', { put: ['vnet', 'c', { text: 'x'.repeat(6000) }] }));
await store.append(entryOf('subscription-a', { remove: ['vnet', 'a'] }));
await store.shred('subscription-b');
const expected = {
  head: store.head(),
  records: store.read(1, 100),
  vnets: [...store.rows('vnet')],
  stamp: [...store.rows('stamp')],
};
store.close();
for (const part of ['-lock', '-wal', '-shm']) rmSync(`${home}/store.db${part}`, { force: true });
writeFileSync(`${home}/expected.json`, `${JSON.stringify(expected, null, 2)}\n`);
