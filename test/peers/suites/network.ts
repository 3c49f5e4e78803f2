/** Networks by az: groups, security rules, virtual networks, subnets, peerings, routes, addresses, interfaces, gateways. */

import { az, refused } from '#test/peers/az.ts';
import { has, lacks } from '#test/peers/row.ts';
import type { AzSuite } from '#test/peers/suites/suite.ts';

const succeeded = 'Succeeded';

export const group: AzSuite = {
  name: 'group',
  says: '[S2.19] resource groups',
  release: 'trixie',
  rows: [
    az('group exists -n {group}', { '': false }),
    az('group create -n {group} -l {location} --tags a=1', {
      name: 'peers-group',
      'properties.provisioningState': succeeded,
      'tags.a': '1',
    }),
    az('group exists -n {group}', { '': true }),
    az('group exists -n PEERS-GROUP', { '': true }),
    az('group show -n {group}', { location: /^\w+$/, type: 'Microsoft.Resources/resourceGroups' }),
    az('group list', { '': has('peers-group') }),
    az('group list --tag a=1', { '': has('peers-group') }),
    az('group list --tag a=2', { '': lacks('peers-group') }),
    az('group update -n {group} --set tags.b=2', { 'tags.a': '1', 'tags.b': '2' }),
    az('network nsg create -g {group} -n inside', { 'NewNSG.name': 'inside' }),
    az('group delete -n {group} --yes', { '': undefined }),
    az('group exists -n {group}', { '': false }),
    refused('group show -n {group}', /ResourceGroupNotFound/, /peers-group/),
    refused('network nsg show -g {group} -n inside', /ResourceGroupNotFound/),
  ],
};

export const security: AzSuite = {
  name: 'security',
  says: '[S2.19] network security groups, their rules, application security groups',
  release: 'trixie',
  rows: [
    az('group create -n {group} -l {location}'),
    az('network nsg create -g {group} -n web --tags tier=web', {
      'NewNSG.name': 'web',
      'NewNSG.provisioningState': succeeded,
      'NewNSG.type': 'Microsoft.Network/networkSecurityGroups',
      'NewNSG.defaultSecurityRules.length': 6,
      'NewNSG.securityRules.length': 0,
      'NewNSG.tags.tier': 'web',
      'NewNSG.etag': /^W\/"/,
    }),
    az(
      'network nsg rule create -g {group} --nsg-name web -n https --priority 100 --access Allow --protocol Tcp --direction Inbound --source-address-prefixes Internet --destination-port-ranges 443',
      {
        name: 'https',
        priority: 100,
        access: 'Allow',
        protocol: 'Tcp',
        sourceAddressPrefix: 'Internet',
        destinationPortRange: '443',
        provisioningState: succeeded,
      },
    ),
    az(
      'network nsg rule create -g {group} --nsg-name web -n many --priority 110 --source-address-prefixes 10.0.0.0/8 192.168.0.0/16 --destination-port-ranges 80 8080-8090',
      {
        'sourceAddressPrefixes.length': 2,
        'destinationPortRanges[1]': '8080-8090',
      },
    ),
    az('network nsg rule update -g {group} --nsg-name web -n https --priority 120 --protocol Udp', {
      priority: 120,
      protocol: 'Udp',
    }),
    az('network nsg rule list -g {group} --nsg-name web', { length: 2, '': has('many') }),
    az('network nsg rule list -g {group} --nsg-name web --include-default', { length: 8 }),
    az('network nsg rule show -g {group} --nsg-name web -n https', { priority: 120 }),
    refused(
      'network nsg rule create -g {group} --nsg-name web -n clash --priority 110 --access Deny',
      /SecurityRuleConflict/,
      /rule many/,
    ),
    refused('network nsg rule create -g {group} --nsg-name web -n low --priority 5', /[Pp]riority/),
    refused(
      'network nsg rule create -g {group} --nsg-name web -n bad --priority 130 --source-address-prefixes 10.0.0.300/8',
      /10\.0\.0\.300/,
    ),
    refused('network nsg rule show -g {group} --nsg-name web -n absent', /NotFound/),
    az('network nsg rule delete -g {group} --nsg-name web -n many', { '': undefined }),
    az('network nsg rule delete -g {group} --nsg-name web -n many', { '': undefined }),
    az('network nsg rule list -g {group} --nsg-name web', { length: 1 }),
    az('network asg create -g {group} -n app', { name: 'app', provisioningState: succeeded }),
    az(
      'network nsg rule create -g {group} --nsg-name web -n byasg --priority 200 --source-asgs app --destination-asgs app',
      {
        'sourceApplicationSecurityGroups[0].id': /\/applicationSecurityGroups\/app$/,
      },
    ),
    refused('network asg delete -g {group} -n app', /InUse|in use/),
    az('network nsg update -g {group} -n web --set tags.tier=front', {
      'tags.tier': 'front',
      'securityRules.length': 2,
    }),
    az('network nsg list -g {group}', { '': has('web'), length: 1 }),
    az('network nsg list', { '': has('web') }),
    az('network nsg delete -g {group} -n web', { '': undefined }),
    az('network asg delete -g {group} -n app', { '': undefined }),
    refused('network nsg show -g {group} -n web', /ResourceNotFound/),
    az('group delete -n {group} --yes'),
  ],
};

export const vnet: AzSuite = {
  name: 'vnet',
  says: '[S2.19] virtual networks, subnets, peerings, route tables',
  release: 'trixie',
  rows: [
    az('group create -n {group} -l {location}'),
    az(
      'network vnet create -g {group} -n net --address-prefixes 10.1.0.0/16 --subnet-name web --subnet-prefixes 10.1.1.0/24',
      {
        'newVNet.addressSpace.addressPrefixes[0]': '10.1.0.0/16',
        'newVNet.subnets[0].name': 'web',
        'newVNet.subnets[0].provisioningState': succeeded,
        'newVNet.provisioningState': succeeded,
      },
    ),
    az(
      'network vnet create -g {group} -n dual --address-prefixes 10.9.0.0/16 2001:db8:1::/48 --subnet-name both --subnet-prefixes 10.9.1.0/24 2001:db8:1:1::/64',
      {
        'newVNet.addressSpace.addressPrefixes.length': 2,
        'newVNet.subnets[0].addressPrefixes.length': 2,
      },
    ),
    az('network vnet update -g {group} -n net --address-prefixes 10.1.0.0/16 10.2.0.0/16', {
      'addressSpace.addressPrefixes.length': 2,
      'subnets.length': 1,
    }),
    az('network nsg create -g {group} -n guard'),
    az(
      'network vnet subnet create -g {group} --vnet-name net -n app --address-prefixes 10.1.2.0/24 --network-security-group guard',
      {
        addressPrefix: '10.1.2.0/24',
        'networkSecurityGroup.id': /\/networkSecurityGroups\/guard$/,
        provisioningState: succeeded,
      },
    ),
    az('network nsg show -g {group} -n guard', { 'subnets[0].id': /\/subnets\/app$/ }),
    az('network route-table create -g {group} -n table', { name: 'table', provisioningState: succeeded }),
    az(
      'network route-table route create -g {group} --route-table-name table -n out --address-prefix 0.0.0.0/0 --next-hop-type VirtualAppliance --next-hop-ip-address 10.1.1.4',
      {
        addressPrefix: '0.0.0.0/0',
        nextHopType: 'VirtualAppliance',
        nextHopIpAddress: '10.1.1.4',
      },
    ),
    az(
      'network route-table route create -g {group} --route-table-name table -n drop --address-prefix 203.0.113.0/24 --next-hop-type None',
      { nextHopType: 'None' },
    ),
    az(
      'network route-table route update -g {group} --route-table-name table -n drop --address-prefix 198.51.100.0/24',
      { addressPrefix: '198.51.100.0/24' },
    ),
    az('network route-table route list -g {group} --route-table-name table', { length: 2, '': has('out') }),
    az('network route-table route delete -g {group} --route-table-name table -n drop'),
    az('network vnet subnet update -g {group} --vnet-name net -n app --route-table table', {
      'routeTable.id': /\/routeTables\/table$/,
      'networkSecurityGroup.id': /\/networkSecurityGroups\/guard$/,
    }),
    refused('network route-table delete -g {group} -n table', /InUse|in use/),
    az('network vnet subnet list -g {group} --vnet-name net', { length: 2, '': has('app') }),
    az('network vnet subnet show -g {group} --vnet-name net -n web', { addressPrefix: '10.1.1.0/24' }),
    az('network vnet check-ip-address -g {group} -n net --ip-address 10.1.1.4', { available: true }),
    az('network vnet check-ip-address -g {group} -n net --ip-address 10.1.1.1', { available: false }),
    az(
      'network vnet create -g {group} -n far --address-prefixes 10.8.0.0/16 --subnet-name one --subnet-prefixes 10.8.1.0/24',
    ),
    az('network vnet peering create -g {group} -n there --vnet-name net --remote-vnet far --allow-vnet-access', {
      peeringState: 'Initiated',
      'remoteVirtualNetwork.id': /\/virtualNetworks\/far$/,
      allowVirtualNetworkAccess: true,
    }),
    az('network vnet peering create -g {group} -n back --vnet-name far --remote-vnet net --allow-vnet-access', {
      peeringState: 'Connected',
    }),
    az('network vnet peering show -g {group} --vnet-name net -n there', { peeringState: 'Connected' }),
    az('network vnet peering list -g {group} --vnet-name net', { length: 1, '': has('there') }),
    az('network vnet peering delete -g {group} --vnet-name net -n there'),
    az('network vnet peering show -g {group} --vnet-name far -n back', { peeringState: 'Disconnected' }),
    az('network vnet subnet delete -g {group} --vnet-name net -n app'),
    az('network vnet subnet list -g {group} --vnet-name net', { length: 1, '': lacks('app') }),
    az('network vnet list -g {group}', { length: 3 }),
    az('network vnet delete -g {group} -n dual'),
    az('network vnet list -g {group}', { '': lacks('dual') }),
    az('group delete -n {group} --yes'),
  ],
};

export const address: AzSuite = {
  name: 'address',
  says: '[S2.19] public addresses, interfaces, NAT gateways, the network watcher resource',
  release: 'trixie',
  rows: [
    az('group create -n {group} -l {location}'),
    az(
      'network vnet create -g {group} -n net --address-prefixes 10.1.0.0/16 --subnet-name web --subnet-prefixes 10.1.1.0/24',
    ),
    az('network nsg create -g {group} -n web'),
    az('network public-ip create -g {group} -n front --sku Standard --dns-name peers-front', {
      'publicIp.ipAddress': /^198\.18\.\d+\.\d+$/,
      'publicIp.sku.name': 'Standard',
      'publicIp.publicIPAllocationMethod': 'Static',
      'publicIp.dnsSettings.fqdn': /^peers-front\.\w+\.cloudapp\./,
      'publicIp.provisioningState': succeeded,
    }),
    az('network public-ip create -g {group} -n basic --sku Basic --allocation-method Dynamic', {
      'publicIp.publicIPAllocationMethod': 'Dynamic',
      'publicIp.ipAddress': undefined,
    }),
    az('network public-ip create -g {group} -n six --sku Standard --version IPv6', {
      'publicIp.ipAddress': /^2001:db8:/,
    }),
    az(
      'network nic create -g {group} -n first --vnet-name net --subnet web --network-security-group web --public-ip-address front',
      {
        'NewNIC.provisioningState': succeeded,
        'NewNIC.ipConfigurations[0].privateIPAddress': '10.1.1.4',
        'NewNIC.ipConfigurations[0].publicIPAddress.id': /\/publicIPAddresses\/front$/,
        'NewNIC.networkSecurityGroup.id': /\/networkSecurityGroups\/web$/,
        'NewNIC.enableIPForwarding': false,
        'NewNIC.macAddress': (value) => value === undefined || value === null || typeof value === 'string',
      },
    ),
    az('network nic create -g {group} -n second --vnet-name net --subnet web --private-ip-address 10.1.1.20', {
      'NewNIC.ipConfigurations[0].privateIPAddress': '10.1.1.20',
      'NewNIC.ipConfigurations[0].privateIPAllocationMethod': 'Static',
    }),
    refused(
      'network nic create -g {group} -n third --vnet-name net --subnet web --private-ip-address 10.1.1.20',
      /PrivateIPAddressIsAllocated/,
      /10\.1\.1\.20/,
    ),
    refused(
      'network nic create -g {group} -n third --vnet-name net --subnet web --private-ip-address 10.1.1.2',
      /reserved|10\.1\.1\.2/i,
    ),
    refused(
      'network nic create -g {group} -n third --vnet-name net --subnet web --private-ip-address 10.7.7.7',
      /10\.7\.7\.7/,
    ),
    az('network nic update -g {group} -n second --ip-forwarding true', { enableIPForwarding: true }),
    az('network nic ip-config create -g {group} --nic-name second -n more --private-ip-address 10.1.1.21', {
      privateIPAddress: '10.1.1.21',
    }),
    az('network nic ip-config list -g {group} --nic-name second', { length: 2, '': has('more') }),
    az('network nic ip-config delete -g {group} --nic-name second -n more'),
    az('network nic show -g {group} -n second', { 'ipConfigurations.length': 1 }),
    az('network nic list -g {group}', { length: 2 }),
    az('network public-ip show -g {group} -n front', {
      'ipConfiguration.id': /\/networkInterfaces\/first\/ipConfigurations\//,
    }),
    refused('network public-ip delete -g {group} -n front', /PublicIPAddressCannotBeDeleted|InUse|in use/),
    refused('network vnet subnet delete -g {group} --vnet-name net -n web', /InUseSubnetCannotBeDeleted/),
    refused('network vnet delete -g {group} -n net', /InUse/),
    refused('network nsg delete -g {group} -n web', /InUseNetworkSecurityGroupCannotBeDeleted|InUse/),
    az('network public-ip create -g {group} -n out --sku Standard'),
    az('network nat gateway create -g {group} -n nat --public-ip-addresses out --idle-timeout 10', {
      provisioningState: succeeded,
      idleTimeoutInMinutes: 10,
      'publicIpAddresses[0].id': /\/publicIPAddresses\/out$/,
    }),
    az('network vnet subnet update -g {group} --vnet-name net -n web --nat-gateway nat', {
      'natGateway.id': /\/natGateways\/nat$/,
    }),
    az('network nat gateway show -g {group} -n nat', { 'subnets[0].id': /\/subnets\/web$/ }),
    az('network watcher configure -g {group} -l {location} --enabled true', {
      '[0].name': /^NetworkWatcher_/,
      '[0].provisioningState': succeeded,
    }),
    az('network watcher list', { '': (value) => Array.isArray(value) && value.length === 1 }),
    az('network watcher configure -l {location} --enabled false'),
    az('network nic delete -g {group} -n first'),
    az('network nic delete -g {group} -n second'),
    az('network public-ip delete -g {group} -n front'),
    az('network public-ip list -g {group}', { length: 3, '': lacks('front') }),
    az('group delete -n {group} --yes'),
  ],
};

export const balance: AzSuite = {
  name: 'balance',
  says: '[S2.19] load balancers and all their parts',
  release: 'trixie',
  rows: [
    az('group create -n {group} -l {location}'),
    az('network public-ip create -g {group} -n front --sku Standard'),
    az(
      'network lb create -g {group} -n lb --sku Standard --public-ip-address front --frontend-ip-name fe --backend-pool-name pool',
      {
        'loadBalancer.provisioningState': succeeded,
        'loadBalancer.backendAddressPools[0].name': 'pool',
        'loadBalancer.frontendIPConfigurations[0].name': 'fe',
      },
    ),
    az(
      'network lb probe create -g {group} --lb-name lb -n http --protocol Http --port 80 --path /healthy --interval 5',
      {
        protocol: 'Http',
        port: 80,
        requestPath: '/healthy',
      },
    ),
    az(
      'network lb rule create -g {group} --lb-name lb -n web --protocol Tcp --frontend-ip-name fe --frontend-port 80 --backend-pool-name pool --backend-port 8080 --probe-name http --disable-outbound-snat true',
      {
        frontendPort: 80,
        backendPort: 8080,
        'probe.id': /\/probes\/http$/,
        disableOutboundSnat: true,
      },
    ),
    az('network lb address-pool create -g {group} --lb-name lb -n other', { name: 'other' }),
    az('network lb address-pool list -g {group} --lb-name lb', { length: 2, '': has('other') }),
    az(
      'network lb inbound-nat-rule create -g {group} --lb-name lb -n ssh --protocol Tcp --frontend-ip-name fe --frontend-port 50022 --backend-port 22',
      {
        frontendPort: 50022,
        backendPort: 22,
      },
    ),
    az(
      'network lb outbound-rule create -g {group} --lb-name lb -n egress --protocol All --frontend-ip-configs fe --address-pool other --outbound-ports 1024',
      {
        allocatedOutboundPorts: 1024,
      },
    ),
    az('network lb rule list -g {group} --lb-name lb', { length: 1, '': has('web') }),
    az('network lb probe show -g {group} --lb-name lb -n http', { intervalInSeconds: 5 }),
    az('network lb frontend-ip list -g {group} --lb-name lb', {
      '[0].publicIPAddress.id': /\/publicIPAddresses\/front$/,
    }),
    refused(
      'network lb rule create -g {group} --lb-name lb -n twice --protocol Tcp --frontend-ip-name fe --frontend-port 80 --backend-pool-name pool --backend-port 81',
      /80|[Cc]onflict|[Dd]uplicate/,
    ),
    az(
      'network vnet create -g {group} -n net --address-prefixes 10.1.0.0/16 --subnet-name web --subnet-prefixes 10.1.1.0/24',
    ),
    az('network nic create -g {group} -n member --vnet-name net --subnet web --lb-name lb --lb-address-pools pool', {
      'NewNIC.ipConfigurations[0].loadBalancerBackendAddressPools[0].id': /\/backendAddressPools\/pool$/,
    }),
    az('network lb show -g {group} -n lb', {
      'backendAddressPools.length': 2,
      'inboundNatRules.length': 1,
      'outboundRules.length': 1,
      'loadBalancingRules[0].name': 'web',
    }),
    az('network lb rule delete -g {group} --lb-name lb -n web'),
    az('network lb probe delete -g {group} --lb-name lb -n http'),
    az('network lb inbound-nat-rule delete -g {group} --lb-name lb -n ssh'),
    az(
      'network lb create -g {group} -n inner --sku Standard --vnet-name net --subnet web --private-ip-address 10.1.1.100 --backend-pool-name pool',
      {
        'loadBalancer.frontendIPConfigurations[0].properties.privateIPAddress': '10.1.1.100',
      },
      { secondsMax: 40 },
    ),
    az('network lb list -g {group}', { length: 2 }),
    az('network nic delete -g {group} -n member'),
    az('network lb delete -g {group} -n lb'),
    az('network lb list -g {group}', { length: 1 }),
    az('group delete -n {group} --yes'),
  ],
};
