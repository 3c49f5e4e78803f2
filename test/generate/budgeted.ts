/** A small stamp with budgets of all kinds: a subscription with plans, and one of its NICs in quarantine. */

import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { MemoryView } from '#model/memory.ts';
import type { Resource } from '#model/resource.ts';
import type { Programs } from '#program/program.ts';
import { addNic, addNsg, addSubnet, addVnet, idOf, labStamp, newBuild } from '#test/generate/build.ts';

const admin = '/subscriptions/99999999-9999-9999-9999-999999999999';
const quota = `${admin}/providers/Microsoft.Network.Admin/locations/local/quotas/q`;
const plan = `${admin}/resourceGroups/r/providers/Microsoft.Subscriptions.Admin/plans/p`;

function kept(id: string, type: string, properties: Resource['properties']): Resource {
  return { id, type, name: id.slice(id.lastIndexOf('/') + 1), properties, etag: 'W/"1"', createdAt: '', changedAt: '' };
}

/** NICs with marks 1 and 2 in one network; the second is set apart unless `isApart` is false. `numbers`: of the quota. */
export function budgetedStamp(numbers: Resource['properties'] = {}, isApart = true): Programs {
  const build = newBuild();
  addNsg(build, 'g');
  addVnet(build, 'a', ['10.0.0.0/16']);
  addSubnet(build, 'a/s', [['10.0.0.0/24'], { nsg: 'g' }]);
  addNic(build, 'one', { subnet: 'a/s', addresses: ['10.0.0.4'] });
  addNic(build, 'two', { subnet: 'a/s', addresses: ['10.0.0.5'] });
  const subscription = idOf('virtualNetworks/a').split('/').slice(0, 3).join('/');
  const two = build.resources.get(idOf('networkInterfaces/two').toLowerCase());
  if (two !== undefined && isApart)
    build.resources.set(two.id.toLowerCase(), { ...two, internal: { ...two.internal, quarantine: { since: '' } } });
  const view = new MemoryView([
    ...build.resources.values(),
    kept(subscription, 'Microsoft.Resources/subscriptions', { plans: [plan] }),
    kept(plan, 'Microsoft.Subscriptions.Admin/plans', { quotaIds: [quota] }),
    kept(quota, 'Microsoft.Network.Admin/locations/quotas', numbers),
  ]);
  return compileStamp(view, labStamp, new CompileMemo());
}
