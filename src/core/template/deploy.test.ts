/** Planning a deployment: bodies, symbolic names, functions, profiles, outputs, and what is refused. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Refusal } from '#base/wrong.ts';
import type { Json } from '#base/json.ts';
import { parseTemplateJson } from '#template/jsonc.ts';
import { planDeployment } from '#template/deploy.ts';
import { network, plan, sampleContext, sampleResolver, subscriptionId, vnet, waits } from '#template/sample.ts';

test('a resource has its id, its home and its body; nulls are absent and escaped brackets are text', () => {
  const made = plan(
    {
      parameters: { prefix: { type: 'string', defaultValue: '10.0.0.0/16' }, none: { type: 'string', nullable: true } },
      variables: { name: "[toLower(concat(parameters('prefix'), 'x'))]", tags: { a: '[[not]' } },
      resources: [
        vnet('v1', {
          location: '[resourceGroup().location]',
          tags: "[variables('tags')]",
          comments: 'not in the body',
          zones: ['1'],
          properties: {
            addressSpace: { addressPrefixes: ["[parameters('prefix')]"] },
            dhcpOptions: null,
            flag: "[parameters('none')]",
          },
        }),
      ],
    },
    {},
  );
  const [resource] = made.resources;
  assert.equal(resource?.id, `${network}/virtualNetworks/v1`);
  assert.deepEqual(resource.scope, { subscriptionId, resourceGroup: 'rg1' });
  assert.equal(resource.location, 'local');
  assert.deepEqual(resource.body(sampleResolver()), {
    location: 'local',
    tags: { a: '[not]' },
    zones: ['1'],
    properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16'] } },
  });
  assert.deepEqual(made.parameters, {
    prefix: { type: 'String', value: '10.0.0.0/16' },
    none: { type: 'String', value: null },
  });
});

test('symbolic names: dependencies, references, loops and existing resources', () => {
  const made = plan({
    languageVersion: '2.0',
    resources: {
      web: vnet('w', {
        dependsOn: ['loop'],
        properties: { ip: "[reference('old').ip]", first: "[reference('loop[1]').ip]" },
      }),
      loop: vnet("[format('l{0}', copyIndex())]", { copy: { name: 'loop', count: 2 } }),
      old: { type: 'Microsoft.Network/virtualNetworks', apiVersion: '2018-11-01', name: 'there', existing: true },
    },
    outputs: { ips: { type: 'array', value: "[map(references('loop'), lambda('r', lambdaVariables('r').ip))]" } },
  });
  assert.deepEqual(waits(made), { l0: [], l1: [], w: ['l0', 'l1'] });
  const id = (name: string) => `${network}/virtualNetworks/${name}`.toLowerCase();
  const resolver = sampleResolver({ [id('there')]: { ip: 1 }, [id('l0')]: { ip: 2 }, [id('l1')]: { ip: 3 } });
  assert.deepEqual(made.resources.at(-1)?.body(resolver)['properties'], { ip: 1, first: 3 });
  assert.deepEqual(made.outputs(resolver), { ips: { type: 'Array', value: [2, 3] } });
});

test('user functions see their own parameters alone', () => {
  const functions: Json = [
    {
      namespace: 'our',
      members: {
        name: {
          parameters: [{ name: 'x', type: 'string' }],
          output: { type: 'string', value: "[toLower(concat(parameters('x'), '-1'))]" },
        },
      },
    },
  ];
  const made = plan({ functions, resources: [vnet("[Our.Name('NET')]")] });
  assert.equal(made.resources[0]?.name, 'net-1');
  assert.throws(
    () =>
      plan({ functions, parameters: { y: { type: 'string', defaultValue: 'a' } }, resources: [vnet('[our.name()]')] }),
    /takes 1 argument/,
  );
});

test("a profile gives the api-versions; a child has its parent's", () => {
  const rows: [string, string, string][] = [
    ['2018-03-01-hybrid', 'Microsoft.Network/virtualNetworks', '2017-10-01'],
    ['2017-03-09-profile', 'Microsoft.Compute/virtualMachines', '2016-03-30'],
    ['2019-03-01-hybrid', 'Microsoft.Storage/storageAccounts', '2017-10-01'],
    ['2020-09-01-hybrid', 'Microsoft.Compute/disks', '2019-07-01'],
    ['2020-09-01-hybrid', 'Microsoft.Network/publicIPAddresses', '2018-11-01'],
  ];
  for (const [apiProfile, type, version] of rows) {
    const made = plan({
      apiProfile,
      resources: [
        { type, name: 'x' },
        { type: `${type}/things`, name: 'x/y' },
      ],
    });
    assert.deepEqual(
      made.resources.map(({ apiVersion }) => apiVersion),
      [version, version],
      `${apiProfile} ${type}`,
    );
  }
  assert.throws(
    () => plan({ resources: [{ type: 'Microsoft.Network/virtualNetworks', name: 'x' }] }),
    /'apiVersion' is required/,
  );
  assert.throws(
    () => plan({ apiProfile: '2021-01-01', resources: [{ type: 'Microsoft.Network/virtualNetworks', name: 'x' }] }),
    /apiProfile '2021-01-01' is not known/,
  );
  const made = plan({
    resources: [
      {
        type: 'Microsoft.Network/virtualNetworks',
        name: 'x',
        apiVersion: "[providers('Microsoft.Network', 'virtualNetworks').apiVersions[0]]",
      },
    ],
  });
  assert.equal(made.resources[0]?.apiVersion, '2024-05-01');
});

const refused: [string, { readonly [name: string]: Json }, RegExp, string?][] = [
  [
    'a name that is nothing',
    { resources: [vnet('a', { dependsOn: ['nope'] })] },
    /resource 'nope' is not defined in the template/,
    '/resources/0/dependsOn/0',
  ],
  [
    'two that wait for each other',
    { resources: [vnet('a', { dependsOn: ['b'] }), vnet('b', { dependsOn: ['a'] })] },
    /Circular dependency.*'Microsoft.Network\/virtualNetworks\/a' → .*b' → .*a'/,
  ],
  [
    'a circle through reference()',
    { resources: [vnet('a', { properties: { x: "[reference('b').x]" } }), vnet('b', { dependsOn: ['a'] })] },
    /Circular dependency/,
  ],
  ['a resource twice', { resources: [vnet('a'), vnet('A')] }, /defined more than once/, '/resources/1'],
  [
    'an unknown variable',
    { resources: [vnet('a', { properties: { x: { y: "[variables('v')]" } } })] },
    /variable 'v' is not found/,
    '/resources/0/properties/x/y',
  ],
  [
    'variables in a circle',
    { variables: { a: "[variables('b')]", b: "[variables('a')]" }, resources: [vnet("[variables('a')]")] },
    /depends on itself/,
  ],
  [
    'reference() in a name',
    { resources: [vnet("[reference('x').y]")] },
    /not expected at this location/,
    '/resources/0/name',
  ],
  [
    'a name too short for the type',
    { resources: [{ type: 'Microsoft.Network/virtualNetworks/subnets', apiVersion: '1', name: 'a' }] },
    /must have 2 segment/,
  ],
  [
    'a type without provider',
    { resources: [{ type: 'virtualNetworks', apiVersion: '1', name: 'a' }] },
    /must name its provider/,
  ],
  ['no name', { resources: [{ type: 'Microsoft.Network/virtualNetworks', apiVersion: '1' }] }, /'name' is required/],
  ['a condition that is no boolean', { resources: [vnet('a', { condition: 5 })] }, /condition must be a boolean/],
  ['a loop of too many', { resources: [vnet('a', { copy: { name: 'x', count: 801 } })] }, /from 0 to 800/],
  ['a loop without count', { resources: [vnet('a', { copy: { name: 'x' } })] }, /from 0 to 800/],
  [
    'too many resources',
    {
      resources: [
        vnet("[concat('a', copyIndex())]", { copy: { name: 'x', count: 500 } }),
        vnet("[concat('b', copyIndex())]", { copy: { name: 'y', count: 500 } }),
      ],
    },
    /more than 800 resources/,
  ],
  ['an unknown section', { recources: [] }, /section 'recources' is not known/],
  ['resources that are a text', { resources: 'x' }, /must have 'resources'/],
  ['a resource that is a text', { resources: ['x'] }, /must be an object/, '/resources/0'],
  [
    'an output of another type',
    { outputs: { o: { type: 'int', value: 'x' } } },
    /output 'o' is not valid: Its type is 'int'/,
  ],
  ['an output of no type', { outputs: { o: { value: 'x' } } }, /must have one of the types/],
  [
    'an output with a broken expression',
    { outputs: { o: { type: 'string', value: '[concat(]' } } },
    /output 'o'.*position/,
    '/outputs/o/value',
  ],
  [
    'too many outputs',
    { outputs: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`o${index}`, { type: 'int', value: 1 }])) },
    /at most 64/,
  ],
  [
    'an ambiguous reference',
    {
      resources: [vnet('a'), { type: 'Microsoft.Network/routeTables', apiVersion: '1', name: 'a' }],
      outputs: { o: { type: 'string', value: "[reference('a').x]" } },
    },
    /means 2 resources/,
  ],
];

test('what is no deployable template is refused, with the resource and the pointer', () => {
  for (const [name, sections, message, target] of refused) {
    assert.throws(
      () => plan(sections),
      (error) => {
        assert.ok(error instanceof Refusal, `${name}: ${String(error)}`);
        assert.equal(error.code, 'InvalidTemplate', name);
        assert.match(error.message, message, name);
        if (target !== undefined) assert.equal(error.target, target, name);
        return true;
      },
      name,
    );
  }
  for (const template of [null, 'x', 5, []])
    assert.throws(() => planDeployment(template, {}, sampleContext()), Refusal);
  assert.throws(() => planDeployment({ resources: [] }, 'x', sampleContext()), Refusal);
});

test('the message names line and column of the resource', () => {
  const text =
    '{\n "resources": [\n  {"type": "Microsoft.Network/virtualNetworks", "apiVersion": "1", "name": "[nope()]"}\n ]}';
  assert.throws(
    () => planDeployment(parseTemplateJson(text), {}, sampleContext()),
    /resource '\[nope\(\)\]' at line '3' and column '3'. 'The template function 'nope' is not valid/,
  );
});

test('chains of variables as long as is allowed work, and no template overflows the stack', () => {
  const wrap = (text: string, depth: number) => `[${'trim('.repeat(depth)}${text}${')'.repeat(depth)}]`;
  const chain = (depth: number): { readonly [name: string]: Json } => ({
    variables: Object.fromEntries(
      Array.from({ length: 200 }, (_, index) => [
        `v${index}`,
        index === 199 ? 'end' : wrap(`variables('v${index + 1}')`, depth),
      ]),
    ),
    outputs: { o: { type: 'string', value: "[variables('v0')]" } },
  });
  assert.deepEqual(plan(chain(1)).outputs(sampleResolver()), { o: { type: 'String', value: 'end' } });
  assert.throws(() => plan(chain(90)), /nest deeper than 600/);
});
