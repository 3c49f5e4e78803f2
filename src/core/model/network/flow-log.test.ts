/** Flow logs: rows of bodies and what becomes of them, one log a target, and what goes with a watcher. */

import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { flowLogOf } from '#model/network/flow-log.ts';
import { makeWorld, net, outcome, refusalOf, withVnet } from '#model/test-world.ts';

const log = net('networkWatchers/w/flowLogs/f');
const good = {
  targetResourceId: net('networkSecurityGroups/g'),
  storageId: '/subscriptions/s1/resourceGroups/rg1/providers/Microsoft.Storage/storageAccounts/a',
  enabled: true,
  retentionPolicy: { days: 7, enabled: true },
  format: { type: 'JSON', version: 2 },
};
const at = '/properties/';

function world() {
  const made = withVnet(makeWorld());
  made.put(net('networkSecurityGroups/g'));
  made.put(net('networkWatchers/w'));
  return made;
}

// Each row: the properties, and the outcome.
const rows: [JsonObject, string][] = [
  [good, 'ok'],
  [{ ...good, targetResourceId: net('virtualNetworks/v1') }, 'ok'],
  [{ ...good, targetResourceId: net('networkWatchers/w') }, `InvalidParameter ${at}targetResourceId`],
  [{ ...good, targetResourceId: 'nothing' }, `InvalidParameter ${at}targetResourceId`],
  [{ ...good, targetResourceId: net('networkSecurityGroups/none') }, `ResourceNotFound ${at}targetResourceId`],
  [{ storageId: '/s' }, `InvalidRequestFormat ${at}targetResourceId`],
  [{ targetResourceId: good.targetResourceId }, `InvalidRequestFormat ${at}storageId`],
  [{ ...good, retentionPolicy: { days: 366 } }, `InvalidParameter ${at}retentionPolicy/days`],
  [{ ...good, retentionPolicy: { days: -1 } }, `InvalidParameter ${at}retentionPolicy/days`],
  [{ ...good, format: { type: 'CSV' } }, `InvalidParameter ${at}format/type`],
  [{ ...good, enabledFilteringCriteria: '' }, 'ok'],
  [{ ...good, enabledFilteringCriteria: 'dstPort=80' }, `InvalidParameter ${at}enabledFilteringCriteria`],
  [{ ...good, format: { version: 3 } }, `InvalidParameter ${at}format/version`],
  [{ ...good, flowAnalyticsConfiguration: { networkWatcherFlowAnalyticsConfiguration: { enabled: false } } }, 'ok'],
  [
    { ...good, flowAnalyticsConfiguration: { networkWatcherFlowAnalyticsConfiguration: { enabled: true } } },
    `InvalidParameter ${at}flowAnalyticsConfiguration/networkWatcherFlowAnalyticsConfiguration/enabled`,
  ],
];

test('bodies of flow logs', () => {
  for (const [properties, wanted] of rows)
    equal(
      outcome(() => world().put(log, { properties })),
      wanted,
      JSON.stringify(properties),
    );
});

test('a flow log shows where its files are and keeps the defaults of Azure', () => {
  const made = world();
  made.put(log, { properties: { targetResourceId: good.targetResourceId.toUpperCase(), storageId: '/s' } });
  const { logFolder, retentionPolicy, format, enabled } = made.properties(log);
  deepEqual(
    { logFolder, retentionPolicy, format, enabled },
    {
      logFolder: `resourceId=${good.targetResourceId.toUpperCase()}`,
      retentionPolicy: { days: 0, enabled: false },
      format: { type: 'JSON', version: 1 },
      enabled: true,
    },
  );
  equal(flowLogOf(made.draft, good.targetResourceId)?.id, log);
});

test('a target has one flow log, which goes with its watcher', () => {
  const made = world();
  made.put(log, { properties: good });
  made.put(log, { properties: { ...good, enabled: false } });
  const other = net('networkWatchers/w/flowLogs/other');
  equal(refusalOf(() => made.put(other, { properties: good }))?.code, 'FlowLogAlreadyExists');
  made.remove(net('networkWatchers/w'));
  equal(made.draft.get(log), undefined);
});
