/** Which rule of a load balancer uses which port of which frontend: no two may use the same. */

import { isObject, type JsonObject } from '#base/json.ts';
import { idIn } from '#model/reference.ts';

/** A range of ports of one frontend and protocol, and the rule that uses it. */
type PortUse = {
  readonly rule: string;
  readonly frontend: string;
  readonly protocol: string;
  readonly first: number;
  readonly last: number;
};

type Named = { readonly name: string; readonly properties: JsonObject };

/** The uses of load-balancing rules and NAT pools, which are embedded in the load balancer. */
export function ruleUses({ properties }: { readonly properties: JsonObject }): PortUse[] {
  const rules = namedOf(properties['loadBalancingRules']).map((rule) => useOf(rule, ['frontendPort', 'frontendPort']));
  const pools = namedOf(properties['inboundNatPools']).map((pool) =>
    useOf(pool, ['frontendPortRangeStart', 'frontendPortRangeEnd']),
  );
  return [...rules, ...pools];
}

/** The uses of inbound NAT rules. */
export function natUses(rules: readonly Named[]): PortUse[] {
  return rules.map((rule) => useOf(rule, ['frontendPort', 'frontendPort']));
}

function namedOf(list: unknown): Named[] {
  return (Array.isArray(list) ? list : []).flatMap((entry) => {
    const properties = isObject(entry) ? entry['properties'] : undefined;
    return isObject(entry) && isObject(properties) ? [{ name: String(entry['name']), properties }] : [];
  });
}

function useOf({ name, properties }: Named, [first, last]: readonly [string, string]): PortUse {
  const from = Number(properties[first] ?? -1);
  // Port 0 of protocol All is every port (HA ports).
  const isAll = from === 0;
  return {
    rule: name,
    frontend: (idIn(properties['frontendIPConfiguration']) ?? '').toLowerCase(),
    protocol: String(properties['protocol'] ?? 'Tcp'),
    first: from,
    last: isAll ? 65_535 : Number(properties[last] ?? -1),
  };
}

/** The first clash of two uses: same frontend, protocols that meet, ranges that overlap. */
export function checkPorts(uses: readonly PortUse[]): { code: string; message: string } | undefined {
  const byPlace = new Map<string, PortUse[]>();
  for (const use of uses) {
    if (use.first < 0) continue;
    for (const protocol of use.protocol === 'All' ? ['Tcp', 'Udp'] : [use.protocol]) {
      const key = `${protocol} ${use.frontend}`;
      const place = byPlace.get(key);
      if (place === undefined) byPlace.set(key, [use]);
      else place.push(use);
    }
  }
  for (const place of byPlace.values()) {
    let widest: PortUse | undefined;
    for (const use of place.toSorted((left, right) => left.first - right.first || right.last - left.last)) {
      if (widest !== undefined && use.first <= widest.last) {
        return {
          code: 'RulesUseSameFrontendPortProtocol',
          message: `The rules ${widest.rule} and ${use.rule} use the same frontend, protocol and port (${use.protocol} ${use.first}).`,
        };
      }
      if (widest === undefined || use.last > widest.last) widest = use;
    }
  }
  return undefined;
}
