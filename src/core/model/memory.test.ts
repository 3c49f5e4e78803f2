/** Shows that the set of resources keeps its indexes and order through every change, and that a draft reads its own writes. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryDraft, MemoryView } from '#model/memory.ts';
import { Bug } from '#base/wrong.ts';
import type { Resource, View } from '#model/resource.ts';
import { idOf, resourceOf } from '#test/generate/build.ts';
import { type Random, randomFrom } from '#test/generate/random.ts';

const vnet = resourceOf({ path: 'virtualNetworks/a' });
const one = resourceOf({ path: 'virtualNetworks/a/subnets/one', properties: { routeTable: { id: 'routeTables/RT' } } });
const two = resourceOf({ path: 'virtualNetworks/a/subnets/two' });
const table = resourceOf({ path: 'routeTables/rt' });
const subnetType = 'Microsoft.Network/virtualNetworks/subnets';
const names = (list: Iterable<Resource>) => [...list].map(({ name }) => name);

test('an id may hold what keys of lists are made of, and one without folders lies below the root too', () => {
  const odd = resourceOf({ path: 'virtualNetworks/a|b' });
  const child = resourceOf({ path: 'virtualNetworks/a|b/subnets/one' });
  const subscription: Resource = {
    ...vnet,
    id: '/subscriptions/s',
    type: 'Microsoft.Resources/subscriptions',
    name: 's',
  };
  const plain: Resource = { ...vnet, id: 'plain/x/y', type: 'Plain/x', name: 'y' };
  const view = new MemoryView([odd, child, subscription, plain]);
  assert.deepEqual(names(view.childrenOf(odd.id, subnetType)), ['one']);
  assert.deepEqual(names(view.childrenOf('', 'Microsoft.Resources/subscriptions')), []);
  assert.deepEqual(names(view.all()), ['a|b', 'one', 's', 'y']);
});

test('ids compare without regard to case, and lists come in order of creation', () => {
  const view = new MemoryView([vnet, two, one, table]);
  assert.equal(view.get(one.id.toUpperCase()), one);
  assert.deepEqual(names(view.childrenOf(vnet.id.toUpperCase(), subnetType.toLowerCase())), ['two', 'one']);
  assert.deepEqual(names(view.referrersOf(table.id)), ['one']);
  assert.deepEqual(names(view.ofType(subnetType)), ['two', 'one']);
  assert.deepEqual(names(view.under(vnet.id)), ['two', 'one']);
  assert.deepEqual(names(view.under(`${idOf('x/y').split('/providers/')[0]}/`)), ['a', 'two', 'one', 'rt']);
  assert.deepEqual(names(view.under(idOf('x/y').split('/').slice(0, 3).join('/'))), ['a', 'two', 'one', 'rt']);
  assert.deepEqual(names(view.under('/subscriptions/other')), []);
  assert.equal(view.all().length, 4);
});

test('a list keeps its identity until something in it changes, and never changes once handed out', () => {
  const view = new MemoryView([vnet, one, two, table]);
  const before = view.childrenOf(vnet.id, subnetType);
  const tables = view.ofType(table.type);
  view.commit([{ id: one.id, before: one }]);
  assert.deepEqual([names(before), names(view.childrenOf(vnet.id, subnetType))], [['one', 'two'], ['two']]);
  assert.equal(view.ofType(table.type), tables);
  assert.deepEqual(names(view.referrersOf(table.id)), []);
  view.commit([{ id: one.id, after: one }]);
  assert.deepEqual(names(view.childrenOf(vnet.id, subnetType)), ['two', 'one']);
});

test('an edit made on another state is a bug', () => {
  const view = new MemoryView([one]);
  const other = resourceOf({ path: 'virtualNetworks/a/subnets/one' });
  assert.throws(() => view.commit([{ id: one.id, before: other, after: two }]), Bug);
  assert.throws(() => view.commit([{ id: two.id, before: two }]), Bug);
  // A copy of what stands is what stands.
  view.commit([{ id: one.id, before: { ...one }, after: other }]);
  assert.equal(view.get(one.id), other);
});

test('a draft reads its own writes, leaves the view alone, and says what it changed', () => {
  const view = new MemoryView([vnet, one, table]);
  const draft = new MemoryDraft(view);
  const moved = resourceOf({ path: 'virtualNetworks/a/subnets/one' });
  draft.put(moved);
  draft.put(two);
  draft.delete(table.id);
  assert.deepEqual(names(draft.childrenOf(vnet.id, subnetType)), ['one', 'two']);
  assert.deepEqual([names(draft.referrersOf(table.id)), names(view.referrersOf(table.id))], [[], ['one']]);
  assert.equal(draft.get(table.id), undefined);
  assert.deepEqual(draft.edits(), [
    { id: one.id, before: one, after: moved },
    { id: two.id, before: undefined, after: two },
    { id: table.id, before: table, after: undefined },
  ]);
  draft.delete(two.id);
  draft.put(one);
  draft.put(table);
  assert.deepEqual(draft.edits(), []);
  assert.equal(draft.childrenOf(vnet.id, subnetType), view.childrenOf(vnet.id, subnetType));
});

test('after random writes a draft reads as the view does once they are committed, and as one built afresh', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = randomFrom(seed);
    const view = new MemoryView();
    for (let round = 0; round < 6; round++) {
      const draft = new MemoryDraft(view);
      for (let write = 0; write < 8; write++) scribble(random, draft);
      const nested = new MemoryDraft(draft);
      scribble(random, nested);
      for (const { after, id } of nested.edits()) {
        if (after === undefined) draft.delete(id);
        else draft.put(after);
      }
      const read = readAll(draft);
      view.commit(draft.edits());
      assert.deepEqual(readAll(view), read, `seed ${seed}, round ${round}`);
      assert.deepEqual(readAll(new MemoryView(view.all())), read, `seed ${seed}, round ${round}`);
    }
  }
});

const paths = [
  'virtualNetworks/a',
  'virtualNetworks/a/subnets/x',
  'virtualNetworks/a/subnets/y',
  'virtualNetworks/b',
  'virtualNetworks/b/subnets/x',
  'routeTables/r',
  'routeTables/s',
];

function scribble(random: Random, draft: MemoryDraft): void {
  const path = random.pick(paths);
  if (random.chance(0.3)) draft.delete(idOf(path).toUpperCase());
  else
    draft.put(
      resourceOf({
        path,
        properties: random.chance(0.6) ? { list: [{ routeTable: { id: random.pick(paths) } }] } : {},
      }),
    );
}

function readAll(view: View): unknown {
  const etags = (list: Iterable<Resource>) => [...list].map(({ etag }) => etag);
  return {
    got: paths.map((path) => view.get(idOf(path))?.etag),
    children: ['a', 'b'].map((name) => etags(view.childrenOf(idOf(`virtualNetworks/${name}`), subnetType))),
    referrers: paths.map((path) => etags(view.referrersOf(idOf(path)))),
    types: ['Microsoft.Network/virtualNetworks', subnetType, 'Microsoft.Network/routeTables'].map((type) =>
      etags(view.ofType(type)),
    ),
    under: [...paths.map(idOf), '/', idOf('x/y').split('/providers/')[0] ?? ''].map((scope) =>
      etags(view.under(scope)),
    ),
  };
}
