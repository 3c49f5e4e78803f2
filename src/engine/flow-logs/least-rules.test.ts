/** Suggested rules: few, readable, admitting all that was seen; against the oracle of filters on random flows. */

import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type LeastRule, leastRules, ruleOf } from '#engine/flow-logs/least-rules.ts';
import type { SeenFlow } from '#engine/flow-logs/record.ts';
import { filterVerdict } from '#program/filter.ts';

type Service = readonly [port: number, protocol?: SeenFlow['protocol']];
const seen = (source: string, target: string, [targetPort, protocol = 'tcp']: Service): SeenFlow => ({
  source,
  target,
  targetPort,
  sourcePort: 0,
  protocol,
  direction: 'inbound',
  access: 'allow',
});
const text = ({ protocol, remote, local, ports }: LeastRule) =>
  `${protocol} ${remote.join(',')} > ${local.join(',')} ${ports.map((range) => range.join('-')).join(',')}`;
const range = (count: number) => Array.from({ length: count }, (_, index) => index);

const rows: [string, SeenFlow[], boolean, string[]][] = [
  [
    'neighbouring addresses and ports merge',
    [4, 5].flatMap((last) => [80, 81].map((port) => seen(`10.0.0.${last}`, '10.1.0.4', [port]))),
    false,
    ['tcp 10.0.0.4/31 > 10.1.0.4/32 80-81'],
  ],
  [
    'the same service of two of ours is one rule',
    [seen('10.0.0.4', '10.1.0.4', [80]), seen('10.0.0.4', '10.1.0.9', [80])],
    false,
    ['tcp 10.0.0.4/32 > 10.1.0.4/32,10.1.0.9/32 80-80'],
  ],
  [
    'pairs that were not seen together are not put together',
    [seen('10.0.0.4', '10.1.0.4', [80]), seen('10.0.0.6', '10.1.0.9', [443])],
    true,
    ['tcp 10.0.0.6/32 > 10.1.0.9/32 443-443', 'tcp 10.0.0.4/32 > 10.1.0.4/32 80-80'],
  ],
  [
    'many senders widen to their network when that may be',
    range(20).map((index) => seen(`10.0.0.${index * 3}`, '10.1.0.4', [80])),
    true,
    ['tcp 10.0.0.0/24 > 10.1.0.4/32 80-80'],
  ],
  [
    'senders from everywhere widen to all',
    range(20).map((index) => seen(`${index * 11 + 1}.0.0.1`, '10.1.0.4', [443])),
    true,
    ['tcp 0.0.0.0/0 > 10.1.0.4/32 443-443'],
  ],
  [
    'families and protocols stay apart',
    [
      seen('fd00::4', 'fd00::5', [53, 'udp']),
      seen('10.0.0.4', '10.0.0.5', [53, 'udp']),
      seen('10.0.0.4', '10.0.0.5', [0, 'icmp']),
    ],
    true,
    ['icmp 10.0.0.4/32 > 10.0.0.5/32 ', 'udp 10.0.0.4/32 > 10.0.0.5/32 53-53', 'udp fd00::4/128 > fd00::5/128 53-53'],
  ],
];

test('rules for flows', () => {
  for (const [name, flows, mayWiden, wanted] of rows) {
    const rules = leastRules(flows, () => mayWiden).map(text);
    deepEqual(rules.sort(), wanted.sort(), name);
  }
});

test('what may not be widened stays exact', () => {
  const flows = range(20).map((index) => seen(`10.0.0.${index * 3}`, '10.1.0.4', [80]));
  const [rule, ...others] = leastRules(flows, () => false);
  equal(others.length, 0);
  equal(rule?.remote.length, 20);
});

test('every seen flow is admitted, and without widening nothing beside what was seen', () => {
  const address = fc.tuple(fc.nat(2), fc.nat(7)).map(([net, host]) => `10.${net}.0.${host}`);
  const flow = fc
    .tuple(address, address, fc.integer({ min: 1, max: 6 }), fc.constantFrom('tcp', 'udp', 'icmp'))
    .map(([source, target, port, protocol]) => seen(source, target, [protocol === 'icmp' ? 0 : port, protocol]));
  fc.assert(
    fc.property(fc.array(flow, { minLength: 1, maxLength: 60 }), fc.array(flow, { maxLength: 60 }), (flows, others) => {
      const rules = leastRules(flows, () => false);
      ok(rules.length <= new Set(flows.map((one) => JSON.stringify(one))).size);
      const named = rules.map((rule, index) => [String(index).padStart(4, '0'), ruleOf(rule, 'inbound')]);
      const filter = { rules: Object.fromEntries(named) };
      const known = new Set(flows.map((one) => JSON.stringify(one)));
      for (const one of [...flows, ...others]) {
        const wanted = known.has(JSON.stringify(one)) ? 'allow' : 'deny';
        equal(filterVerdict(filter, {}, one).verdict, wanted);
      }
    }),
  );
});
