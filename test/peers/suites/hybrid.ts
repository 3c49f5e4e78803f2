/** Debian 12's az 2.45 under profile 2020-09-01-hybrid: the commands that its packaging leaves working (arm facts, finding 2). */

import { az, refused } from '#test/peers/az.ts';
import { has, lacks } from '#test/peers/row.ts';
import type { AzSuite } from '#test/peers/suites/suite.ts';

export const hybrid: AzSuite = {
  name: 'hybrid',
  says: '[S2.19] az 2.45, profile 2020-09-01-hybrid',
  release: 'bookworm',
  rows: [
    az('cloud show', { profile: '2020-09-01-hybrid', 'endpoints.activeDirectory': /\/adfs\/?$/ }),
    az('account show', { state: 'Enabled' }),
    az('account list-locations', { '[0].name': /^\w+$/ }),
    az('group create -n {group} -l {location}', { 'properties.provisioningState': 'Succeeded' }),
    az('group exists -n {group}', { '': true }),
    az('group list', { '': has('peers-hybrid') }),
    az('network nsg create -g {group} -n web', { 'NewNSG.name': 'web', 'NewNSG.defaultSecurityRules.length': 6 }),
    az(
      'network nsg rule create -g {group} --nsg-name web -n https --priority 100 --access Allow --protocol Tcp --source-address-prefixes Internet --destination-port-ranges 443',
      {
        priority: 100,
        destinationPortRange: '443',
      },
    ),
    az('network nsg rule list -g {group} --nsg-name web', { length: 1, '': has('https') }),
    az('network nsg show -g {group} -n web', { 'securityRules[0].name': 'https' }),
    refused(
      'network nsg rule create -g {group} --nsg-name web -n clash --priority 100 --access Deny',
      /SecurityRuleConflict/,
    ),
    az(
      'network vnet create -g {group} -n net --address-prefixes 10.1.0.0/16 --subnet-name web --subnet-prefixes 10.1.1.0/24',
      {
        'newVNet.addressSpace.addressPrefixes[0]': '10.1.0.0/16',
        'newVNet.subnets[0].name': 'web',
      },
    ),
    az('network vnet subnet create -g {group} --vnet-name net -n app --address-prefixes 10.1.2.0/24', {
      addressPrefix: '10.1.2.0/24',
    }),
    az('network vnet subnet list -g {group} --vnet-name net', { length: 2, '': has('app') }),
    az('network vnet list -g {group}', { length: 1 }),
    az('network vnet show -g {group} -n net', { 'subnets.length': 2 }),
    az('network vnet subnet delete -g {group} --vnet-name net -n app'),
    az('network vnet subnet list -g {group} --vnet-name net', { '': lacks('app') }),
    az('network public-ip create -g {group} -n front --allocation-method Static', {
      'publicIp.ipAddress': /^198\.18\./,
    }),
    az('network public-ip list -g {group}', { length: 1 }),
    az(
      'network nic create -g {group} -n nic --vnet-name net --subnet web --network-security-group web --public-ip-address front',
      {
        'NewNIC.provisioningState': 'Succeeded',
      },
    ),
    refused('network vnet subnet delete -g {group} --vnet-name net -n web', /InUseSubnetCannotBeDeleted/),
    az(
      'network lb create -g {group} -n lb --public-ip-address balanced --frontend-ip-name fe --backend-pool-name pool',
      {
        'loadBalancer.provisioningState': 'Succeeded',
      },
      { secondsMax: 40 },
    ),
    az('network lb probe create -g {group} --lb-name lb -n tcp --protocol Tcp --port 80', { port: 80 }),
    az(
      'network lb rule create -g {group} --lb-name lb -n web --protocol Tcp --frontend-ip-name fe --frontend-port 80 --backend-pool-name pool --backend-port 8080 --probe-name tcp',
      {
        backendPort: 8080,
      },
    ),
    az('resource delete -g {group} --resource-type Microsoft.Network/loadBalancers -n lb'),
    az('resource list -g {group}', { '': has('web') }),
    az('lock create -g {group} -n keep --lock-type CanNotDelete', { level: 'CanNotDelete' }),
    refused('network nsg delete -g {group} -n web', /ScopeLocked/),
    az('lock delete -g {group} -n keep'),
    az('resource delete -g {group} --resource-type Microsoft.Network/networkInterfaces -n nic'),
    az('network nsg delete -g {group} -n web'),
    az('network vnet delete -g {group} -n net'),
    az('group delete -n {group} --yes'),
    az('group exists -n {group}', { '': false }),
  ],
};
