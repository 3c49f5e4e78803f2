/** Load balancers: frontends, pools, probes and rules; public or inside a VNet. */

import { isObject, type JsonObject } from '#base/json.ts';
import { frontendsMax, loadBalancerRulesMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { sameId } from '#model/arm-id.ts';
import { keepTracked, openJob, partsOf, replaceChildren, skuOf, type Job, type Part } from '#model/job.ts';
import { finish, note } from '#model/parse.ts';
import type { Noun } from '#model/noun.ts';
import { idIn } from '#model/reference.ts';
import type { Context, Draft, Resource, View } from '#model/resource.ts';
import { links, showNetwork } from '#model/show.ts';
import { backendPool, backendPoolType, poolPropertiesOf } from '#model/network/backend-pool.ts';
import { checkPorts, natUses, ruleUses } from '#model/network/frontend-port.ts';
import { frontendsOf } from '#model/network/frontend.ts';
import { inboundNatRule, natPropertiesOf, natRuleType } from '#model/network/inbound-nat-rule.ts';
import { nameMap } from '#model/network/load-balancer-part.ts';
import { balancingRuleOf, natPoolOf, outboundRuleOf, probeOf, type Owner } from '#model/network/load-balancer-rules.ts';
import { publicIpsOf } from '#model/network/nic.ts';
import { settlePublicIps } from '#model/network/public-ip.ts';

const loadBalancerType = 'Microsoft.Network/loadBalancers';

/** The lists that are embedded and have no PUT of their own. */
const lists = ['frontendIPConfigurations', 'loadBalancingRules', 'probes', 'inboundNatPools', 'outboundRules'] as const;

export const loadBalancer: Noun = {
  type: loadBalancerType,

  write(write, draft, context) {
    const job = openJob(loadBalancerType, write, { draft, context });
    const sku = skuOf(job.body, ['Basic', 'Standard']);
    const parts = allParts(job);
    const owner: Owner = {
      balancerId: job.id,
      isStandard: sku['name'] === 'Standard',
      names: new Map([...parts].map(([list, entries]) => [list, nameMap(entries.map(({ name }) => name))])),
    };
    const each = (list: string, read: (part: Part, of: Owner) => JsonObject) =>
      (parts.get(list) ?? []).map((part) => ({ name: part.name, properties: read(part, owner) }));
    const rules = {
      loadBalancingRules: each('loadBalancingRules', balancingRuleOf),
      probes: each('probes', probeOf),
      inboundNatPools: each('inboundNatPools', natPoolOf),
      outboundRules: each('outboundRules', outboundRuleOf),
    };
    const pools = each('backendAddressPools', ({ properties }) => poolPropertiesOf(properties));
    const frontendNames = owner.names.get('frontendIPConfigurations') ?? new Map<string, string>();
    const natRules = each('inboundNatRules', ({ properties }) =>
      natPropertiesOf(properties, { balancerId: job.id, frontends: frontendNames }),
    );
    const clash = checkPorts([...ruleUses({ properties: rules }), ...natUses(natRules)]);
    if (clash !== undefined) note(job.properties, 'loadBalancingRules', clash);
    checkSku(job, sku);
    const frontends = frontendsOf(job, parts.get('frontendIPConfigurations') ?? [], sku);
    checkFrontends(job, { frontends, ...rules });
    const internal = job.before?.internal ?? { guid: context.newGuid(), health: {} };
    const kept = keepTracked(job, { properties: { frontendIPConfigurations: frontends, ...rules }, sku, internal });
    replaceChildren(kept, { type: backendPoolType, wanted: pools, remove: backendPool.remove }, job);
    replaceChildren(kept, { type: natRuleType, wanted: natRules, remove: inboundNatRule.remove }, job);
    settlePublicIps({ before: publicIpsOf(job.before), after: publicIpsOf(kept) }, job);
    return draft.get(kept.id) ?? kept;
  },

  remove(resource, draft, context) {
    removeParts(resource, draft, context);
    draft.delete(resource.id);
    settlePublicIps({ before: publicIpsOf(resource), after: [] }, { draft, context });
  },

  show(resource, view, context) {
    return showNetwork(
      { ...resource, sku: { ...resource.sku, tier: 'Regional' } },
      {
        resourceGuid: resource.internal?.['guid'],
        ...Object.fromEntries(lists.map((list) => [list, showList(resource, list, view)])),
        backendAddressPools: view
          .childrenOf(resource.id, backendPoolType)
          .map((child) => backendPool.show(child, view, context)),
        inboundNatRules: view
          .childrenOf(resource.id, natRuleType)
          .map((child) => inboundNatRule.show(child, view, context)),
      },
    );
  },

  actions: Object.fromEntries(
    lists.map((list) => [
      list,
      { method: 'GET', run: (resource, _input, draft) => ({ value: showList(resource, list, draft) }) },
    ]),
  ),
};

function allParts(job: Job): Map<string, Part[]> {
  const all = [...lists, 'backendAddressPools', 'inboundNatRules'];
  return new Map(
    all.map((list) => {
      const max = list === 'frontendIPConfigurations' ? frontendsMax : loadBalancerRulesMax;
      return [list, partsOf(job.properties, list, { max, type: `${loadBalancerType}/${list}` }) ?? []];
    }),
  );
}

function checkSku({ before, id }: Job, sku: JsonObject): void {
  if (before === undefined || before.sku?.['name'] === sku['name']) return;
  throw new Refusal(
    'LoadBalancerSkuCannotBeChanged',
    `The sku of ${id} is ${String(before.sku?.['name'])} and cannot be changed; make a new load balancer.`,
    { target: '/sku/name' },
  );
}

type Lists = { readonly frontends: readonly JsonObject[]; readonly [list: string]: readonly JsonObject[] };

/** What rules ask of their frontends: HA ports need a private one, outbound rules public ones (Azure doc "Load Balancer SKUs"). */
function checkFrontends(job: Job, { frontends, loadBalancingRules = [], outboundRules = [] }: Lists): void {
  const isPublic = frontends.some(
    ({ properties }) => isObject(properties) && properties['publicIPAddress'] !== undefined,
  );
  if (frontends.length === 0) return;
  if (outboundRules.length > 0 && !isPublic) {
    note(job.properties, 'outboundRules', {
      code: 'OutboundRuleNeedsPublicFrontend',
      message: 'Outbound rules need frontends with public IP addresses.',
    });
  }
  loadBalancingRules.forEach(({ name, properties }, index) => {
    if (!isObject(properties)) return;
    if (properties['protocol'] === 'All' && isPublic) {
      const message = `Rule ${String(name)}: protocol All (HA ports) is for private frontends of Standard load balancers only.`;
      note(job.properties, `loadBalancingRules/${index}`, {
        code: 'LoadBalancingRuleAllPortsNotAllowedForPublicFrontend',
        message,
      });
    }
    const shares = outboundRules.some((rule) => sharesFrontend(properties, rule['properties']));
    if (shares && properties['disableOutboundSnat'] !== true) {
      note(job.properties, `loadBalancingRules/${index}`, {
        code: 'LoadBalancingRuleMustDisableSNATSinceSameFrontendIPConfigurationIsReferencedByOutboundRule',
        message: `Rule ${String(name)} must state disableOutboundSnat: true, because an outbound rule uses the same frontend and pool.`,
      });
    }
  });
  finish(job.body);
}

function sharesFrontend(rule: JsonObject, outbound: unknown): boolean {
  if (!isObject(outbound) || !sameId(idIn(rule['backendAddressPool']), idIn(outbound['backendAddressPool'])))
    return false;
  const frontends = outbound['frontendIPConfigurations'];
  return (
    Array.isArray(frontends) && frontends.some((link) => sameId(idIn(link), idIn(rule['frontendIPConfiguration'])))
  );
}

function removeParts(resource: Resource, draft: Draft, context: Context): void {
  // Without its rules, nothing of the load balancer holds its pools any more.
  draft.put(Object.freeze({ ...resource, properties: {} }));
  for (const child of draft.childrenOf(resource.id, natRuleType)) inboundNatRule.remove(child, draft, context);
  for (const child of draft.childrenOf(resource.id, backendPoolType)) backendPool.remove(child, draft, context);
}

/** An embedded list as ARM shows it: with ids and etags; frontends and probes name the rules that use them. */
function showList(resource: Resource, list: string, view: View): JsonObject[] {
  const entries = resource.properties[list];
  return (Array.isArray(entries) ? entries : []).map((entry: JsonObject): JsonObject => {
    const id = `${resource.id}/${list}/${String(entry['name'])}`;
    const stated = isObject(entry['properties']) ? entry['properties'] : {};
    const zones = entry['zones'];
    const users = list === 'frontendIPConfigurations' || list === 'probes' ? usersOf(id, resource, view) : {};
    return {
      name: entry['name'],
      id,
      etag: resource.etag,
      type: `${loadBalancerType}/${list}`,
      ...(zones !== undefined && { zones }),
      properties: { provisioningState: 'Succeeded', ...stated, ...users },
    };
  });
}

function usersOf(id: string, resource: Resource, view: View): JsonObject {
  const found: { [list: string]: JsonObject[] } = {};
  for (const list of ['loadBalancingRules', 'outboundRules', 'inboundNatPools'] as const) {
    const entries = resource.properties[list];
    const users = (Array.isArray(entries) ? entries : []).filter(({ properties }) => {
      const own = [idIn(properties?.frontendIPConfiguration), idIn(properties?.probe)];
      const many = Array.isArray(properties?.frontendIPConfigurations)
        ? properties.frontendIPConfigurations.map(idIn)
        : [];
      return [...own, ...many].some((stated) => sameId(stated, id));
    });
    if (users.length > 0) found[list] = links(users.map(({ name }) => `${resource.id}/${list}/${String(name)}`));
  }
  const natRules = view
    .childrenOf(resource.id, natRuleType)
    .filter((rule) => sameId(idIn(rule.properties['frontendIPConfiguration']), id));
  if (natRules.length > 0) found['inboundNatRules'] = links(natRules.map((rule) => rule.id));
  return found;
}
