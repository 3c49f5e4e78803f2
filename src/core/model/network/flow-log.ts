/** Flow logs: of which group, network, subnet or interface new flows are written down, how, and for how long. */

import type { JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { canonicalId, typeOfId } from '#model/arm-id.ts';
import { keepTracked, openJob, touchParent } from '#model/job.ts';
import type { Noun } from '#model/noun.ts';
import { finish, flagOf, integerOf, note, objectOf, oneOf, textOf, type Reader } from '#model/parse.ts';
import type { Resource, View } from '#model/resource.ts';
import { showNetwork } from '#model/show.ts';

export const flowLogType = 'Microsoft.Network/networkWatchers/flowLogs';

/** What may be logged (Azure doc "Virtual network flow logs"). */
const targetTypes = [
  'Microsoft.Network/networkSecurityGroups',
  'Microsoft.Network/virtualNetworks',
  'Microsoft.Network/virtualNetworks/subnets',
  'Microsoft.Network/networkInterfaces',
];
const retentionDaysMax = 365;

export const flowLog: Noun = {
  type: flowLogType,

  write(write, draft, context) {
    const job = openJob(flowLogType, write, { draft, context });
    const properties = flowLogPropertiesOf(job.properties);
    finish(job.body);
    const target = String(properties['targetResourceId']);
    if (draft.get(target) === undefined)
      throw new Refusal('ResourceNotFound', `The resource ${target} to log flows of does not exist.`, {
        status: 404,
        target: '/properties/targetResourceId',
      });
    const other = flowLogOf(draft, target);
    if (other !== undefined && other.id.toLowerCase() !== job.id.toLowerCase())
      throw new Refusal('FlowLogAlreadyExists', `The flows of ${target} are logged by ${other.id} already.`, {
        status: 409,
        target: '/properties/targetResourceId',
      });
    const internal = job.before?.internal ?? { guid: context.newGuid() };
    const kept = keepTracked(job, { properties, internal });
    touchParent(kept.id, job);
    return kept;
  },

  remove(resource, draft, context) {
    draft.delete(resource.id);
    touchParent(resource.id, { draft, context });
  },

  show: (resource, view) =>
    showNetwork(resource, {
      ...resource.properties,
      targetResourceGuid: guidOf(view.get(String(resource.properties['targetResourceId']))),
      logFolder: flowLogFolder(String(resource.properties['targetResourceId'])),
    }),
};

/** Reads the properties. */
function flowLogPropertiesOf(properties: Reader): JsonObject {
  const target = textOf(properties, 'targetResourceId', { required: true, lengthMax: 2048 });
  if (target !== undefined && !targetTypes.includes(typeOfId(target) ?? ''))
    note(properties, 'targetResourceId', `the id of one of ${targetTypes.join(', ')} is wanted`);
  return {
    targetResourceId: target === undefined ? undefined : canonicalId(target),
    ...flowLogSettingsOf(properties),
  } as JsonObject;
}

/** Reads all properties but the target: a watcher is told them the same way. */
export function flowLogSettingsOf(properties: Reader): JsonObject {
  const storageId = textOf(properties, 'storageId', { required: true, lengthMax: 2048 });
  const enabled = flagOf(properties, 'enabled') ?? true;
  const retention = objectOf(properties, 'retentionPolicy');
  const format = objectOf(properties, 'format');
  if (format !== undefined) oneOf(format, 'type', ['JSON']);
  const version = format === undefined ? undefined : integerOf(format, 'version', [0, 2]);
  const criteria = textOf(properties, 'enabledFilteringCriteria');
  if (criteria !== undefined && criteria !== '')
    note(properties, 'enabledFilteringCriteria', 'all flows of the target are logged; an empty text is accepted');
  const analytics = objectOf(properties, 'flowAnalyticsConfiguration');
  const watched = analytics === undefined ? undefined : objectOf(analytics, 'networkWatcherFlowAnalyticsConfiguration');
  if (watched !== undefined && flagOf(watched, 'enabled') === true)
    note(watched, 'enabled', 'traffic analytics is not offered by this stamp; false is accepted');
  return {
    storageId,
    enabled,
    retentionPolicy: {
      days: (retention && integerOf(retention, 'days', [0, retentionDaysMax])) ?? 0,
      enabled: (retention && flagOf(retention, 'enabled')) ?? false,
    },
    // Azure's default is version 1; 0 is how its older clients leave it out.
    format: { type: 'JSON', version: version === undefined || version === 0 ? 1 : version },
  } as JsonObject;
}

/** The flow log of a target, if there is one. */
export function flowLogOf(view: Pick<View, 'ofType'>, target: string): Resource | undefined {
  const wanted = target.toLowerCase();
  for (const one of view.ofType(flowLogType)) {
    if (String(one.properties['targetResourceId']).toLowerCase() === wanted) return one;
  }
  return undefined;
}

/** Where a target's flows are written, below the stamp's folder of flow logs; as Azure lays out its blobs. */
export function flowLogFolder(target: string): string {
  return `resourceId=${target.toUpperCase()}`;
}

function guidOf(target: Resource | undefined): string | undefined {
  const guid = target?.internal?.['guid'];
  return typeof guid === 'string' ? guid : undefined;
}
