/** Shows which packets a rule speaks of, and that the first rule in the order of keys decides. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filterVerdict, type Header, isIn, longestPrefix } from '#program/filter.ts';
import { parseAddress } from '#base/prefix.ts';
import type { Filter, Rule } from '#program/program.ts';

const any: Rule = {
  access: 'allow',
  protocol: 'any',
  source: 'any',
  target: 'any',
  sourcePorts: [],
  targetPorts: [],
  because: 'any',
};
const header: Header = { source: '10.0.0.4', target: '10.0.0.5', protocol: 'tcp', sourcePort: 50_000, targetPort: 80 };
const sets = { web: ['10.0.0.5/32'], none: [] };

// What differs from the rule for everything, what differs from the packet, and whether they meet.
const rows: [Partial<Rule>, Partial<Header>, boolean][] = [
  [{}, {}, true],
  [{ protocol: 'tcp' }, {}, true],
  [{ protocol: 'udp' }, {}, false],
  [{ protocol: 'icmp' }, { protocol: 'icmp' }, true],
  // Ports of a rule for a protocol without ports say nothing.
  [{ protocol: 'icmp', targetPorts: [[80, 80]] }, { protocol: 'icmp' }, true],
  [{ targetPorts: [[80, 80]] }, {}, true],
  [{ targetPorts: [[80, 80]] }, { protocol: 'udp' }, true],
  [{ targetPorts: [[80, 80]] }, { protocol: 'icmp' }, false],
  [{ sourcePorts: [[1, 1]] }, { protocol: 'esp' }, false],
  [
    {
      targetPorts: [
        [79, 79],
        [81, 90],
      ],
    },
    {},
    false,
  ],
  [{ targetPorts: [[79, 80]] }, {}, true],
  [{ sourcePorts: [[50_000, 50_000]] }, {}, true],
  [{ sourcePorts: [[50_001, 65_535]] }, {}, false],
  [{ source: { prefixes: ['10.0.0.4/32'], sets: [] } }, {}, true],
  [{ source: { prefixes: ['10.0.0.5/32'], sets: [] } }, {}, false],
  [{ source: { prefixes: [], sets: [] } }, {}, false],
  [{ source: { prefixes: ['::/0'], sets: [] } }, {}, false],
  [{ source: { prefixes: ['::/0'], sets: [] } }, { source: 'fd00::4', target: 'fd00::5' }, true],
  [{ target: { prefixes: ['192.168.0.0/16'], sets: ['web'] } }, {}, true],
  [{ target: { prefixes: [], sets: ['none', 'missing', 'constructor'] } }, {}, false],
];

test('a rule speaks of a packet when protocol, addresses and ports all do', () => {
  for (const [rule, packet, meets] of rows) {
    const filter: Filter = { rules: { '0100/a': { ...any, ...rule } } };
    const { verdict } = filterVerdict(filter, sets, { ...header, ...packet });
    assert.equal(verdict, meets ? 'allow' : 'deny', JSON.stringify([rule, packet]));
  }
});

test('the keys order the rules, whatever the order of writing; without a match the packet is denied', () => {
  const filter: Filter = {
    rules: {
      '65500/last': { ...any, access: 'deny', because: 'last' },
      '4096/middle': { ...any, because: 'middle' },
      '0100/first': { ...any, protocol: 'udp', access: 'deny', because: 'first' },
    },
  };
  assert.deepEqual(filterVerdict(filter, {}, header), { verdict: 'allow', because: 'middle', rule: '4096/middle' });
  assert.deepEqual(filterVerdict(filter, {}, { ...header, protocol: 'udp' }), {
    verdict: 'deny',
    because: 'first',
    rule: '0100/first',
  });
  assert.deepEqual(filterVerdict({ rules: {} }, {}, header), { verdict: 'deny', because: 'no rule matched' });
});

test('prefixes hold their first and last address and no others', () => {
  assert.deepEqual(
    ['10.0.0.127', '10.0.0.128', '10.0.0.255', '10.0.1.0', 'x', '::1'].map((text) => isIn(['10.0.0.128/25'], text)),
    [false, true, true, false, false, false],
  );
  const keys = ['0.0.0.0/0', '10.0.0.0/8', '10.0.0.0/16', '::/0'];
  assert.deepEqual(
    ['10.0.0.1', '10.1.0.1', '11.0.0.1', 'fd00::1'].map((text) => longestPrefix(keys, parseAddress(text))),
    ['10.0.0.0/16', '10.0.0.0/8', '0.0.0.0/0', '::/0'],
  );
});
