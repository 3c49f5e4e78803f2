/** The core of the commands in each dialect of long-running operations, and the proof that the dialect was spoken. */

import { az, refused } from '#test/peers/az.ts';
import { has, type Row } from '#test/peers/row.ts';
import type { AzContext } from '#test/peers/context.ts';
import type { LongRunning } from '#test/peers/stamp.ts';
import type { AzSuite } from '#test/peers/suites/suite.ts';

/** The modes beside `auto`, in which all other suites run. */
export const pollingModes: readonly LongRunning[] = ['async', 'location', 'poll'];

// What az's own log shows of the answer to a write.
const dialect: Readonly<Record<LongRunning, readonly RegExp[]>> = {
  auto: [],
  async: [/'Azure-AsyncOperation': 'https:/i],
  location: [/'Location': 'https:/i],
  poll: [/"provisioningState": ?"(Updating|Creating)"/],
};

const template = `{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
  "resources": [ { "type": "Microsoft.Network/routeTables", "apiVersion": "2018-11-01", "name": "table",
    "location": "[resourceGroup().location]", "properties": { "routes": [] } } ],
  "outputs": { "name": { "type": "string", "value": "table" } } }`;

/** The suite of one mode. */
export function polling(mode: LongRunning): AzSuite {
  const logged = (command: string): Row<AzContext> => az(`${command} --debug`, {}, { says: dialect[mode] });
  return {
    name: `polling-${mode}`,
    says: `long-running operations offered as ${mode}`,
    release: 'trixie',
    files: { 'polling.json': template },
    rows: [
      az('group create -n {group} -l {location}'),
      logged('network nsg create -g {group} -n logged'),
      az('network nsg create -g {group} -n web', { 'NewNSG.provisioningState': 'Succeeded' }),
      az('network nsg rule create -g {group} --nsg-name web -n https --priority 100 --destination-port-ranges 443', {
        provisioningState: 'Succeeded',
        destinationPortRange: '443',
      }),
      refused('network nsg rule create -g {group} --nsg-name web -n clash --priority 100', /SecurityRuleConflict/),
      az(
        'network vnet create -g {group} -n net --address-prefixes 10.1.0.0/16 --subnet-name web --subnet-prefixes 10.1.1.0/24',
        {
          'newVNet.provisioningState': 'Succeeded',
          'newVNet.subnets[0].provisioningState': 'Succeeded',
        },
      ),
      az(
        'network vnet subnet create -g {group} --vnet-name net -n app --address-prefixes 10.1.2.0/24 --network-security-group web',
        {
          provisioningState: 'Succeeded',
        },
      ),
      az('network route-table create -g {group} -n table2', { provisioningState: 'Succeeded' }),
      az('network public-ip create -g {group} -n front --sku Standard', { 'publicIp.provisioningState': 'Succeeded' }),
      az('network nic create -g {group} -n nic --vnet-name net --subnet web --public-ip-address front', {
        'NewNIC.provisioningState': 'Succeeded',
      }),
      az('network lb create -g {group} -n lb --sku Standard --public-ip-address balanced --backend-pool-name pool', {
        'loadBalancer.provisioningState': 'Succeeded',
      }),
      az('network lb probe create -g {group} --lb-name lb -n tcp --protocol Tcp --port 80', { port: 80 }),
      az('deployment group create -n one -g {group} -f {file.polling.json}', {
        'properties.provisioningState': 'Succeeded',
        'properties.outputs.name.value': 'table',
      }),
      az('network nsg update -g {group} -n web --set tags.a=one', { 'tags.a': 'one' }),
      az('network nsg list -g {group}', { '': has('web'), length: 2 }),
      az('network nic delete -g {group} -n nic', { '': undefined }),
      az('network vnet subnet delete -g {group} --vnet-name net -n app'),
      az('network nsg delete -g {group} -n web', { '': undefined }),
      refused('network nsg show -g {group} -n web', /ResourceNotFound/),
      az('group delete -n {group} --yes', { '': undefined }),
      az('group exists -n {group}', { '': false }),
    ],
  };
}
