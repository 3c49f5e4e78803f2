/** Routes and translations: what was rendered is read back to the same as the program, and what nobody told of is never taken for anything. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { renderPoint } from '#adapters/linux/render.ts';
import type { PointListing } from '#adapters/linux/validate-point.ts';
import { Validator } from '#adapters/linux/validate.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { addNic, addPeering, addRoutes, addSubnet, addVnet, labStamp, newBuild, viewOf } from '#test/generate/build.ts';
import { gaining, losing, spoiled } from '#test/generate/fault.ts';
import { listingOf } from '#test/generate/listing.ts';
import { stamp, stamps, told } from '#test/generate/told.ts';

test('what is rendered for random stamps is proved equal to the programs, at every point', () => {
  let count = 0;
  for (const [index, programs] of stamps.entries()) {
    for (const point of Object.keys(programs)) {
      const wanted = renderPoint(programs, point, stamp);
      if (wanted === undefined) continue;
      assert.deepEqual(told(programs, point, listingOf(wanted)), [], `seed ${index + 1}, ${point}`);
      count += 1;
    }
  }
  assert.ok(count > 150, `${count} points`);
});

test('a route that means this network for a peer’s addresses leads nowhere, and so it is in the kernel', () => {
  const build = newBuild();
  for (const block of [0, 1]) {
    addVnet(build, `v${block}`, [`10.${block}.0.0/16`]);
    addRoutes(build, `rt${block}`, [['r', `10.${1 - block}.0.0/24`, 'VnetLocal']]);
    addSubnet(build, `v${block}/s`, [[`10.${block}.0.0/24`], { routeTable: `rt${block}` }]);
    addNic(build, `n${block}`, { subnet: `v${block}/s`, addresses: [`10.${block}.0.4`] });
  }
  addPeering(build, ['v0', 'v1']);
  addPeering(build, ['v1', 'v0']);
  const given = compileStamp(viewOf(build), labStamp, new CompileMemo());
  for (const point of ['router/v1/h1', 'router/v2/h1']) {
    const both = renderPoint(given, point, stamp);
    assert.ok(both !== undefined);
    assert.deepEqual(told(given, point, listingOf(both)), []);
    const open = spoiled(both, { network: 'routes' }, losing(/^blackhole 10\.\d\.0\.4\/32/));
    assert.ok(open !== undefined);
    assert.match(told(given, point, listingOf(open)).join(), /to 10\.\d\.0\.4 is "pv\d .*" in the kernel and "drop"/);
  }
});

const [programs = {}] = stamps;
const points = Object.keys(programs);
const router = points.find((point) => point.startsWith('router/')) ?? '';
const rendered = renderPoint(programs, router, stamp);
assert.ok(rendered !== undefined);
const wanted = rendered;
const listing = listingOf(wanted);

const unknowns: readonly string[] = [
  'ip saddr 10.0.0.0/8 limit rate 5/second drop',
  'ct mark 7 drop',
  'ct status dnat drop',
  'meta skuid 0 accept',
  'ip dscp 7 drop',
  'numgen random mod 2 0 dnat ip to 10.0.0.4',
  'jhash ip saddr mod 2 seed 0x1 2 dnat ip to 10.0.0.4',
  'jhash ip saddr mod 2 0 dnat ip to 10.0.0.4',
  'dnat ip to 10.0.0.4-10.0.0.9',
  'dnat ip to 10.0.0.4 random',
  'dnat ip to ip saddr . ip daddr map @to_private4',
  'dnat ip to ip daddr map @nobody',
  'redirect to :80',
  'masquerade',
  'ip daddr @nobody drop',
  'ip daddr 10.0.0.4 meta mark set 7 ip saddr 10.0.0.4 drop',
  'meta mark & 0x00000005 == 0x00000001 drop',
  'meta mark or 7 drop',
  'iifname "n*" drop',
  'accept drop',
  'goto nowhere',
  'queue',
  'tproxy ip to :80',
  'ip saddr set 10.0.0.4',
];

test('an expression that it was not told of is never taken for anything', () => {
  for (const rule of unknowns) {
    for (const chain of [/^dnat_in$/, /^snat_out$/, /^raw$/]) {
      const other = spoiled(wanted, { chain }, gaining(rule));
      assert.ok(other !== undefined);
      const found = told(programs, router, listingOf(other));
      assert.ok(
        found.some((says) => says.startsWith('UnknownExpression: ')),
        `${rule}: ${found.join()}`,
      );
    }
  }
});

/** The listing with a rule or a route more. */
function withMore(more: { readonly rule?: JsonObject; readonly route?: JsonObject }): PointListing {
  const { routing } = listing;
  const rules = more.rule === undefined ? [] : [more.rule];
  return {
    ...listing,
    routing: {
      ...routing,
      rulesFour: [...routing.rulesFour, ...rules],
      routes: [...routing.routes, ...(more.route === undefined ? [] : [more.route])],
    },
  };
}

const strangers: readonly (readonly [JsonObject, RegExp])[] = [
  [{ priority: 5, src: 'all', iif: 'n1', table: '7' }, /^UnknownExpression: .* says "iif"/],
  [{ priority: 5, src: '10.0.0.0', srclen: 8, table: '7' }, /^UnknownExpression: .* says "srclen"/],
  [
    { priority: 5, src: 'all', table: '254', suppress_prefixlen: 0 },
    /^UnknownExpression: .* says "suppress_prefixlen"/,
  ],
  [{ priority: 5, src: 'all', table: '254' }, /^Routes /],
];

const strangeRoutes: readonly (readonly [JsonObject, RegExp])[] = [
  [{ dst: '10.0.0.0/24', nexthops: [], flags: [] }, /^UnknownExpression: .* says "nexthops"/],
  [{ dst: '10.0.0.0/24', dev: 'n1', encap: 'mpls', flags: [] }, /^UnknownExpression: .* says "encap"/],
  [{ dst: '10.0.0.0/24', dev: 'n1', tos: '4', flags: [] }, /^UnknownExpression: .* says "tos"/],
  [{ type: '12', dst: '10.0.0.0/24', flags: [] }, /^UnknownExpression: .* says "type 12"/],
  [{ dst: '192.0.2.0/24', dev: 'uplink', flags: ['pervasive'] }, /^UnknownExpression: .* says "pervasive"/],
  [
    { type: '7', dst: '203.0.113.77', table: '255', flags: [] },
    /^Routes of n\d+: the packet to 203\.0\.113\.77 is "drop"/,
  ],
  [{ type: '8', dst: '203.0.113.77', table: '255', flags: [] }, /to 203\.0\.113\.77 is "drop"/],
  [{ type: '2', dst: '203.0.113.77', dev: 'lo', table: '255', flags: [] }, /to 203\.0\.113\.77 is "self"/],
];

test('a policy rule or a route of another kind is told, with a packet where its meaning is known', () => {
  for (const [rule, says] of strangers) {
    const found = told(programs, router, withMore({ rule }));
    assert.ok(
      found.some((text) => says.test(text)),
      `${JSON.stringify(rule)}: ${found.join()}`,
    );
  }
  for (const [route, says] of strangeRoutes) {
    const found = told(programs, router, withMore({ route }));
    assert.ok(
      found.some((text) => says.test(text)),
      `${JSON.stringify(route)}: ${found.join()}`,
    );
  }
});

test('what a higher metric or a dead link passes over is passed over; a lower metric decides', () => {
  const own = listing.routing.routes.find(({ dst, table }) => table === undefined && String(dst).startsWith('10.'));
  assert.ok(own !== undefined);
  const other = { ...own, dev: 'n999' };
  assert.deepEqual(told(programs, router, withMore({ route: { ...other, metric: 5 } })), []);
  assert.deepEqual(told(programs, router, withMore({ route: { ...other, flags: ['dead', 'linkdown'] } })), []);
  const { routing } = listing;
  const routes = routing.routes.map((route) => (route === own ? { ...route, metric: 5 } : route));
  const found = told(programs, router, { ...listing, routing: { ...routing, routes: [...routes, other] } });
  assert.match(found.join(), new RegExp(`to ${String(own['dst'])} is "n999 to whoever`));
});

test('IPv4 and IPv6 are told apart: a rule that one family alone has is missed in the other', () => {
  const { routing } = listing;
  const rulesSix = routing.rulesSix.filter(({ priority }) => priority !== 110);
  const found = told(programs, router, { ...listing, routing: { ...routing, rulesSix } });
  assert.ok(found.length > 0);
  assert.ok(
    found.every((says) => /^Routes of n\d+.*: the packet to [0-9a-f]*:/.test(says)),
    found.join('\n'),
  );
});

test('a port whose link is gone takes its routes along, and nothing is told of it', () => {
  const name = listing.routing.routes.map(({ dev }) => String(dev)).find((dev) => /^n\d+$/.test(dev)) ?? '';
  const isOfLink = (one: JsonObject) => one['dev'] === name;
  const routing = {
    ...listing.routing,
    routes: listing.routing.routes.filter((route) => !isOfLink(route)),
    neighbours: listing.routing.neighbours.filter((one) => !isOfLink(one)),
  };
  assert.ok(told(programs, router, { ...listing, routing }).length > 0);
  assert.deepEqual(told(programs, router, { ...listing, routing, gone: new Set([Number(name.slice(1))]) }), []);
});

test('what was proved is proved no more while neither program nor kernel changes; what differs is told each time', () => {
  const validator = new Validator();
  const ask = (one: PointListing, given = programs) =>
    validator.ways({ programs: given, point: router, stamp, listing: one }).length;
  assert.equal(ask(listing), 0);
  const spoiledOne = spoiled(wanted, { chain: /^snat_out$/ }, () => []);
  assert.ok(spoiledOne !== undefined);
  for (const _ of [1, 2]) assert.ok(ask(listingOf(spoiledOne)) > 0);
  assert.equal(ask(listing), 0);
  const program = programs[router];
  assert.ok(program?.kind === 'router');
  const others = { ...programs, [router]: { ...program, ports: {} } };
  assert.ok(ask(listing, others) > 0);
});
