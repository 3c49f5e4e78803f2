/** Alerts: opened once, closed with a name, opened again under the same id, and kept over a restart. */

import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { alertId, closeAlert, findAlert, listAlerts, openAlert } from '#engine/alerts/alerts.ts';
import { openAt, scratch } from '#engine/store/scratch.ts';

const { folder, remove } = scratch();
after(remove);

const drift = {
  code: 'DriftFound',
  resource: '/hosts/h1',
  severity: 'Critical',
  says: 'a rule nobody wanted',
} as const;

test('an alert lives through opening twice, closing, and coming back, under one id', async () => {
  const store = openAt(`${folder}/alerts.db`);
  const opened = await openAlert(store, drift, { at: 1 });
  assert.deepEqual(await openAlert(store, { ...drift, resource: '/HOSTS/H1' }, { at: 2 }), opened);
  await openAlert(store, { ...drift, code: 'AtRestPartial', severity: 'Warning' }, { at: 3 });
  assert.deepEqual(
    listAlerts(store, { state: 'Active' }).map(({ code }) => code),
    ['AtRestPartial', 'DriftFound'],
  );
  const audit = {
    at: 4,
    who: { upn: 'op' },
    operation: 'close',
    resource: opened.id,
    outcome: 'Succeeded',
    correlationId: 'c',
  } as const;
  const closed = await closeAlert(store, opened.id, { at: 4, closedBy: 'op', audit });
  assert.deepEqual(await closeAlert(store, opened.id, { at: 5, closedBy: 'other' }), closed);
  assert.equal(store.audits({ before: 99, limit: 9 }).lines[0]?.entry.resource, opened.id);
  assert.deepEqual(listAlerts(store, { state: 'Closed' }), [closed]);
  store.close();
  const again = openAt(`${folder}/alerts.db`);
  assert.deepEqual(findAlert(again, opened.id), closed);
  const back = await openAlert(again, drift, { at: 6 });
  assert.deepEqual([back.id, back.state, back.closedAt], [opened.id, 'Active', undefined]);
  again.close();
});

test('an unknown id is refused, whatever it looks like', async () => {
  const store = openAt(`${folder}/none.db`);
  for (const id of [alertId(drift), '', '../x', 'x'.repeat(10_000)]) {
    await assert.rejects(closeAlert(store, id, { at: 1, closedBy: 'op' }), { code: 'AlertNotFound' });
  }
  store.close();
});

test('the id is stable over releases', () => {
  assert.equal(alertId(drift), alertId({ code: 'DriftFound', resource: '/Hosts/H1' }));
  assert.match(alertId(drift), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.notEqual(alertId(drift), alertId({ ...drift, code: 'Drift' }));
});
