/** Every function of the template language: what it refuses, in words that say what it wants. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Refusal } from '#base/wrong.ts';
import { run } from '#template/functions/sample.ts';

const refusals: [string, RegExp][] = [
  ["nope('x')", /no such function/],
  ["contoso.nope('x')", /not defined in the template's 'functions'/],
  ["parameters('missing')", /not found/],
  ["concat(createArray(1), 'a')", /argument 2 must be an array; a value of type 'String'/],
  ["concat('a', createObject())", /argument 2 must be a string/],
  ['toLower(5)', /argument 1 must be a string; a value of type 'Integer'/],
  ["toLower('a', 'b')", /it takes 1 argument\(s\); 2 given/],
  ["substring('abc', 2, 5)", /within the string of 3 characters/],
  ["substring('abc', 4)", /outside of the string/],
  ["base64ToString('***')", /base64/],
  ["base64ToJson('e30')", /base64/],
  ["dataUriToString('x')", /a data URI/],
  ["json('{')", /not valid JSON/],
  ['json(\'{"__proto__": 1}\')', /not valid JSON/],
  ["createObject('__proto__', 1)", /__proto__/],
  ["createObject('a')", /in pairs/],
  ['createObject(1, 2)', /argument 1 must be a string/],
  ['range(0, 10001)', /from 0 to 10000/],
  ['range(0, -1)', /from 0 to 10000/],
  ['first(5)', /an array or a string/],
  ['length(5)', /an array, an object or a string/],
  ['flatten(createArray(1))', /an array of arrays/],
  ['union(createObject(), createArray())', /argument 2 must be an object/],
  ['contains(5, 5)', /an array, an object or a string/],
  ["split('a', '')", /not empty/],
  ["replace('a', '', 'b')", /not empty/],
  ["padLeft('a', 3, 'xy')", /one character/],
  ["padLeft('a', 99999999)", /out of range/],
  ["uri('nope', 'x')", /absolute URI/],
  ["uriComponentToString('%zz')", /URI encoded/],
  ["format('{1}', 'a')", /only 1 value/],
  ["format('{', 'a')", /brace/],
  ["format('{0:Q}', 1)", /not known/],
  ["if('yes', 1, 2)", /argument 1 must be a boolean/],
  ["and('x')", /argument 1 must be a boolean/],
  ["not('x')", /a boolean/],
  ["bool('maybe')", /'true' and 'false'/],
  ["less(1, 'a')", /two numbers or two strings/],
  ["int('4.5')", /an integer or a string that holds one/],
  ["int('99999999999999999999')", /out of the range/],
  ["float('x')", /a number/],
  ['add(9007199254740991, 1)', /out of the range/],
  ['div(1, 0)', /must not be zero/],
  ['mod(1, 0)', /must not be zero/],
  ['min(createArray())', /integers/],
  ["max('a')", /integers/],
  ["dateTimeAdd('yesterday', 'P1D')", /ISO 8601/],
  ["dateTimeAdd('2021-02-30', 'P1D')", /a date that exists/],
  ["dateTimeAdd('2021-02-03', '3 days')", /a duration/],
  ["dateTimeAdd('2021-02-03', 'P999999Y')", /years 1 to 9999/],
  ["dateTimeAdd('2021-02-03', 'P1D', 'q')", /not known/],
  ['utcNow()', /default value of a parameter/],
  ['newGuid()', /default value of a parameter/],
  ["fail('on purpose')", /on purpose/],
  ["copyIndex('nope')", /not inside a copy loop named 'nope'/],
  ['copyIndex(1, 2)', /the name of a copy loop/],
  ["resourceId('x', 'y')", /a resource type such as/],
  ["resourceId('Microsoft.Network/virtualNetworks/subnets', 'v')", /requires 2 resource name/],
  ["resourceId('Microsoft.Network/virtualNetworks', '')", /not empty/],
  ["managementGroupResourceId('Microsoft.X/y', 'z')", /management group/],
  ['managementGroup()', /management group/],
  ["providers('Microsoft.Nope', 'things')", /not known here/],
  ["reference('x', '2020-01-01', 'Some')", /'Full'/],
  ["listKeys('x')", /2 to 3 argument/],
  ["cidrSubnet('10.0.0.0/20', 16, 0)", /a prefix length from 20/],
  ["cidrSubnet('10.0.0.0/20', 24, 16)", /larger than the number of subnets/],
  ["cidrHost('10.0.0.0/30', 3)", /larger than the number of hosts/],
  ["parseCidr('10.0.0.0')", /an address prefix/],
  ["lambda('x', 1)", /only an argument/],
  ["length(lambda('x', 1))", /a lambda is not accepted/],
  ["map(parameters('list'), 5)", /a lambda/],
  ["map(parameters('list'), lambda('a', 'b', 'c', 1))", /1 to 2 parameter/],
  ["filter(parameters('list'), lambda('x', 1))", /must answer a boolean/],
  ["toObject(parameters('list'), lambda('x', 1))", /must answer a string/],
  ["lambdaVariables('x')", /no lambda around it/],
  ["parameters('object').nope", /doesn't exist, available properties are 'one, Two'/],
  ["parameters('list')[9]", /out of bounds of 3/],
  ["parameters('list')[-1]", /out of bounds/],
  ["parameters('list').length", /cannot be read from a value of type 'Array'/],
  ["parameters('nothing').x", /type 'Null'/],
  ["parameters('object').constructor", /doesn't exist/],
  ["tryGet('text', 'x')", /has no member of that kind/],
  ['uniqueString()', /at least 1 argument/],
];

test('each function refuses what it cannot use, and says what it wants', () => {
  for (const [expression, message] of refusals) {
    assert.throws(
      () => run(expression),
      (error) => {
        assert.ok(error instanceof Refusal, `${expression}: ${String(error)}`);
        assert.match(error.message, message, expression);
        return true;
      },
      expression,
    );
  }
});

test('large values and deep values are refused before they are made', () => {
  const bomb =
    "reduce(range(0, 40), 'xxxxxxxxxx', lambda('t', 'i', concat(lambdaVariables('t'), lambdaVariables('t'))))";
  assert.throws(() => run(bomb), /too large together|more than 4194304 characters/);
  const arrays =
    "reduce(range(0, 40), 'xxxxxxxxxx', lambda('t', 'i', createArray(lambdaVariables('t'), lambdaVariables('t'))))";
  assert.throws(() => run(arrays), /too large together|more than 4194304 characters/);
  const deep = "reduce(range(0, 9999), 'x', lambda('t', 'i', createArray(lambdaVariables('t'))))";
  assert.throws(() => run(deep), /nested deeper/);
  const wide = "map(range(0, 9999), lambda('i', map(range(0, 9999), lambda('j', add(lambdaVariables('j'), 1)))))";
  assert.throws(() => run(wide), /takes more than 2000000 steps/);
});
