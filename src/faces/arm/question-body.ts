/** Azure's words for the answers about what is in force. */

import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { never } from '#base/wrong.ts';
import type { EffectiveSide } from '#compile/answer/rule.ts';
import type { TopologyEntry } from '#compile/answer/topology.ts';
import type { EffectiveRoute } from '#compile/answer/way.ts';
import type { JudgedRule, LayerRules, NicRules } from '#engine/questions/questions.ts';
import type { Resource } from '#model/resource.ts';
import type { NextHop, PortRange, Protocol } from '#program/program.ts';
import type { Call } from '#faces/arm/call.ts';

/** One NSG at an interface (`EffectiveNetworkSecurityGroup`). */
export function layerBody({ nsg, nic, subnet, rules }: LayerRules): JsonObject {
  return {
    ...(nsg === undefined ? {} : { networkSecurityGroup: { id: nsg.id } }),
    association: {
      ...(subnet === undefined ? {} : { subnet: { id: subnet } }),
      ...(nic === undefined ? {} : { networkInterface: { id: nic } }),
    },
    effectiveSecurityRules: rules.map(ruleBody),
  };
}

/** One rule (`EffectiveNetworkSecurityRule`). */
function ruleBody(rule: JudgedRule): JsonObject {
  return {
    name: rule.name,
    protocol: protocolWord(rule.protocol),
    ...sideBody('source', rule.source),
    ...sideBody('destination', rule.target),
    access: rule.access === 'allow' ? 'Allow' : 'Deny',
    priority: rule.priority,
    direction: rule.direction === 'inbound' ? 'Inbound' : 'Outbound',
    // Our own member, beside Azure's: clients leave out what they do not know.
    ringwall: { state: rule.state, by: rule.by, says: ruleWords[rule.state] },
  };
}

const ruleWords: { readonly [state in JudgedRule['state']]: string } = {
  live: 'decides packets',
  empty: 'speaks of no packet',
  shadowed: 'earlier rules decide all that it speaks of',
  redundant: 'without it the rules behind it say the same',
  dead: 'another group at this interface denies all that it allows',
  unjudged: 'too costly to tell',
};

function protocolWord(protocol: Protocol): string {
  return protocol === 'any' ? 'All' : `${protocol[0]?.toUpperCase() ?? ''}${protocol.slice(1)}`;
}

/** The singular members tell the first of several, so that clients of old api-versions see no empty rule; the plural ones tell all. */
function sideBody(side: 'source' | 'destination', { ports, stated, expanded }: EffectiveSide): JsonObject {
  const everyPort: readonly PortRange[] = [[0, 65_535]];
  const ranges = (ports.length === 0 ? everyPort : ports).map(([first, last]) => `${first}-${last}`);
  const name = side === 'source' ? 'Source' : 'Destination';
  return {
    ...(ranges[0] === undefined ? {} : { [`${side}PortRange`]: ranges[0] }),
    [`${side}PortRanges`]: ranges,
    ...(stated[0] === undefined ? {} : { [`${side}AddressPrefix`]: stated[0] }),
    [`${side}AddressPrefixes`]: stated,
    ...(expanded.length === 0 ? {} : { [`expanded${name}AddressPrefix`]: expanded }),
  };
}

/** One route (`EffectiveRoute`). A user's route of a table that the asker may not read has no name. */
export function routeBody({ prefix, hop, source, isActive, shadowedBy, name }: EffectiveRoute): JsonObject {
  const state = !isActive ? 'inactive' : shadowedBy.length > 0 ? 'shadowed' : 'live';
  return {
    ...(name === undefined ? {} : { name }),
    source: source === 'system' ? 'Default' : 'User',
    state: isActive ? 'Active' : 'Invalid',
    addressPrefix: [prefix],
    nextHopType: hopType(hop),
    nextHopIpAddress: hop.kind === 'appliance' ? [hop.address] : [],
    ringwall: { state, by: isActive ? shadowedBy : [prefix], says: routeWords[state] },
  };
}

const routeWords = {
  live: 'decides packets',
  shadowed: 'longer prefixes hold every address of it',
  inactive: "a user's route of the same prefix stands in its place",
} as const;

/** Azure's word for a next hop. */
export function hopType(hop: NextHop): string {
  switch (hop.kind) {
    case 'local':
      return 'VnetLocal';
    case 'peer':
      return 'VNetPeering';
    case 'appliance':
      return 'VirtualAppliance';
    case 'internet':
      return 'Internet';
    case 'none':
      return 'None';
    default:
      return never(hop);
  }
}

/** One interface with its rules, as they are written and as they are in force (`SecurityGroupNetworkInterface`). */
export function nicRulesBody(call: Call, { nic, layers }: NicRules): JsonObject {
  const shownRules = (nsg: Resource, list: string): readonly Json[] => {
    const { properties } = call.engine.show(nsg, call.apiVersion);
    const rules = isObject(properties) ? properties[list] : undefined;
    return Array.isArray(rules) ? rules : [];
  };
  const associationOf = (kind: 'nic' | 'subnet'): JsonObject | undefined => {
    const layer = layers.find((each) => each[kind] !== undefined);
    if (layer === undefined) return undefined;
    return { id: layer[kind], securityRules: layer.nsg === undefined ? [] : shownRules(layer.nsg, 'securityRules') };
  };
  const networkInterfaceAssociation = associationOf('nic');
  const subnetAssociation = associationOf('subnet');
  const first = layers.find(({ nsg }) => nsg !== undefined)?.nsg;
  return {
    id: nic.id,
    securityRuleAssociations: {
      ...(networkInterfaceAssociation === undefined ? {} : { networkInterfaceAssociation }),
      ...(subnetAssociation === undefined ? {} : { subnetAssociation }),
      defaultSecurityRules: first === undefined ? [] : shownRules(first, 'defaultSecurityRules'),
      effectiveSecurityRules: layers.flatMap(({ rules }) => rules.map(ruleBody)),
    },
  };
}

/** A topology (`Topology`): when it was last changed is when the newest of its resources was. */
export function topologyBody(entries: readonly TopologyEntry[], { now, id }: { now: string; id: string }): JsonObject {
  const changes = entries.map(({ resource }) => resource.changedAt).toSorted();
  return {
    id,
    createdDateTime: now,
    lastModified: changes.at(-1) ?? now,
    resources: entries.map(({ resource, links }) => ({
      name: resource.name,
      id: resource.id,
      ...(resource.location === undefined ? {} : { location: resource.location }),
      associations: links.map(({ to, kind }) => ({ name: to.name, resourceId: to.id, associationType: kind })),
    })),
  };
}
