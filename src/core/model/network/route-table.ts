/** Route tables: user-defined routes that subnets may share. */

import { routesPerTableMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { keepTracked, openJob, partsOf, replaceChildren } from '#model/job.ts';
import { flagOf } from '#model/parse.ts';
import type { Noun } from '#model/noun.ts';
import { links, showNetwork } from '#model/show.ts';
import { checkRoutes, route, routePropertiesOf, routeType } from '#model/network/route.ts';

const routeTableType = 'Microsoft.Network/routeTables';

export const routeTable: Noun = {
  type: routeTableType,

  write(write, draft, context) {
    const job = openJob(routeTableType, write, { draft, context });
    const parts = partsOf(job.properties, 'routes', { max: routesPerTableMax, type: routeType }) ?? [];
    const wanted = parts.map(({ name, properties }) => ({ name, properties: routePropertiesOf(properties) }));
    const properties = { disableBgpRoutePropagation: flagOf(job.properties, 'disableBgpRoutePropagation') ?? false };
    const kept = keepTracked(job, { properties, internal: job.before?.internal ?? { guid: context.newGuid() } });
    replaceChildren(kept, { type: routeType, wanted, remove: route.remove }, job);
    checkRoutes(kept, draft);
    return draft.get(kept.id) ?? kept;
  },

  remove(resource, draft, context) {
    const user = draft.referrersOf(resource.id)[0];
    if (user !== undefined) {
      throw new Refusal(
        'InUseRouteTableCannotBeDeleted',
        `Route table ${resource.name} is in use and cannot be deleted: subnet ${user.id} refers to it.`,
        { target: resource.id },
      );
    }
    for (const child of draft.childrenOf(resource.id, routeType)) route.remove(child, draft, context);
    draft.delete(resource.id);
  },

  show(resource, view, context) {
    const subnets = view.referrersOf(resource.id).map(({ id }) => id);
    return showNetwork(resource, {
      ...resource.properties,
      resourceGuid: resource.internal?.['guid'],
      routes: view.childrenOf(resource.id, routeType).map((child) => route.show(child, view, context)),
      ...(subnets.length > 0 && { subnets: links(subnets) }),
    });
  },
};
