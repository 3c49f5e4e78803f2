/** Reads the corpus' swagger files: operations with their examples, references resolved across files, and a small validator of answers. */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isObject, type Json, type JsonObject } from '#base/json.ts';

export type Example = { readonly parameters: JsonObject; readonly responses: JsonObject };

export type Operation = {
  readonly file: string;
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly JsonObject[];
  readonly responses: JsonObject;
  readonly apiVersion: string;
  readonly examples: readonly { readonly name: string; readonly example: Example }[];
};

const files = new Map<string, JsonObject>();

function load(path: string): JsonObject {
  const known = files.get(path);
  if (known !== undefined) return known;
  const parsed: unknown = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8').replace(/^\ufeff/, '')) : {};
  const file = isObject(parsed) ? parsed : {};
  files.set(path, file);
  return file;
}

const methods = ['get', 'put', 'post', 'patch', 'delete', 'head'];

/** The operations of all swagger files in a folder. */
export function operationsIn(folder: string): readonly Operation[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => operationsOf(join(folder, name)));
}

function operationsOf(file: string): readonly Operation[] {
  const document = load(file);
  const version = isObject(document['info']) ? String(document['info']['version']) : '';
  return Object.entries(member(document, 'paths')).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = isObject(item) ? item[method] : undefined;
      if (!isObject(operation) || !isObject(item)) return [];
      const listed = [...list(item['parameters']), ...list(operation['parameters'])].filter(isObject);
      return {
        file,
        operationId: String(operation['operationId']),
        method: method.toUpperCase(),
        path,
        parameters: listed.map((parameter) => resolveReference(parameter, file).value),
        responses: member(operation, 'responses'),
        apiVersion: version,
        examples: examplesOf(operation, file),
      };
    }),
  );
}

function examplesOf(operation: JsonObject, file: string): Operation['examples'] {
  return Object.values(member(operation, 'x-ms-examples')).flatMap((held) => {
    const reference = isObject(held) ? held['$ref'] : undefined;
    if (typeof reference !== 'string') return [];
    const example = load(resolve(dirname(file), reference));
    const name = reference.replace(/^.*\//, '').replace(/\.json$/, '');
    return isObject(example['parameters']) && isObject(example['responses'])
      ? [{ name, example: { parameters: example['parameters'], responses: example['responses'] } }]
      : [];
  });
}

function member(object: JsonObject, name: string): JsonObject {
  const held = object[name];
  return isObject(held) ? held : {};
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

type Placed = { readonly value: JsonObject; readonly file: string };

/** Follows `$ref` to where it leads; a file that the corpus lacks counts as anything. */
function resolveReference(value: JsonObject, file: string): Placed {
  const reference = value['$ref'];
  if (typeof reference !== 'string') return { value, file };
  const [path = '', pointer = ''] = reference.split('#');
  const target = path === '' ? file : resolve(dirname(file), path);
  let found: Json | undefined = load(target);
  for (const part of pointer.split('/').filter((one) => one !== '')) found = isObject(found) ? found[part] : undefined;
  return isObject(found) ? resolveReference(found, target) : { value: {}, file: target };
}

/** What is wrong with a body, by JSON pointer; nothing when it fits the response's schema. */
export function faultsOf(body: Json | undefined, response: Json | undefined, file: string): readonly string[] {
  const schema = isObject(response) ? resolveReference(response, file).value['schema'] : undefined;
  if (!isObject(schema)) return [];
  if (body === undefined) return ['/: a body is wanted'];
  const faults: string[] = [];
  check(body, { value: schema, file }, { pointer: '', faults, depth: 0 });
  return faults;
}

type At = { readonly pointer: string; readonly faults: string[]; readonly depth: number };

function check(value: Json, placed: Placed, at: At): void {
  if (at.depth > 40 || at.faults.length > 20) return;
  const { value: schema, file } = resolveReference(placed.value, placed.file);
  const fault = (says: string): void => void at.faults.push(`${at.pointer === '' ? '/' : at.pointer}: ${says}`);
  for (const part of list(schema['allOf'])) if (isObject(part)) check(value, { value: part, file }, at);
  if (value === null) return;
  const type = schema['type'] ?? (isObject(schema['properties']) ? 'object' : undefined);
  if (typeof type === 'string' && !isType(value, type))
    return fault(`${type} is wanted, ${JSON.stringify(value).slice(0, 80)} was answered`);
  checkWord(value, schema, fault);
  if (isObject(value)) checkMembers(value, { value: schema, file }, at);
  const items = schema['items'];
  if (Array.isArray(value) && isObject(items)) {
    value.forEach((item: Json, index) =>
      check(item, { value: items, file }, { ...at, pointer: `${at.pointer}/${index}`, depth: at.depth + 1 }),
    );
  }
}

function isType(value: Json, type: string): boolean {
  switch (type) {
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

/** Closed enumerations only: `modelAsString` ones may grow. Words compare without case, as Azure's clients do. */
function checkWord(value: Json, schema: JsonObject, fault: (says: string) => void): void {
  const words = schema['enum'];
  const isOpen = isObject(schema['x-ms-enum']) && schema['x-ms-enum']['modelAsString'] === true;
  if (!Array.isArray(words) || isOpen) return;
  const isKnown = words.some((word: Json) => String(word).toLowerCase() === String(value).toLowerCase());
  if (!isKnown) fault(`${JSON.stringify(value)} is none of ${words.join(', ')}`);
}

function checkMembers(value: JsonObject, { value: schema, file }: Placed, at: At): void {
  for (const name of list(schema['required'])) {
    if (value[String(name)] === undefined) at.faults.push(`${at.pointer}/${String(name)}: is required`);
  }
  const properties = member(schema, 'properties');
  const more = schema['additionalProperties'];
  for (const [name, held] of Object.entries(value)) {
    if (held === undefined) continue;
    const next = { ...at, pointer: `${at.pointer}/${name}`, depth: at.depth + 1 };
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (isObject(known)) check(held, { value: known, file }, next);
    else if (isObject(more)) check(held, { value: more, file }, next);
  }
}
