/** The audit: what rides on a change is there with it, refusals are there without one, and filters and pages give all of it once. */

import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { appendAudit, bounded, listAudit, type AuditFilter } from '#engine/audit/audit.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import { entryOf, openAt, scratch } from '#engine/store/scratch.ts';

const { folder, remove } = scratch();
const store = openAt(`${folder}/audit.db`);
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

test('[S1.25] entries are listed newest first, by every filter, whole over pages', async () => {
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

  // One row is one filter, how many match, and the newest of them.
  const rows: [AuditFilter, number, number][] = [
    [{}, 600, 600],
    [{ subscription: 'rare' }, 6, 600],
    [{ subscription: 'none' }, 0, 0],
    [{ outcome: 'Refused' }, 60, 600],
    [{ outcome: 'Failed' }, 0, 0],
    [{ code: 'linkedauthorizationfailed', subscription: 's' }, 54, 590],
    [{ from: 101, to: 200 }, 100, 200],
    [{ operation: 'microsoft.compute/' }, 60, 600],
    [{ operation: 'virtualMachines' }, 0, 0],
    [{ resource: '/SUBSCRIPTIONS/s/resourcegroups/g/providers/Microsoft.Network/virtualNetworks/v59' }, 11, 599],
    [{ who: 'user1@stamp.local' }, 200, 598],
    [{ who: 'o-2' }, 200, 599],
    [{ correlationId: 'C-7' }, 1, 7],
  ];
  for (const [filter, count, newest] of rows) {
    const found: number[] = [];
    for (let before: number | undefined; ; ) {
      const page = listAudit(store, filter, { ...(before !== undefined && { before }), limit: 37 });
      assert.ok(page.lines.length <= 37);
      found.push(...page.lines.map((line) => line.entry.at));
      before = page.next;
      if (before === undefined) break;
    }
    assert.deepEqual([found.length, found[0] ?? 0], [count, newest], JSON.stringify(filter));
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
