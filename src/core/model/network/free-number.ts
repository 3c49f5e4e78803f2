/** The smallest free numbers of a stamp: VNet keys, NIC marks, address labels, VM slots. */

import { isObject, type JsonObject } from '#base/json.ts';
import { guestsPerStampMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import type { Resource, View } from '#model/resource.ts';

/** Where numbers of one kind lie, and how far they go. */
type NumberKind = {
  readonly type: string;
  readonly what: string;
  readonly last: number;
  /** The code of the refusal when none is free; `StampLimitReached` when absent. */
  readonly code?: string;
  readonly of: (internal: JsonObject) => readonly unknown[];
};

export const vnetKeys: NumberKind = {
  type: 'Microsoft.Network/virtualNetworks',
  what: 'virtual networks',
  last: 65_535,
  of: ({ key }) => [key],
};
export const nicMarks: NumberKind = {
  type: 'Microsoft.Network/networkInterfaces',
  what: 'network interfaces',
  last: 65_535,
  of: ({ mark }) => [mark],
};
export const nicLabels: NumberKind = {
  type: 'Microsoft.Network/networkInterfaces',
  what: 'addresses of network interfaces',
  last: 65_535,
  of: ({ labels }) => (isObject(labels) ? Object.values(labels) : []),
};
export const vmSlots: NumberKind = {
  type: 'Microsoft.Compute/virtualMachines',
  what: 'virtual machines',
  last: guestsPerStampMax,
  // Azure docs, "Resolve errors for resource quotas": a compute quota is refused so, with the limit and the usage.
  code: 'OperationNotAllowed',
  of: ({ slot }) => [slot],
};

// Resources are frozen: their numbers are read once per kind.
const known = new Map<NumberKind, WeakMap<Resource, readonly number[]>>();

function numbersOf(resource: Resource, kind: NumberKind): readonly number[] {
  const memo = known.get(kind) ?? new WeakMap<Resource, readonly number[]>();
  known.set(kind, memo);
  const found = memo.get(resource);
  if (found !== undefined) return found;
  const numbers = kind.of(resource.internal ?? {}).filter((value) => typeof value === 'number');
  memo.set(resource, numbers);
  return numbers;
}

/** How many numbers of a kind are in use. */
export function numbersInUse(view: View, kind: NumberKind): number {
  let count = 0;
  for (const resource of view.ofType(kind.type)) count += numbersOf(resource, kind).length;
  return count;
}

/** The `count` smallest numbers from 1 that no resource of the kind's type has. */
export function freeNumbers(view: View, kind: NumberKind, count: number): number[] {
  const used = new Set<number>();
  for (const resource of view.ofType(kind.type)) for (const number of numbersOf(resource, kind)) used.add(number);
  const free: number[] = [];
  for (let number = 1; number <= kind.last && free.length < count; number += 1)
    if (!used.has(number)) free.push(number);
  if (free.length === count) return free;
  const { code = 'StampLimitReached', last, what } = kind;
  throw new Refusal(
    code,
    `The quota of ${what} of this stamp does not allow it: Current Limit: ${last}, Current Usage: ${used.size}, Additional Required: ${count}. Delete some first.`,
    { status: 409 },
  );
}

/** The smallest free number of a kind. */
export function freeNumber(view: View, kind: NumberKind): number {
  const [number] = freeNumbers(view, kind, 1);
  return number ?? 0;
}
