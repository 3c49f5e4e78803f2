/** The parameters of a template that is verified: as in the file, with stand-ins for what only its deployer knows. */

import { isObject, type Json, type JsonObject } from '#base/json.ts';

/**
 * The parameters as a deployment takes them. Secrets change no packet, so a pipeline need not have them: a secure text that is
 * neither given nor has a default stands for a password. The placeholders of Azure's quickstart templates are filled likewise.
 */
export function parametersOf(template: Json, file: Json): JsonObject {
  const given = isObject(file) && isObject(file['parameters']) ? file['parameters'] : file;
  const known = Object.entries(isObject(given) ? given : {}).filter(([name]) => !isOfFile(name));
  const named = new Set(known.map(([name]) => name.toLowerCase()));
  const filled = known.map(([name, held]): [string, Json] => [name, filledIn(held ?? null)]);
  return Object.fromEntries([...filled, ...secretsOf(template, named)]);
}

function isOfFile(name: string): boolean {
  return name === '$schema' || name === 'contentVersion';
}

function filledIn(held: Json): Json {
  if (!isObject(held)) return { value: held };
  // A secret that lies in a key vault is not fetched.
  if (held['reference'] !== undefined) return { value: password };
  const value = held['value'];
  return typeof value === 'string' ? { ...held, value: placeholders[value] ?? value } : held;
}

/** Long, mixed and unlike any word: nobody signs in with it, it only has to pass as one. */
const password = 'vRx7-quiet-Lantern-52';
const placeholders: { readonly [text: string]: string } = {
  'GEN-UNIQUE': 'unique7f3a',
  'GEN-PASSWORD': password,
  'GEN-SSH-PUB-KEY': 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f',
};

function secretsOf(template: Json, given: ReadonlySet<string>): [string, Json][] {
  const definitions = isObject(template) ? template['parameters'] : undefined;
  return Object.entries(isObject(definitions) ? definitions : {}).flatMap(([name, definition]): [string, Json][] => {
    if (!isObject(definition) || given.has(name.toLowerCase()) || definition['defaultValue'] !== undefined) return [];
    return String(definition['type']).toLowerCase() === 'securestring' ? [[name, { value: password }]] : [];
  });
}
