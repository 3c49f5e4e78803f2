/** Parameters of policies: declared by a definition, given by an assignment, put in place of `[parameters('name')]`. */

import { policyParametersMax } from '#base/limits.ts';
import { isObject, sameJson, type Json } from '#base/json.ts';
import { member, note, objectOf, oneOf, shorten, type Reader } from '#model/parse.ts';

const types = ['String', 'Array', 'Object', 'Boolean', 'Integer', 'Float', 'DateTime'] as const;

type Declared = {
  readonly name: string;
  readonly type: (typeof types)[number];
  readonly defaultValue: Json | undefined;
  readonly allowedValues: readonly Json[] | undefined;
};

/** Values by the name of their parameter in lower case. */
export type Values = ReadonlyMap<string, Json>;

const reference = /^\[\s*parameters\(\s*'([^']{1,128})'\s*\)\s*\]$/i;

/** Is the value one reference to a parameter, whole? */
export function isReference(value: Json | undefined): boolean {
  return typeof value === 'string' && reference.test(value);
}

/** Reads what a definition declares (`properties.parameters`): name to type, default and allowed values. */
export function declaredParameters(properties: Reader): ReadonlyMap<string, Declared> {
  const reader = objectOf(properties, 'parameters');
  const declared = new Map<string, Declared>();
  if (reader === undefined) return declared;
  if (reader.members.size > policyParametersMax)
    note(properties, 'parameters', `at most ${policyParametersMax} parameters are allowed`);
  for (const name of [...reader.members.keys()].slice(0, policyParametersMax)) {
    const parameter = objectOf(reader, name);
    if (parameter === undefined) continue;
    const type = oneOf(parameter, 'type', types) ?? 'String';
    const allowed = member(parameter, 'allowedValues');
    if (allowed !== undefined && !Array.isArray(allowed)) note(parameter, 'allowedValues', 'a list is wanted');
    const allowedValues = Array.isArray(allowed) ? (allowed as readonly Json[]) : undefined;
    const defaultValue = member(parameter, 'defaultValue');
    const entry: Declared = { name, type, defaultValue, allowedValues };
    const fault = defaultValue === undefined ? undefined : faultOf(defaultValue, entry);
    if (fault !== undefined) note(parameter, 'defaultValue', fault);
    declared.set(name, entry);
  }
  return declared;
}

/** The values that an assignment gives (`{ name: { value } }`) and the defaults of the rest; what is wrong is noted at the assignment. */
export function givenValues(declared: ReadonlyMap<string, Declared>, assignment: Reader): Values {
  const given = objectOf(assignment, 'parameters');
  const values = new Map<string, Json>();
  for (const name of given?.members.keys() ?? []) {
    if (declared.has(name) || given === undefined) continue;
    const known = [...declared.keys()].join(', ');
    note(given, shorten(name).replaceAll('~', '~0').replaceAll('/', '~1'), {
      code: 'UndefinedPolicyParameter',
      message: `The policy declares no parameter '${shorten(name)}'; it declares: ${known === '' ? 'none' : known}.`,
    });
  }
  for (const [name, entry] of declared) {
    const holder = given === undefined ? undefined : objectOf(given, name);
    const value = holder === undefined ? undefined : member(holder, 'value');
    if (value === undefined && entry.defaultValue === undefined) {
      const message = `The policy's parameter '${name}' has no default value and was given none; state /properties/parameters/${name}/value.`;
      note(assignment, `parameters/${name}`, { code: 'MissingPolicyParameter', message });
      continue;
    }
    const fault = value === undefined ? undefined : faultOf(value, entry);
    if (fault !== undefined) note(assignment, `parameters/${name}/value`, fault);
    values.set(name, value ?? entry.defaultValue ?? null);
  }
  return values;
}

/** What is wrong with a value, if anything. */
function faultOf(value: Json, { type, allowedValues }: Declared): string | undefined {
  const fits = {
    String: typeof value === 'string',
    DateTime: typeof value === 'string',
    Array: Array.isArray(value),
    Object: isObject(value),
    Boolean: typeof value === 'boolean',
    Integer: Number.isInteger(value),
    Float: typeof value === 'number',
  }[type];
  if (!fits) return `a value of the type ${type} is wanted`;
  if (allowedValues === undefined || allowedValues.some((one) => isAllowed(value, one))) return undefined;
  return `one of ${shorten(allowedValues.map((one) => JSON.stringify(one)).join(', '))} is wanted`;
}

/** Texts compare without regard to case, as Azure Policy does. */
function isAllowed(value: Json, allowed: Json): boolean {
  if (typeof value === 'string' && typeof allowed === 'string') return value.toLowerCase() === allowed.toLowerCase();
  return sameJson(value, allowed);
}

/** How references are replaced: by values, or (undefined: no value yet) left as they are. */
export type Filling = {
  readonly declares: (name: string) => boolean;
  readonly valueOf: (name: string) => Json | undefined;
  /** Told of a text in brackets that is no reference to a known parameter, by its path. */
  readonly refuse: (path: string, says: string) => void;
};

/**
 * The value with each text that is `[parameters('name')]` as a whole replaced. Other expressions are not evaluated but refused; `[[` at
 * the start of a text stands for `[` (Azure doc "Policy definition structure": the same escape as in templates).
 */
export function filled(value: Json, filling: Filling, path = ''): Json {
  if (typeof value === 'string') return filledText(value, filling, path);
  if (Array.isArray(value))
    return (value as readonly Json[]).map((item, index) => filled(item, filling, `${path}/${index}`));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, held]) => [
      name,
      held === undefined ? held : filled(held, filling, `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`),
    ]),
  );
}

function filledText(text: string, { declares, valueOf, refuse }: Filling, path: string): Json {
  if (text.startsWith('[[')) return text.slice(1);
  if (!text.startsWith('[') || !text.endsWith(']')) return text;
  const name = reference.exec(text)?.[1];
  if (name === undefined) {
    refuse(
      path,
      `only references to parameters are evaluated here, such as [parameters('effect')], not "${shorten(text)}"`,
    );
    return text;
  }
  if (!declares(name.toLowerCase())) refuse(path, `no parameter '${shorten(name)}' is declared`);
  return valueOf(name.toLowerCase()) ?? text;
}
