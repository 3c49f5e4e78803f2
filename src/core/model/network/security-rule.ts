/** Security rules: one rule of a network security group, with several prefixes, ports or application security groups. */

import type { JsonObject } from '#base/json.ts';
import { prefixesPerRuleMax, rulesExpandedMax, rulesPerNsgMax } from '#base/limits.ts';
import { printAddress, printPrefix, tryAddress, tryPrefix } from '#base/prefix.ts';
import { Refusal } from '#base/wrong.ts';
import { keepChild, openJob, touchParent, type Job } from '#model/job.ts';
import {
  integerOf,
  listOf,
  missing,
  note,
  oneOf,
  pointerTo,
  shorten,
  textOf,
  textsOf,
  type Reader,
} from '#model/parse.ts';
import type { Noun } from '#model/noun.ts';
import { reference, resolve } from '#model/reference.ts';
import { parentOf, type Resource } from '#model/resource.ts';
import { showNetwork } from '#model/show.ts';
import { asgType } from '#model/network/asg.ts';
import { serviceTagOf, serviceTags } from '#model/network/service-tag.ts';

export const securityRuleType = 'Microsoft.Network/networkSecurityGroups/securityRules';

const ruleProtocols = ['*', 'Tcp', 'Udp', 'Icmp', 'Esp', 'Ah'] as const;
const priorities = [100, 4096] as const;

export const securityRule: Noun = {
  type: securityRuleType,

  write(write, draft, context) {
    const job = openJob(securityRuleType, write, { draft, context });
    const kept = keepChild(job, { properties: rulePropertiesOf(job.properties, job) });
    checkAgainst(kept, draft.childrenOf(parentOf(kept.id) ?? '', securityRuleType));
    return kept;
  },

  remove(resource, draft, context) {
    draft.delete(resource.id);
    touchParent(resource.id, { draft, context });
  },

  show: (resource) => showNetwork(resource, { ...emptyLists, ...resource.properties }),
};

// Azure shows the plural members always.
const emptyLists = {
  sourcePortRanges: [],
  destinationPortRanges: [],
  sourceAddressPrefixes: [],
  destinationAddressPrefixes: [],
};

/** Reads the properties of a rule, as a child's own body or embedded in its group's. */
export function rulePropertiesOf(properties: Reader, job: Job): JsonObject {
  const source = sideOf(properties, 'source', job);
  const target = sideOf(properties, 'destination', job);
  const expanded = source.addresses * target.addresses * source.ports * target.ports;
  if (expanded > rulesExpandedMax) {
    note(properties, '', {
      code: 'SecurityRuleTooLarge',
      message: `The rule stands for ${expanded} combinations of prefixes and ports; at most ${rulesExpandedMax} are accepted. Split it.`,
    });
  }
  return {
    description: textOf(properties, 'description', { lengthMax: 140 }),
    protocol: required(properties, 'protocol', oneOf(properties, 'protocol', ruleProtocols)),
    ...source.members,
    ...target.members,
    access: required(properties, 'access', oneOf(properties, 'access', ['Allow', 'Deny'])),
    priority: priorityOf(properties),
    direction: required(properties, 'direction', oneOf(properties, 'direction', ['Inbound', 'Outbound'])),
  };
}

function required<T>(reader: Reader, name: string, value: T | undefined): T | undefined {
  if (value === undefined && !reader.members.has(name.toLowerCase())) missing(reader, name);
  return value;
}

function priorityOf(properties: Reader): number | undefined {
  const stated = properties.members.get('priority');
  if (stated === undefined) {
    missing(properties, 'priority');
    return undefined;
  }
  const number = integerOf({ ...properties, problems: [] }, 'priority', priorities);
  if (number === undefined) {
    note(properties, 'priority', {
      code: 'SecurityRuleInvalidPriority',
      message: `Security rule has invalid Priority. Value provided: ${shorten(String(stated))}. Allowed values are ${priorities.join('-')}.`,
    });
  }
  return number;
}

type Side = { readonly members: JsonObject; readonly addresses: number; readonly ports: number };

/** One side of a rule: addresses as prefix, prefixes or application security groups; ports as range or ranges. */
function sideOf(properties: Reader, side: 'source' | 'destination', job: Job): Side {
  const groups = listOf(properties, `${side}ApplicationSecurityGroups`, prefixesPerRuleMax) ?? [];
  const prefixes = either(properties, `${side}AddressPrefix`, `${side}AddressPrefixes`);
  const ports = either(properties, `${side}PortRange`, `${side}PortRanges`);
  if (ports === undefined) missing(properties, `${side}PortRange`);
  if (prefixes === undefined && groups.length === 0) missing(properties, `${side}AddressPrefix`);
  if (prefixes !== undefined && groups.length > 0) {
    note(
      properties,
      `${side}AddressPrefix`,
      'prefixes and application security groups exclude each other on one side of a rule',
    );
  }
  const addressTexts = (prefixes?.texts ?? []).map((text) => addressTextOf(properties, prefixes?.name ?? '', text));
  const portTexts = (ports?.texts ?? []).map((text) => portTextOf(properties, ports?.name ?? '', text));
  const found = groups.map((object) => reference(resolve(job, object, { types: [asgType] })));
  const addressMember = prefixes?.isPlural
    ? { [`${side}AddressPrefixes`]: addressTexts }
    : { [`${side}AddressPrefix`]: addressTexts[0] };
  const portMember = ports?.isPlural ? { [`${side}PortRanges`]: portTexts } : { [`${side}PortRange`]: portTexts[0] };
  const groupMember =
    groups.length > 0 ? { [`${side}ApplicationSecurityGroups`]: found.filter((link) => link !== undefined) } : {};
  return {
    members: { ...portMember, ...addressMember, ...groupMember },
    addresses: Math.max(1, addressTexts.length, groups.length),
    ports: Math.max(1, portTexts.length),
  };
}

type Stated = { readonly name: string; readonly isPlural: boolean; readonly texts: readonly string[] };

/** Reads the singular or the plural member; both may be stated when they agree (clients write back what they read). */
function either(properties: Reader, single: string, plural: string): Stated | undefined {
  const one = textOf(properties, single, { lengthMax: 200 });
  const many = textsOf(properties, plural, prefixesPerRuleMax) ?? [];
  if (one === '' || one === undefined)
    return many.length === 0 ? undefined : { name: plural, isPlural: true, texts: many };
  if (many.length === 0) return { name: single, isPlural: false, texts: [one] };
  if (many.length > 1 || many[0] !== one) {
    note(properties, single, `${single} and ${plural} exclude each other; state one of them`);
  }
  return { name: plural, isPlural: true, texts: many };
}

function addressTextOf(properties: Reader, name: string, stated: string): string {
  const text = stated.trim();
  const isPlural = name.endsWith('es');
  if (text === '*' || text.toLowerCase() === 'any') {
    const alone = !isPlural || properties.members.get(name.toLowerCase())?.toString() === stated;
    if (!alone) note(properties, name, '"*" stands alone; it cannot be one of several prefixes');
    return '*';
  }
  const tag = serviceTagOf(text);
  if (tag !== undefined) return tag;
  const bare = tryAddress(text);
  if (bare !== undefined) return printAddress(bare);
  const prefix = tryPrefix(text);
  if (prefix !== undefined) return printPrefix(prefix);
  const looksLikeTag = /^[a-z][a-z0-9_.-]*$/i.test(text);
  note(properties, name, {
    code: looksLikeTag ? 'SecurityRuleParameterContainsUnsupportedValue' : 'SecurityRuleInvalidAddressPrefix',
    message: looksLikeTag
      ? `Security rule parameter ${pointerTo(properties, name)} cannot specify value '${shorten(text)}'. Accepted service tags are ${serviceTags.join(', ')}.`
      : `Security rule has invalid Address prefix. Value provided: ${shorten(text)}. Accepted are *, a service tag (${serviceTags.join(', ')}), an address, or a prefix such as 10.0.0.0/24 without host bits.`,
  });
  return text;
}

function portTextOf(properties: Reader, name: string, stated: string): string {
  const text = stated.trim();
  if (text === '*') return text;
  const [, first = '', last = first] = /^(\d{1,5})(?:\s*-\s*(\d{1,5}))?$/.exec(text) ?? [];
  if (first !== '' && Number(first) <= Number(last) && Number(last) <= 65_535)
    return first === last ? `${Number(first)}` : `${Number(first)}-${Number(last)}`;
  note(properties, name, {
    code: 'SecurityRuleInvalidPortRange',
    message: `Security rule has invalid Port range. Value provided: ${shorten(text)}. Value should be an integer OR integer range with '-' delimiter. Valid range 0-65535.`,
  });
  return text;
}

/** One rule against its siblings: no other of its direction has its priority. */
function checkAgainst(rule: Resource, siblings: readonly Resource[]): void {
  const { priority, direction } = rule.properties;
  for (const other of siblings) {
    if (
      other.properties['priority'] !== priority ||
      other.properties['direction'] !== direction ||
      other.id === rule.id
    )
      continue;
    throw conflict(rule.name, other.name, '/properties/priority');
  }
  if (siblings.length > rulesPerNsgMax) throw tooMany();
}

/** All rules of a group: priorities are unique per direction, and there are not too many. */
export function checkRules(rules: readonly { readonly name: string; readonly properties: JsonObject }[]): void {
  if (rules.length > rulesPerNsgMax) throw tooMany();
  const seen = new Map<string, string>();
  rules.forEach(({ name, properties }, index) => {
    const key = `${String(properties['direction'])}/${String(properties['priority'])}`;
    const other = seen.get(key);
    if (other !== undefined) throw conflict(name, other, `/properties/securityRules/${index}/properties/priority`);
    seen.set(key, name);
  });
}

function conflict(name: string, other: string, target: string): Refusal {
  const message = `Security rule ${name} conflicts with rule ${other}. Rules cannot have the same Priority and Direction.`;
  return new Refusal('SecurityRuleConflict', message, { target });
}

function tooMany(): Refusal {
  const message = `A network security group has at most ${rulesPerNsgMax} rules.`;
  return new Refusal('SecurityRulesLimitReached', message, { target: '/properties/securityRules' });
}
