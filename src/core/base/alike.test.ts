/** Shows that equal things are one, that room is bounded, and that shared texts say what they said. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Alike, Shares, shareTexts } from '#base/alike.ts';

test('what says the same is one object, until there is no room', () => {
  const parts = new Alike<{ readonly text: string }>(2);
  const of = (text: string) => parts.of(text, () => ({ text }));
  const first = of('a');
  assert.equal(of('a'), first);
  of('b');
  of('c');
  assert.deepEqual(of('a'), first);
  assert.notEqual(of('a'), first);
});

test('texts are shared in place; numbers, long texts and frozen parts stay as they are', () => {
  const frozen = Object.freeze({ text: 'Tcp' });
  const value = { list: ['Tcp', 1, null, { deep: 'Tcp' }], long: 'x'.repeat(100), frozen };
  const copy = JSON.parse(JSON.stringify(value)) as typeof value;
  let made = 0;
  const texts = new (class extends Alike<string> {
    override of(text: string, make: () => string): string {
      made += 1;
      return super.of(text, make);
    }
  })(8);
  shareTexts(value, texts);
  assert.deepEqual(value, copy);
  assert.equal(made, 2);
});

test('parts that say the same are one frozen object; long ones, and those of another order, are their own', () => {
  const shares = new Shares(8);
  const part = () => ({ access: 'Allow', ports: ['80'] });
  const first = shares.part(part());
  assert.equal(shares.part(part()), first);
  assert.ok(Object.isFrozen(first) && Object.isFrozen(first['ports']));
  assert.deepEqual(first, part());
  assert.notEqual(shares.part({ ports: ['80'], access: 'Allow' }), first);
  const long = () => ({ text: 'x'.repeat(2000) });
  assert.notEqual(shares.part(long()), shares.part(long()));
});
