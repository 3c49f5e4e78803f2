/** Every function of the template language: what it answers. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { functionNames } from '#template/functions/registry.ts';
import { run } from '#template/functions/sample.ts';
import type { Json } from '#base/json.ts';

const subscription = '/subscriptions/11111111-1111-4111-8111-111111111111';
const group = `${subscription}/resourceGroups/rg1`;
const answers: [string, unknown][] = [
  // strings
  ["base64('one, two')", 'b25lLCB0d28='],
  ["base64ToString('b25lLCB0d28=')", 'one, two'],
  ["base64ToJson('eyJhIjoxfQ==')", { a: 1 }],
  ["dataUri('Hello')", 'data:text/plain;charset=utf8;base64,SGVsbG8='],
  ["dataUriToString('data:;base64,SGVsbG8=')", 'Hello'],
  ["dataUriToString('data:,a%20b')", 'a b'],
  ["endsWith('abcdef', 'EF')", true],
  ["startsWith('abcdef', 'AB')", true],
  ["startsWith('abcdef', 'b')", false],
  [
    "format('{0}, {1}. {{n}} {2:N0}|{3,4}|{3,-4}|{4:D3}|{5:X}', 'Hi', true(), 8175133, 'x', 7, 255)",
    'Hi, True. {n} 8,175,133|   x|x   |007|FF',
  ],
  ["format('{0:F1} {0:P0} {0:G} {0:00}', json('0.25'))", '0.3 25 % 0.25 00'],
  ["length(guid('a', 'b'))", 36],
  ["equals(guid('a', 'b'), guid('a', 'b'))", true],
  ["equals(guid('a'), guid('b'))", false],
  ["length(uniqueString('a'))", 13],
  ["equals(uniqueString('a', 'bc'), uniqueString('ab', 'c'))", false],
  ["join(createArray('a', 'b', 3), '-')", 'a-b-3'],
  ["padLeft('12', 5, '0')", '00012'],
  ['padLeft(7, 3)', '  7'],
  ["replace('a.b.c', '.', '-')", 'a-b-c'],
  ["split('a,b;c', createArray(',', ';'))", ['a', 'b', 'c']],
  ["split('a,b', ',')", ['a', 'b']],
  ["string(createObject('a', 1))", '{"a":1}'],
  ['string(true())', 'True'],
  ['string(12)', '12'],
  ['string(null())', ''],
  ["substring('abcdef', 1, 3)", 'bcd'],
  ["substring('abcdef', 4)", 'ef'],
  ["toLower('AbC')", 'abc'],
  ["toUpper('AbC')", 'ABC'],
  ["trim('  a ')", 'a'],
  ["uri('http://contoso.org/a/b.json', 'c.json')", 'http://contoso.org/a/c.json'],
  ["uriComponent('a b/c(d)')", 'a%20b%2Fc%28d%29'],
  ["uriComponentToString('a%20b')", 'a b'],
  // arrays, and what works on several kinds
  ["array('a')", ['a']],
  ["array(parameters('list'))", [3, 1, 2]],
  ['createArray()', []],
  ["concat('a', 1, true(), null())", 'a1True'],
  ['concat(createArray(1), createArray(2))', [1, 2]],
  ["contains('OneTwo', 'wo')", true],
  ["contains(parameters('list'), 3)", true],
  ["contains(parameters('object'), 'ONE')", true],
  ["contains('a1', 1)", true],
  ["empty('')", true],
  ["empty(parameters('nothing'))", true],
  ["empty(parameters('object'))", false],
  ["first(parameters('words'))", 'one'],
  ["first('abc')", 'a'],
  ["first('')", ''],
  ['first(createArray())', null],
  ["last(parameters('words'))", 'three'],
  ["last('abc')", 'c'],
  ["length(parameters('object'))", 2],
  ["length('abc')", 3],
  ["skip(parameters('list'), 1)", [1, 2]],
  ["skip('abc', 9)", ''],
  ["skip('abc', -1)", 'abc'],
  ["take(parameters('list'), 2)", [3, 1]],
  ["take('abc', 2)", 'ab'],
  ['range(5, 3)', [5, 6, 7]],
  ['flatten(createArray(createArray(1), createArray(2, 3)))', [1, 2, 3]],
  ['union(createArray(1, 2), createArray(2, 3))', [1, 2, 3]],
  ["union(parameters('object'), parameters('other'))", { one: 1, Two: { three: [1, 2], four: 4 }, five: 5 }],
  ['intersection(createArray(1, 2), createArray(2, 3))', [2]],
  ["intersection(createObject('a', 1, 'b', 2), createObject('a', 1, 'b', 3))", { a: 1 }],
  ["indexOf('tEst', 'T')", 0],
  ["lastIndexOf('test', 'T')", 3],
  ["indexOf(parameters('list'), 1)", 1],
  ["lastIndexOf('abc', 'z')", -1],
  // objects
  ["createObject('a', 1, 'b', createArray())", { a: 1, b: [] }],
  ['json(\'{"a": [1, 2.5]}\')', { a: [1, 2.5] }],
  ["json('null')", null],
  ['null()', null],
  ["objectKeys(createObject('b', 1, 'A', 2))", ['A', 'b']],
  [
    "items(createObject('b', 1, 'a', 2))",
    [
      { key: 'a', value: 2 },
      { key: 'b', value: 1 },
    ],
  ],
  ["shallowMerge(createArray(createObject('a', 1, 'b', 1), createObject('b', 2)))", { a: 1, b: 2 }],
  ["parameters('object').TWO['Three'][1]", 2],
  ["tryGet(parameters('object'), 'Two', 'three', 0)", 1],
  ["tryGet(parameters('object'), 'nope', 'x')", null],
  // logic
  ["if(true(), 'a', parameters('missing'))", 'a'],
  ["if(false(), fail('no'), 'b')", 'b'],
  ["and(true(), false(), fail('not reached'))", false],
  ["or(true(), fail('not reached'))", true],
  ['and(true(), true())', true],
  ['or(false(), false())', false],
  ['not(false())', true],
  ["bool('True')", true],
  ['bool(0)', false],
  ["coalesce(null(), 'x', fail('not reached'))", 'x'],
  ['coalesce(null())', null],
  ["equals(createObject('a', 1), createObject('a', 1))", true],
  ["equals('a', 'A')", false],
  ["equals(1, '1')", false],
  ["less('a', 'b')", true],
  ['lessOrEquals(2, 2)', true],
  ['greater(3, 2)', true],
  ["greaterOrEquals('a', 'b')", false],
  // numbers
  ['add(2, 3)', 5],
  ['sub(2, 3)', -1],
  ['mul(4, 5)', 20],
  ['div(-7, 2)', -3],
  ['mod(7, 3)', 1],
  ['mod(-4, 2)', 0],
  ["int(' 42 ')", 42],
  ["int(json('4.9'))", 4],
  ["float('1.5')", 1.5],
  ["min(parameters('list'))", 1],
  ['max(4, 9, 2)', 9],
  // dates
  ["dateTimeAdd('2020-04-07T14:53:14Z', 'P3Y')", '2023-04-07T14:53:14Z'],
  ["dateTimeAdd('2020-01-31', 'P1M')", '2020-02-29T00:00:00Z'],
  ["dateTimeAdd('20200407T145314Z', '-PT1H')", '20200407T135314Z'],
  ["dateTimeAdd('2020-04-07 14:53:14Z', 'P1W2DT3S', 'yyyy-MM-dd HH:mm:ss')", '2020-04-16 14:53:17'],
  ["dateTimeAdd('2020-04-07T14:53:14+02:00', 'PT0S', 'ddd d MMM yy h:mm tt')", 'Tue 7 Apr 20 12:53 PM'],
  ["dateTimeAdd('2020-04-07T14:53:14.5Z', 'PT0S', 'o')", '2020-04-07T14:53:14.5000000Z'],
  ['dateTimeFromEpoch(1683040573)', '2023-05-02T15:16:13Z'],
  ["dateTimeToEpoch('2023-05-02T15:16:13Z')", 1683040573],
  // addresses
  ["parseCidr('10.144.0.5/20').network", '10.144.0.0'],
  ["parseCidr('10.144.0.0/20').netmask", '255.255.240.0'],
  ["parseCidr('10.144.0.0/20').lastUsable", '10.144.15.254'],
  ["parseCidr('10.0.0.1/32').firstUsable", '10.0.0.1'],
  ["parseCidr('fd00::/64').cidr", 64],
  ["cidrSubnet('10.144.0.0/20', 24, 15)", '10.144.15.0/24'],
  ["cidrHost('10.144.3.0/24', 0)", '10.144.3.1'],
  // the deployment
  ["parameters('words')[0]", 'one'],
  ["variables('words')[2]", 'three'],
  ['copyIndex()', 4],
  ['copyIndex(10)', 14],
  ["copyIndex('INNER')", 2],
  ["copyIndex('inner', 1)", 3],
  ['deployment().name', 'deploy1'],
  ['deployer().tenantId', 'tenant1'],
  ['environment().suffixes.storage', 'local.example'],
  // resources
  ["resourceId('Microsoft.Network/virtualNetworks/', 'v')", `${group}/providers/Microsoft.Network/virtualNetworks/v`],
  [
    "resourceId('Microsoft.Network/virtualNetworks/subnets', 'v', 's')",
    `${group}/providers/Microsoft.Network/virtualNetworks/v/subnets/s`,
  ],
  [
    "resourceId('rg2', 'Microsoft.Network/virtualNetworks', 'v')",
    `${subscription}/resourceGroups/rg2/providers/Microsoft.Network/virtualNetworks/v`,
  ],
  [
    "resourceId('22222222-2222-4222-8222-222222222222', 'rg2', 'Microsoft.Network/virtualNetworks', 'v')",
    '/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/rg2/providers/Microsoft.Network/virtualNetworks/v',
  ],
  [
    "subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'x')",
    `${subscription}/providers/Microsoft.Authorization/roleDefinitions/x`,
  ],
  [
    "tenantResourceId('Microsoft.Authorization/policyDefinitions', 'x')",
    '/providers/Microsoft.Authorization/policyDefinitions/x',
  ],
  [
    "managementGroupResourceId('mg', 'Microsoft.Authorization/policyDefinitions', 'x')",
    '/providers/Microsoft.Management/managementGroups/mg/providers/Microsoft.Authorization/policyDefinitions/x',
  ],
  [
    "extensionResourceId(resourceId('Microsoft.Network/virtualNetworks', 'v'), 'Microsoft.Authorization/locks', 'l')",
    `${group}/providers/Microsoft.Network/virtualNetworks/v/providers/Microsoft.Authorization/locks/l`,
  ],
  ['resourceGroup().location', 'local'],
  ['subscription().subscriptionId', '11111111-1111-4111-8111-111111111111'],
  ['tenant().tenantId', 'tenant1'],
  ["reference('x', '2020-01-01', 'Full')", { target: 'x', apiVersion: '2020-01-01', full: true }],
  ["reference('x').target", 'x'],
  ["references('x')[0]", 'x'],
  ["listKeys('x', '2020-01-01').name", 'listkeys'],
  ["listAccountSas('x', '2020-01-01', createObject('a', 1)).body.a", 1],
  ["providers('Microsoft.Network', 'virtualNetworks').apiVersions[0]", '2024-05-01'],
  ["length(providers('Microsoft.Network').resourceTypes)", 2],
  ["pickZones('Microsoft.Network', 'publicIPAddresses', 'local')", []],
  // lambdas
  ["map(parameters('list'), lambda('x', mul(lambdaVariables('x'), 2)))", [6, 2, 4]],
  [
    "map(parameters('words'), lambda('x', 'i', concat(lambdaVariables('i'), lambdaVariables('x'))))",
    ['0one', '1two', '2three'],
  ],
  ["filter(parameters('pets'), lambda('p', greater(lambdaVariables('p').age, 4)))", [{ name: 'Evie', age: 5 }]],
  ["reduce(parameters('list'), 0, lambda('t', 'x', add(lambdaVariables('t'), lambdaVariables('x'))))", 6],
  ["sort(parameters('list'), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))", [1, 2, 3]],
  [
    "toObject(parameters('pets'), lambda('p', lambdaVariables('p').name), lambda('p', lambdaVariables('p').age))",
    { Evie: 5, Bolt: 3 },
  ],
  [
    "groupBy(parameters('words'), lambda('w', string(length(lambdaVariables('w')))))",
    { 3: ['one', 'two'], 5: ['three'] },
  ],
  ["mapValues(createObject('a', 1), lambda('v', add(lambdaVariables('v'), 1)))", { a: 2 }],
];

test('each function answers as documented', () => {
  for (const [expression, answer] of answers) {
    let found: Json;
    try {
      found = run(expression);
    } catch (error) {
      throw new Error(`${expression}: ${String(error)}`, { cause: error });
    }
    assert.deepEqual(found, answer, expression);
  }
});

test('clock and dice are those of the context, and only where the default of a parameter is', () => {
  assert.equal(run('utcNow()', 'parameters'), '20260102T030405Z');
  assert.equal(run("utcNow('d')", 'parameters'), '01/02/2026');
  assert.equal(run('newGuid()', 'parameters'), '00000000-0000-4000-8000-000000000001');
  assert.throws(() => run("variables('words')", 'parameters'), /may not be used in the definition of a parameter/);
});

/** These answer only elsewhere: in defaults of parameters, inside lambdas of other rows, or never. */
const silent = new Set(['utcnow', 'newguid', 'managementgroup']);

test('each function has a row here', () => {
  const rows = answers.map(([expression]) => expression.toLowerCase());
  const missing = functionNames()
    .filter((name) => !silent.has(name))
    .filter((name) => !rows.some((row) => row.includes(`${name}(`)));
  assert.deepEqual(missing, []);
});
