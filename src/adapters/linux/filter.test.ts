/** Shows how rules become nft lines: the product of prefixes and ports, both families where the rule names none. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deepFreeze, type JsonObject } from '#base/json.ts';
import { derived } from '#base/lineage.ts';
import { comment, filterChain, filterSets, intervalTexts, ruleTexts } from '#adapters/linux/filter.ts';
import type { Filter, Rule } from '#program/program.ts';

const verdicts = { allow: 'return', deny: 'drop' } as const;
const base: Rule = {
  access: 'allow',
  protocol: 'any',
  source: 'any',
  target: 'any',
  sourcePorts: [],
  targetPorts: [],
  because: 'nsg/n/r',
};
const of = (...prefixes: string[]) => ({ prefixes, sets: [] });

const rows: [string, Partial<Rule>, string[]][] = [
  ['everything', {}, ['counter return']],
  ['deny', { access: 'deny' }, ['counter drop']],
  ['one port', { protocol: 'tcp', targetPorts: [[443, 443]] }, ['tcp dport 443 counter return']],
  ['every port', { protocol: 'udp', targetPorts: [[0, 65_535]] }, ['meta l4proto udp counter return']],
  [
    'any with ports is TCP and UDP',
    { targetPorts: [[80, 81]] },
    ['tcp dport 80-81 counter return', 'udp dport 80-81 counter return'],
  ],
  [
    'both ends',
    { protocol: 'tcp', sourcePorts: [[1, 2]], targetPorts: [[3, 3]] },
    ['tcp sport 1-2 tcp dport 3 counter return'],
  ],
  [
    'echo in both families',
    { protocol: 'icmp' },
    ['meta l4proto icmp counter return', 'meta l4proto ipv6-icmp counter return'],
  ],
  [
    'echo in one',
    { protocol: 'icmp', source: of('fd00::/64') },
    ['ip6 saddr fd00::/64 meta l4proto ipv6-icmp counter return'],
  ],
  [
    'AH in IPv6 is read off the fixed header',
    { protocol: 'ah', source: of('fd00::4') },
    ['ip6 saddr fd00::4 ip6 nexthdr ah counter return'],
  ],
  ['a single address has no length', { source: of('10.0.0.4/32') }, ['ip saddr 10.0.0.4 counter return']],
  [
    'families do not mix',
    { source: of('10.0.0.0/8', 'fd00::/8'), target: of('10.0.0.0/8') },
    ['ip saddr 10.0.0.0/8 ip daddr 10.0.0.0/8 counter return'],
  ],
  [
    'product',
    {
      protocol: 'tcp',
      source: of('10.0.0.0/24', '10.0.1.0/24'),
      targetPorts: [
        [1, 1],
        [3, 3],
      ],
    },
    [
      'ip saddr 10.0.0.0/24 tcp dport 1 counter return',
      'ip saddr 10.0.0.0/24 tcp dport 3 counter return',
      'ip saddr 10.0.1.0/24 tcp dport 1 counter return',
      'ip saddr 10.0.1.0/24 tcp dport 3 counter return',
    ],
  ],
  ['prefixes that are none match nothing', { source: of() }, []],
];

for (const [name, change, wanted] of rows) {
  test(`a rule is written out: ${name}`, () => {
    const texts = ruleTexts('0100/r', { ...base, ...change }, verdicts);
    assert.deepEqual(
      texts.map((text) => text.replace(/ comment "0100\/r nsg\/n\/r"$/, '')),
      wanted,
    );
  });
}

test('a filter is in the order of its keys and ends with a refusal', () => {
  const rules = { '0200/b': { ...base, access: 'deny' as const }, '0100/a': base };
  const chain = filterChain('f', { rules }, verdicts);
  assert.deepEqual(
    chain.rules.map((text) => text.split(' comment ')[0]),
    ['counter return', 'counter drop', 'counter drop'],
  );
});

test('a rule that would expand without end is refused', () => {
  const ports = Array.from({ length: 200 }, (_, index) => [index, index] as const);
  assert.throws(
    () => ruleTexts('k', { ...base, protocol: 'tcp', sourcePorts: ports, targetPorts: ports }, verdicts),
    /expands to 40000 rules/,
  );
});

test('a comment cannot end its quotes and fits the kernel', () => {
  assert.equal(comment('a"b\nc\\'), ' comment "a?b?c?"');
  assert.ok(Buffer.byteLength(comment('é'.repeat(300))) < 140);
});

test('sets hold disjoint intervals in the form that nft lists', () => {
  assert.deepEqual(
    intervalTexts(['10.0.1.0/24', '10.0.0.0/24', '10.0.0.128/25', '11.0.0.1/32', '0.0.0.0/32', 'fd00::/8'], 4),
    ['0.0.0.0', '10.0.0.0/23', '11.0.0.1'],
  );
  assert.deepEqual(intervalTexts(['10.0.1.0/24', '10.0.2.0/24'], 4), ['10.0.1.0-10.0.2.255']);
  assert.deepEqual(intervalTexts(['0.0.0.0/0', '::/0'], 6), ['::/0']);
});

test('a filter that was made from another is written as it would be afresh, rule by rule and set by set', () => {
  const ported = (port: number, more: Partial<Rule> = {}): Rule =>
    deepFreeze({ ...base, protocol: 'any', targetPorts: [[port, port]], ...more });
  const rules: { [key: string]: Rule } = {};
  for (let index = 0; index < 70; index++) rules[`${100 + index * 2}/r`] = ported(1000 + index);
  let filter: Filter = deepFreeze({ rules: { ...rules } });
  const steps: readonly (readonly [string, Rule | undefined])[][] = [
    [['131/new', ported(1, { source: { prefixes: [], sets: ['vnet'] } })]],
    [['131/new', ported(2, { source: { prefixes: ['10.0.0.0/8', '10.0.0.0/9'], sets: ['vnet', 'asg'] } })]],
    [
      ['131/new', ported(3)],
      ['100/r', undefined],
      ['099/first', ported(4, { target: { prefixes: [], sets: ['vnet'] } })],
    ],
    [
      ['999/last', ported(5)],
      ['099/first', undefined],
      ['absent', undefined],
    ],
    [['131/new', undefined]],
  ];
  for (const step of [[], ...steps]) {
    for (const [key, rule] of step) {
      if (rule === undefined) delete rules[key];
      else rules[key] = rule;
    }
    if (step.length > 0) {
      const changed = derived(
        filter.rules as unknown as JsonObject,
        new Map(step as unknown as [string, JsonObject][]),
      );
      filter = Object.freeze({ rules: changed }) as unknown as Filter;
    }
    const afresh: Filter = { rules: { ...rules } };
    assert.deepEqual(filterChain('f', filter, verdicts), filterChain('f', afresh, verdicts));
    assert.deepEqual(filterSets(filter).toSorted(), filterSets(afresh).toSorted());
  }
});
