/** Makes what an example needs before it can be replayed: every resource that an id names, with the smallest body that is valid. */

import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { tryId, typeOfId } from '#model/arm-id.ts';
import { errorOf, type Client } from '#test/conformance/client.ts';
import { leastBody } from '#test/conformance/least-body.ts';

/** Makes resources on demand, each once. */
export class Prerequisites {
  readonly #client: Client;
  readonly #location: string;
  readonly #made = new Set<string>();
  #networks = 0;

  constructor(client: Client, location: string) {
    this.#client = client;
    this.#location = location;
  }

  /** Every resource that a body refers to, except what lies inside the resource that the body is for. */
  async forBody(body: Json | undefined, own: string): Promise<void> {
    for (const id of new Set(idsIn(body))) {
      if (!id.toLowerCase().startsWith(own.toLowerCase())) await this.make(id);
    }
  }

  /** A resource group, a resource, or a part of one. */
  async make(id: string): Promise<void> {
    const key = id.toLowerCase();
    if (this.#made.has(key)) return;
    this.#made.add(key);
    const group = /^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+)/i.exec(id)?.[1];
    if (group !== undefined && group.length < id.length) await this.make(group);
    if (group !== undefined && group.length === id.length)
      return await this.#put(id, '2019-10-01', { location: this.#location });
    const parsed = tryId(id);
    if (parsed === undefined) return;
    if (tryId(parsed.scope) !== undefined) await this.make(parsed.scope);
    if (parsed.types.length > 1) {
      const parent = parentOf(id);
      if (isPart(id)) return await this.#withPart(parent, id);
      await this.make(parent);
    }
    const body = await this.#body(id);
    if (body !== undefined) await this.#put(id, versionOf(id), body);
  }

  async #put(id: string, version: string, body: JsonObject): Promise<void> {
    const reply = await this.#client('PUT', `${id}?api-version=${version}`, body);
    if (reply.status >= 300) throw new Error(`prerequisite ${id}: ${errorOf(reply)}`);
  }

  /** Adds a part (a frontend, a probe …) to its parent's body. */
  async #withPart(parent: string, id: string): Promise<void> {
    await this.make(parent);
    const [kind = '', name = ''] = id.split('/').slice(-2);
    // First what the part itself refers to: it may lie in the same parent.
    const part = await this.#part(parent, kind, name);
    const shown = await this.#client('GET', `${parent}?api-version=${versionOf(parent)}`);
    if (!isObject(shown.body) || !isObject(shown.body['properties']))
      throw new Error(`prerequisite ${parent}: ${errorOf(shown)}`);
    const { properties } = shown.body;
    const member = Object.keys(properties).find((key) => key.toLowerCase() === kind.toLowerCase()) ?? kind;
    const held = properties[member];
    const parts = Array.isArray(held) ? held : [];
    if (parts.some((part: Json) => isObject(part) && String(part['name']).toLowerCase() === name.toLowerCase())) return;
    if (part !== undefined)
      await this.#put(parent, versionOf(parent), {
        ...shown.body,
        properties: { ...properties, [member]: [...parts, part] },
      });
  }

  async #part(parent: string, kind: string, name: string): Promise<JsonObject | undefined> {
    switch (kind.toLowerCase()) {
      case 'frontendipconfigurations': {
        const address = sibling(parent, `publicIPAddresses/pip-${name}`);
        await this.make(address);
        return { name, properties: { publicIPAddress: { id: address } } };
      }
      case 'probes':
        return { name, properties: { protocol: 'Tcp', port: 80, intervalInSeconds: 15, numberOfProbes: 2 } };
      case 'loadbalancingrules': {
        await this.make(`${parent}/frontendIPConfigurations/fe-of-rules`);
        return {
          name,
          properties: {
            protocol: 'Tcp',
            frontendPort: 80,
            backendPort: 80,
            frontendIPConfiguration: { id: `${parent}/frontendIPConfigurations/fe-of-rules` },
          },
        };
      }
      case 'outboundrules': {
        await this.make(`${parent}/frontendIPConfigurations/fe-of-rules`);
        await this.make(`${parent}/backendAddressPools/be-of-rules`);
        const references = {
          frontendIPConfigurations: [{ id: `${parent}/frontendIPConfigurations/fe-of-rules` }],
          backendAddressPool: { id: `${parent}/backendAddressPools/be-of-rules` },
        };
        return { name, properties: { protocol: 'All', ...references } };
      }
      default:
        return undefined;
    }
  }

  async #body(id: string): Promise<JsonObject | undefined> {
    const type = (typeOfId(id) ?? '').toLowerCase().replace('microsoft.network/', '');
    const plain = leastBody(type, this.#location);
    if (plain !== undefined) return plain;
    const location = this.#location;
    switch (type) {
      case 'virtualnetworks': {
        const number = this.#networks++;
        return { location, properties: { addressSpace: { addressPrefixes: [`10.${number % 250}.0.0/16`] } } };
      }
      case 'virtualnetworks/subnets':
        return { properties: { addressPrefix: await this.#freePrefix(id) } };
      case 'virtualnetworks/virtualnetworkpeerings': {
        const remoteVirtualNetwork = await this.#link(`${parentOf(id)}-remote`);
        return { properties: { remoteVirtualNetwork, allowVirtualNetworkAccess: true } };
      }
      case 'networkinterfaces': {
        const subnet = await this.#link(sibling(id, 'virtualNetworks/vnet-of-nics/subnets/default'));
        return { location, properties: { ipConfigurations: [{ name: 'ipconfig1', properties: { subnet } }] } };
      }
      case 'loadbalancers/inboundnatrules': {
        const frontendIPConfiguration = await this.#link(`${parentOf(id)}/frontendIPConfigurations/fe-of-rules`);
        return { properties: { protocol: 'Tcp', frontendPort: 3389, backendPort: 3389, frontendIPConfiguration } };
      }
      default:
        return await this.#gatewayBody(id, type);
    }
  }

  async #gatewayBody(id: string, type: string): Promise<JsonObject | undefined> {
    const location = this.#location;
    if (type === 'virtualnetworkgateways') {
      const subnet = await this.#link(sibling(id, 'virtualNetworks/vnet-of-gateway/subnets/GatewaySubnet'));
      const publicIPAddress = await this.#link(sibling(id, 'publicIPAddresses/pip-of-gateway'));
      const ipConfigurations = [{ name: 'default', properties: { subnet, publicIPAddress } }];
      const sku = { name: 'VpnGw1', tier: 'VpnGw1' };
      return { location, properties: { gatewayType: 'Vpn', vpnType: 'RouteBased', sku, ipConfigurations } };
    }
    if (type !== 'connections') return undefined;
    const virtualNetworkGateway1 = await this.#link(sibling(id, 'virtualNetworkGateways/vpngw'));
    const localNetworkGateway2 = await this.#link(sibling(id, 'localNetworkGateways/localgw'));
    const ends = { virtualNetworkGateway1, localNetworkGateway2 };
    return { location, properties: { connectionType: 'IPsec', ...ends, sharedKey: 'Abc1234567890Xyz' } };
  }

  async #link(id: string): Promise<JsonObject> {
    await this.make(id);
    return { id };
  }

  /** A prefix in the subnet's network that no subnet has yet. */
  async #freePrefix(id: string): Promise<string> {
    const network = id.split('/').slice(0, -2).join('/');
    const { body } = await this.#client('GET', `${network}?api-version=2018-11-01`);
    const properties = isObject(body) && isObject(body['properties']) ? body['properties'] : {};
    const space = isObject(properties['addressSpace']) ? properties['addressSpace']['addressPrefixes'] : [];
    const [first] = Array.isArray(space) ? space : [];
    const count = Array.isArray(properties['subnets']) ? properties['subnets'].length : 0;
    const [a, b] = String(first ?? '10.0.0.0/16').split('.');
    return `${a}.${b}.${1 + count}.0/24`;
  }
}

function isPart(id: string): boolean {
  return /\/(frontendIPConfigurations|probes|loadBalancingRules|outboundRules|ipConfigurations|defaultSecurityRules)\/[^/]+$/i.test(
    id,
  );
}

function parentOf(id: string): string {
  return id.split('/').slice(0, -2).join('/');
}

function sibling(id: string, path: string): string {
  return `${/^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+/i.exec(id)?.[0] ?? ''}/providers/Microsoft.Network/${path}`;
}

function versionOf(id: string): string {
  const type = typeOfId(id) ?? '';
  if (type.startsWith('Microsoft.Network/')) return '2018-11-01';
  if (type.startsWith('Microsoft.Storage/')) return '2019-06-01';
  if (type === 'Microsoft.Authorization/locks') return '2016-09-01';
  return type.startsWith('Microsoft.Authorization/') ? '2015-07-01' : '2020-06-01';
}

function idsIn(value: Json | undefined): string[] {
  if (Array.isArray(value)) return value.flatMap((item: Json) => idsIn(item));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, held]) =>
    typeof held === 'string' && isReference(key, held) ? [held] : idsIn(held ?? undefined),
  );
}

/** A reference, or the group whose flows are logged; machines that are asked about are made with what they need. */
function isReference(key: string, held: string): boolean {
  if (!held.startsWith('/subscriptions/')) return false;
  return key === 'id' || (key === 'targetResourceId' && /\/networkSecurityGroups\/[^/]+$/i.test(held));
}
