/** Lists that the network provider derives from references: whose load balancers a NIC is behind, whose NICs a load balancer has. */

import { isObject, type JsonObject } from '#base/json.ts';
import { sameId } from '#model/arm-id.ts';
import type { Resource } from '#model/resource.ts';
import type { Answer } from '#faces/arm/answer.ts';
import { partOf, type Call } from '#faces/arm/call.ts';
import { readable, shower } from '#faces/arm/list.ts';
import { pageAnswer } from '#faces/arm/page.ts';
import { found } from '#faces/arm/resource.ts';

const nicType = 'Microsoft.Network/networkInterfaces';
const balancerType = 'Microsoft.Network/loadBalancers';

/** GET `networkInterfaces/{nic}/loadBalancers`. */
export function listBalancersOfNic(call: Call): Answer {
  const nic = found({ ...call, parts: { ...call.parts, type: nicType } }, idOf(call, nicType));
  const ids = balancersOf(nic);
  const balancers = ids.flatMap((id) => call.engine.view().get(id) ?? []);
  return pageAnswer(call, readable(call, balancers), shower(call));
}

/** GET `loadBalancers/{balancer}/networkInterfaces`. */
export function listNicsOfBalancer(call: Call): Answer {
  const balancer = found({ ...call, parts: { ...call.parts, type: balancerType } }, idOf(call, balancerType));
  const nics = [...call.engine.view().ofType(nicType)].filter((nic) =>
    balancersOf(nic).some((id) => sameId(id, balancer.id)),
  );
  return pageAnswer(call, readable(call, nics), shower(call));
}

function idOf(call: Call, type: string): string {
  return `/subscriptions/${partOf(call, 'subscription')}/resourceGroups/${partOf(call, 'group')}/providers/${type}/${partOf(call, 'name')}`;
}

/** The load balancers whose pools or NAT rules a NIC's configurations name. */
function balancersOf({ properties }: Resource): readonly string[] {
  const configurations = properties['ipConfigurations'];
  if (!Array.isArray(configurations)) return [];
  const ids = configurations.flatMap((configuration: JsonObject) => {
    const held = configuration['properties'];
    if (!isObject(held)) return [];
    return [held['loadBalancerBackendAddressPools'], held['loadBalancerInboundNatRules']].flatMap((list) =>
      Array.isArray(list) ? list.map((link: JsonObject) => String(link['id']).split('/').slice(0, -2).join('/')) : [],
    );
  });
  return [...new Map(ids.map((id) => [id.toLowerCase(), id])).values()];
}
