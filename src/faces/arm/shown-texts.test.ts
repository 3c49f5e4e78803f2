/** Kept bodies: whatever changes, a reader gets what a fresh look would show, and what is kept stays within its limit. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { shownTextBytesMax, shownTextsBytesMax } from '#base/limits.ts';
import type { JsonObject } from '#base/json.ts';
import { ShownTexts } from '#faces/arm/shown-texts.ts';
import { nouns } from '#model/nouns.ts';
import type { Resource } from '#model/resource.ts';
import { furnished } from '#model/test-furniture.ts';

const plain = (name: string, text: string): Resource => ({
  id: `/subscriptions/s/resourceGroups/g/providers/X/y/${name}`,
  type: 'X/y',
  name,
  properties: { text },
  etag: `W/"${text}"`,
  createdAt: '',
  changedAt: '',
});

test('what a resource looks like does not follow from the time or from dice', () => {
  const world = furnished();
  const shownAt = (now: string, guid: string): JsonObject[] =>
    world.view.all().map((one) => {
      const noun = nouns.get(one.type.toLowerCase());
      return noun === undefined ? {} : noun.show(one, world.view, { ...world.context, now, newGuid: () => guid });
    });
  assert.ok(new Set(world.view.all().map(({ type }) => type)).size > 20);
  assert.deepEqual(shownAt('2026-01-01T00:00:00Z', 'a'), shownAt('2031-01-01T00:00:00Z', 'b'));
});

test('a kept text is the text of now after every change of a resource, a neighbour or an operation', () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('change' as const),
      at: fc.nat(3),
      text: fc.string({ unit: 'grapheme', maxLength: 5 }),
    }),
    fc.record({ kind: fc.constant('operation' as const) }),
    fc.record({ kind: fc.constant('read' as const), at: fc.nat(3), version: fc.constantFrom('v1', 'v2') }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const texts = new ShownTexts();
      const resources = ['a', 'b', 'c', 'd'].map((name) => plain(name, 'first'));
      let mark = 0;
      let shows = 0;
      // A body tells of all resources, as those of parents do, and of the operations.
      const body = (one: Resource, version: string): JsonObject => ({
        id: one.id,
        etag: one.etag,
        properties: { around: resources.map(({ properties }) => properties), version, mark },
      });
      const engine = {
        mark: () => mark,
        show: (one: Resource, version: string) => {
          shows += 1;
          return body(one, version);
        },
      };
      for (const one of steps) {
        if (one.kind === 'read') {
          const resource = resources[one.at];
          assert.ok(resource !== undefined);
          const shown = texts.of(engine, resource, one.version);
          assert.equal(shown.bytes.toString(), JSON.stringify(body(resource, one.version)));
          assert.equal(shown.etag, resource.etag);
          const before = shows;
          texts.of(engine, resource, one.version);
          assert.equal(shows, before, 'a second look costs nothing');
        } else {
          mark += 1;
          if (one.kind === 'change') resources[one.at] = plain(resources[one.at]?.name ?? '', one.text);
        }
      }
    }),
  );
});

test('the oldest texts go when there are too many bytes, and a text that is too large is not kept', () => {
  const texts = new ShownTexts();
  let shows = 0;
  const engine = {
    mark: () => 1,
    show: ({ properties }: Resource) => {
      shows += 1;
      return properties;
    },
  };
  const large = 'x'.repeat(shownTextBytesMax - 100);
  const count = Math.ceil(shownTextsBytesMax / shownTextBytesMax) + 4;
  const all = Array.from({ length: count }, (_, index) => plain(`n${index}`, large));
  for (const one of all) texts.of(engine, one, 'v');
  assert.equal(shows, count);
  const last = all.at(-1);
  const [first] = all;
  assert.ok(first !== undefined && last !== undefined);
  texts.of(engine, last, 'v');
  assert.equal(shows, count);
  texts.of(engine, first, 'v');
  assert.equal(shows, count + 1);
  const huge = plain('huge', 'x'.repeat(shownTextBytesMax));
  for (let time = 0; time < 2; time++) texts.of(engine, huge, 'v');
  assert.equal(shows, count + 3);
});
