/** Source ports: counted by interface, refused beyond the plan, of one subscription alone. */

import { equal, match } from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { checkSnatPorts, snatPortsOf } from '#model/plans/snat-ports.ts';
import { MemoryView } from '#model/memory.ts';
import type { Resource } from '#model/resource.ts';
import { outcome, refusalOf } from '#model/test-world.ts';

const [own, other] = ['/subscriptions/aaaa', '/subscriptions/bbbb'];
const quota = '/subscriptions/cccc/providers/Microsoft.Network.Admin/locations/local/quotas/q';
const plan = '/subscriptions/cccc/resourceGroups/r/providers/Microsoft.Subscriptions.Admin/plans/p';
const nicOf = (subscription: string, name: string) =>
  `${subscription}/resourceGroups/r/providers/Microsoft.Network/networkInterfaces/${name}`;

function kept(id: string, type: string, properties: JsonObject = {}): Resource {
  return { id, type, name: id.slice(id.lastIndexOf('/') + 1), properties, etag: 'W/"1"', createdAt: '', changedAt: '' };
}

function viewOf(count: number, maxSnatPortsPerSubscription: number): MemoryView {
  const nics = [...Array.from({ length: count }, (_, index) => nicOf(own, `n${index}`)), nicOf(other, 'x')];
  return new MemoryView([
    ...nics.map((id) => kept(id, 'Microsoft.Network/networkInterfaces')),
    kept(own, 'Microsoft.Resources/subscriptions', { plans: [plan] }),
    kept(other, 'Microsoft.Resources/subscriptions'),
    kept(plan, 'Microsoft.Subscriptions.Admin/plans', { quotaIds: [quota] }),
    kept(quota, 'Microsoft.Network.Admin/locations/quotas', { maxSnatPortsPerSubscription }),
  ]);
}

const rows: readonly [interfaces: number, ports: number, wanted: string][] = [
  [0, 255, 'SnatPortLimitReached'],
  [0, 256, 'ok'],
  [3, 1023, 'SnatPortLimitReached'],
  [3, 1024, 'ok'],
  [63, 16_384, 'ok'],
  [64, 16_384, 'SnatPortLimitReached'],
];
for (const [interfaces, ports, wanted] of rows)
  test(`one more after ${interfaces} interfaces under ${ports} ports: ${wanted}`, () => {
    const view = viewOf(interfaces, ports);
    match(
      outcome(() => checkSnatPorts(view, nicOf(own.toUpperCase().replace('/SUBSCRIPTIONS', '/subscriptions'), 'new'))),
      new RegExp(`^${wanted}`),
    );
    equal(snatPortsOf(view, own), interfaces * 256);
  });

test('the refusal says what is used and what would be accepted; without plans there is none', () => {
  const view = viewOf(4, 1024);
  match(
    refusalOf(() => checkSnatPorts(view, nicOf(own, 'new')))?.message ?? '',
    /more than 1024 .* reserves 256, and 1024 are reserved/,
  );
  equal(
    outcome(() => checkSnatPorts(view, nicOf(other, 'new'))),
    'ok',
  );
});
