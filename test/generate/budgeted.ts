/** A small stamp with budgets of all kinds: a subscription with plans, and one of its NICs in quarantine. */

import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import type { Resource } from '#model/resource.ts';
import type { Programs } from '#program/program.ts';
import { addNic, addSubnet, addVnet, type Build, idOf, newBuild, viewOf } from '#test/generate/build.ts';

const admin = '/subscriptions/99999999-9999-9999-9999-999999999999';
const quota = `${admin}/providers/Microsoft.Network.Admin/locations/local/quotas/q`;
const plan = `${admin}/resourceGroups/r/providers/Microsoft.Subscriptions.Admin/plans/p`;

function put(build: Build, id: string, [type, properties]: readonly [string, Resource['properties']]): void {
  const name = id.slice(id.lastIndexOf('/') + 1);
  const resource: Resource = { id, type, name, properties, etag: 'W/"1"', createdAt: '', changedAt: '' };
  build.resources.set(id.toLowerCase(), resource);
}

/** NICs with marks 1 and 2 in one network, of a subscription whose plan has a quota with these numbers; the second is set apart if asked for. */
export function addBudgeted(build: Build, numbers: Resource['properties'], isApart: boolean): void {
  addVnet(build, 'a', ['10.0.0.0/16']);
  addSubnet(build, 'a/s', [['10.0.0.0/24']]);
  addNic(build, 'one', { subnet: 'a/s', addresses: ['10.0.0.4'] });
  addNic(build, 'two', { subnet: 'a/s', addresses: ['10.0.0.5'] });
  const two = build.resources.get(idOf('networkInterfaces/two').toLowerCase());
  if (two !== undefined && isApart)
    build.resources.set(two.id.toLowerCase(), { ...two, internal: { ...two.internal, quarantine: { since: '' } } });
  const subscription = idOf('virtualNetworks/a').split('/').slice(0, 3).join('/');
  put(build, subscription, ['Microsoft.Resources/subscriptions', { plans: [plan] }]);
  put(build, plan, ['Microsoft.Subscriptions.Admin/plans', { quotaIds: [quota] }]);
  put(build, quota, ['Microsoft.Network.Admin/locations/quotas', numbers]);
}

/** Its programs. */
export function budgetedStamp(numbers: Resource['properties'] = {}, isApart = true): Programs {
  const build = newBuild();
  addBudgeted(build, numbers, isApart);
  return compileStamp(viewOf(build), build.stamp, new CompileMemo());
}
