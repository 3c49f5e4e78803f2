/** Where invariants stand: which NICs each judges within a scope, at which it is broken, and what is said of a whole. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { complianceOf, type Stood } from '#engine/proof/compliance.ts';
import type { NicEstate } from '#verify/invariant/estate.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';

const s = '/subscriptions/s';
const g = `${s}/resourcegroups/g`;
const other = '/subscriptions/t/resourcegroups/g';
const nicId = (name: string, group = g): string => `${group}/providers/microsoft.network/networkinterfaces/${name}`;

function nic(name: string, group = g): NicEstate {
  const scopes = [group.split('/').slice(0, 3).join('/'), group, '', `${group}/net`, nicId(name, group)];
  return { nic: nicId(name, group), scopes, subscription: 's', vnet: '', mac: '', addresses: [], forwarding: false };
}

function invariant(id: string, more: Partial<Invariant> = {}): Invariant {
  return { id, title: id, kind: 'never', effect: 'deny', owner: 'tenant', exclude: [], ...more } as Invariant;
}

const estate = { nics: { '7': nic('b'), '3': nic('a'), '9': nic('x', other) } };
const all = invariant('all', { owner: 'baseline' });
const inGroup = invariant('group', { scope: `${g.toUpperCase()}`, exclude: [nicId('b')] });
const ofOther = invariant('other', { scope: other });
const count = invariant('count', { kind: 'exposure', scope: g });
const ways = invariant('ways', { kind: 'return', owner: 'baseline' });

const at = (id: string, mark?: number): Stood['brokenAt'][number] => ({ invariant: id, mark });

// One row: the invariants, what is broken, the scope; then `nic: judged (broken!)` of each NIC, and what is said of a whole.
type Row = readonly [
  invariants: readonly Invariant[],
  brokenAt: Stood['brokenAt'],
  scope: string,
  nics: readonly string[],
  whole: readonly string[],
];
const rows: readonly Row[] = [
  [[all], [], s, ['a: all', 'b: all'], []],
  [[all], [at('all', 7)], s, ['a: all', 'b: all!'], []],
  [[all], [at('all', 9)], s, ['a: all', 'b: all'], []],
  [[all], [], nicId('b').toUpperCase(), ['b: all'], []],
  [[all], [], `${g}/net`, ['a: all', 'b: all'], []],
  [[all], [], '/subscriptions/nobody', [], []],
  [[all, inGroup, ofOther], [at('group', 3), at('other', 9)], s, ['a: all group!', 'b: all'], []],
  [[inGroup], [], nicId('b'), [], []],
  // A finding at a NIC that it does not judge, or at none, is about the whole scope.
  [[inGroup], [at('group', 7)], s, ['a: group'], ['group!']],
  [[inGroup], [at('group')], g, ['a: group'], ['group!']],
  [[inGroup], [at('group')], nicId('a'), ['a: group'], []],
  [[count], [], s, [], ['count']],
  [[count], [at('count', 3)], g, [], ['count!']],
  // The stamp's own is no resource of a subscription.
  [[ways, all], [at('ways'), at('all')], s, ['a: all', 'b: all'], []],
  [[all], [at('gone', 3)], s, ['a: all', 'b: all'], []],
];

test('each NIC within a scope has the invariants that judge it, and the broken ones among them', () => {
  for (const [invariants, brokenAt, scope, nics, whole] of rows) {
    const found = complianceOf({ invariants, estate, brokenAt }, scope);
    const name = (index: number, isBroken: boolean): string => `${found.invariants[index]?.id}${isBroken ? '!' : ''}`;
    const told = found.nics.map(({ nic: id, judged, broken }) => {
      return `${id.slice(id.lastIndexOf('/') + 1)}: ${judged.map((index) => name(index, broken.includes(index))).join(' ')}`;
    });
    assert.deepEqual(told, nics);
    assert.deepEqual(
      found.whole.map((one) => name(one.invariant, one.isBroken)),
      whole,
    );
  }
});

test('more states than are looked at are refused, never cut off', () => {
  const many = Object.fromEntries(Array.from({ length: 2001 }, (_, mark) => [String(mark), nic(`n${mark}`)]));
  const invariants = Array.from({ length: 100 }, (_, index) => invariant(`i${index}`));
  const stood = { invariants, estate: { nics: many }, brokenAt: [] };
  assert.throws(() => complianceOf(stood, s), { code: 'TooManyPolicyStates', message: /resource group/ });
  assert.equal(complianceOf(stood, nicId('n1')).nics[0]?.judged.length, 100);
});
