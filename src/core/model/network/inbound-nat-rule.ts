/** Inbound NAT rules of a load balancer: one port of a frontend leads to one port of one NIC address. */

import type { JsonObject } from '#base/json.ts';
import { loadBalancerRulesMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { keepChild, openJob, touchParent, type Job } from '#model/job.ts';
import { finish, flagOf, integerOf, missing, note, oneOf, type Reader } from '#model/parse.ts';
import type { Noun } from '#model/noun.ts';
import { parentOf, type Resource, type View } from '#model/resource.ts';
import { showNetwork } from '#model/show.ts';
import { entriesOf } from '#model/network/address-use.ts';
import { natUses, ruleUses, checkPorts } from '#model/network/frontend-port.ts';
import { floatingIpOf, partIn, partNames } from '#model/network/load-balancer-part.ts';
import { dropFromNics } from '#model/network/nic.ts';
import { listHolds } from '#model/reference.ts';

export const natRuleType = 'Microsoft.Network/loadBalancers/inboundNatRules';

export const inboundNatRule: Noun = {
  type: natRuleType,

  write(write, draft, context) {
    const job = openJob(natRuleType, write, { draft, context });
    const balancer = draft.get(parentOf(job.id) ?? '');
    const frontends =
      balancer === undefined ? new Map<string, string>() : partNames(balancer, 'frontendIPConfigurations');
    const properties = natPropertiesOf(job.properties, { balancerId: balancer?.id ?? '', frontends });
    finish(job.body);
    if (balancer !== undefined) checkSiblings(job, balancer, properties);
    return keepChild(job, { properties });
  },

  remove(resource, draft, context) {
    dropFromNics(resource.id, { draft, context });
    draft.delete(resource.id);
    touchParent(resource.id, { draft, context });
  },

  show: (resource, view) => showNetwork(resource, { ...resource.properties, ...backendOf(resource, view) }),
};

/** Reads the properties of a rule, as a child's own body or embedded in its load balancer's. */
export function natPropertiesOf(
  properties: Reader,
  owner: { balancerId: string; frontends: ReadonlyMap<string, string> },
): JsonObject {
  const frontend = partIn(properties, 'frontendIPConfiguration', {
    balancerId: owner.balancerId,
    list: 'frontendIPConfigurations',
    names: owner.frontends,
  });
  for (const name of ['frontendPort', 'backendPort']) {
    if (!properties.members.has(name.toLowerCase())) missing(properties, name);
  }
  if (properties.members.has('backendaddresspool')) {
    note(
      properties,
      'backendAddressPool',
      'inbound NAT rules for whole pools are not offered; refer to the rule from the ipConfiguration of a NIC',
    );
  }
  return {
    frontendIPConfiguration: frontend,
    frontendPort: integerOf(properties, 'frontendPort', [1, 65_534]),
    backendPort: integerOf(properties, 'backendPort', [1, 65_535]),
    protocol: oneOf(properties, 'protocol', ['Tcp', 'Udp', 'All']) ?? 'Tcp',
    idleTimeoutInMinutes: integerOf(properties, 'idleTimeoutInMinutes', [4, 100]) ?? 4,
    enableFloatingIP: floatingIpOf(properties),
    enableTcpReset: flagOf(properties, 'enableTcpReset') ?? false,
  };
}

function checkSiblings(job: Job, balancer: Resource, properties: JsonObject): void {
  const key = job.id.toLowerCase();
  const others = job.draft.childrenOf(balancer.id, natRuleType).filter(({ id }) => id.toLowerCase() !== key);
  if (others.length >= loadBalancerRulesMax) {
    throw new Refusal(
      'LoadBalancerRulesLimitReached',
      `A load balancer has at most ${loadBalancerRulesMax} inbound NAT rules.`,
    );
  }
  const own = { name: job.id.slice(job.id.lastIndexOf('/') + 1), properties };
  const clash = checkPorts([...ruleUses(balancer), ...natUses([...others, own])]);
  if (clash !== undefined) throw new Refusal(clash.code, clash.message, { target: '/properties/frontendPort' });
}

function backendOf(resource: Resource, view: View): JsonObject {
  for (const user of view.referrersOf(resource.id)) {
    const entry = entriesOf(user).find(({ properties }) =>
      listHolds(properties['loadBalancerInboundNatRules'], resource.id),
    );
    if (entry !== undefined) return { backendIPConfiguration: { id: entry.id } };
  }
  return {};
}
