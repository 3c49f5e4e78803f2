/** Which rules open much to many: by what they say, and only where they decide. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RuleRow } from '#test/generate/build.ts';
import { twoNics } from '#test/generate/two-nics.ts';
import { broadReport } from '#verify/broad-report.ts';
import { PacketSets } from '#verify/packet-sets.ts';

// One row: the group's rules, and those that are over-broad with what they open.
const groups: [string, RuleRow[], string[]][] = [
  ['one port to all', [['a', 100, 'In', 'Allow', 'Tcp', '*', '*', '443']], []],
  ['all ports to all', [['a', 100, 'In', 'Allow', 'Tcp', '*', '*', '*']], ['a tcp every port any']],
  ['everything to the internet', [['a', 100, 'In', 'Allow', '*', 'Internet', '*', '*']], ['a every protocol internet']],
  ['16 ports', [['a', 100, 'In', 'Allow', 'Udp', '0.0.0.0/0', '*', '1000-1015']], []],
  ['17 ports', [['a', 100, 'In', 'Allow', 'Udp', '0.0.0.0/0', '*', '1000-1016']], ['a udp 1000-1016 0.0.0.0/0']],
  ['a network that is not large', [['a', 100, 'In', 'Allow', '*', '10.0.0.0/8', '*', '*']], []],
  ['a large network', [['a', 100, 'In', 'Allow', '*', '10.0.0.0/7', '*', '*']], ['a every protocol 10.0.0.0/7']],
  ['a large network of IPv6', [['a', 100, 'In', 'Allow', '*', '2000::/3', '*', '*']], ['a every protocol 2000::/3']],
  ['messages of ICMP', [['a', 100, 'In', 'Allow', 'Icmp', '*', '*', '*']], []],
  ['a refusal', [['a', 100, 'In', 'Deny', '*', '*', '*', '*']], []],
  ['outwards', [['a', 100, 'Out', 'Allow', '*', '*', 'Internet', '*']], ['a every protocol internet']],
  [
    'a rule that never decides',
    [
      ['a', 100, 'In', 'Deny', '*', '*', '*', '*'],
      ['b', 200, 'In', 'Allow', '*', '*', '*', '*'],
    ],
    [],
  ],
];

test('[S1.13] over-broad is what allows, decides, and opens many ports to many; default rules are no finding', () => {
  for (const [says, rules, wanted] of groups) {
    const { broad, unjudged } = broadReport(twoNics(rules, []));
    assert.deepEqual(unjudged, [], says);
    assert.deepEqual(
      broad.map(({ because, services, remote }) => `${because.split('/').at(-1)} ${services} ${remote}`),
      wanted,
      says,
    );
  }
});

test('a finding says where: the network and the NICs that the group judges', () => {
  const programs = twoNics([['a', 100, 'In', 'Allow', 'Tcp', '*', '*', '*']], []);
  const [first] = broadReport(programs).broad;
  assert.match(first?.vnet ?? '', /\/virtualNetworks\/a$/);
  assert.ok((first?.nics ?? 0) >= 1);
  const costly = broadReport(programs, new PacketSets({ rows: 5 }));
  assert.match(costly.unjudged[0]?.says ?? '', /more than 5 rows/);
});
