/** Templates by az: validate, what-if, create, show, operations, export, complete mode, failure, cancel, delete. */

import { az, refused } from '#test/peers/az.ts';
import { has, lacks } from '#test/peers/row.ts';
import type { AzSuite } from '#test/peers/suites/suite.ts';

// With a comment and text over two lines: az splices the file as it is into its request (arm facts, finding 5).
const template = `{
  // two networks, a rule, and what they came to
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {
    "prefix": { "type": "string", "defaultValue": "10.20" },
    "count": { "type": "int", "defaultValue": 2 },
    "word": { "type": "securestring", "defaultValue": "" }
  },
  "variables": { "guard": "[concat('guard-', uniqueString(resourceGroup().id))]" },
  "resources": [
    {
      "type": "Microsoft.Network/networkSecurityGroups", "apiVersion": "2022-01-01", "name": "[variables('guard')]",
      "location": "[resourceGroup().location]",
      "properties": { "securityRules": [ { "name": "https", "properties": { "protocol": "Tcp", "sourcePortRange": "*",
        "destinationPortRange": "443", "sourceAddressPrefix": "*", "destinationAddressPrefix": "*", "access": "Allow",
        "priority": 100, "direction": "Inbound" } } ] }
    },
    {
      "type": "Microsoft.Network/virtualNetworks", "apiVersion": "2018-11-01", "name": "[concat('net', copyIndex())]",
      "location": "[resourceGroup().location]", /* one after another */
      "copy": { "name": "nets", "count": "[parameters('count')]" },
      "dependsOn": [ "[resourceId('Microsoft.Network/networkSecurityGroups', variables('guard'))]" ],
      "properties": { "addressSpace": { "addressPrefixes": [ "[concat(parameters('prefix'), copyIndex(), '.0.0/16')]" ] },
        "subnets": [ { "name": "one", "properties": { "addressPrefix": "[concat(parameters('prefix'), copyIndex(), '.1.0/24')]",
          "networkSecurityGroup": { "id": "[resourceId('Microsoft.Network/networkSecurityGroups', variables('guard'))]" } } } ] }
    }
  ],
  "outputs": {
    "guard": { "type": "string", "value": "[variables('guard')]" },
    "space": { "type": "string", "value": "[reference('net0').addressSpace.addressPrefixes[0]]" }
  }
}
`;

const broken = template.replace("'.1.0/24'", "'.1.0/99'");
const unreadable = template.replace(
  '[variables(\'guard\')]",\n      "location"',
  '[variables(\'nothing\')]",\n      "location"',
);
const parameters =
  '{"$schema":"https://schema.management.azure.com/schemas/2015-01-01/deploymentParameters.json#","contentVersion":"1.0.0.0","parameters":{"prefix":{"value":"10.3"}}}';
// One after another, so that it still runs when it is canceled.
const long = `{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
  "resources": [ { "type": "Microsoft.Network/routeTables", "apiVersion": "2018-11-01", "name": "[concat('long', copyIndex())]",
    "location": "[resourceGroup().location]", "properties": { "routes": [] },
    "copy": { "name": "tables", "count": 800, "mode": "serial", "batchSize": 1 } } ] }`;
const wrong = parameters.replace('"prefix":{"value":"10.3"}', '"count":{"value":"many"}');
const deploy = '-g {group} -f {file.template.json}';

export const deployment: AzSuite = {
  name: 'deployment',
  says: '[S2.19] templates',
  release: 'trixie',
  files: {
    'template.json': template,
    'broken.json': broken,
    'unreadable.json': unreadable,
    'parameters.json': parameters,
    'wrong.json': wrong,
    'long.json': long,
  },
  rows: [
    az('group create -n {group} -l {location}'),
    az(`deployment group validate -n first ${deploy} --parameters prefix=10.2`, {
      'properties.provisioningState': 'Succeeded',
      'properties.validatedResources.length': (value) => value === 3 || value === undefined,
      error: null,
    }),
    refused('deployment group validate -n first -g {group} -f {file.unreadable.json}', /InvalidTemplate/, /nothing/),
    az(`deployment group what-if -n first ${deploy} --parameters prefix=10.2 --no-pretty-print`, {
      status: 'Succeeded',
      'changes.length': 3,
      'changes[0].changeType': 'Create',
    }),
    az(`deployment group create -n first ${deploy} --parameters prefix=10.2 word=hush-5k2`, {
      'properties.provisioningState': 'Succeeded',
      'properties.outputs.space.value': '10.20.0.0/16',
      'properties.outputs.guard.value': /^guard-[a-z0-9]{13}$/,
      'properties.outputResources.length': 3,
      'properties.parameters.prefix.value': '10.2',
      'properties.parameters.word.value': undefined,
      'properties.duration': /^PT/,
      'properties.mode': 'Incremental',
      '': (value) => !JSON.stringify(value).includes('hush-5k2'),
    }),
    az(`deployment group what-if -n first ${deploy} --parameters prefix=10.2 --no-pretty-print`, {
      'changes.length': 3,
      changes: (value) =>
        Array.isArray(value) && value.every((change: { changeType?: string }) => change.changeType === 'NoChange'),
    }),
    az(
      `deployment group what-if -n first ${deploy} --parameters prefix=10.2 count=1 --mode Complete --no-pretty-print`,
      {
        changes: (value) =>
          Array.isArray(value) &&
          value.filter((change: { changeType?: string }) => change.changeType === 'Delete').length === 1,
      },
    ),
    az(`deployment group what-if -n first ${deploy} --parameters prefix=10.2`, { '': /no change/i }),
    az('deployment group show -g {group} -n first', {
      name: 'first',
      'properties.provisioningState': 'Succeeded',
      'properties.correlationId': /^[\w-]+$/,
    }),
    az('deployment group list -g {group}', { '': has('first') }),
    az('deployment operation group list -g {group} -n first', {
      '': (value) => Array.isArray(value) && value.length >= 3,
      '[0].properties.provisioningState': 'Succeeded',
      '[0].properties.statusCode': (value) => value === 'OK' || value === 'Created',
    }),
    az('network vnet list -g {group}', { length: 2, '': has('net1') }),
    az(
      'deployment group create -n second -g {group} -f {file.template.json} --parameters @{file.parameters.json} --parameters count=1',
      {
        'properties.parameters.prefix.value': '10.3',
        'properties.outputs.space.value': '10.30.0.0/16',
      },
    ),
    refused('deployment group create -n bad -g {group} -f {file.broken.json} --parameters count=3', /\/99|prefix/i),
    refused(
      'deployment group create -n none -g {group} -f {file.template.json} --parameters @{file.wrong.json}',
      /InvalidTemplate/,
      /count/,
    ),
    refused('deployment group create -n none -g peers-none -f {file.template.json}', /ResourceGroupNotFound/),
    refused('deployment group cancel -g {group} -n second', /second|cancel/i),
    // Templates are not kept, so that nothing secret in them is: the group is exported instead.
    refused('deployment group export -g {group} -n second', /ExportTemplateNotAvailable/, /group/),
    az(`deployment group create -n third ${deploy} --mode Complete --parameters prefix=10.2 count=1`, {
      'properties.mode': 'Complete',
    }),
    az('network vnet list -g {group}', { length: 1, '': lacks('net1') }),
    az('group export -n {group}', { 'resources.length': (value) => typeof value === 'number' && value >= 2 }),
    az('deployment group create --no-wait -n long -g {group} -f {file.long.json}'),
    az('deployment group cancel -g {group} -n long'),
    az('deployment group wait -g {group} -n long --custom properties.provisioningState==`Canceled` --interval 1'),
    az('deployment group show -g {group} -n long', { 'properties.provisioningState': 'Canceled' }),
    az('network route-table list -g {group}', { length: (value) => typeof value === 'number' && value < 800 }),
    az('deployment group delete -g {group} -n first'),
    az('deployment group list -g {group}', { '': lacks('first') }),
    refused('deployment group show -g {group} -n first', /DeploymentNotFound/),
    az('network vnet list -g {group}', { length: 1 }),
    az('group delete -n {group} --yes'),
  ],
};
