/** Attacks on rights: what a principal may not do, what it may not learn, and secrets that must not come out. */

import { type Callers, expects, foreign, group, network, unsound } from '#test/attack/arm-ground.ts';
import type { Answer, Lab } from '#test/attack/lab.ts';
import type { Attempt } from '#test/attack/row.ts';

/** All of them. */
export function rightAttempts(lab: Lab, callers: Callers): Attempt[] {
  return [...rightsAttempts(lab, callers), ...leakAttempts(lab, callers)];
}

const template = (resources: readonly unknown[], more: object = {}) => ({
  properties: {
    mode: 'Incremental',
    template: {
      $schema: 'https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#',
      contentVersion: '1.0.0.0',
      resources,
      ...more,
    },
  },
});

// oxlint-disable-next-line max-lines-per-function -- a table of rows, read from top to bottom
function rightsAttempts(lab: Lab, { reader, narrow, narrowOid }: Callers): Attempt[] {
  const vm = `/resourceGroups/lab-three-tier/providers/Microsoft.Compute/virtualMachines/web1`;
  const denied = [403];
  const linked = (id: string) => ({
    location: 'local',
    properties: { ipConfigurations: [{ name: 'c', properties: { subnet: { id } } }] },
  });
  const subnet = `${lab.subscription}${foreign}/virtualNetworks/vnet/subnets/s`;
  const roleId = '/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635';
  const grant = { properties: { roleDefinitionId: `${lab.subscription}${roleId}`, principalId: narrowOid } };
  const guid = '11111111-1111-4111-8111-111111111111';
  const asReader: readonly (readonly [string, string, string, unknown?])[] = [
    ['PUT', '/resourceGroups/reader', 'makes a group', { location: 'local' }],
    ['DELETE', '/resourceGroups/two', 'removes a group'],
    ['PATCH', '/resourceGroups/two', 'tags a group', { tags: { a: 'b' } }],
    ['PUT', `${foreign}/networkSecurityGroups/secret`, 'replaces an NSG', { location: 'local' }],
    ['PUT', `${foreign}/networkSecurityGroups/secret/securityRules/r`, 'adds a rule', { properties: {} }],
    ['DELETE', `${foreign}/networkSecurityGroups/secret`, 'removes an NSG'],
    ['POST', `${vm}/restart`, 'restarts a machine', {}],
    ['POST', `${vm}/deallocate`, 'stops a machine', {}],
    ['POST', `${vm}/runCommand`, 'runs a command', { commandId: 'RunShellScript', script: ['id'] }],
    [
      'PUT',
      `${vm}/extensions/e`,
      'adds an extension',
      {
        location: 'local',
        properties: {
          publisher: 'Microsoft.Azure.Extensions',
          type: 'CustomScript',
          settings: { commandToExecute: 'id' },
        },
      },
    ],
    ['PUT', `/resourceGroups/two/providers/Microsoft.Resources/deployments/d`, 'deploys', template([])],
    ['PUT', `/providers/Microsoft.Authorization/roleAssignments/${guid}`, 'grants a role', grant],
    [
      'PUT',
      '/resourceGroups/two/providers/Microsoft.Authorization/locks/l',
      'locks',
      { properties: { level: 'ReadOnly' } },
    ],
  ];
  const asNarrow: readonly (readonly [string, string, string, unknown?])[] = [
    ['GET', '/resourceGroups/two', 'reads another group'],
    ['GET', `${foreign}/networkSecurityGroups/secret`, "reads another group's NSG"],
    ['GET', `${foreign}/networkSecurityGroups/nowhere`, 'asks for what is not there in another group'],
    ['PUT', `${foreign}/networkSecurityGroups/n`, 'writes into another group', { location: 'local' }],
    ['PUT', `${network}/networkInterfaces/linked`, "hangs a NIC into another group's subnet", linked(subnet)],
    ['PUT', `${network}/networkInterfaces/linked`, 'the same in capitals', linked(subnet.toUpperCase())],
    [
      'PUT',
      `${network}/virtualNetworks/vnet/virtualNetworkPeerings/p`,
      "peers with another group's VNet",
      {
        properties: {
          remoteVirtualNetwork: { id: `${lab.subscription}${foreign}/virtualNetworks/vnet` },
          allowVirtualNetworkAccess: true,
        },
      },
    ],
    ['PUT', `/providers/Microsoft.Authorization/roleAssignments/${guid}`, 'grants itself the subscription', grant],
    [
      'PUT',
      `${group}/providers/Microsoft.Authorization/roleAssignments/${guid}`,
      'grants itself Owner of its own group',
      grant,
    ],
    ['PUT', `/resourceGroups/mine`, 'makes a group', { location: 'local' }],
    [
      'PUT',
      `/resourceGroups/two/providers/Microsoft.Resources/deployments/d`,
      'deploys into another group',
      template([]),
    ],
    ['POST', `${vm}/restart`, "restarts another group's machine", {}],
  ];
  const nested = {
    type: 'Microsoft.Resources/deployments',
    apiVersion: '2019-10-01',
    name: 'inner',
    resourceGroup: 'two',
    properties: template([
      { type: 'Microsoft.Network/networkSecurityGroups', apiVersion: '2018-11-01', name: 'planted', location: 'local' },
    ]).properties,
  };
  const atSubscription = {
    ...nested,
    resourceGroup: undefined,
    subscriptionId: lab.up.subscriptionId,
    location: 'local',
  };
  const assignment = {
    type: 'Microsoft.Authorization/roleAssignments',
    apiVersion: '2015-07-01',
    name: guid,
    properties: grant.properties,
  };
  const link = {
    type: 'Microsoft.Network/networkInterfaces',
    apiVersion: '2018-11-01',
    name: 'linked',
    ...linked(subnet),
  };
  const outputs = (value: string) => template([], { outputs: { out: { type: 'object', value } } });
  const bad: readonly (readonly [string, unknown])[] = [
    ['a nested deployment into another group', template([nested])],
    ['a nested deployment into the subscription', template([atSubscription])],
    ['a role assignment in a template', template([assignment])],
    ["a link to another group's subnet in a template", template([link])],
    [
      "reference() of another group's NSG",
      outputs(`[reference('${lab.subscription}${foreign}/networkSecurityGroups/secret', '2018-11-01', 'Full')]`),
    ],
    [
      "reference() of another group's VNet",
      outputs(`[reference(resourceId('two', 'Microsoft.Network/virtualNetworks', 'vnet'), '2018-11-01')]`),
    ],
    [
      "list*() of another group's resource",
      outputs(`[listKeys('${lab.subscription}${foreign}/networkSecurityGroups/secret', '2018-11-01')]`),
    ],
  ];
  return [
    ...asReader.map(([method, path, name, body]) =>
      expects(`right: a Reader ${name}`, denied, () => lab.arm(path, { token: reader, method, body })),
    ),
    ...asNarrow.map(([method, path, name, body]) =>
      expects(`right: a Contributor of one group ${name}`, denied, () =>
        lab.arm(path, { token: narrow, method, body }),
      ),
    ),
    ...bad.map(
      ([name, body], index): Attempt => ({
        name: `deployment: ${name}`,
        run: async () => {
          const path = `${group}/providers/Microsoft.Resources/deployments/bad${index}`;
          const answer = await lab.armEnd(path, { token: narrow, method: 'PUT', body });
          const state =
            (answer.body as { properties?: { provisioningState?: string }; status?: string } | undefined)?.properties
              ?.provisioningState ?? (answer.body as { status?: string } | undefined)?.status;
          const shown = await lab.arm(path, { token: narrow });
          const problem = unsound(answer) ?? unsound(shown);
          if (problem !== undefined) return problem;
          return answer.status >= 400 || state === 'Failed'
            ? undefined
            : `went through: ${answer.status} ${answer.text.slice(0, 300)}`;
        },
      }),
    ),
    {
      name: 'right: what one may not see is not told apart from what is not there',
      run: async () => {
        const [real, made] = await Promise.all(
          ['secret', 'secreu'].map((name) => lab.arm(`${foreign}/networkSecurityGroups/${name}`, { token: narrow })),
        );
        const strip = (answer: Answer | undefined) =>
          `${answer?.status} ${answer?.text.replaceAll(/secre[tu]/g, 'NAME').replaceAll(/[0-9a-f-]{36}/g, 'GUID')}`;
        return strip(real) === strip(made) ? undefined : `${strip(real)} differs from ${strip(made)}`;
      },
    },
    {
      name: "right: lists hold nothing of another's group",
      run: async () => {
        const answers = await Promise.all([
          lab.arm('/resourceGroups', { token: narrow }),
          lab.arm('/resources', { token: narrow }),
          lab.arm('/providers/Microsoft.Network/networkSecurityGroups', { token: narrow }),
        ]);
        const leak = answers.find(({ text }) => /resourceGroups\/(two|lab-three-tier)/i.test(text));
        return leak === undefined ? undefined : leak.text.slice(0, 300);
      },
    },
  ];
}

/** A secret that goes in must not come out: not in the deployment, its operations, its errors, its outputs, nor in the logs (see the local attacks). */
// oxlint-disable-next-line max-lines-per-function -- a table of rows, read from top to bottom
function leakAttempts(lab: Lab, { narrow }: Callers): Attempt[] {
  const secret = 'Sw0rdfish-7f3a';
  const parameters = { word: { type: 'secureString' }, thing: { type: 'secureObject' } };
  const given = { word: { value: secret }, thing: { value: { inner: secret } } };
  const body = (resources: readonly unknown[], outputs: object) => ({
    properties: { ...template(resources, { parameters, outputs }).properties, parameters: given },
  });
  const rows: readonly (readonly [string, unknown])[] = [
    [
      'a secure output',
      body([], {
        out: { type: 'secureString', value: "[parameters('word')]" },
        thing: { type: 'secureObject', value: "[parameters('thing')]" },
      }),
    ],
    [
      'a refused rule made of it',
      body(
        [
          {
            type: 'Microsoft.Network/networkSecurityGroups',
            apiVersion: '2018-11-01',
            name: 'made',
            location: 'local',
            properties: {
              securityRules: [
                {
                  name: 'r',
                  properties: {
                    priority: 100,
                    protocol: "[parameters('word')]",
                    access: 'Allow',
                    direction: 'Inbound',
                    sourceAddressPrefix: "[parameters('word')]",
                    destinationAddressPrefix: '*',
                    sourcePortRange: '*',
                    destinationPortRange: '80',
                  },
                },
              ],
            },
          },
        ],
        {},
      ),
    ],
    [
      'a refused value made of it',
      body(
        [
          {
            type: 'Microsoft.Network/virtualNetworks',
            apiVersion: '2018-11-01',
            name: 'x',
            location: 'local',
            properties: { addressSpace: { addressPrefixes: ["[parameters('word')]"] } },
          },
        ],
        {},
      ),
    ],
    ['a failing expression over it', body([], { out: { type: 'secureString', value: "[int(parameters('word'))]" } })],
    [
      'an index into it',
      body([], { out: { type: 'secureString', value: "[parameters('thing')[parameters('word')]]" } }),
    ],
  ];
  return rows.map(
    ([name, wanted], index): Attempt => ({
      name: `secret: ${name}`,
      run: async () => {
        const path = `${group}/providers/Microsoft.Resources/deployments/secret${index}`;
        const answers = [await lab.armEnd(path, { token: narrow, method: 'PUT', body: wanted })];
        for (const more of ['', '/operations', '/exportTemplate'])
          answers.push(
            await lab.arm(`${path}${more}`, { token: narrow, method: more === '/exportTemplate' ? 'POST' : 'GET' }),
          );
        answers.push(
          await lab.arm(
            "/providers/microsoft.insights/eventtypes/management/values?api-version=2015-04-01&$filter=eventTimestamp ge '2020-01-01'"
              .replaceAll(' ', '%20')
              .replaceAll("'", '%27'),
            { token: narrow },
          ),
        );
        const leak = answers.find(({ text }) => text.includes(secret));
        return leak === undefined
          ? answers.map(unsound).find((problem) => problem !== undefined)
          : leak.text.slice(0, 500);
      },
    }),
  );
}
