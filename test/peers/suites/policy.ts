/** Writes that break an invariant, through az: refused with a packet and a way out; policies, assignments and exemptions as az manages them. */

import { az, refused } from '#test/peers/az.ts';
import { has } from '#test/peers/row.ts';
import { sshKey } from '#test/peers/ssh-key.ts';
import type { AzSuite } from '#test/peers/suites/suite.ts';

const slow = { secondsMax: 90 };
const create =
  'vm create -g {group} --image Ringwall:lab:tiny:latest --size Standard_DS1_v2 --admin-username operator --ssh-key-values {file.key.pub} --vnet-name net --subnet web';
const onlyWeb = '5b6f2c10-7d0e-4a51-9c1b-000000000003';

const jit =
  '/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Security/locations/{location}/jitNetworkAccessPolicies/default';
const jitVersion = 'api-version=2020-01-01';
const closedVm =
  '/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/closed';
const asked = (allowedSourceAddressPrefix: string): string =>
  JSON.stringify({
    virtualMachines: [
      {
        id: closedVm,
        ports: [{ number: 22, allowedSourceAddressPrefix, endTimeUtc: new Date(Date.now() + 3_000_000).toISOString() }],
      },
    ],
  });

const nic =
  '/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/networkInterfaces/closedVMNic';

/** While one interface is open at 8080, which an assignment forbids. */
const stateRows: AzSuite['rows'] = [
  az('policy state list -g {group} -a closed-8080', {
    length: 1,
    '[0].complianceState': 'NonCompliant',
    '[0].isCompliant': false,
    '[0].resourceId': nic,
    '[0].resourceType': 'Microsoft.Network/networkInterfaces',
    '[0].resourceGroup': '{group}',
    '[0].policyDefinitionName': 'no-8080',
    '[0].policyDefinitionAction': 'deny',
  }),
  az(`policy state list --resource ${nic} --filter 'isCompliant eq false'`, {
    length: 1,
    '[0].policyAssignmentName': 'closed-8080',
  }),
  az(
    'policy state list --resource closedVMNic --namespace Microsoft.Network --resource-type networkInterfaces -g {group}',
    {
      '': (rows) => Array.isArray(rows) && rows.length > 1,
    },
  ),
  az('policy state list -d no-8080', { length: 1, '[0].resourceId': nic }),
  az(`policy state list -d ${onlyWeb}`, { length: 0 }),
  az("policy state list --all -g {group} --filter 'policyAssignmentName eq closed-8080'", { length: 1 }),
  az(
    "policy state list -g {group} --order-by 'resourceId desc, policyAssignmentName asc' --select 'resourceId, policyAssignmentName' --top 2 --from 2026-01-01T00:00:00Z",
    { length: 2, '[0].resourceId': nic, '[0].policyAssignmentName': 'closed-8080', '[0].isCompliant': null },
  ),
  az('policy state summarize -g {group}', {
    'results.nonCompliantResources': 1,
    'results.nonCompliantPolicies': 1,
    'policyAssignments[0].policyAssignmentId': /\/policyAssignments\/closed-8080$/,
    'policyAssignments[0].results.nonCompliantResources': 1,
    'policyAssignments[0].policyDefinitions[0].policyDefinitionId': /\/policyDefinitions\/no-8080$/,
    'policyAssignments[0].policyDefinitions[0].effect': 'deny',
    'policyAssignments[0].policyDefinitions[0].results.nonCompliantResources': 1,
  }),
  az("policy state summarize -g {group} -a closed-8080 --filter 'isCompliant eq true'", {
    'results.nonCompliantResources': 0,
    'policyAssignments.length': 0,
  }),
  refused("policy state list -g {group} --apply 'groupby((resourceId))'", /QueryOptionNotSupported/, /Accepted are/),
  refused("policy state list -g {group} --filter 'isCompliant ne true'", /compared by 'eq' only/),
  refused('policy state list -g {group} --to 2026-01-01T00:00:00Z', /earlier ones are not kept/),
  refused('policy state list -m nobody', /asked for at a subscription/),
  refused('policy state list -s nothing', /PolicySetDefinitionNotFound/),
  az('policy state trigger-scan -g {group}'),
  az('policy state trigger-scan --no-wait'),
  az('provider show -n Microsoft.PolicyInsights', { registrationState: 'Registered' }),
];

export const policy: AzSuite = {
  name: 'policy',
  says: '[S2.19] what the proof refuses, and policies that add to it',
  release: 'trixie',
  files: {
    'key.pub': `${sshKey()}\n`,
    'rule.json': JSON.stringify({
      if: { field: 'type', equals: 'Microsoft.Network/networkInterfaces' },
      then: {
        effect: "[parameters('effect')]",
        details: { invariant: { kind: 'never', from: ['Internet'], services: "[parameters('services')]" } },
      },
    }),
    'jit.json': JSON.stringify({
      kind: 'Basic',
      properties: {
        virtualMachines: [
          {
            id: closedVm,
            ports: [{ number: 22, protocol: 'TCP', allowedSourceAddressPrefix: '*', maxRequestAccessDuration: 'PT1H' }],
          },
        ],
      },
    }),
    'ask.json': asked('203.0.113.9'),
    'everybody.json': asked('0.0.0.0/0'),
    'parameters.json': JSON.stringify({
      effect: { type: 'String', allowedValues: ['deny', 'audit', 'disabled'], defaultValue: 'deny' },
      services: { type: 'Array', defaultValue: ['tcp/8080'] },
    }),
  },
  rows: [
    az('group create -n {group} -l {location}'),
    az(
      'network vnet create -g {group} -n net --address-prefixes 10.1.0.0/16 --subnet-name web --subnet-prefixes 10.1.1.0/24',
    ),
    // Its default opens SSH to everybody.
    refused(
      `${create} -n open --public-ip-sku Standard`,
      /RequestDisallowedByPolicy|policy violation/,
      /-> 198\.18\.\d+\.\d+:22 \(delivered to 10\.1\.1\.4:22\)/,
      /Management ports are never open to the Internet/,
      /the same without the public address/,
    ),
    az(`${create} -n closed --nsg-rule NONE --public-ip-sku Standard`, { powerState: 'VM running' }, slow),
    refused(
      'network nsg rule create -g {group} --nsg-name closedNSG -n ssh --priority 1000 --access Allow --protocol Tcp --destination-port-ranges 20-30',
      /RequestDisallowedByPolicy/,
      /:22 \(delivered to/,
      /closedNSG|ssh/,
      /VirtualNetwork/,
    ),
    az(
      'network nsg rule create -g {group} --nsg-name closedNSG -n web --priority 1000 --access Allow --protocol Tcp --destination-port-ranges 8080',
    ),
    az('policy definition list', { '': has('5b6f2c10-7d0e-4a51-9c1b-000000000001') }),
    az(
      'policy definition create -n no-8080 --display-name no-8080 --mode Ringwall.Reachability --rules {file.rule.json} --params {file.parameters.json}',
      { mode: 'Ringwall.Reachability' },
    ),
    // What stands already is a finding; it refuses nothing until it is gone.
    az('policy assignment create -n closed-8080 --policy no-8080 -g {group}', { enforcementMode: 'Default' }),
    ...stateRows,
    az('network nsg rule delete -g {group} --nsg-name closedNSG -n web'),
    az('policy state list -g {group} -a closed-8080', { length: 1, '[0].complianceState': 'Compliant' }),
    refused(
      'network nsg rule create -g {group} --nsg-name closedNSG -n web --priority 1000 --access Allow --protocol Tcp --destination-port-ranges 8080',
      /RequestDisallowedByPolicy/,
      /no-8080|closed-8080/,
    ),
    az('policy assignment list -g {group}', { '': has('closed-8080') }),
    az(
      'policy exemption create -n for-now --policy-assignment /subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Authorization/policyAssignments/closed-8080 --exemption-category Waiver -g {group} --expires-on 2036-01-01T00:00:00Z',
      { exemptionCategory: 'Waiver' },
    ),
    az(
      'network nsg rule create -g {group} --nsg-name closedNSG -n web --priority 1000 --access Allow --protocol Tcp --destination-port-ranges 8080',
    ),
    az('policy state list -g {group} -a closed-8080', { length: 0 }),
    az('policy exemption delete -n for-now -g {group}'),
    az('policy assignment delete -n closed-8080 -g {group}'),
    az('policy definition delete -n no-8080'),
    az(`rest --method put --url {management}${jit}?${jitVersion} --body @{file.jit.json}`, {
      'properties.provisioningState': 'Succeeded',
      'properties.virtualMachines[0].ports[0].number': 22,
    }),
    az('security jit-policy list', { '': has('default') }),
    az('security jit-policy show -g {group} -l {location} -n default', { name: 'default' }),
    refused(
      `rest --method post --url {management}${jit}/initiate?${jitVersion} --body @{file.everybody.json}`,
      /InvalidParameter/,
      /at least \/16/,
    ),
    az(`rest --method post --url {management}${jit}/initiate?${jitVersion} --body @{file.ask.json}`, {
      'virtualMachines[0].ports[0].status': 'Initiated',
    }),
    az(`rest --method delete --url {management}${jit}?${jitVersion}`),
    az(`policy definition show -n ${onlyWeb}`, { policyType: 'BuiltIn' }),
    az('group delete -n {group} --yes', undefined, slow),
  ],
};
