/** All nouns together: the table, junk bodies, and the bodies of Azure's own examples. */

import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { childId, formatId, idKey, sameId, splitAction, tryId, typeOfId } from '#model/arm-id.ts';
import { nouns } from '#model/nouns.ts';
import { group, makeWorld, net, refusalOf } from '#model/test-world.ts';
import { furnished, idOf } from '#model/test-furniture.ts';
import { canonicalType, typeNames } from '#model/types.ts';

test('every noun is in the table of types, in the same casing', () => {
  for (const [key, { type }] of nouns) {
    equal(key, type.toLowerCase());
    equal(canonicalType(key), type);
    ok(typeNames.includes(type), type);
  }
});

// Each row: an id as clients write it, and in canonical form (undefined: none).
const ids: [string, string | undefined][] = [
  [
    '/SUBSCRIPTIONS/s/resourcegroups/Rg/providers/microsoft.network/VIRTUALNETWORKS/V',
    '/subscriptions/s/resourceGroups/Rg/providers/Microsoft.Network/virtualNetworks/V',
  ],
  [
    '//subscriptions/s//resourceGroups/g/providers/Microsoft.Network/publicIpAddresses/p/',
    '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/publicIPAddresses/p',
  ],
  [
    '/subscriptions/s/providers/Microsoft.Authorization/locks/l',
    '/subscriptions/s/providers/Microsoft.Authorization/locks/l',
  ],
  [
    '/subscriptions/s/resourceGroups/g/providers/microsoft.network/virtualnetworks/v/providers/microsoft.authorization/locks/l',
    '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/providers/Microsoft.Authorization/locks/l',
  ],
  ['/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks', undefined],
  ['/subscriptions/s/resourceGroups/g', undefined],
  ['/nonsense/s/providers/a/b/c', undefined],
  ['', undefined],
];

test('ids are read without regard to case and slashes, and printed in canonical casing', () => {
  for (const [text, expected] of ids) {
    const id = tryId(text);
    equal(id && formatId(id), expected, text);
  }
  equal(typeOfId(`${net('virtualNetworks/v')}/subnets/a`), 'Microsoft.Network/virtualNetworks/subnets');
  ok(sameId(net('x/Y'), net('X/y')) && !sameId(net('x/y'), net('x/z')) && !sameId(undefined, undefined));
  equal(idKey('/A'), '/a');
  equal(childId('/a', 'b', 'c'), '/a/b/c');
  deepEqual(splitAction(`${net('virtualNetworks/v')}/usages`), { id: net('virtualNetworks/v'), action: 'usages' });
  equal(splitAction(net('virtualNetworks/v')), undefined);
});

// Words that bodies of ours contain, so that junk gets past the first look.
const words = [
  'properties',
  'name',
  'id',
  'subnets',
  'addressSpace',
  'addressPrefixes',
  'addressPrefix',
  'ipConfigurations',
  'subnet',
  'publicIPAddress',
  'securityRules',
  'priority',
  'protocol',
  'direction',
  'access',
  'sourcePortRange',
  'destinationPortRange',
  'sourceAddressPrefix',
  'destinationAddressPrefix',
  'routes',
  'nextHopType',
  'sku',
  'frontendIPConfigurations',
  'loadBalancingRules',
  'backendAddressPools',
  'probes',
  'osProfile',
  'storageProfile',
  'imageReference',
  'networkProfile',
  'networkInterfaces',
  'dataDisks',
  'osDisk',
  'tags',
  'zones',
  'dnsSettings',
  'remoteVirtualNetwork',
  '__proto__',
  'constructor',
  'inboundNatRules',
  'outboundRules',
  'level',
  'settings',
  'creationData',
  'linuxConfiguration',
  'ssh',
  'publicKeys',
  'privateIPAddressVersion',
];
const leaves: Json[] = [
  null,
  true,
  0,
  -1,
  1e300,
  0.5,
  '',
  'a',
  'one',
  '10.0.0.0/24',
  '10.0.0.0/16',
  '10.0.0.4',
  '::/0',
  '*',
  'Tcp',
  'Allow',
  'Inbound',
  100,
  'Standard',
  net('virtualNetworks/v1'),
  net('virtualNetworks/v1/subnets/a'),
  net('publicIPAddresses/p1'),
  net('networkInterfaces/n1'),
  net('networkSecurityGroups/x1'),
  '\u0000',
  '__proto__',
  'x'.repeat(3000),
  'IPv6',
  'Static',
];

test('whatever the body, a write succeeds or ends in a Refusal, and what it made can be shown, written back and removed', () => {
  const base = furnished();
  const json = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true },
      fc.constantFrom(...leaves),
      fc.array(tie('value'), { maxLength: 3 }),
      fc
        .array(fc.tuple(fc.constantFrom(...words), tie('value')), { maxLength: 5 })
        .map((pairs) => Object.fromEntries(pairs)),
    ),
  })).value;
  // A provider as a whole has actions only.
  const types = [...nouns.values()].map(({ type }) => type).filter((type) => type.includes('/'));
  fc.assert(
    fc.property(fc.constantFrom(...types), json, json, (type, properties, body) => {
      const world = makeWorld({}, base.view);
      const whole: JsonObject = { ...(isObject(body) ? body : {}), properties };
      const refused = refusalOf(() => world.put(idOf(type), whole));
      if (refused !== undefined) {
        ok(refused.status >= 400 && refused.status < 500 && refused.message.length < 2000, refused.message);
        return;
      }
      const shown = world.show(idOf(type));
      ok(JSON.stringify(shown).length > 0);
      equal(refusalOf(() => world.put(idOf(type), shown))?.message, undefined);
      refusalOf(() => world.remove(idOf(type)));
    }),
    { numRuns: 400 },
  );
});

/** The body with one place replaced; `undefined` removes it. Places are counted through the whole body. */
function mutate(value: Json, place: { left: number }, by: Json | undefined): Json | undefined {
  place.left -= 1;
  if (place.left === 0) return by;
  if (Array.isArray(value)) return value.flatMap((item) => mutate(item, place, by) ?? []);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, held]) => [name, held === undefined ? held : mutate(held, place, by)]),
  );
}

test('what is shown can be written back for every type, and with up to three places changed it is accepted or refused, no more', () => {
  const base = furnished();
  // Roles and policies have tests of their own: their names are GUIDs and their scopes reach above a group. Subscriptions and
  // their tag names do not lie in a group at all; what the operator writes has its own test too (plans/nouns.test.ts).
  const types = [...nouns.values()]
    .map(({ type }) => type)
    .filter(
      (type) =>
        !/authorization\/(role|policy)|resources\/subscriptions|microsoft\.subscriptions\/|\.admin\b/i.test(type),
    );
  const bodies = new Map(types.map((type) => [type, makeWorld({}, base.view).show(idOf(type))]));
  for (const [type, body] of bodies)
    equal(refusalOf(() => makeWorld({}, base.view).put(idOf(type), body))?.message, undefined, type);
  const change = fc.tuple(
    fc.integer({ min: 2, max: 60 }),
    fc.option(fc.constantFrom(...leaves, [], {}, [{}], [[]]), { nil: undefined }),
  );
  const seen = { ok: 0, refused: 0 };
  fc.assert(
    fc.property(
      fc.constantFrom(...types),
      fc.array(change, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      (type, changes, isNew) => {
        const world = makeWorld({}, base.view);
        const start: Json = bodies.get(type) ?? {};
        const body = changes.reduce<Json>((held, [place, by]) => mutate(held, { left: place }, by) ?? {}, start);
        const id = isNew && type !== 'Microsoft.Resources/resourceGroups' ? `${idOf(type)}n` : idOf(type);
        const refused = refusalOf(() => world.put(id, isObject(body) ? body : {}));
        seen[refused === undefined ? 'ok' : 'refused'] += 1;
        ok(
          refused === undefined || (refused.status >= 400 && refused.status < 500 && refused.message.length < 3000),
          refused?.message,
        );
        if (refused !== undefined) return;
        ok(JSON.stringify(world.show(id)).length > 0);
        for (const other of world.draft.referrersOf(id)) ok(JSON.stringify(world.show(other.id)).length > 0);
        refusalOf(() => world.remove(id));
      },
    ),
    { numRuns: 2000 },
  );
  ok(seen.ok > 200 && seen.refused > 200, JSON.stringify(seen));
});

test('everything can be removed with its group, in one go', () => {
  const world = furnished();
  world.remove(group);
  deepEqual(
    [...world.draft.under('/')].map(({ id }) => id),
    [],
  );
});
