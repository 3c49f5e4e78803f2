/** Load balancers: rules and inbound NAT rules become balances, at the boundary or in the routers of the frontend's VNet. */

import type { Family } from '#base/prefix.ts';
import { byParent, type Lists } from '#compile/lists.ts';
import {
  addressAt,
  familyOf,
  idAt,
  lastName,
  longKey,
  numberAt,
  objectAt,
  type Part,
  parentId,
  partsAt,
  textAt,
} from '#compile/read.ts';
import type { AddressFacts, NicFacts } from '#compile/sdn/nic.ts';
import type { Resource } from '#model/resource.ts';
import type { Balance, Spread } from '#program/program.ts';

/** One member of a pool or the target of a NAT rule. */
export type Member = { readonly nic: NicFacts; readonly at: AddressFacts };

/** Members by the id (lower case) of the pool or NAT rule, in order of their NICs' marks. */
export type Members = ReadonlyMap<string, readonly Member[]>;

/** Who is in which pool. */
export function membersOf(nics: readonly NicFacts[]): Members {
  const members = new Map<string, Member[]>();
  for (const nic of nics.toSorted((left, right) => left.mark - right.mark)) {
    for (const at of nic.addresses) {
      for (const id of [...at.pools, ...at.natRules]) {
        const list = members.get(id);
        if (list === undefined) members.set(id, [{ nic, at }]);
        else list.push({ nic, at });
      }
    }
  }
  return members;
}

/** Where a frontend is: on a public address, or inside a VNet (id in lower case). */
export type Frontend = { readonly address: string; readonly family: Family; readonly vnet: string | undefined };

/** A frontend of a load balancer by the id that a rule names; undefined while it has no address. */
export function frontendOf(
  balancer: Resource,
  id: string | undefined,
  publicIps: ReadonlyMap<string, Resource>,
): Frontend | undefined {
  const name = lastName(id ?? '').toLowerCase();
  const part = partsAt(balancer, 'frontendIPConfigurations').find((other) => other.name.toLowerCase() === name);
  const publicIp = publicIps.get(idAt(part?.properties, 'publicIPAddress') ?? '');
  const address =
    publicIp === undefined
      ? addressAt(part?.properties, 'privateIPAddress')
      : addressAt(publicIp.properties, 'ipAddress');
  if (address === undefined) return undefined;
  const subnet = idAt(part?.properties, 'subnet');
  return {
    address,
    family: familyOf(address),
    vnet: publicIp === undefined && subnet !== undefined ? parentId(subnet) : undefined,
  };
}

/** A balance and where it belongs: `edge`, or the VNet (id in lower case) of its frontend. */
export type Placed = { readonly place: string; readonly key: string; readonly balance: Balance };

/** The balances of all load balancers. */
export function compileBalances(
  lists: Lists,
  publicIps: ReadonlyMap<string, Resource>,
  members: Members,
): readonly Placed[] {
  const natRules = byParent(lists.natRules);
  return lists.loadBalancers.flatMap((balancer) => {
    const rules = partsAt(balancer, 'loadBalancingRules').map((part) => ({ part, isRule: true }));
    const nats = (natRules.get(balancer.id.toLowerCase()) ?? []).map(({ name, properties }) => ({
      part: { name, properties },
      isRule: false,
    }));
    return [...rules, ...nats].flatMap(({ part, isRule }) => {
      const frontend = frontendOf(balancer, idAt(part.properties, 'frontendIPConfiguration'), publicIps);
      if (frontend === undefined) return [];
      const targets = isRule ? ruleTargets(balancer, part, members) : (members.get(natRuleId(balancer, part)) ?? []);
      const place = frontend.vnet ?? 'edge';
      const word = isRule ? 'rule' : 'nat';
      const balance = placed({ balancer, part, frontend, targets });
      return { place, key: `lb/${longKey(balancer.id)}/${word}/${part.name.toLowerCase()}`, balance };
    });
  });
}

function natRuleId(balancer: Resource, part: Part): string {
  return `${balancer.id}/inboundNatRules/${part.name}`.toLowerCase();
}

/** The pool's members; with a probe only those that answered it: a member gets traffic after its first good probe. */
function ruleTargets(balancer: Resource, { properties }: Part, members: Members): readonly Member[] {
  const pools = [idAt(properties, 'backendAddressPool')].flatMap((id) => id ?? []);
  const all = pools.flatMap((id) => members.get(id) ?? []);
  const probe = idAt(properties, 'probe');
  if (probe === undefined) return all;
  const health = healthOf(balancer, lastName(probe));
  return all.filter(({ at }) => health[at.address] === 'up');
}

function healthOf(balancer: Resource, probe: string): { readonly [address: string]: unknown } {
  const all = objectAt(balancer.internal, 'health');
  const name = Object.keys(all).find((other) => other.toLowerCase() === probe);
  return name === undefined ? {} : objectAt(all, name);
}

type Parts = {
  readonly balancer: Resource;
  readonly part: Part;
  readonly frontend: Frontend;
  readonly targets: readonly Member[];
};

function placed({ balancer, part, frontend, targets }: Parts): Balance {
  const { properties } = part;
  const protocol = textAt(properties, 'protocol')?.toLowerCase();
  const port = numberAt(properties, 'frontendPort') ?? 0;
  const inFamily = targets.filter(({ at }) => at.family === frontend.family);
  // Inside a VNet a target is one of its own addresses; a member elsewhere could not be reached by them.
  const reachable = inFamily.filter(({ nic }) => frontend.vnet === undefined || nic.vnet === frontend.vnet);
  return {
    frontend: frontend.address,
    protocol: protocol === 'tcp' || protocol === 'udp' ? protocol : 'any',
    port,
    targetPort: port === 0 ? 0 : (numberAt(properties, 'backendPort') ?? port),
    spread: spreadOf(textAt(properties, 'loadDistribution')),
    idleMinutes: numberAt(properties, 'idleTimeoutInMinutes') ?? 4,
    targets: Object.fromEntries(
      reachable.map(({ nic, at }) => [frontend.vnet === undefined ? at.label : at.address, { mark: nic.mark }]),
    ),
    because: `lb/${balancer.name}/${part.name}`,
  };
}

function spreadOf(text: string | undefined): Spread {
  switch (text?.toLowerCase()) {
    case 'sourceip':
      return 'source';
    case 'sourceipprotocol':
      return 'sourceProtocol';
    default:
      return 'flow';
  }
}
