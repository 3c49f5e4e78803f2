/** Kernel against programs: a port whose link went with its guest is told apart from everything that somebody did. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { Listed, Wanted } from '#adapters/linux/apply.ts';
import { compareState } from '#adapters/linux/compare.ts';
import { emptyNetwork, type Network, withoutPorts } from '#adapters/linux/network.ts';

const port = (mark: number) => ({ mark, mac: `02:00:00:00:00:0${mark}`, mtu: 1500, isForwarding: false });
const network: Network = {
  ports: new Map([7, 77, 8].map((mark) => [mark, port(mark)])),
  addresses: new Set(['10.0.0.1 dev n7', 'fe80::1 dev n7', '10.0.0.1 dev n77']),
  routes: new Set(['10.0.0.4 dev n7 table 100', '10.0.0.5 dev n77 table 100', 'blackhole 10.0.0.0/24 table 100']),
  rules: new Set(['pref 10 fwmark 1/1 lookup 100']),
  neighbours: new Set(['10.0.0.4 lladdr 02:00:00:00:00:07 dev n7', '10.0.0.5 lladdr 02:00:00:00:00:77 dev n77']),
  forwarding: new Set(['02:00:00:00:00:07 dev vx dst 10.1.0.2']),
};
const wanted: Wanted = { ruleset: new Map(), network };
const links = ['lo', 'uplink', 'vx', 'n7', 'g7', 'n77', 'n8'];
const listed = (more: Partial<Listed> = {}): Listed => ({
  ruleset: new Map(),
  foreign: [],
  strange: [],
  network,
  routing: { routes: [], rulesFour: [], rulesSix: [], neighbours: [], forwarding: [] },
  links: new Set(links),
  ...more,
});
const withoutLink = (name: string) => new Set(links.filter((link) => link !== name));
const without = (texts: ReadonlySet<string>, gone: string) => new Set([...texts].filter((text) => text !== gone));

// One row: what the kernel has, and the kinds of what differs.
const rows: [string, Listed, string[]][] = [
  ['all as wanted', listed(), []],
  [
    'a guest ended: its link and all on it are gone',
    listed({ network: withoutPorts(network, new Set([7])), links: withoutLink('n7') }),
    ['port'],
  ],
  ['a guest ended while its point was read: the links came first', listed({ links: withoutLink('n7') }), ['port']],
  [
    'a guest ended while its point was read: half of its routes are there',
    listed({
      network: { ...network, routes: without(network.routes, '10.0.0.4 dev n7 table 100') },
      links: withoutLink('n7'),
    }),
    ['port'],
  ],
  [
    'two guests ended',
    listed({ network: withoutPorts(network, new Set([7, 77])), links: new Set(['lo', 'n8']) }),
    ['port', 'port'],
  ],
  [
    'a route of a port that is there',
    listed({ network: { ...network, routes: without(network.routes, '10.0.0.4 dev n7 table 100') } }),
    ['route'],
  ],
  [
    'the route of a port of a like name',
    listed({
      network: withoutPorts(
        { ...network, routes: without(network.routes, '10.0.0.5 dev n77 table 100') },
        new Set([7]),
      ),
      links: withoutLink('n7'),
    }),
    ['route', 'port'],
  ],
  [
    'the blackhole behind a port that is gone',
    listed({
      network: withoutPorts(
        { ...network, routes: without(network.routes, 'blackhole 10.0.0.0/24 table 100') },
        new Set([7]),
      ),
      links: withoutLink('n7'),
    }),
    ['route', 'port'],
  ],
  ['a policy rule', listed({ network: { ...network, rules: new Set() } }), ['route']],
  [
    'a link that nobody wants',
    listed({
      network: { ...network, ports: new Map([...network.ports, [9, port(9)]]) },
      links: new Set([...links, 'n9']),
    }),
    ['link'],
  ],
  [
    'a link of another size',
    listed({ network: { ...network, ports: new Map([...network.ports, [7, { ...port(7), mtu: 1400 }]]) } }),
    ['link', 'link'],
  ],
  [
    'a foreign table beside a port that is gone',
    listed({
      foreign: [{ family: 'inet', name: 'evil', handle: 9 }],
      network: withoutPorts(network, new Set([8])),
      links: withoutLink('n8'),
    }),
    ['table', 'port'],
  ],
  [
    'nothing at all',
    listed({ network: emptyNetwork, links: new Set(['lo']) }),
    ['route', 'route', 'neighbour', 'port', 'port', 'port'],
  ],
];

test('what went with a guest is a port that is gone; all else is told as what it is', () => {
  for (const [says, kernel, kinds] of rows) {
    const found = compareState('router/v1/h1', wanted, kernel);
    assert.deepEqual(
      found.map(({ kind }) => kind),
      kinds,
      `${says}: ${JSON.stringify(found)}`,
    );
  }
});

const openSet = (elements: readonly string[], ends?: ReadonlyMap<string, number>) =>
  new Map([
    [
      'inet',
      {
        sets: new Map([
          ['open4', { kind: 'set' as const, spec: [], elements: new Set(elements), ...(ends && { ends }) }],
        ]),
        chains: new Map(),
      },
    ],
  ]);

// Elements of the kernel, and how many differences there are with `late` (in an hour) and `over` (a minute ago) wanted.
const openRows: [string[], number][] = [
  [['late', 'over'], 0],
  [['late'], 0],
  [['over'], 1],
  [[], 1],
  [['late', 'late for ever'], 1],
  [['late', 'foreign'], 1],
];

test('an opening that is over may be gone; one that is not, or that nobody asked for, is a difference', () => {
  const ends = new Map([
    ['late', Date.now() + 3_600_000],
    ['over', Date.now() - 60_000],
  ]);
  const asked: Wanted = { ruleset: openSet([...ends.keys()], ends), network };
  for (const [elements, count] of openRows) {
    const found = compareState('p', asked, listed({ ruleset: openSet(elements) }));
    assert.equal(found.length, count, elements.join());
  }
});
