/** The audit: what rides on a change is there with it, refusals are there without one, and filters and pages give all of it once. */

import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendAudit, bounded, pageAudit } from '#engine/audit/audit.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import type { AuditPlace } from '#engine/store/database.ts';
import { entryOf, scratch, testKey } from '#engine/store/scratch.ts';
import { openStore, type AuditLine } from '#engine/store/store.ts';

const { folder, remove } = scratch();
/** Several entries have one time, and the store's clock is behind the one that entries tell. */
let ticks = 0;
const clock = { now: () => Math.floor(ticks++ / 3) };
const store = openStore({ file: `${folder}/audit.db`, key: testKey, create: true, clock, random: randomBytes });
after(() => {
  store.close();
  remove();
});

const entry = (at: number, parts: Partial<AuditEntry> = {}): AuditEntry => ({
  at,
  who: { oid: `o-${at % 3}`, upn: `User${at % 3}@stamp.local`, tenant: 't' },
  from: '203.0.113.9',
  operation: 'Microsoft.Network/virtualNetworks/write',
  resource: `/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v${at}`,
  outcome: 'Succeeded',
  correlationId: `c-${at}`,
  ...parts,
});

test('[S1.25] entries of a subscription are read newest first, by time and wish, whole over pages', async () => {
  const waiting: Promise<unknown>[] = [];
  for (let at = 1; at <= 600; at += 1) {
    const subscription = at % 100 === 0 ? 'rare' : 's';
    const refused = {
      outcome: 'Refused',
      code: 'LinkedAuthorizationFailed',
      operation: 'Microsoft.Compute/virtualMachines/delete',
    } as const;
    if (at % 10 === 0) waiting.push(appendAudit(store, subscription, entry(at, refused)));
    else waiting.push(store.append({ ...entryOf(subscription, { put: ['vnet', `v${at}`, at] }), audit: entry(at) }));
    if (at % 3 === 0) waiting.push(store.append(entryOf(subscription, {})));
  }
  await Promise.all(waiting);

  // One row is a subscription, a time, which lines are kept, how many those are, and the newest of them.
  const rows: [string, [number, number], (line: AuditLine) => boolean, number, number][] = [
    ['s', [0, 9999], () => true, 594, 599],
    ['rare', [0, 9999], () => true, 6, 600],
    ['none', [0, 9999], () => true, 0, 0],
    ['s', [101, 200], () => true, 99, 199],
    ['s', [300, 300], () => true, 0, 0],
    ['s', [299, 299], () => true, 1, 299],
    ['s', [500, 400], () => true, 0, 0],
    ['s', [0, 9999], ({ entry }) => entry.outcome === 'Refused', 54, 590],
    ['s', [0, 9999], ({ entry }) => entry.correlationId === 'c-7', 1, 7],
    ['s', [0, 9999], () => false, 0, 0],
  ];
  for (const [subscription, [from, to], keep, count, newest] of rows) {
    const found: number[] = [];
    for (let before: AuditPlace | undefined; ; ) {
      const wish = { ...(before === undefined ? {} : { before }), limit: 37, keep };
      const page = await pageAudit(store, { subscription, from, to }, wish);
      assert.ok(page.lines.length <= 37);
      found.push(...page.lines.map((line) => line.entry.at));
      before = page.next;
      if (before === undefined) break;
    }
    assert.deepEqual([found.length, found[0] ?? 0], [count, newest], `${subscription} ${from}-${to}`);
    assert.deepEqual(
      found,
      found.toSorted((left, right) => right - left),
    );
    assert.equal(new Set(found).size, found.length);
  }
});

test('texts that a stranger sent are cut to the limit', () => {
  const cut = bounded(entry(1, { resource: 'x'.repeat(100_000), who: { upn: 'y'.repeat(100_000) } }));
  assert.deepEqual([cut.resource.length, cut.who.upn?.length, cut.at], [4097, 4097, 1]);
});
