/** What is ours and the kernel's own is not strange; everything else is, with the line that undoes it. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { carrierLines, strangeIn, type StrangeListing } from '#adapters/linux/strange.ts';

const link = (ifname: string, address: string, more: JsonObject = {}): JsonObject => ({
  ifname,
  ifindex: 7,
  address,
  flags: ['BROADCAST', 'UP'],
  ...more,
});
const four: readonly JsonObject[] = [
  { priority: 0, src: 'all', table: '255' },
  { priority: 32_766, src: 'all', table: '254' },
  { priority: 32_767, src: 'all', table: '253' },
];
const ours: JsonObject = { priority: 110, src: 'all', fwmark: '0x50000', fwmask: '0xffff0000', table: '1005' };
const healthy: StrangeListing = {
  point: 'router/v1/h1',
  links: [
    link('lo', '00:00:00:00:00:00', { addr_info: [{ local: '127.0.0.1', prefixlen: 8 }] }),
    link('uplink', '02:57:00:ff:00:02'),
    link('vx', '02:57:00:fd:00:01'),
    link('n5', '12:34:56:78:9a:bc', { addr_info: [{ local: 'fe80::1', prefixlen: 64 }] }),
    link('g6', '02:57:07:00:00:06', { flags: [] }),
  ],
  routes: [
    { dst: '10.0.0.4', dev: 'n5', protocol: '157', flags: [] },
    { type: '2', dst: '127.0.0.0/8', dev: 'lo', table: '255', protocol: '2', flags: [] },
    { type: '3', dst: '127.255.255.255', dev: 'lo', table: '255', protocol: '2', flags: [] },
    { dst: 'fe80::/64', dev: 'n5', protocol: '2', metric: 256, family: '6', flags: [] },
    { type: '5', dst: 'ff00::/8', dev: 'n5', table: '255', protocol: '2', metric: 256, family: '6', flags: [] },
    { dst: 'default', dev: 'uplink', protocol: '157', metric: 1024, family: '6', pref: 'medium', flags: [] },
  ],
  rulesFour: [...four, ours],
  rulesSix: [...four.slice(0, 2), ours],
};
const withLink = (one: JsonObject): Partial<StrangeListing> => ({
  links: [...healthy.links.filter(({ ifname }) => ifname !== one['ifname']), one],
  routes: healthy.routes.filter(({ dev }) => dev !== one['ifname']),
});
const route = (more: JsonObject): Partial<StrangeListing> => ({
  routes: [{ dst: '10.0.0.0/25', dev: 'uplink', flags: [], ...more }],
});

const rows: [name: string, Partial<StrangeListing>, lines: string[]][] = [
  ['nothing but ours', {}, []],
  [
    'a link of somebody else',
    withLink(link('mine', '02:00:00:00:00:01')),
    ['link del dev mine', 'link set dev mine down'],
  ],
  [
    'a name that would be words of a batch',
    withLink(link('x;up', '02:00:00:00:00:01')),
    ['link del dev if7', 'link set dev if7 down'],
  ],
  [
    'another address on a port',
    withLink(link('n5', '02:00:00:00:00:01')),
    ['link set dev n5 down', 'link set dev n5 address 12:34:56:78:9a:bc'],
  ],
  ['a port that is down', withLink(link('n5', '12:34:56:78:9a:bc', { flags: [] })), ['link set dev n5 up']],
  ['a port in a bridge', withLink(link('n5', '12:34:56:78:9a:bc', { master: 'br0' })), ['link set dev n5 nomaster']],
  ['a program on a port', withLink(link('n5', '12:34:56:78:9a:bc', { xdp: { mode: 2 } })), ['link set dev n5 xdp off']],
  [
    'a link of another point',
    withLink(link('oper', '02:57:00:ff:00:02')),
    ['link del dev oper', 'link set dev oper down'],
  ],
  ['a route of an operator’s hand', route({}), ['route del 10.0.0.0/25 table 254 proto 3']],
  ['a route that poses as the kernel’s', route({ protocol: '2' }), ['route del 10.0.0.0/25 table 254 proto 2']],
  [
    'a route that poses as ours, with an encapsulation',
    route({ protocol: '157', encap: 'ip' }),
    ['route del 10.0.0.0/25 table 254 proto 157'],
  ],
  [
    'a better metric',
    { routes: [{ dst: 'default', dev: 'n5', protocol: '157', metric: 1, family: '6', flags: [] }] },
    ['-6 route del ::/0 table 254 proto 157 metric 1'],
  ],
  [
    'a rule before ours',
    { rulesFour: [{ priority: 1, src: 'all', table: '254' }, ...four, ours] },
    ['rule del pref 1'],
  ],
  [
    'a rule of a source',
    { rulesFour: [{ priority: 9, src: '10.0.0.0', srclen: 8, iif: 'n5', table: '100' }, ...four, ours] },
    ['rule del pref 9 from 10.0.0.0/8 iif n5'],
  ],
  [
    'a rule for IPv6 alone',
    { rulesSix: [...four.slice(0, 2), ours, { ...ours, priority: 5 }] },
    ['-6 rule del pref 5 fwmark 0x50000/0xffff0000 lookup 1005'],
  ],
  [
    'our rule is gone for IPv6',
    { rulesSix: four.slice(0, 2) },
    ['-6 rule add pref 110 fwmark 0x50000/0xffff0000 lookup 1005'],
  ],
  ['a first rule is gone', { rulesFour: [...four.slice(1), ours] }, ['rule add pref 0 lookup 255']],
];

test('each strange thing is named, with the lines that undo it', () => {
  for (const [name, more, lines] of rows)
    assert.deepEqual([...strangeIn({ ...healthy, ...more }).values()].flat(), lines, name);
});

test('a port whose carrier was taken gets it back afterwards; what is not ours does not', () => {
  const lines = ['link set dev n5 down', 'link set dev n5 address 12:34:56:78:9a:bc', 'link set dev if7 down'];
  assert.deepEqual(carrierLines(lines), ['link set dev n5 up']);
});
