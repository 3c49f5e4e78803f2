/** Shows that what the model keeps is what the compilers read: requests as clients send them, then packets. */

import { test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { group, makeWorld, net, nicBody, withVnet, type World } from '#model/test-world.ts';
import { checkFlows } from '#test/generate/flow.ts';

const balancer = net('loadBalancers/lb');
const part = (list: string, name: string) => ({ id: `${balancer}/${list}/${name}` });

function balancerBody(): JsonObject {
  const frontendIPConfiguration = part('frontendIPConfigurations', 'fe');
  const backendAddressPool = part('backendAddressPools', 'be');
  const properties = {
    frontendIPConfigurations: [{ name: 'fe', properties: { publicIPAddress: { id: net('publicIPAddresses/lb') } } }],
    backendAddressPools: [{ name: 'be' }],
    inboundNatRules: [
      { name: 'ssh', properties: { frontendIPConfiguration, protocol: 'Tcp', frontendPort: 50_022, backendPort: 22 } },
    ],
    loadBalancingRules: [
      {
        name: 'http',
        properties: {
          frontendIPConfiguration,
          backendAddressPool,
          protocol: 'Tcp',
          frontendPort: 80,
          backendPort: 8080,
        },
      },
    ],
  };
  return { sku: { name: 'Standard' }, properties };
}

const ruleBody = {
  priority: 100,
  direction: 'inbound',
  access: 'allow',
  protocol: 'TCP',
  sourceAddressPrefix: 'internet',
  sourcePortRange: '*',
  destinationAddressPrefix: '*',
  destinationPortRanges: ['22', '8080'],
};

function machineBody(nic: string): JsonObject {
  const properties = {
    hardwareProfile: { vmSize: 'Standard_D2s_v5' },
    storageProfile: {
      imageReference: { publisher: 'Ringwall', offer: 'lab', sku: 'tiny', version: 'latest' },
      osDisk: { createOption: 'fromImage' },
    },
    osProfile: { computerName: nic, adminUsername: 'azureuser', adminPassword: 'Harbour-Lantern-42' },
    networkProfile: { networkInterfaces: [{ id: net(`networkInterfaces/${nic}`) }] },
  };
  return { properties };
}

function deployed(): World {
  const world = withVnet(makeWorld());
  world.put(net('networkSecurityGroups/web'), {
    properties: { securityRules: [{ name: 'open', properties: ruleBody }] },
  });
  world.put(net('routeTables/rt'), {
    properties: { routes: [{ name: 'none', properties: { addressPrefix: '198.51.100.0/24', nextHopType: 'None' } }] },
  });
  world.put(net('virtualNetworks/v1/subnets/b'), {
    properties: {
      addressPrefix: '10.0.1.0/24',
      networkSecurityGroup: { id: net('networkSecurityGroups/web') },
      routeTable: { id: net('routeTables/rt') },
    },
  });
  for (const name of ['lb', 'own']) {
    world.put(net(`publicIPAddresses/${name}`), {
      sku: { name: 'Standard' },
      properties: { publicIPAllocationMethod: 'Static' },
    });
  }
  world.put(balancer, balancerBody());
  world.put(net('networkInterfaces/client'), nicBody());
  const server = {
    subnet: { id: net('virtualNetworks/v1/subnets/b') },
    publicIPAddress: { id: net('publicIPAddresses/own') },
    loadBalancerBackendAddressPools: [part('backendAddressPools', 'be')],
    loadBalancerInboundNatRules: [part('inboundNatRules', 'ssh')],
  };
  world.put(net('networkInterfaces/server'), nicBody(server));
  for (const nic of ['client', 'server']) {
    world.put(`${group}/providers/Microsoft.Compute/virtualMachines/${nic}`, machineBody(nic));
  }
  return world;
}

test('a deployment written through the nouns compiles to what it says', () => {
  const { draft, context, properties } = deployed();
  const [front, own] = ['lb', 'own'].map((name) => String(properties(net(`publicIPAddresses/${name}`))['ipAddress']));
  const programs = compileStamp(draft, context.stamp, new CompileMemo());
  checkFlows(programs, [
    [1, 'tcp 10.0.0.4 > 10.0.1.4:22', 'nic 2 10.0.0.4 > 10.0.1.4:22'],
    [2, 'tcp 10.0.1.4 > 198.51.100.1:80', 'udr/rt/none'],
    [2, 'tcp 10.0.1.4 > 203.0.113.9:80', `internet ${own} > 203.0.113.9:80`],
    ['internet', `tcp 203.0.113.9 > ${own}:22`, 'nic 2 203.0.113.9 > 10.0.1.4:22'],
    ['internet', `tcp 203.0.113.9 > ${own}:443`, 'nsg/web/DenyAllInBound'],
    ['internet', `tcp 203.0.113.9 > ${front}:80`, 'nic 2 203.0.113.9 > 10.0.1.4:8080'],
    ['internet', `tcp 203.0.113.9 > ${front}:50022`, 'nic 2 203.0.113.9 > 10.0.1.4:22'],
  ]);
});
