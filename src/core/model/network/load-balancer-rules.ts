/** The rules, probes, NAT pools and outbound rules that are embedded in a load balancer. */

import type { JsonObject } from '#base/json.ts';
import { frontendsMax } from '#base/limits.ts';
import type { Part } from '#model/job.ts';
import { flagOf, integerOf, listOf, missing, note, oneOf, textOf, type Reader } from '#model/parse.ts';
import { floatingIpOf, partIn, partOfObject, type PartRule } from '#model/network/load-balancer-part.ts';

/** The load balancer that the parts belong to, with the names of each of its lists. */
export type Owner = {
  readonly balancerId: string;
  readonly isStandard: boolean;
  readonly names: ReadonlyMap<string, ReadonlyMap<string, string>>;
};

const none: ReadonlyMap<string, string> = new Map();

function rule({ balancerId, names }: Owner, list: string, isOptional = false): PartRule {
  return { balancerId, list, names: names.get(list) ?? none, isOptional };
}

function portOf(properties: Reader, name: string, bounds: readonly [number, number]): number | undefined {
  if (!properties.members.has(name.toLowerCase())) missing(properties, name);
  return integerOf(properties, name, bounds);
}

/** A load-balancing rule. `backendAddressPools` of newer api-versions is the same as `backendAddressPool` with one entry. */
export function balancingRuleOf({ properties }: Part, owner: Owner): JsonObject {
  const pools = listOf(properties, 'backendAddressPools', 2) ?? [];
  const single = partIn(properties, 'backendAddressPool', rule(owner, 'backendAddressPools', true));
  const plural = pools.map((object) => partOfObject(object, rule(owner, 'backendAddressPools')));
  if (plural.length > 1) note(properties, 'backendAddressPools', 'one pool per rule is offered');
  const protocol = oneOf(properties, 'protocol', ['Tcp', 'Udp', 'All']);
  if (protocol === undefined && !properties.members.has('protocol')) missing(properties, 'protocol');
  const isAll = protocol === 'All';
  const frontendPort = portOf(properties, 'frontendPort', isAll ? [0, 0] : [1, 65_534]);
  if (isAll && !owner.isStandard) {
    note(properties, 'protocol', {
      code: 'LoadBalancingRuleProtocolAllNotAllowedForBasicSku',
      message: 'Protocol All (HA ports) needs a load balancer of sku Standard.',
    });
  }
  return {
    frontendIPConfiguration: partIn(properties, 'frontendIPConfiguration', rule(owner, 'frontendIPConfigurations')),
    backendAddressPool: single ?? plural[0],
    probe: partIn(properties, 'probe', rule(owner, 'probes', true)),
    protocol,
    frontendPort,
    backendPort: properties.members.has('backendport')
      ? integerOf(properties, 'backendPort', isAll ? [0, 0] : [1, 65_535])
      : frontendPort,
    idleTimeoutInMinutes: integerOf(properties, 'idleTimeoutInMinutes', [4, 100]) ?? 4,
    loadDistribution: oneOf(properties, 'loadDistribution', ['Default', 'SourceIP', 'SourceIPProtocol']) ?? 'Default',
    enableFloatingIP: floatingIpOf(properties),
    enableTcpReset: flagOf(properties, 'enableTcpReset') ?? false,
    disableOutboundSnat: flagOf(properties, 'disableOutboundSnat') ?? false,
  };
}

/** A health probe. Azure doc "Load Balancer health probes": an interval of at least 5 s. */
export function probeOf({ properties }: Part, owner: Owner): JsonObject {
  const protocol = oneOf(properties, 'protocol', ['Tcp', 'Http', 'Https']);
  if (protocol === undefined && !properties.members.has('protocol')) missing(properties, 'protocol');
  if (protocol === 'Https' && !owner.isStandard)
    note(properties, 'protocol', 'HTTPS probes need a load balancer of sku Standard');
  const requestPath = textOf(properties, 'requestPath', {
    lengthMax: 2048,
    pattern: /^[\u0021-\u007e]*$/,
    wants: 'a path of printable ASCII characters',
  });
  const isHttp = protocol === 'Http' || protocol === 'Https';
  if (isHttp && !requestPath) missing(properties, 'requestPath');
  if (protocol === 'Tcp' && requestPath) note(properties, 'requestPath', 'a Tcp probe takes no requestPath');
  return {
    protocol,
    port: portOf(properties, 'port', [1, 65_535]),
    ...(isHttp && { requestPath }),
    intervalInSeconds: integerOf(properties, 'intervalInSeconds', [5, 2_147_483_646]) ?? 15,
    numberOfProbes: integerOf(properties, 'numberOfProbes', [1, 429_496_729]) ?? 2,
    probeThreshold: integerOf(properties, 'probeThreshold', [1, 100]),
  };
}

/** A pool of NAT ports for scale sets: accepted and kept. */
export function natPoolOf({ properties }: Part, owner: Owner): JsonObject {
  const first = portOf(properties, 'frontendPortRangeStart', [1, 65_534]);
  const last = portOf(properties, 'frontendPortRangeEnd', [1, 65_535]);
  if (first !== undefined && last !== undefined && first > last)
    note(properties, 'frontendPortRangeEnd', `it must not be below frontendPortRangeStart (${first})`);
  return {
    frontendIPConfiguration: partIn(properties, 'frontendIPConfiguration', rule(owner, 'frontendIPConfigurations')),
    protocol: oneOf(properties, 'protocol', ['Tcp', 'Udp', 'All']) ?? 'Tcp',
    frontendPortRangeStart: first,
    frontendPortRangeEnd: last,
    backendPort: portOf(properties, 'backendPort', [1, 65_535]),
    idleTimeoutInMinutes: integerOf(properties, 'idleTimeoutInMinutes', [4, 100]) ?? 4,
    enableFloatingIP: floatingIpOf(properties),
    enableTcpReset: flagOf(properties, 'enableTcpReset') ?? false,
  };
}

/** An outbound rule (Azure doc "Outbound rules"): ports per member in steps of 8. */
export function outboundRuleOf({ properties }: Part, owner: Owner): JsonObject {
  if (!owner.isStandard) note(properties, '', 'outbound rules need a load balancer of sku Standard');
  const frontends = listOf(properties, 'frontendIPConfigurations', frontendsMax);
  if (frontends === undefined || frontends.length === 0) missing(properties, 'frontendIPConfigurations');
  const ports = integerOf(properties, 'allocatedOutboundPorts', [0, 64_000]);
  if (ports !== undefined && ports % 8 !== 0) note(properties, 'allocatedOutboundPorts', 'a multiple of 8 is wanted');
  return {
    frontendIPConfigurations: (frontends ?? []).map(
      (object) => partOfObject(object, rule(owner, 'frontendIPConfigurations')) ?? {},
    ),
    backendAddressPool: partIn(properties, 'backendAddressPool', rule(owner, 'backendAddressPools')),
    protocol: oneOf(properties, 'protocol', ['All', 'Tcp', 'Udp']) ?? 'All',
    idleTimeoutInMinutes: integerOf(properties, 'idleTimeoutInMinutes', [4, 120]) ?? 4,
    enableTcpReset: flagOf(properties, 'enableTcpReset') ?? false,
    allocatedOutboundPorts: ports ?? 0,
  };
}
