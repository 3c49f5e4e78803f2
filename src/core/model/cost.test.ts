/** What a write asks of the set of resources does not grow with the set: counted calls, not times. */

import { equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { typeOfId } from '#model/arm-id.ts';
import { nounOf } from '#model/nouns.ts';
import type { Draft } from '#model/resource.ts';
import { makeWorld, net, nicBody, withVnet, type World } from '#model/test-world.ts';

/** How many calls of the draft one PUT makes. */
function callsOf(world: World, id: string, body: JsonObject): number {
  let calls = 0;
  const counted = new Proxy<Draft>(world.draft, {
    get(target, name) {
      const held: unknown = Reflect.get(target, name, target);
      if (typeof held !== 'function') return held;
      calls += 1;
      return held.bind(target) as unknown;
    },
  });
  nounOf(typeOfId(id) ?? '')?.write({ id, body }, counted, world.context);
  return calls;
}

const nsg = net('networkSecurityGroups/big');
const rule = (priority: number): JsonObject => ({
  protocol: 'Tcp',
  sourceAddressPrefix: '*',
  sourcePortRange: '*',
  destinationAddressPrefix: '*',
  destinationPortRange: '80',
  access: 'Allow',
  priority,
  direction: 'Inbound',
});

test('one rule costs the same calls in a group of 10 as in one of 999', () => {
  const [few, many] = [10, 999].map((count) => {
    const world = makeWorld();
    const securityRules = Array.from({ length: count }, (_, index) => ({
      name: `r${index}`,
      properties: rule(100 + index),
    }));
    world.put(nsg, { properties: { securityRules } });
    return callsOf(world.settled(), `${nsg}/securityRules/new`, { properties: rule(4000) });
  });
  equal(few, many);
  ok((many ?? 0) <= 12, String(many));
});

test('one NIC costs the same calls among 5 as among 300', () => {
  const subnet = { subnet: { id: net('virtualNetworks/v1/subnets/wide') } };
  const [few, many] = [5, 300].map((count) => {
    const world = withVnet(makeWorld());
    world.put(net('virtualNetworks/v1/subnets/wide'), { properties: { addressPrefix: '10.0.64.0/18' } });
    for (let index = 0; index < count; index += 1) world.put(net(`networkInterfaces/n${index}`), nicBody(subnet));
    return callsOf(world.settled(), net('networkInterfaces/new'), nicBody(subnet));
  });
  equal(few, many);
  ok((many ?? 0) <= 20, String(many));
});
