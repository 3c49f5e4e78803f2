/** ARM ids: parsed, printed in canonical casing, and compared without regard to case. */

import { canonicalType } from '#model/types.ts';

/**
 * A resource id taken apart (ARM RPC v1.0, "Resource ids"). `scope` is all before the last `/providers/`: a resource group,
 * a subscription, nothing (tenant), or another resource whose extension this is.
 */
type ArmId = {
  readonly subscription: string | undefined;
  readonly group: string | undefined;
  readonly scope: string;
  readonly provider: string;
  /** One per level, canonical casing: `virtualNetworks`, `subnets`. */
  readonly types: readonly string[];
  readonly names: readonly string[];
};

/** Longest id we look at; real ones stay below 1 KiB. */
const idLengthMax = 2048;

/** Takes a resource id apart; undefined when the text is none. A trailing POST action leaves an odd segment: see `splitAction`. */
export function tryId(text: string): ArmId | undefined {
  if (text.length > idLengthMax) return undefined;
  const parts = segments(text);
  const cut = parts.findLastIndex((part) => part.toLowerCase() === 'providers');
  const rest = parts.slice(cut + 2);
  const provider = parts[cut + 1];
  if (cut < 0 || provider === undefined || rest.length === 0 || rest.length % 2 !== 0) return undefined;
  const scope = scopeOf(parts.slice(0, cut));
  if (scope === undefined) return undefined;
  const full = canonicalType([provider, ...rest.filter((_, index) => index % 2 === 0)].join('/')).split('/');
  return {
    ...scope,
    provider: full[0] ?? provider,
    types: full.slice(1),
    names: rest.filter((_, index) => index % 2 === 1),
  };
}

/** Splits `…/virtualMachines/vm1/start` into the resource's id and `start`; undefined when there is no action at the end. */
export function splitAction(text: string): { id: string; action: string } | undefined {
  const parts = segments(text);
  const action = parts.at(-1);
  const id = `/${parts.slice(0, -1).join('/')}`;
  return action !== undefined && tryId(id) !== undefined ? { id, action } : undefined;
}

function segments(text: string): string[] {
  return text.split('/').filter((part) => part !== '');
}

type Scope = Pick<ArmId, 'subscription' | 'group' | 'scope'>;

function scopeOf(parts: readonly string[]): Scope | undefined {
  if (parts.length === 0) return { subscription: undefined, group: undefined, scope: '' };
  const [first, subscription, second, group, ...rest] = parts;
  if (first?.toLowerCase() !== 'subscriptions' || subscription === undefined) return undefined;
  if (second === undefined) return { subscription, group: undefined, scope: `/subscriptions/${subscription}` };
  const inGroup = second.toLowerCase() === 'resourcegroups' && group !== undefined;
  const base = inGroup ? groupId(subscription, group) : `/subscriptions/${subscription}`;
  const above = inGroup ? rest : parts.slice(2);
  if (above.length === 0) return { subscription, group: inGroup ? group : undefined, scope: base };
  const parent = tryId(`${base}/${above.join('/')}`);
  return parent && { subscription, group: parent.group, scope: formatId(parent) };
}

/** Prints an id in canonical casing. */
export function formatId({ scope, provider, types, names }: ArmId): string {
  return `${scope}/providers/${provider}${types.map((type, index) => `/${type}/${names[index] ?? ''}`).join('')}`;
}

/** The id with types in canonical casing and names as written; what is no id is answered unchanged. */
export function canonicalId(text: string): string {
  const id = tryId(text);
  if (id !== undefined) return formatId(id);
  const [first, subscription, second, group, ...rest] = segments(text);
  const isGroup = first?.toLowerCase() === 'subscriptions' && second?.toLowerCase() === 'resourcegroups';
  return isGroup && subscription && group && rest.length === 0 ? groupId(subscription, group) : text;
}

/** The id of a resource group. */
function groupId(subscription: string, group: string): string {
  return `/subscriptions/${subscription}/resourceGroups/${group}`;
}

/** The full type that an id names: `Microsoft.Network/virtualNetworks/subnets`; undefined when the text is no id. */
export function typeOfId(text: string): string | undefined {
  const id = tryId(text);
  return id && [id.provider, ...id.types].join('/');
}

/** The last name of an id. */
export function nameOfId(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1);
}

/** The key under which ids are looked up: lower case. Ids differ only in case when they name the same resource. */
export function idKey(id: string): string {
  return id.toLowerCase();
}

/** Do the two ids name the same resource? */
export function sameId(left: string | undefined, right: string | undefined): boolean {
  if (left === undefined || right === undefined) return false;
  return left === right || (left.length === right.length && left.toLowerCase() === right.toLowerCase());
}

/** The id of a child or embedded part. */
export function childId(parent: string, type: string, name: string): string {
  return `${parent}/${type}/${name}`;
}
