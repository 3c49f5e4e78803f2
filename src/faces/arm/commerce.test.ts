/** Usage over ARM: whole periods in the documented form, pages that give all of it once, and the documented refusals. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { Refusal } from '#base/wrong.ts';
import type { JsonObject } from '#base/json.ts';
import { parseUsageQuery } from '#faces/arm/commerce.ts';
import { fakeStamp, s, type FakeStamp } from '#faces/arm/fake-engine.ts';

const now = Date.parse('2026-03-10T10:30:00Z');
const day = Date.parse('2026-03-09T00:00:00Z');
const hour = 3_600_000;
const usage = `${s}/providers/Microsoft.Commerce/usageAggregates?api-version=2015-06-01-preview`;
const meter = 'F271A8A388C44D93956A063E1D2FA80B';

let stamp: FakeStamp;
before(async () => {
  stamp = await fakeStamp({ now: () => now });
  const instance = { location: 'local', tags: { a: 'b' }, additionalInfo: null };
  stamp.engine.intervals = Array.from({ length: 70 }, (_, index) => ({
    metered: {
      instance: {
        ...instance,
        resourceUri: `${s}/resourceGroups/g/providers/Microsoft.Network/publicIPAddresses/p${index}`,
      },
      counts: [{ meter, count: 1 }],
    },
    from: day + 6 * hour,
    ...(index === 0 ? { to: day + 7.5 * hour } : {}),
  }));
});
after(() => stamp.close());

async function read(query: string): Promise<{ readonly records: readonly JsonObject[]; readonly pages: number }> {
  const records: JsonObject[] = [];
  let next: string | undefined = `${usage}&${query}`;
  let pages = 0;
  for (; next !== undefined; pages++) {
    const reply = await stamp.send(next.replace(/^https?:\/\/[^/]+/, ''));
    assert.equal(reply.status, 200, reply.text);
    records.push(...(reply.json['value'] as JsonObject[]));
    next = reply.json['nextLink'] as string | undefined;
  }
  return { records, pages };
}

const span = (from: string, to: string) => `reportedStartTime=${from}&reportedEndTime=${to}`;
const properties = (record: JsonObject | undefined) => record?.['properties'] as JsonObject;

test('a day is one record for each resource and meter, in the documented form', async () => {
  const { records, pages } = await read(
    `${span('2026-03-09', '2026-03-10T00%3A00%3A00%2b00%3A00')}&aggregationGranularity=Daily`,
  );
  assert.deepEqual([records.length, pages], [70, 1]);
  const [first] = records;
  assert.equal(first?.['type'], 'Microsoft.Commerce/UsageAggregate');
  const { instanceData, quantity, ...rest } = properties(first);
  assert.deepEqual(rest, {
    subscriptionId: s.split('/')[2],
    usageStartTime: '2026-03-09T00:00:00+00:00',
    usageEndTime: '2026-03-10T00:00:00+00:00',
    meterId: meter,
  });
  assert.equal(quantity, 1.5);
  const told = (JSON.parse(String(instanceData)) as JsonObject)['Microsoft.Resources'] as JsonObject;
  assert.deepEqual([told['location'], told['tags']], ['local', { a: 'b' }]);
  assert.match(String(told['resourceUri']), /publicIPAddresses\/p0$/);
});

test('hours come in pages of a thousand, all of them once, and sum up to the day', async () => {
  const { records, pages } = await read(
    `${span('2026-03-09T00:00:00Z', '2026-03-10T00:00:00Z')}&aggregationGranularity=hourly`,
  );
  assert.deepEqual([records.length, pages], [69 * 18 + 2, 2]);
  assert.equal(new Set(records.map(({ name }) => name)).size, records.length);
  assert.equal(
    records.reduce((sum, record) => sum + Number(properties(record)['quantity']), 0),
    69 * 18 + 1.5,
  );
});

test('without details there is one record for each meter, which names no resource', async () => {
  const { records } = await read(`${span('2026-03-09', '2026-03-10')}&showDetails=false`);
  assert.deepEqual(
    records.map((record) => properties(record)['quantity']),
    [69 * 18 + 1.5],
  );
  assert.ok(!JSON.stringify(records).includes('publicIPAddresses'));
});

// One row is a query that is refused, and the code of the documentation.
const good = span('2026-03-09', '2026-03-10');
const refused: readonly (readonly [string, string])[] = [
  ['', 'InvalidProperty'],
  ['reportedStartTime=2026-03-09', 'InvalidProperty'],
  [span('yesterday', '2026-03-10'), 'InvalidProperty'],
  [span('2026-13-45', '2026-03-10'), 'InvalidProperty'],
  [span('2026-03-09T01:00:00Z', '2026-03-10'), 'InvalidProperty'],
  [`${span('2026-03-09T01:30:00Z', '2026-03-10')}&aggregationGranularity=hourly`, 'InvalidProperty'],
  [span('2026-03-10', '2026-03-09'), 'InvalidProperty'],
  [span('2025-03-10', '2026-03-09'), 'InvalidProperty'],
  [span('2026-03-09', '2026-03-11'), 'RequestEndTimeIsInFuture'],
  [`${span('2026-03-09', '2026-03-10T11:00:00Z')}&aggregationGranularity=hourly`, 'RequestEndTimeIsInFuture'],
  [`${good}&aggregationGranularity=weekly`, 'InvalidAggregationGranularity'],
  [`${good}&showDetails=perhaps`, 'InvalidProperty'],
  [`${good}&continuationToken=!`, 'InvalidProperty'],
  [`${good}&continuationToken=${Buffer.from('0.0').toString('base64url')}`, 'InvalidProperty'],
];

for (const [query, code] of refused) {
  test(`refused with ${code}: ${query}`, async () => {
    const reply = await stamp.send(`${usage}&${query}`);
    assert.deepEqual([reply.status, (reply.json['error'] as JsonObject)['code']], [400, code], reply.text);
  });
}

test('a stranger reads no usage', async () => {
  const reply = await stamp.send(`${usage}&${good}`, { headers: { authorization: 'Bearer stranger' } });
  assert.deepEqual([reply.status, (reply.json['error'] as JsonObject)['code']], [403, 'AuthorizationFailed']);
});

test('whatever stands in a query, it is read as whole periods or refused with its place', () => {
  const names = fc.constantFrom(
    'reportedstarttime',
    'reportedendtime',
    'aggregationgranularity',
    'showdetails',
    'continuationtoken',
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('2026-03-09', '2026-03-10', '2026-03-09T05:00:00 00:00', 'hourly', 'daily', 'true', 'MC4w'),
  );
  fc.assert(
    fc.property(fc.dictionary(names, text), (stated) => {
      try {
        const { from, to, period } = parseUsageQuery(new Map(Object.entries(stated)), now);
        assert.ok(from < to && from <= period && period < to && from % hour === 0 && to % hour === 0);
      } catch (error) {
        assert.ok(error instanceof Refusal && error.status === 400 && error.target !== undefined, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
