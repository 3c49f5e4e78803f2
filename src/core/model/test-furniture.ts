/** A world with one resource of every type, for tests that go over all nouns. */

import type { JsonObject } from '#base/json.ts';
import { group, makeWorld, net, nicBody, withVnet, type World } from '#model/test-world.ts';

const keyData = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPCz+3J4bm8xUPvP1mN7LfEwq3o0VxkVnZ0rC2gJm4eT';
const compute = (path: string) => `${group}/providers/Microsoft.Compute/${path}`;
const part = (name: string, properties: JsonObject = {}) => ({ name, properties });

const link = (path: string) => ({ id: net(path) });
const lb = (path: string) => link(`loadBalancers/x1/${path}`);

/** A world with at least one resource of every type. */
export function furnished(): World {
  const world = withVnet(makeWorld());
  putSmall(world);
  putSubnets(world);
  putBalancer(world);
  putGateways(world);
  putMachine(world);
  return world.settled();
}

function putSmall(world: World): void {
  world.put(group, { location: 'local', tags: { a: 'b' } });
  world.put(`${group}/providers/Microsoft.Authorization/locks/x1`, {
    properties: { level: 'CanNotDelete', notes: 'keep' },
  });
  for (const name of ['p1', 'p2', 'x1'])
    world.put(net(`publicIPAddresses/${name}`), { properties: { dnsSettings: { domainNameLabel: `label-${name}` } } });
  world.put(net('publicIPAddresses/std'), { sku: { name: 'Standard' } });
  world.put(net('natGateways/x1'), { properties: { publicIpAddresses: [link('publicIPAddresses/std')] } });
  world.put(net('applicationSecurityGroups/x1'));
  const rule = {
    protocol: 'Tcp',
    sourceAddressPrefix: 'Internet',
    sourcePortRange: '*',
    destinationApplicationSecurityGroups: [link('applicationSecurityGroups/x1')],
    destinationPortRanges: ['80', '443-445'],
    access: 'Allow',
    priority: 100,
    direction: 'Inbound',
  };
  world.put(net('networkSecurityGroups/x1'), { properties: { securityRules: [part('x1', rule)] } });
  world.put(net('routeTables/x1'), {
    properties: {
      routes: [
        part('x1', { addressPrefix: '0.0.0.0/0', nextHopType: 'VirtualAppliance', nextHopIpAddress: '10.0.0.9' }),
      ],
    },
  });
}

function putSubnets(world: World): void {
  const subnet = {
    addressPrefix: '10.0.1.0/24',
    networkSecurityGroup: link('networkSecurityGroups/x1'),
    routeTable: link('routeTables/x1'),
    natGateway: link('natGateways/x1'),
  };
  world.put(net('virtualNetworks/v1/subnets/x1'), { properties: subnet });
  world.put(net('virtualNetworks/v1/subnets/GatewaySubnet'), { properties: { addressPrefix: '10.0.9.0/27' } });
  world.put(net('virtualNetworks/x1'), {
    properties: {
      addressSpace: { addressPrefixes: ['10.7.0.0/16'] },
      subnets: [part('x1', { addressPrefix: '10.7.0.0/24' })],
    },
  });
  world.put(net('virtualNetworks/v1/virtualNetworkPeerings/x1'), {
    properties: { remoteVirtualNetwork: link('virtualNetworks/x1') },
  });
}

function putBalancer(world: World): void {
  const balanced = { frontendIPConfiguration: lb('frontendIPConfigurations/fe'), protocol: 'Tcp', backendPort: 80 };
  world.put(net('loadBalancers/x1'), {
    properties: {
      frontendIPConfigurations: [part('fe', { publicIPAddress: link('publicIPAddresses/p1') })],
      backendAddressPools: [part('x1')],
      probes: [part('pr', { protocol: 'Http', port: 80, requestPath: '/' })],
      loadBalancingRules: [
        part('r', {
          ...balanced,
          frontendPort: 80,
          backendAddressPool: lb('backendAddressPools/x1'),
          probe: lb('probes/pr'),
        }),
      ],
      inboundNatRules: [part('x1', { ...balanced, frontendPort: 22 })],
      inboundNatPools: [part('np', { ...balanced, frontendPortRangeStart: 100, frontendPortRangeEnd: 110 })],
    },
  });
  const joins = {
    loadBalancerBackendAddressPools: [lb('backendAddressPools/x1')],
    loadBalancerInboundNatRules: [lb('inboundNatRules/x1')],
    applicationSecurityGroups: [link('applicationSecurityGroups/x1')],
  };
  world.put(net('networkInterfaces/x1'), nicBody({ ...joins, publicIPAddress: link('publicIPAddresses/x1') }));
}

function putGateways(world: World): void {
  const configuration = part('c', {
    subnet: link('virtualNetworks/v1/subnets/GatewaySubnet'),
    publicIPAddress: link('publicIPAddresses/p2'),
  });
  world.put(net('virtualNetworkGateways/x1'), {
    properties: {
      ipConfigurations: [configuration],
      vpnClientConfiguration: {
        vpnClientAddressPool: { addressPrefixes: ['172.16.0.0/24'] },
        vpnClientRootCertificates: [part('root', { publicCertData: 'AAAA' })],
      },
    },
  });
  world.put(net('localNetworkGateways/x1'), {
    properties: { gatewayIpAddress: '198.51.100.9', localNetworkAddressSpace: { addressPrefixes: ['172.20.0.0/16'] } },
  });
  world.put(net('connections/x1'), {
    properties: {
      connectionType: 'IPsec',
      virtualNetworkGateway1: link('virtualNetworkGateways/x1'),
      localNetworkGateway2: link('localNetworkGateways/x1'),
      sharedKey: 'abc',
    },
  });
  world.put(net('networkWatchers/x1'));
  world.put(net('networkWatchers/x1/flowLogs/x1'), {
    properties: { targetResourceId: net('networkSecurityGroups/x1'), storageId: '/s', retentionPolicy: { days: 3 } },
  });
}

function putMachine(world: World): void {
  world.put(compute('availabilitySets/x1'));
  world.put(compute('disks/x1'), { properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 4 } });
  world.put(compute('virtualMachines/x1'), {
    properties: {
      storageProfile: {
        imageReference: { publisher: 'Ringwall', offer: 'lab', sku: 'tiny', version: 'latest' },
        osDisk: { createOption: 'FromImage' },
        dataDisks: [{ lun: 0, createOption: 'Attach', managedDisk: { id: compute('disks/x1') } }],
      },
      osProfile: {
        adminUsername: 'azureuser',
        linuxConfiguration: { disablePasswordAuthentication: true, ssh: { publicKeys: [{ keyData }] } },
      },
      networkProfile: { networkInterfaces: [{ id: net('networkInterfaces/x1') }] },
      availabilitySet: { id: compute('availabilitySets/x1') },
    },
  });
  world.put(compute('virtualMachines/x1/extensions/x1'), {
    properties: { publisher: 'p', type: 't', settings: { a: 1 } },
  });
  const port = { number: 22, protocol: 'TCP', allowedSourceAddressPrefix: '*', maxRequestAccessDuration: 'PT3H' };
  world.put(`${group}/providers/Microsoft.Security/locations/local/jitNetworkAccessPolicies/x1`, {
    kind: 'Basic',
    properties: { virtualMachines: [{ id: compute('virtualMachines/x1'), ports: [port] }] },
  });
  world.put(`${group}/providers/Microsoft.Storage/storageAccounts/x1store`, {
    sku: { name: 'Standard_LRS' },
    kind: 'StorageV2',
  });
}

/** The id under which `furnished` has a resource of a type. */
export const idOf = (type: string): string => {
  if (type === 'Microsoft.Resources/resourceGroups') return group;
  if (type.endsWith('/storageAccounts')) return `${group}/providers/${type}/x1store`;
  const [provider, ...types] = type.split('/');
  if (types[0] === 'locations') return `${group}/providers/${provider}/locations/local/${types[1]}/x1`;
  return `${group}/providers/${provider}${types.map((level, index) => `/${level}/${index === 0 && types.length > 1 && level === 'virtualNetworks' ? 'v1' : 'x1'}`).join('')}`;
};
