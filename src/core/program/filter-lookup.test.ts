/** Shows that many packets judged by look-ups get the verdicts that the oracle gives, with the same rule and reason. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deepFreeze } from '#base/json.ts';
import { FilterLookup, lookupOf } from '#program/filter-lookup.ts';
import { filterVerdict, type Header } from '#program/filter.ts';
import type { Filter, Rule } from '#program/program.ts';
import { boundaryPackets, type FilterStyle, randomFilter } from '#test/generate/filter.ts';
import { randomFrom } from '#test/generate/random.ts';

const packet: Header = { source: '10.0.0.4', target: '10.0.0.5', protocol: 'tcp', sourcePort: 50_000, targetPort: 80 };
const any: Rule = {
  access: 'allow',
  protocol: 'any',
  source: 'any',
  target: 'any',
  sourcePorts: [],
  targetPorts: [],
  because: 'any',
};
const inTen: Rule = { ...any, access: 'deny', source: { prefixes: ['0.0.0.0/0', '::/0'], sets: [] }, because: 'ten' };

for (const style of ['access', 'firewall', 'mixed'] as const satisfies readonly FilterStyle[]) {
  const seed = Date.now() % 1_000_000;
  test(`${style}: the oracle says the same (seed ${seed})`, () => {
    const random = randomFrom(seed);
    for (let count = 0; count < 12; count++) {
      // 0 to 70 rules: none, part of a word of bits, a whole one, several.
      const policy = randomFilter(random, style, [0, 1, 31, 32, 33, 70][count % 6] ?? 0);
      const lookup = new FilterLookup(policy.filter, policy.sets);
      const draw = boundaryPackets(random, policy);
      for (let packets = 0; packets < 200; packets++) {
        const header = draw();
        assert.deepEqual(
          lookup.verdict(header),
          filterVerdict(policy.filter, policy.sets, header),
          JSON.stringify(header),
        );
      }
    }
  });
}

// Text that looks like an address, and is one or is none: only a rule about any address speaks of what is none.
const texts = [
  '10.0.0.4',
  '255.255.255.255',
  '::ffff:10.0.0.4',
  'fd00::1',
  '010.0.0.4',
  '256.0.0.1',
  '10.0.0',
  '10.0.0.4.',
  '1..2.3',
  '',
  'x',
  '10.0.0.4/32',
  '1.2.3.4.5',
];
for (const source of texts) {
  test(`the source "${source}" is read as the oracle reads it`, () => {
    const filter: Filter = { rules: { a: inTen, b: any } };
    const header = { ...packet, source };
    assert.deepEqual(new FilterLookup(filter, {}).verdict(header), filterVerdict(filter, {}, header));
  });
}

test('lookups of frozen filters are made once, of others each time anew', () => {
  const [filter, sets] = [deepFreeze<Filter>({ rules: { a: any } }), deepFreeze({})];
  assert.equal(lookupOf(filter, sets), lookupOf(filter, sets));
  const loose: { rules: { [key: string]: Rule } } = { rules: { a: any } };
  assert.equal(lookupOf(loose, sets).verdict(packet).verdict, 'allow');
  loose.rules['a'] = inTen;
  assert.equal(lookupOf(loose, sets).verdict(packet).verdict, 'deny');
});
