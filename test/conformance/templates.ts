/** Deploys every template of the corpus through the deployments endpoint, each into a group of its own. */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { parseTemplateJson } from '#template/jsonc.ts';
import { errorOf, raw } from '#test/conformance/client.ts';
import type { Place } from '#test/conformance/replay.ts';

export type Deployed = { readonly name: string; readonly failure: string | undefined };

const pollMs = 20;
const pollsMax = 1500;

/** The names of the templates that lie in the folder. */
export function templatesIn(folder: string): readonly string[] {
  return existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => existsSync(join(folder, name, 'azuredeploy.json')))
        .sort()
    : [];
}

/** Deploys one; answers why it failed. */
export async function deployTemplate(folder: string, name: string, at: Place): Promise<Deployed> {
  const group = `/subscriptions/${at.subscription}/resourceGroups/template-${name}`;
  const deployment = `${group}/providers/Microsoft.Resources/deployments/conformance?api-version=2019-10-01`;
  await at.client('PUT', `${group}?api-version=2019-10-01`, { location: at.location });
  // The file goes in as it is, comments and all, after a bare key: what az does.
  const text = readFileSync(join(folder, name, 'azuredeploy.json'), 'utf8');
  const template = parseTemplateJson(text);
  const file = join(folder, name, 'azuredeploy.parameters.json');
  const given = existsSync(file) ? readJson(file)['parameters'] : {};
  const parameters = filled(isObject(given) ? given : {}, {
    template: isObject(template) ? template : {},
    name,
    location: at.location,
  });
  const started = await at.client(
    'PUT',
    deployment,
    raw(`{"properties": {"mode": "Incremental", "parameters": ${JSON.stringify(parameters)}, template: ${text}}}`),
  );
  if (started.status >= 300) return { name, failure: errorOf(started) };
  for (let polls = 0; polls < pollsMax; polls += 1) {
    const { body } = await at.client('GET', deployment);
    const properties = isObject(body) && isObject(body['properties']) ? body['properties'] : {};
    const state = properties['provisioningState'];
    if (state === 'Succeeded') return { name, failure: undefined };
    if (state === 'Failed' || state === 'Canceled')
      return { name, failure: `${state}: ${JSON.stringify(properties['error']).slice(0, 600)}` };
    await sleep(pollMs);
  }
  return { name, failure: 'The deployment did not end.' };
}

/** The placeholders of the quickstart repository, and the location where a template's default names another cloud's. */
function filled(
  given: JsonObject,
  { template, name, location }: { template: JsonObject; name: string; location: string },
): JsonObject {
  const unique = `c${name
    .replace(/[^a-z0-9]/gi, '')
    .toLowerCase()
    .slice(-10)}`;
  const value = (held: Json | undefined): Json => {
    if (held === 'GEN-UNIQUE') return unique;
    if (held === 'GEN-PASSWORD') return 'vRx7-quiet-Lantern-52';
    if (held === 'GEN-SSH-PUB-KEY') return sshKey();
    return held ?? null;
  };
  const entries = Object.entries(given).map(([key, held]): [string, Json] => [
    key,
    { value: value(isObject(held) ? held['value'] : held) },
  ]);
  const declared = isObject(template['parameters']) ? Object.keys(template['parameters']) : [];
  const places = declared.flatMap((key): [string, Json][] => {
    if (key.toLowerCase() === 'location') return [[key, { value: location }]];
    // Without it, its default asks for the address that a linked template was fetched from.
    return key === '_artifactsLocation' ? [[key, { value: 'https://artifacts.example/' }]] : [];
  });
  return Object.fromEntries([...entries, ...places]);
}

/** A fresh ed25519 key in the form of OpenSSH (RFC 4253 §6.6, RFC 8709). */
function sshKey(): string {
  const raw = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  const field = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  return `ssh-ed25519 ${Buffer.concat([field(Buffer.from('ssh-ed25519')), field(raw)]).toString('base64')} conformance`;
}

function readJson(path: string): JsonObject {
  const value: unknown = parseTemplateJson(readFileSync(path, 'utf8'));
  return isObject(value) ? value : {};
}
