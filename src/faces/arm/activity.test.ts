/** The activity log: what az and the portal ask is answered with whole events, each reader sees what it may, pages give all of it once. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { activityPageMax, auditScanMax } from '#base/limits.ts';
import type { JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import { eventMembers, parseActivityQuery } from '#faces/arm/activity-query.ts';
import { fakeStamp, s, type FakeStamp } from '#faces/arm/fake-engine.ts';

const own = s.split('/')[2] ?? '';
const log = `${s}/providers/microsoft.insights/eventTypes/management/values?api-version=2015-04-01`;
const start = Date.parse('2026-01-31T12:00:00.000Z');
const nsg = (group: string) => `${s}/resourceGroups/${group}/providers/Microsoft.Network/networkSecurityGroups/n`;

let stamp: FakeStamp;
before(async () => {
  stamp = await fakeStamp({ now: () => start + 86_400_000 });
  // The newest first; one a second, every third refused, every tenth in another group.
  for (let second = 999; second >= 0; second--) {
    add(second, {
      resource: nsg(second % 10 === 0 ? 'Rare' : 'rg1'),
      correlationId: `c-${second}`,
      ...(second % 3 === 0
        ? { outcome: 'Refused', code: second % 2 === 0 ? 'RequestDisallowedByPolicy' : 'ScopeLocked', says: 'no' }
        : { allowed: { role: 'Contributor', scope: s } }),
    });
  }
  add(
    1,
    { who: { upn: 'ada', tenant: 'elsewhere' }, resource: '/', operation: 'Microsoft.Identity/signIns/x/action' },
    '',
  );
  add(0, { resource: '/providers/Microsoft.Authorization/roleAssignments/r' }, '');
});
after(() => stamp.close());

function add(second: number, parts: Partial<AuditEntry>, subscription = own): void {
  const at = start + second * 1000;
  const entry: AuditEntry = {
    at,
    who: { oid: 'o', upn: second % 4 === 0 ? 'Bob@x' : 'ada@x', appid: 'app', tenant: 't' },
    from: '203.0.113.9',
    operation: 'Microsoft.Network/networkSecurityGroups/write',
    resource: s,
    outcome: 'Succeeded',
    correlationId: 'c',
    requestId: 'r',
    ...parts,
  };
  stamp.engine.audited.push({ sequence: second + 1, at: at + 5, subscription, entry });
}

type Read = { readonly events: readonly JsonObject[]; readonly pages: number };

async function read(path: string, filter: string): Promise<Read> {
  const events: JsonObject[] = [];
  let next: string | undefined = filter === '' ? path : `${path}&$filter=${encodeURIComponent(filter)}`;
  let pages = 0;
  for (; next !== undefined; pages++) {
    const reply = await stamp.send(next.replace(/^https?:\/\/[^/]+/, ''));
    assert.equal(reply.status, 200, reply.text);
    events.push(...(reply.json['value'] as JsonObject[]));
    next = reply.json['nextLink'] as string | undefined;
  }
  return { events, pages };
}

const at = (second: number) => new Date(start + second * 1000).toISOString();
const week = 'eventTimestamp ge 2026-01-30T00:00:00.000000Z and eventTimestamp le 2026-02-06T00:00:00.000000Z';

// One row is a filter as clients write it, and how many events meet it.
const rows: readonly (readonly [filter: string, count: number])[] = [
  ['', 1000],
  [week, 1000],
  [`eventTimestamp ge '${at(10)}' and eventTimestamp le '${at(19)}'`, 10],
  [`eventTimestamp gt '${at(10)}' and eventTimestamp lt '${at(19)}'`, 8],
  [`eventTimestamp eq '${at(10)}'`, 1],
  [`eventTimestamp ge '2027-01-01'`, 0],
  [`${week} and resourceGroupName eq 'RARE'`, 100],
  [`${week} and resourceUri eq '${nsg('rg1').toLowerCase()}'`, 900],
  [`${week} and resourceId eq '${nsg('rg1')}'`, 900],
  [`${week} and resourceProvider eq 'microsoft.network'`, 1000],
  [`${week} and resourceProvider eq 'Microsoft.Compute'`, 0],
  [`${week} and correlationId eq 'C-77'`, 1],
  [`${week} and caller eq 'bob@x'`, 250],
  [`${week} and caller ne 'bob@x'`, 750],
  [`${week} and status eq 'Failed'`, 334],
  [`${week} and eventChannels eq 'Admin, Operation'`, 1000],
  [`${week} and levels eq 'Error,Warning'`, 334],
  [`${week} and category eq 'Policy'`, 167],
  [`${week} and resourceGroupName eq 'rare' and status eq 'Succeeded' and caller eq 'bob@x'`, 33],
];

for (const [filter, count] of rows) {
  test(`${count} events meet: ${filter}`, async () => {
    const { events, pages } = await read(log, filter);
    assert.equal(events.length, count);
    assert.equal(new Set(events.map(({ eventDataId }) => eventDataId)).size, count);
    assert.ok(pages <= 1 + Math.ceil(count / activityPageMax));
    const times = events.map(({ eventTimestamp }) => String(eventTimestamp));
    assert.deepEqual(times, times.toSorted().toReversed());
  });
}

test('an event has every member that clients read, and $select takes some of them', async () => {
  const { events } = await read(log, `eventTimestamp eq '${at(1)}'`);
  const [event] = events;
  assert.deepEqual(Object.keys(event ?? {}).toSorted(), [...eventMembers].toSorted());
  const { authorization, status, category, httpRequest, resourceGroupName, operationName } = event as JsonObject;
  const action = 'Microsoft.Network/networkSecurityGroups/write';
  assert.deepEqual(authorization, {
    action,
    scope: nsg('rg1'),
    role: 'Contributor',
    evidence: { role: 'Contributor', roleAssignmentScope: s },
  });
  assert.deepEqual(
    [status, category, operationName, resourceGroupName].map((one) => (one as JsonObject)['value'] ?? one),
    ['Succeeded', 'Administrative', action, 'rg1'],
  );
  assert.deepEqual(httpRequest, { clientRequestId: 'r', clientIpAddress: '203.0.113.9', method: 'PUT' });
  assert.match(String(event?.['eventDataId']), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const some = await read(`${log}&$select=EventTimestamp,caller`, `eventTimestamp eq '${at(1)}'`);
  assert.deepEqual(some.events, [{ caller: 'ada@x', eventTimestamp: at(1) }]);
});

// One row is a query that is refused, and the code.
const refused: readonly (readonly [query: string, code: string])[] = [
  ["$filter=eventTimestamp ge 'yesterday'", 'InvalidFilterInQueryString'],
  ['$filter=eventTimestamp ne 2026-01-01', 'InvalidFilterInQueryString'],
  ["$filter=caller ge 'a'", 'InvalidFilterInQueryString'],
  ["$filter=owner eq 'a'", 'InvalidFilterInQueryString'],
  ["$filter=caller eq 'a' or caller eq 'b'", 'InvalidFilterInQueryString'],
  ['$select=caller,secret', 'InvalidSelectInQueryString'],
  ['$skipToken=MS4y.5', 'InvalidSkipToken'],
  ['$skipToken=!', 'InvalidSkipToken'],
  ['$top=0', 'InvalidTopParameter'],
];

for (const [query, code] of refused) {
  test(`refused with ${code}: ${query}`, async () => {
    const reply = await stamp.send(`${log}&${query.replaceAll(' ', '%20')}`);
    assert.deepEqual([reply.status, (reply.json['error'] as JsonObject)['code']], [400, code], reply.text);
  });
}

test('who may read nothing here is refused, of the subscription, its groups and the root', async () => {
  const group = encodeURIComponent("resourceGroupName eq 'rg1'");
  const root = '/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01';
  for (const path of [log, `${log}&$filter=${group}`, root]) {
    const reply = await stamp.send(path, { headers: { authorization: 'Bearer stranger' } });
    assert.equal(reply.status, 403, reply.text);
    assert.ok(!reply.text.includes('eventTimestamp'));
  }
});

test('the categories of events are listed', async () => {
  const reply = await stamp.send('/providers/microsoft.insights/eventcategories?api-version=2015-04-01');
  assert.deepEqual(
    (reply.json['value'] as JsonObject[]).map(({ value }) => value),
    ['Administrative', 'Policy', 'Security'],
  );
});

test('whatever stands in a query, it is read or refused with its place', () => {
  const words = fc.constantFrom(
    'eventTimestamp',
    'caller',
    'status',
    'ge',
    'le',
    'eq',
    'and',
    "'a'",
    at(1),
    '2026-01-01',
    '(',
    ')',
    ',',
    ' ',
    "'",
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(words, { maxLength: 12 }).map((some) => some.join(' ')),
  );
  const query = fc.dictionary(fc.constantFrom('$filter', '$select', '$skiptoken'), text);
  fc.assert(
    fc.property(query, (stated) => {
      try {
        const { from, to, before } = parseActivityQuery(new Map(Object.entries(stated)), start);
        assert.ok(Number.isFinite(from) && Number.isFinite(to));
        if (before !== undefined) assert.ok(Number.isSafeInteger(before.at) && Number.isSafeInteger(before.sequence));
      } catch (error) {
        assert.ok(error instanceof Refusal && error.status === 400 && error.target !== undefined, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test('a rare wish among many entries takes pages, some of them empty, and each is short work', async () => {
  const many = auditScanMax + 3000;
  const kept = stamp.engine.audited.splice(0);
  for (let second = many; second > 0; second--) add(second, { correlationId: second === 1 ? 'the-one' : 'other' });
  const { events, pages } = await read(log, "correlationId eq 'the-one'");
  assert.deepEqual([events.length, pages], [1, 2]);
  stamp.engine.audited.splice(0, many, ...kept);
});
