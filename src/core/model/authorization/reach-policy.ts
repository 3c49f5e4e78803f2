/** Policies of the mode `Ringwall.Reachability`: what a definition may say, and the invariants that an assignment makes of it. */

import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { typeOfId } from '#model/arm-id.ts';
import { finish, member, missing, note, objectOf, oneOf, readBody, textOf, type Reader } from '#model/parse.ts';
import type { Resource, View } from '#model/resource.ts';
import { builtInPolicy } from '#model/authorization/built-in-policies.ts';
import {
  declaredParameters,
  filled,
  givenValues,
  isReference,
  type Filling,
  type Values,
} from '#model/authorization/policy-parameters.ts';
import { policyDefinitionType, policySetType, reachMode } from '#model/authorization/policy-types.ts';
import {
  reachKinds,
  reachRuleOf,
  refuseOthers,
  type ReachRule,
  type Reading,
} from '#model/authorization/reach-terms.ts';

const effects = ['deny', 'audit', 'disabled'] as const;
export type ReachEffect = (typeof effects)[number];

/** One invariant of an assignment. `reference`: which policy of a set it is. */
export type Reach = {
  readonly reference: string;
  readonly displayName: string;
  readonly effect: ReachEffect;
  readonly rule: ReachRule;
};

/** Is it a definition whose invariant counts? */
export function isReach({ properties }: Pick<Resource, 'properties'>): boolean {
  return String(properties['mode']).toLowerCase() === reachMode.toLowerCase();
}

/** The definition or set of an id: a built-in one (named at the tenant or at any subscription), or what is kept. */
export function policyOf(id: string, view: View): Resource | undefined {
  const type = typeOfId(id);
  if (type === policyDefinitionType) {
    const builtIn = builtInPolicy(id.slice(id.lastIndexOf('/') + 1));
    if (builtIn !== undefined) return builtIn;
  }
  return type === policyDefinitionType || type === policySetType ? view.get(id) : undefined;
}

/** Notes what is wrong with a definition's parameters and rule, as far as it can be judged without values. */
export function checkReachDefinition(properties: Reader): void {
  const declared = declaredParameters(properties);
  const rule = member(properties, 'policyRule');
  if (!isObject(rule)) return;
  const filling: Filling = {
    declares: (name) => declared.has(name),
    valueOf: () => undefined,
    refuse: (path, says) => note(properties, `policyRule${path}`, says),
  };
  checkCondition(objectOf(properties, 'policyRule'));
  const inner: Reader = { ...readBody({ policyRule: filledThen(rule, filling) }), pointer: properties.pointer };
  readThen(inner, { scope: '', isTenant: false, isOpen: true });
  for (const problem of inner.problems) {
    const { target = '' } = problem;
    note(properties, target.slice(properties.pointer.length + 1), problem);
  }
}

/** The condition is always the same: an invariant speaks of packets between network interfaces, not of bodies. */
function checkCondition(rule: Reader | undefined): void {
  const condition = rule === undefined ? undefined : objectOf(rule, 'if');
  if (condition === undefined || condition.members.size === 0) return;
  const [field, equals] = [member(condition, 'field'), member(condition, 'equals')];
  const isWanted = isText(field, 'type') && isText(equals, 'Microsoft.Network/networkInterfaces');
  if (isWanted && condition.members.size === 2) return;
  note(
    condition,
    '',
    'in the mode Ringwall.Reachability it is {"field": "type", "equals": "Microsoft.Network/networkInterfaces"}, or empty',
  );
}

function isText(value: Json | undefined, wanted: string): boolean {
  return typeof value === 'string' && value.toLowerCase() === wanted.toLowerCase();
}

/** The rule with the references of its `then` replaced. */
function filledThen(rule: JsonObject, filling: Filling): JsonObject {
  return Object.fromEntries(
    Object.entries(rule).map(([name, value]) =>
      name.toLowerCase() === 'then' && value !== undefined ? [name, filled(value, filling, `/${name}`)] : [name, value],
    ),
  );
}

type Then = { readonly effect: ReachEffect | undefined; readonly rule: ReachRule | undefined };

/** Reads `policyRule.then` of a holder whose references are replaced. */
function readThen(holder: Reader, reading: Reading): Then {
  const rule = objectOf(holder, 'policyRule');
  const then = rule === undefined ? undefined : objectOf(rule, 'then');
  if (then === undefined) return { effect: undefined, rule: undefined };
  refuseOthers(then, ['effect', 'details']);
  const isLater = reading.isOpen && isReference(member(then, 'effect'));
  const effect = isLater ? 'deny' : oneOf(then, 'effect', effects);
  const details = objectOf(then, 'details');
  if (details === undefined) {
    if (member(then, 'details') === undefined) missing(then, 'details');
    return { effect, rule: undefined };
  }
  refuseOthers(details, ['invariant']);
  const invariant = objectOf(details, 'invariant');
  if (invariant === undefined) {
    if (member(details, 'invariant') === undefined)
      note(details, 'invariant', `an object is wanted whose "kind" is one of ${reachKinds.join(', ')}`);
    return { effect, rule: undefined };
  }
  return { effect, rule: reachRuleOf(invariant, reading) };
}

/** An assignment as far as its invariants go. */
export type Assigned = { readonly scope: string; readonly properties: JsonObject };

/**
 * The invariants of an assignment of a definition or a set; none where no policy of it is of the mode. Refuses with pointers into
 * the assignment (parameters) or, where a value does not fit the rule, with the definition's own.
 */
export function reachesOf(definition: Resource, assigned: Assigned, view: View): readonly Reach[] {
  const assignment = readBody(assigned.properties);
  const reader: Reader = { ...assignment, pointer: '/properties' };
  if (definition.type === policyDefinitionType) {
    if (!isReach(definition)) return [];
    return [reachOf(definition, { reader, scope: assigned.scope, reference: '' })];
  }
  const members = membersOf(definition, view).filter(({ policy }) => isReach(policy));
  if (members.length === 0) return [];
  const values = givenValues(declaredOf(definition), reader);
  finish(reader);
  return members.map(({ policy, reference, parameters }) => {
    const given = readBody({ parameters: memberParameters(parameters, values, reference) });
    return reachOf(policy, { reader: given, scope: assigned.scope, reference });
  });
}

type SetMember = { readonly policy: Resource; readonly reference: string; readonly parameters: JsonObject };

/** The policies of a set that are there. */
export function membersOf({ properties }: Resource, view: View): readonly SetMember[] {
  const list = properties['policyDefinitions'];
  return (Array.isArray(list) ? list.filter(isObject) : []).flatMap((entry) => {
    const policy = policyOf(String(entry['policyDefinitionId']), view);
    const { parameters } = entry;
    const reference = String(entry['policyDefinitionReferenceId']);
    return policy === undefined ? [] : [{ policy, reference, parameters: isObject(parameters) ? parameters : {} }];
  });
}

function declaredOf({ properties }: Resource) {
  return declaredParameters(readBody(properties));
}

function memberParameters(parameters: JsonObject, values: Values, reference: string): JsonObject {
  const refuse = (path: string, says: string): never => {
    const message = `The parameter ${path} of the policy '${reference}' of the set: ${says}.`;
    throw new Refusal('InvalidParameter', message, { target: '/properties/policyDefinitionId' });
  };
  const held = filled(
    parameters,
    { declares: (name) => values.has(name), valueOf: (name) => values.get(name), refuse },
    '',
  );
  return isObject(held) ? held : {};
}

function reachOf(
  definition: Resource,
  { reader, scope, reference }: { reader: Reader; scope: string; reference: string },
): Reach {
  const declared = declaredOf(definition);
  const values = givenValues(declared, reader);
  finish(reader);
  const { policyRule } = definition.properties;
  const faults: { path: string; says: string }[] = [];
  const filling: Filling = {
    declares: (name) => declared.has(name),
    valueOf: (name) => values.get(name),
    refuse: (path, says) => faults.push({ path, says }),
  };
  const rule = filledThen(isObject(policyRule) ? policyRule : {}, filling);
  const holder: Reader = { ...readBody({ policyRule: rule }), pointer: '/properties' };
  for (const { path, says } of faults) note(holder, `policyRule${path}`, says);
  const read = readThen(holder, { scope, isTenant: true, isOpen: false });
  const [first] = holder.problems;
  if (first !== undefined || read.effect === undefined || read.rule === undefined) {
    const says = `With these parameters the policy '${definition.name}' states no invariant: ${first?.message ?? 'its rule is not complete'}`;
    throw new Refusal('InvalidPolicyParameters', says, { target: '/properties/parameters', details: holder.problems });
  }
  const displayName = textOf(readBody(definition.properties), 'displayName', { lengthMax: 128 });
  return { reference, displayName: displayName ?? definition.name, effect: read.effect, rule: read.rule };
}
