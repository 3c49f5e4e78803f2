/** Backend address pools of a load balancer: the NIC addresses that traffic is spread over. */

import type { JsonObject } from '#base/json.ts';
import { backendPoolMembersMax, loadBalancerRulesMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { keepChild, openJob, touchParent } from '#model/job.ts';
import { listOf, member, note, objectOf, type Reader } from '#model/parse.ts';
import type { Noun } from '#model/noun.ts';
import { idIn, listHolds } from '#model/reference.ts';
import { parentOf, type Resource, type View } from '#model/resource.ts';
import { links, showNetwork } from '#model/show.ts';
import { entriesOf } from '#model/network/address-use.ts';
import { dropFromNics } from '#model/network/nic.ts';

export const backendPoolType = 'Microsoft.Network/loadBalancers/backendAddressPools';

export const backendPool: Noun = {
  type: backendPoolType,

  write(write, draft, context) {
    const job = openJob(backendPoolType, write, { draft, context });
    const siblings = draft.childrenOf(parentOf(job.id) ?? '', backendPoolType);
    if (job.before === undefined && siblings.length >= loadBalancerRulesMax) {
      throw new Refusal(
        'BackendAddressPoolsLimitReached',
        `A load balancer has at most ${loadBalancerRulesMax} backend address pools.`,
      );
    }
    return keepChild(job, { properties: poolPropertiesOf(job.properties) });
  },

  remove(resource, draft, context) {
    const balancer = draft.get(parentOf(resource.id) ?? '');
    const rule = balancer && rulesOf(resource, balancer)[0];
    if (rule !== undefined) {
      throw new Refusal(
        'InUseBackendAddressPoolCannotBeDeleted',
        `Backend address pool ${resource.id} cannot be deleted because it is in use by ${rule}.`,
        { target: resource.id },
      );
    }
    dropFromNics(resource.id, { draft, context });
    draft.delete(resource.id);
    touchParent(resource.id, { draft, context });
  },

  show(resource, view) {
    const balancer = view.get(parentOf(resource.id) ?? '');
    const rules = balancer === undefined ? [] : rulesOf(resource, balancer);
    const of = (list: string) => rules.filter((id) => id.includes(`/${list}/`));
    const outbound = of('outboundRules');
    return showNetwork(resource, {
      ...resource.properties,
      backendIPConfigurations: links(membersOf(resource, view)),
      loadBalancingRules: links(of('loadBalancingRules')),
      ...(outbound.length > 0 && { outboundRules: links(outbound) }),
    });
  },
};

/** Reads the properties of a pool: members join from their NICs. */
export function poolPropertiesOf(properties: Reader): JsonObject {
  for (const entry of listOf(properties, 'loadBalancerBackendAddresses', backendPoolMembersMax) ?? []) {
    const inner = objectOf(entry, 'properties');
    const isOurs = inner !== undefined && member(inner, 'networkInterfaceIPConfiguration') !== undefined;
    // Clients write back what they read; only members stated by address are something else.
    if (isOurs || inner === undefined || member(inner, 'ipAddress') === undefined) continue;
    note(
      inner,
      'ipAddress',
      'pool members by address are not offered; refer to the pool from the ipConfiguration of a NIC',
    );
  }
  return {};
}

/** The ids of the ipConfigurations that are members of a pool. */
function membersOf(pool: Resource, view: View): string[] {
  return view.referrersOf(pool.id).flatMap((user) =>
    entriesOf(user)
      .filter(({ properties }) => listHolds(properties['loadBalancerBackendAddressPools'], pool.id))
      .map(({ id }) => id),
  );
}

function rulesOf(pool: Resource, balancer: Resource): string[] {
  const key = pool.id.toLowerCase();
  return ['loadBalancingRules', 'outboundRules'].flatMap((list) => {
    const rules = balancer.properties[list];
    return (Array.isArray(rules) ? rules : [])
      .filter(
        ({ properties }) =>
          idIn(properties?.backendAddressPool)?.toLowerCase() === key ||
          listHolds(properties?.backendAddressPools, pool.id),
      )
      .map(({ name }) => `${balancer.id}/${list}/${String(name)}`);
  });
}
