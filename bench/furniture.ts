/** Resources that benches and tests put on a stamp through ARM: groups, VNets, security groups, NICs and machines. */

import { generateKeyPairSync } from 'node:crypto';
import type { Json, JsonObject } from '#base/json.ts';
import type { OwnStamp } from '#bench/own-stamp.ts';

const networkVersion = '2018-11-01';
const computeVersion = '2020-06-01';
const resourcesVersion = '2021-04-01';

/** `subnet` as `VNET/subnets/SUBNET`; `pool` names a load balancer made by `makeBalancer`. */
export type NicOptions = { readonly subnet: string; readonly address?: string; readonly pool?: string };

/** Makes resources in one group of a stamp. */
export class Furniture {
  readonly stamp: OwnStamp;
  readonly group: string;

  constructor(stamp: OwnStamp, group: string) {
    this.stamp = stamp;
    this.group = `/subscriptions/${stamp.subscription}/resourceGroups/${group}`;
  }

  /** The path of a resource of the network provider, with its api-version. */
  network(path: string): string {
    return `${this.id(path)}?api-version=${networkVersion}`;
  }

  /** The id of a resource of the network provider. */
  id(path: string): string {
    return `${this.group}/providers/Microsoft.Network/${path}`;
  }

  machine(name: string): string {
    return `${this.group}/providers/Microsoft.Compute/virtualMachines/${name}`;
  }

  async makeGroup(): Promise<void> {
    await this.#put(`${this.group}?api-version=${resourcesVersion}`, {});
  }

  async makeVnet(name: string, prefix: string, subnets: readonly JsonObject[]): Promise<void> {
    await this.#put(this.network(`virtualNetworks/${name}`), {
      properties: { addressSpace: { addressPrefixes: [prefix] }, subnets },
    });
  }

  async makeGroupOfRules(name: string, rules: readonly JsonObject[]): Promise<void> {
    await this.#put(this.network(`networkSecurityGroups/${name}`), { properties: { securityRules: rules } });
  }

  async makeNic(name: string, { subnet, address, pool }: NicOptions): Promise<void> {
    await this.#put(this.network(`networkInterfaces/${name}`), {
      properties: {
        ipConfigurations: [
          {
            name: 'ip1',
            properties: {
              subnet: { id: this.id(`virtualNetworks/${subnet}`) },
              ...(pool === undefined
                ? {}
                : {
                    loadBalancerBackendAddressPools: [
                      { id: this.id(`loadBalancers/${pool}/backendAddressPools/pool`) },
                    ],
                  }),
              ...(address === undefined
                ? { privateIPAllocationMethod: 'Dynamic' }
                : { privateIPAllocationMethod: 'Static', privateIPAddress: address }),
            },
          },
        ],
      },
    });
  }

  /** A public load balancer with one pool, one rule and one TCP probe on the same port; answers its address. */
  async makeBalancer(name: string, port: number): Promise<string> {
    const sku = { name: 'Standard' };
    const address = this.network(`publicIPAddresses/${name}`);
    await this.#put(address, { sku, properties: { publicIPAllocationMethod: 'Static' } });
    const part = (kind: string, own: string) => ({ id: this.id(`loadBalancers/${name}/${kind}/${own}`) });
    await this.#put(this.network(`loadBalancers/${name}`), {
      sku,
      properties: {
        frontendIPConfigurations: [
          { name: 'front', properties: { publicIPAddress: { id: this.id(`publicIPAddresses/${name}`) } } },
        ],
        backendAddressPools: [{ name: 'pool' }],
        probes: [{ name: 'probe', properties: { protocol: 'Tcp', port, intervalInSeconds: 5, numberOfProbes: 2 } }],
        loadBalancingRules: [
          {
            name: 'rule',
            properties: {
              frontendIPConfiguration: part('frontendIPConfigurations', 'front'),
              backendAddressPool: part('backendAddressPools', 'pool'),
              probe: part('probes', 'probe'),
              protocol: 'Tcp',
              frontendPort: port,
              backendPort: port,
            },
          },
        ],
      },
    });
    const { body } = await this.stamp.arm.send('GET', address);
    return String((body as { properties: { ipAddress?: string } }).properties.ipAddress);
  }

  async makeMachine(name: string, nics: readonly string[], size = 'Standard_B1s'): Promise<void> {
    await this.#put(`${this.machine(name)}?api-version=${computeVersion}`, {
      properties: {
        hardwareProfile: { vmSize: size },
        osProfile: { computerName: name, adminUsername: 'operator', linuxConfiguration: linuxConfiguration() },
        storageProfile: {
          imageReference: { publisher: 'Ringwall', offer: 'lab', sku: 'tiny', version: 'latest' },
          osDisk: { createOption: 'FromImage' },
        },
        networkProfile: {
          networkInterfaces: nics.map((nic, index) => ({
            id: this.id(`networkInterfaces/${nic}`),
            properties: { primary: index === 0 },
          })),
        },
      },
    });
  }

  async #put(path: string, body: JsonObject): Promise<Json> {
    return (await this.stamp.arm.send('PUT', path, { location: this.stamp.location, ...body })).body;
  }
}

/** An inbound rule; the port tells rules apart in the kernel. */
export function ruleBody({
  priority,
  port,
  prefix = '203.0.113.7',
}: {
  readonly priority: number;
  readonly port: number;
  readonly prefix?: string;
}): JsonObject {
  return {
    protocol: 'Tcp',
    sourcePortRange: '*',
    destinationPortRange: String(port),
    sourceAddressPrefix: prefix,
    destinationAddressPrefix: '*',
    access: 'Allow',
    priority,
    direction: 'Inbound',
  };
}

/** A key that nobody holds: password sign-in is off, and these guests are reached by nobody. */
function linuxConfiguration(): JsonObject {
  const { publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  const field = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  const keyData = `ssh-ed25519 ${Buffer.concat([field(Buffer.from('ssh-ed25519')), field(raw)]).toString('base64')} bench`;
  return {
    disablePasswordAuthentication: true,
    ssh: { publicKeys: [{ path: '/home/operator/.ssh/authorized_keys', keyData }] },
  };
}
