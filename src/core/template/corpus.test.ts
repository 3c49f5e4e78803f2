/** Public templates that nobody here wrote: each expands with its parameters file, and none crashes when it is damaged. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'node:test';
import { Refusal } from '#base/wrong.ts';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { parseTemplateJson } from '#template/jsonc.ts';
import { planDeployment } from '#template/deploy.ts';
import { whatIf } from '#template/whatif.ts';
import { sampleContext, sampleResolver } from '#template/sample.ts';

const root = join(resolve(process.env['RINGWALL_CORPUS'] ?? '../shared/corpus'), 'arm-templates');
const skip = existsSync(root) ? false : `skipped: no corpus at ${root} (set RINGWALL_CORPUS)`;
const names = skip === false ? readdirSync(root).sort() : [];
const context = sampleContext({ templateUri: 'https://templates.example/azuredeploy.json' });

const placeholders: Readonly<Record<string, string>> = {
  'GEN-UNIQUE': 'gen0unique',
  'GEN-PASSWORD': 'Correct-Horse-7',
  'GEN-SSH-PUB-KEY': 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGVuZXJhdGVk key',
};

/** The parameters file, with generated values in place of its placeholders. */
function parametersOf(name: string): Json {
  const path = join(root, name, 'azuredeploy.parameters.json');
  const file = parseTemplateJson(readFileSync(path, 'utf8'));
  const given = isObject(file) && isObject(file['parameters']) ? file['parameters'] : {};
  return Object.fromEntries(
    Object.entries(given).map(([key, parameter]) => {
      const value = isObject(parameter) ? parameter['value'] : undefined;
      return [key, { value: (typeof value === 'string' ? placeholders[value] : undefined) ?? value ?? null }];
    }),
  );
}

/** Answers any reference with what templates read of a public IP. */
const resolver = {
  ...sampleResolver(),
  reference: (): Json => ({ ipAddress: '203.0.113.1', dnsSettings: { fqdn: 'x.example' } }),
};

test('every template of the corpus expands: bodies, outputs, and no change when deployed again', { skip }, () => {
  assert.ok(names.length > 0, 'the corpus holds templates');
  for (const name of names) {
    const text = readFileSync(join(root, name, 'azuredeploy.json'), 'utf8');
    const body = parseTemplateJson(`{"properties": {"mode": "Incremental", template: ${text}}}`);
    const template = ((body as JsonObject)['properties'] as JsonObject)['template'] ?? null;
    const made = planDeployment(template, parametersOf(name), context);
    assert.ok(made.resources.length > 0, name);
    const bodies = made.resources.map((resource) => resource.body(resolver));
    assert.ok(
      !/"\[(concat|variables|parameters|resourceId)\(/i.test(JSON.stringify(bodies)),
      `${name}: all is evaluated`,
    );
    made.outputs(resolver);
    const now = new Map<string, Json>(made.resources.map(({ id }, index) => [id, bodies[index] ?? null]));
    const planned = made.resources.map(({ id, preview }) => ({ id, body: preview(resolver) }));
    assert.ok(
      whatIf(now, planned, 'Complete').every(({ changeType }) => changeType === 'NoChange'),
      name,
    );
    const keys = new Set<string>();
    for (const { key, dependsOn } of made.resources) {
      assert.ok(
        dependsOn.every((other) => keys.has(other)),
        `${name}: ${key} comes after what it waits for`,
      );
      keys.add(key);
    }
  }
});

test('a damaged template is planned or refused, whatever the damage', { skip }, () => {
  let seed = 20_260_102;
  const next = (below: number) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed % below;
  };
  const pieces = [
    '',
    '[',
    ']',
    '(',
    ')',
    "'",
    'null',
    '5',
    '"x"',
    ',',
    '[]',
    '{}',
    'copyIndex()',
    "reference('x')",
    'true()',
  ];
  for (const name of names) {
    const text = readFileSync(join(root, name, 'azuredeploy.json'), 'utf8');
    for (let round = 0; round < 40; round += 1) {
      const at = next(text.length);
      const damaged = text.slice(0, at) + (pieces[next(pieces.length)] ?? '') + text.slice(at + next(6));
      try {
        const made = planDeployment(parseTemplateJson(damaged), parametersOf(name), context);
        for (const resource of made.resources) resource.preview();
      } catch (error) {
        assert.ok(error instanceof Refusal, `${name}, round ${round}: ${String(error)}`);
      }
    }
  }
});

test('a template of 200 resources is planned in a moment', () => {
  const resources: Json = [
    { type: 'Microsoft.Network/virtualNetworks', apiVersion: '2018-11-01', name: 'net', properties: {} },
    {
      type: 'Microsoft.Network/networkInterfaces',
      apiVersion: '2018-11-01',
      name: "[concat('nic', copyIndex())]",
      copy: { name: 'nics', count: 199 },
      dependsOn: ['net'],
      properties: {
        copy: [
          {
            name: 'ipConfigurations',
            count: 4,
            input: {
              name: "[concat('ip', copyIndex('ipConfigurations'))]",
              properties: { subnet: { id: "[resourceId('Microsoft.Network/virtualNetworks/subnets', 'net', 's')]" } },
            },
          },
        ],
      },
    },
  ];
  const started = performance.now();
  const made = planDeployment({ resources }, {}, sampleContext());
  for (const resource of made.resources) resource.body(resolver);
  const ms = performance.now() - started;
  assert.equal(made.resources.length, 200);
  assert.ok(ms < 2000, `planned in ${Math.round(ms)} ms`);
});
