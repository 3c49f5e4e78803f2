/** Templates without a stamp: how they are drawn and placed, what cannot be used and where it stands, and how breaches are told to pipelines. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Json, JsonObject } from '#base/json.ts';
import type { ToldBreach } from '#engine/proof/told.ts';
import { apiVersionsOf } from '#faces/arm/catalog.ts';
import { nouns } from '#model/nouns.ts';
import { modelOf, TemplateUnusable } from '#main/command/verify-model.ts';
import { verdictOn } from '#main/command/verify.ts';
import { parametersOf } from '#main/command/verify-parameters.ts';
import { sarifOf, unusableSarif } from '#main/command/verify-sarif.ts';
import { evaluate } from '#program/eval.ts';
import { parseTemplateJson } from '#template/jsonc.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';
import { labStamp } from '#test/generate/build.ts';

const parts = { facts: { ...labStamp, enforcing: false }, nouns, apiVersionsOf, now: 0 };
const schema = 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#';

const rule = (port: string): JsonObject => ({
  priority: 100,
  direction: 'Inbound',
  access: 'Allow',
  protocol: 'Tcp',
  sourceAddressPrefix: '*',
  sourcePortRange: '*',
  destinationAddressPrefix: '*',
  destinationPortRange: port,
});

/** A network, a public address and a NIC that no machine has, guarded by a group with one rule. */
function template(port = '22', more: Json[] = []): Json {
  const network = { apiVersion: '2018-11-01', location: '[resourceGroup().location]' };
  const text = JSON.stringify({
    $schema: schema,
    contentVersion: '1.0.0.0',
    parameters: { secret: { type: 'securestring' } },
    resources: [
      {
        ...network,
        type: 'Microsoft.Network/networkSecurityGroups',
        name: 'guard',
        properties: { securityRules: [{ name: 'open', properties: rule(port) }] },
      },
      {
        ...network,
        type: 'Microsoft.Network/publicIPAddresses',
        name: 'front',
        properties: { publicIPAllocationMethod: 'Dynamic' },
      },
      {
        ...network,
        type: 'Microsoft.Network/virtualNetworks',
        name: 'net',
        properties: {
          addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
          subnets: [{ name: 'a', properties: { addressPrefix: '10.0.0.0/24' } }],
        },
      },
      {
        ...network,
        type: 'Microsoft.Network/networkInterfaces',
        name: 'nic',
        dependsOn: ['net', 'front', 'guard'],
        properties: {
          networkSecurityGroup: { id: "[resourceId('Microsoft.Network/networkSecurityGroups', 'guard')]" },
          ipConfigurations: [
            {
              name: 'one',
              properties: {
                subnet: { id: "[resourceId('Microsoft.Network/virtualNetworks/subnets', 'net', 'a')]" },
                publicIPAddress: { id: "[resourceId('Microsoft.Network/publicIPAddresses', 'front')]" },
              },
            },
          ],
        },
      },
      ...more,
    ],
  });
  return parseTemplateJson(text);
}

function drawn(of: Json, file: Json = {}) {
  return modelOf(of, parametersOf(of, file), parts);
}

test('a loose interface is judged as if a machine had it: its public address lets in what its group says', () => {
  const { view, programs, planned } = drawn(template());
  const [address] = [...view.ofType('Microsoft.Network/publicIPAddresses')].map(
    ({ properties }) => properties['ipAddress'],
  );
  const at = (targetPort: number) =>
    evaluate(programs, {
      origin: { kind: 'internet' },
      source: '203.0.113.9',
      target: String(address),
      protocol: 'tcp',
      sourcePort: 50_000,
      targetPort,
    }).verdict;
  assert.deepEqual([at(22), at(80)], ['deliver', 'drop']);
  assert.deepEqual(planned.map(({ pointer }) => pointer).toSorted(), [
    '/resources/0',
    '/resources/1',
    '/resources/2',
    '/resources/3',
  ]);
});

test('what is balanced is judged as if every member were well', () => {
  const id = (part: string) =>
    `[resourceId('Microsoft.Network/loadBalancers/${part.split('/')[0]}', 'lb', '${part.split('/')[1]}')]`;
  const of = template('80', [
    {
      type: 'Microsoft.Network/loadBalancers',
      name: 'lb',
      apiVersion: '2018-11-01',
      location: '[resourceGroup().location]',
      dependsOn: ['other'],
      properties: {
        frontendIPConfigurations: [
          {
            name: 'f',
            properties: { publicIPAddress: { id: "[resourceId('Microsoft.Network/publicIPAddresses', 'other')]" } },
          },
        ],
        backendAddressPools: [{ name: 'p' }],
        probes: [{ name: 'h', properties: { protocol: 'Tcp', port: 80, intervalInSeconds: 5, numberOfProbes: 2 } }],
        loadBalancingRules: [
          {
            name: 'r',
            properties: {
              frontendIPConfiguration: { id: id('frontendIPConfigurations/f') },
              backendAddressPool: { id: id('backendAddressPools/p') },
              probe: { id: id('probes/h') },
              protocol: 'Tcp',
              frontendPort: 8080,
              backendPort: 80,
            },
          },
        ],
      },
    },
    {
      type: 'Microsoft.Network/publicIPAddresses',
      name: 'other',
      apiVersion: '2018-11-01',
      location: '[resourceGroup().location]',
      properties: { publicIPAllocationMethod: 'Static' },
    },
  ]);
  const text = JSON.stringify(of)
    .replace('"dependsOn":["net","front","guard"]', '"dependsOn":["net","front","guard","lb"]')
    .replace(
      '"publicIPAddress":{"id":"[resourceId(\'Microsoft.Network/publicIPAddresses\', \'front\')]"}',
      `"loadBalancerBackendAddressPools":[{"id":"${id('backendAddressPools/p')}"}]`,
    );
  const { view, programs } = drawn(parseTemplateJson(text));
  const other = [...view.ofType('Microsoft.Network/publicIPAddresses')].find(({ name }) => name === 'other');
  const target = String(other?.properties['ipAddress']);
  const packet = { source: '203.0.113.9', target, protocol: 'tcp', sourcePort: 50_000, targetPort: 8080 } as const;
  const fate = evaluate(programs, { origin: { kind: 'internet' }, ...packet });
  assert.equal(fate.verdict, 'deliver', JSON.stringify(fate));
});

test('a nested deployment may go into another group, which is taken as there and empty', () => {
  const nested = {
    type: 'Microsoft.Resources/deployments',
    apiVersion: '2019-10-01',
    name: 'inner',
    resourceGroup: 'elsewhere',
    properties: {
      mode: 'Incremental',
      template: {
        $schema: schema,
        contentVersion: '1.0.0.0',
        resources: [
          {
            type: 'Microsoft.Network/networkSecurityGroups',
            apiVersion: '2018-11-01',
            name: 'far',
            location: '[resourceGroup().location]',
          },
        ],
      },
    },
  };
  const { view } = drawn(template('22', [nested]));
  const names = [...view.ofType('Microsoft.Network/networkSecurityGroups')].map(
    ({ id }) => id.split('/').slice(4, 5)[0],
  );
  assert.deepEqual(new Set(names), new Set(['elsewhere', 'template']));
});

// One row is one template that a stamp would refuse: what is wrong, and the pointer to where it stands.
const unusable: readonly (readonly [template: Json, pointer: RegExp])[] = [
  [parseTemplateJson('[]'), /^\/template$|^$/],
  [template('0-99999'), /^\/resources\/0/],
  [template('22', [{ type: 'Microsoft.Nothing/things', name: 'x', apiVersion: '2018-11-01' }]), /^\/resources\/4/],
  [
    template('22', [
      { type: 'Microsoft.Network/networkSecurityGroups', name: '[nothing()]', apiVersion: '2018-11-01' },
    ]),
    /^\/resources\/4/,
  ],
];

test('what a stamp would not take is told with a pointer into the template', () => {
  for (const [of, pointer] of unusable) {
    assert.throws(
      () => drawn(of),
      (error: unknown) => error instanceof TemplateUnusable && pointer.test(error.pointer),
      String(pointer),
    );
  }
});

const about = { effect: 'deny', owner: 'baseline', exclude: [] } as const;
const noManagement: Invariant = {
  ...about,
  kind: 'never',
  id: 'test/management',
  title: 'No management port is open',
  from: [{ kind: 'internet' }],
  to: [{ kind: 'nics' }],
  services: [{ protocol: 'tcp', ports: [[22, 22]] }],
  exceptFrom: [],
  exceptTo: [],
};

// One row is one file: its text, and the exit code with what the JSON says.
const files: readonly (readonly [name: string, text: string, code: number, has: RegExp])[] = [
  ['open', JSON.stringify(template('22')), 2, /^\{"verdict":"broken","broken":\[\{"invariant":"test\/management"/],
  ['shut', JSON.stringify(template('80')), 0, /^\{"verdict":"holds","broken":\[\],"noted":\[\]\}$/],
  ['bad', JSON.stringify(template('0-99999')), 1, /^\{"verdict":"unusable",.*"target":"\/resources\/0\/properties/],
  ['cut', '{ "resources": [', 1, /^\{"verdict":"unusable"/],
];

test('a template exits with 0, 1 or 2, and what is broken is told with packet, path and ways out', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringwall-verify-'));
  try {
    for (const [name, text, code, has] of files) {
      const file = join(folder, `${name}.json`);
      writeFileSync(file, text);
      const verdict = verdictOn(file, { json: true, version: '1' }, () => () => [noManagement]);
      assert.equal(verdict.code, code, `${name}: ${verdict.text}`);
      assert.match(verdict.text, has);
    }
    const file = join(folder, 'open.json');
    const { broken } = JSON.parse(verdictOn(file, { json: true, version: '1' }, () => () => [noManagement]).text) as {
      broken: { witness: JsonObject; path: JsonObject[]; fixes: JsonObject[] }[];
    };
    const [breach] = broken;
    assert.deepEqual([breach?.witness['protocol'], breach?.witness['targetPort']], ['tcp', 22]);
    assert.ok(breach?.path.some(({ rule, verdict }) => rule === 'open' && verdict === 'allow'));
    assert.ok((breach?.fixes.length ?? 0) > 0);
    const audit = verdictOn(file, { json: true, version: '1' }, () => () => [{ ...noManagement, effect: 'audit' }]);
    assert.deepEqual([audit.code, audit.text.startsWith('{"verdict":"holds"')], [0, true]);
    assert.match(audit.text, /"noted":\[\{"invariant":"test\/management"/);
    const plain = verdictOn(file, { version: '1' }, () => () => [noManagement]).text;
    assert.match(plain, /open\.json:\d+:\d+: broken: .*\n {4}pass /);
    assert.equal(
      JSON.parse(verdictOn(file, { sarif: true, version: '1' }, () => () => [noManagement]).text).version,
      '2.1.0',
    );
    assert.equal(verdictOn(join(folder, 'none.json'), { json: true, version: '1' }, () => () => []).code, 1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('parameters are those of the file; secrets and the placeholders of quickstarts have stand-ins', () => {
  const of = template();
  const file = {
    $schema: 'x',
    contentVersion: '1.0.0.0',
    parameters: { name: { value: 'GEN-UNIQUE' }, plain: { value: 7 } },
  };
  const { secret, ...rest } = parametersOf(of, file);
  assert.match(String((secret as JsonObject)['value']), /^.{12,}$/);
  assert.deepEqual(rest, { name: { value: 'unique7f3a' }, plain: { value: 7 } });
  assert.deepEqual(parametersOf(of, { secret: { reference: { keyVault: {} } } }), { secret });
  assert.deepEqual(parametersOf(of, { secret: { value: 'mine' } }), { secret: { value: 'mine' } });
});

test('a breach is a SARIF result at the rule that lets the packet in, with the path as its flow', () => {
  const { planned } = drawn(template());
  const nsg = planned.find(({ name }) => name === 'guard')?.id ?? '';
  const breach: ToldBreach = {
    invariant: { id: 'baseline/management-ports', kind: 'never', title: 'No management port', owner: 'baseline' },
    effect: 'deny',
    says: 'tcp/22 is open',
    path: [
      { layer: 'edge.boundary', verdict: 'allow' },
      { layer: 'networkSecurityGroup', verdict: 'allow', resource: nsg, rule: 'open' },
    ],
    fixes: [{ kind: 'removeRule', says: 'the same without the rule' }],
  };
  const log = sarifOf([breach, { ...breach, effect: 'audit' }], { file: 'a b/t.json', planned, version: '1' });
  const [run] = log['runs'] as { tool: JsonObject; results: JsonObject[] }[];
  assert.deepEqual([log['version'], run?.results.map(({ level }) => level)], ['2.1.0', ['error', 'warning']]);
  const [result] = run?.results ?? [];
  const [place] = (result?.['locations'] ?? []) as JsonObject[];
  assert.deepEqual(place, {
    physicalLocation: { artifactLocation: { uri: 'a%20b/t.json' }, region: { startLine: 1, startColumn: 182 } },
    logicalLocations: [{ fullyQualifiedName: '/resources/0' }],
  });
  assert.equal(
    ((result?.['message'] ?? {}) as JsonObject)['text'],
    'tcp/22 is open. Accepted would be: the same without the rule.',
  );
  const error = { code: 'InvalidTemplate', message: 'no', pointer: '/resources/1' };
  const failed = JSON.stringify(unusableSarif(error, { file: '/t.json', planned: [], version: '1' }));
  assert.ok(failed.includes('"uri":"file:///t.json"') && failed.includes('/resources/1'), failed);
});
