/** Questions about what is in force by az: effective rules and routes of an interface, and what the network watcher is asked. */

import { az, refused } from '#test/peers/az.ts';
import { sshKey } from '#test/peers/ssh-key.ts';
import type { AzSuite } from '#test/peers/suites/suite.ts';

const slow = { secondsMax: 90 };
const says = (text: string) => (value: unknown) => JSON.stringify(value).includes(text);

export const question: AzSuite = {
  name: 'question',
  says: '[S2.19] effective rules and routes, flows, next hops, topology',
  release: 'trixie',
  files: { 'key.pub': `${sshKey()}\n` },
  rows: [
    az('group create -n {group} -l {location}'),
    az('network nsg create -g {group} -n guard'),
    az(
      'network nsg rule create -g {group} --nsg-name guard -n web --priority 100 --access Allow --protocol Tcp --direction Inbound --source-address-prefixes Internet --destination-port-ranges 80 443',
    ),
    az('network route-table create -g {group} -n table'),
    az(
      'network route-table route create -g {group} --route-table-name table -n lost --address-prefix 198.51.100.0/24 --next-hop-type None',
    ),
    az(
      'network route-table route create -g {group} --route-table-name table -n out --address-prefix 0.0.0.0/0 --next-hop-type VirtualAppliance --next-hop-ip-address 10.1.1.9',
    ),
    az('network vnet create -g {group} -n net --address-prefixes 10.1.0.0/16'),
    az(
      'network vnet subnet create -g {group} --vnet-name net -n web --address-prefixes 10.1.1.0/24 --network-security-group guard --route-table table',
    ),
    az(
      "vm create -g {group} -n one --image Ringwall:lab:tiny:latest --size Standard_DS1_v2 --admin-username operator --ssh-key-values {file.key.pub} --vnet-name net --subnet web --nsg '' --public-ip-address ''",
      { privateIpAddress: '10.1.1.4' },
      slow,
    ),
    az('network nic create -g {group} -n loose --vnet-name net --subnet web'),
    az('network nic list-effective-nsg -g {group} -n oneVMNic', {
      'value[0].networkSecurityGroup.id': /\/networkSecurityGroups\/guard$/,
      'value[0].association.subnet.id': /\/subnets\/web$/,
      'value[0].effectiveSecurityRules.length': 7,
      'value[0].effectiveSecurityRules[0].name': 'securityRules/web',
      'value[0].effectiveSecurityRules[0].protocol': 'Tcp',
      'value[0].effectiveSecurityRules[0].sourceAddressPrefix': 'Internet',
      'value[0].effectiveSecurityRules[0].destinationPortRanges[1]': '443-443',
      'value[0].effectiveSecurityRules': says('defaultSecurityRules/DenyAllInBound'),
    }),
    az('network nic show-effective-route-table -g {group} -n oneVMNic', {
      'value[0].addressPrefix[0]': '10.1.0.0/16',
      'value[0].nextHopType': 'VnetLocal',
      'value[0].source': 'Default',
      'value[0].state': 'Active',
      value: says('"10.1.1.9"'),
    }),
    refused('network nic list-effective-nsg -g {group} -n loose', /NotAttached/),
    refused('network nic show-effective-route-table -g {group} -n loose', /NotAttached/),
    az('network watcher configure -g {group} -l {location} --enabled true'),
    az(
      'network watcher test-ip-flow -g {group} --vm one --direction Inbound --protocol TCP --local 10.1.1.4:443 --remote 203.0.113.9:50000',
      { access: 'Allow', ruleName: 'securityRules/web' },
    ),
    az(
      'network watcher test-ip-flow -g {group} --vm one --direction Inbound --protocol TCP --local 10.1.1.4:22 --remote 203.0.113.9:*',
      { access: 'Deny', ruleName: 'defaultSecurityRules/DenyAllInBound' },
    ),
    az(
      'network watcher test-ip-flow -g {group} --vm one --direction Outbound --protocol UDP --local 10.1.1.4:* --remote 203.0.113.9:53',
      { access: 'Allow', ruleName: 'defaultSecurityRules/AllowInternetOutBound' },
    ),
    refused(
      'network watcher test-ip-flow -g {group} --vm one --direction Inbound --protocol TCP --local 10.1.1.77:443 --remote 203.0.113.9:50000',
      /10\.1\.1\.4/,
    ),
    az('network watcher show-next-hop -g {group} --vm one --source-ip 10.1.1.4 --dest-ip 203.0.113.9', {
      nextHopType: 'VirtualAppliance',
      nextHopIpAddress: '10.1.1.9',
      routeTableId: /\/routeTables\/table$/,
    }),
    az('network watcher show-next-hop -g {group} --vm one --source-ip 10.1.1.4 --dest-ip 198.51.100.7', {
      nextHopType: 'None',
      routeTableId: /\/routeTables\/table$/,
    }),
    az('network watcher show-next-hop -g {group} --vm one --source-ip 10.1.1.4 --dest-ip 10.1.2.3', {
      nextHopType: 'VnetLocal',
      routeTableId: 'System Route',
    }),
    az('network watcher show-security-group-view -g {group} --vm one', {
      'networkInterfaces[0].id': /\/networkInterfaces\/oneVMNic$/,
      'networkInterfaces[0].securityRuleAssociations.subnetAssociation.securityRules[0].name': 'web',
      'networkInterfaces[0].securityRuleAssociations.effectiveSecurityRules.length': 7,
    }),
    az('network watcher show-topology -g {group} -l {location}', {
      id: /^[0-9a-f-]{36}$/,
      resources: says('/virtualMachines/one'),
    }),
    az(
      'network watcher test-connectivity -g {group} --source-resource one --dest-address 198.51.100.7 --dest-port 80 --protocol Tcp',
      {
        connectionStatus: 'Unreachable',
        'hops[0].type': 'Source',
        'hops[0].address': '10.1.1.4',
        'hops[0].issues[0].type': 'UserDefinedRoute',
        'hops[0].nextHopIds.length': 1,
      },
      slow,
    ),
    az(
      'network watcher test-connectivity -g {group} --source-resource one --dest-address one --protocol Icmp',
      { connectionStatus: /^(Reachable|Unreachable)$/, 'hops[1].address': '10.1.1.4' },
      slow,
    ),
    refused(
      'network watcher test-connectivity -g {group} --source-resource one --dest-address 2001:db8::1 --dest-port 80',
      /family/,
    ),
    az(
      'network watcher run-configuration-diagnostic -g {group} --resource one --resource-type virtualMachines --direction Inbound --protocol TCP --source 203.0.113.9 --destination 10.1.1.4 --port 443',
      {
        'results[0].networkSecurityGroupResult.securityRuleAccessResult': 'Allow',
        'results[0].networkSecurityGroupResult.evaluatedNetworkSecurityGroups[0].matchedRule.ruleName':
          'securityRules/web',
      },
      slow,
    ),
    az('network watcher configure -l {location} --enabled false'),
    az('group delete -n {group} --yes', {}, slow),
  ],
};
