/** What names Azure accepts: of resource groups, of resources, and the general rule. */

import { Refusal } from '#base/wrong.ts';

type NameRule = { readonly pattern: RegExp; readonly wants: string };

// Azure doc "Naming rules and restrictions for Azure resources": most network resources.
const network: NameRule = {
  pattern: /^[a-z0-9]$|^[a-z0-9][\w.-]{0,78}[a-z0-9_]$/i,
  wants: '1 to 80 letters, digits, "_", "." or "-", first a letter or digit, last a letter, digit or "_"',
};
const networkShort: NameRule = {
  pattern: /^[a-z0-9][\w.-]{0,62}[a-z0-9_]$/i,
  wants: '2 to 64 letters, digits, "_", "." or "-", first a letter or digit, last a letter, digit or "_"',
};
const compute: NameRule = {
  pattern: /^[a-z0-9]$|^[a-z0-9][\w.-]{0,78}[a-z0-9_]$/i,
  wants: network.wants,
};
const machine: NameRule = {
  pattern: /^[a-z0-9]$|^[a-z0-9][a-z0-9.-]{0,62}[a-z0-9]$/i,
  wants: '1 to 64 letters, digits, "." or "-", first and last a letter or digit',
};
const storage: NameRule = { pattern: /^[a-z0-9]{3,24}$/, wants: '3 to 24 lower-case letters and digits' };
const group: NameRule = {
  pattern: /^[-\p{L}\p{N}_().]{0,89}[-\p{L}\p{N}_()]$/u,
  wants: '1 to 90 letters, digits, "-", "_", "(", ")" or ".", not ending in "."',
};
const general: NameRule = {
  pattern: /^[^<>%&:\\?/#\u0000-\u001f]{1,259}[^<>%&:\\?/#\u0000-\u001f. ]$|^[^<>%&:\\?/#\u0000-\u001f. ]$/,
  wants: '1 to 260 characters without <>%&:\\?/# and control characters, not ending in "." or a space',
};

const rules: ReadonlyMap<string, NameRule> = new Map([
  ['Microsoft.Resources/resourceGroups', group],
  ['Microsoft.Network/virtualNetworks', networkShort],
  ['Microsoft.Compute/virtualMachines', machine],
  ['Microsoft.Storage/storageAccounts', storage],
]);

function ruleOf(type: string): NameRule {
  const rule = rules.get(type);
  if (rule !== undefined) return rule;
  if (type.startsWith('Microsoft.Network/')) return network;
  return type.startsWith('Microsoft.Compute/') ? compute : general;
}

/** Why a name is not accepted for a type; undefined when it is. */
export function nameFault(type: string, name: string): { code: string; message: string } | undefined {
  const { pattern, wants } = ruleOf(type);
  // Names become keys of plain objects; these words would not be keys.
  const isKey = name !== '__proto__';
  if (isKey && pattern.test(name)) return undefined;
  const code = type.startsWith('Microsoft.Storage/') ? 'AccountNameInvalid' : 'InvalidResourceName';
  return { code, message: `Resource name ${name.slice(0, 100)} is invalid for ${type}: ${wants} are accepted.` };
}

/** Refuses a name that Azure would not accept for the type. */
export function checkName(type: string, name: string): void {
  const fault = nameFault(type, name);
  if (fault !== undefined) throw new Refusal(fault.code, fault.message, { target: '/name' });
}
