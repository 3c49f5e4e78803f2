/** Parameters: types, bounds, defaults, and secure ones that never show. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Refusal } from '#base/wrong.ts';
import type { Json } from '#base/json.ts';
import { plan, sampleResolver } from '#template/sample.ts';

const refused: [Json, Json | undefined, RegExp][] = [
  [{ type: 'string' }, undefined, /'p' is not provided, and it has no default/],
  [{ type: 'string' }, 5, /the type 'String' is wanted, a value of type 'Integer'/],
  [{ type: 'int' }, '5', /the type 'Int' is wanted/],
  [{ type: 'int' }, 1.5, /the type 'Int' is wanted/],
  [{ type: 'bool' }, 'true', /the type 'Bool' is wanted/],
  [{ type: 'array' }, {}, /the type 'Array' is wanted/],
  [{ type: 'object' }, [], /the type 'Object' is wanted/],
  [{ type: 'string', allowedValues: ['a', 'b'] }, 'c', /not one of the allowed values 'a, b'/],
  [{ type: 'array', allowedValues: ['a', 'b'] }, ['a', 'c'], /not one of the allowed values/],
  [{ type: 'int', minValue: 3 }, 2, /at least 3/],
  [{ type: 'int', maxValue: 3 }, 4, /at most 3/],
  [{ type: 'string', minLength: 3 }, 'ab', /length .* is 2; at least 3/],
  [{ type: 'array', maxLength: 1 }, [1, 2], /at most 1/],
  [{ type: 'number' }, 1, /must have one of the types/],
  ['string', 'x', /must be an object/],
  [{ type: 'string', defaultValue: "[variables('x')]" }, undefined, /may not be used in the definition of a parameter/],
  [{ type: 'string', defaultValue: "[parameters('p')]" }, undefined, /depends on itself/],
  [{ $ref: '#/definitions/nope' }, 'x', /not defined/],
];

test('a value that does not fit its definition is refused', () => {
  for (const [definition, value, message] of refused) {
    const given: Json = value === undefined ? {} : { p: { value } };
    assert.throws(
      () => plan({ parameters: { p: definition } }, given),
      (error) => error instanceof Refusal && message.test(error.message),
      JSON.stringify(definition),
    );
  }
  assert.throws(() => plan({}, { q: { value: 1 } }), /'q' is not valid; it is not present in the template/);
  assert.throws(() => plan({ parameters: { p: { type: 'string' } } }, { p: 'bare' }), /\{"value": …\}/);
  assert.throws(
    () => plan({ parameters: { p: { type: 'string' } } }, { p: { reference: { keyVault: {} } } }),
    /key vault/,
  );
  const many = Object.fromEntries(
    Array.from({ length: 257 }, (_, index) => [`p${index}`, { type: 'int', defaultValue: 1 }]),
  );
  assert.throws(() => plan({ parameters: many }), /at most 256/);
});

test("a value that fits is shown with the type in ARM's spelling; names have no case", () => {
  const made = plan(
    {
      definitions: { size: { type: 'string', allowedValues: ['s', 'm'] } },
      parameters: {
        text: { type: 'String', defaultValue: "[concat(parameters('NUMBER'), 'x')]" },
        number: { type: 'INT', minValue: 1 },
        list: { type: 'array', allowedValues: ['a', 'b'] },
        when: { type: 'string', defaultValue: '[utcNow()]' },
        size: { $ref: '#/definitions/size' },
      },
    },
    { Number: { value: 5 }, list: { value: ['b'] }, text: { value: null }, size: { value: 'm' } },
  );
  assert.deepEqual(made.parameters, {
    text: { type: 'String', value: '5x' },
    number: { type: 'Int', value: 5 },
    list: { type: 'Array', value: ['b'] },
    when: { type: 'String', value: '20260102T030405Z' },
    size: { type: 'String', value: 'm' },
  });
});

test('a secure value is in no list, no message and no preview, but in the body', () => {
  const secret = 'hunter2-hunter2';
  const sections: { readonly [name: string]: Json } = {
    parameters: {
      password: { type: 'securestring' },
      bag: { type: 'secureObject', defaultValue: { inner: ['deep-secret'] } },
      copy: { type: 'string', defaultValue: "[concat('is ', parameters('password'))]" },
    },
    resources: [
      {
        type: 'Microsoft.Compute/virtualMachines',
        apiVersion: '1',
        name: 'vm',
        properties: {
          password: "[parameters('password')]",
          text: "[concat(parameters('password'), '/', parameters('bag').inner[0])]",
        },
      },
    ],
  };
  const given: Json = { password: { value: secret } };
  const made = plan(sections, given);
  assert.deepEqual(made.parameters, {
    password: { type: 'SecureString' },
    bag: { type: 'SecureObject' },
    copy: { type: 'String', value: 'is ***' },
  });
  assert.deepEqual(made.resources[0]?.body(sampleResolver())['properties'], {
    password: secret,
    text: `${secret}/deep-secret`,
  });
  assert.deepEqual(made.resources[0].preview()['properties'], { password: '***', text: '***/***' });
  const leaks = [
    "[resourceId(parameters('password'), 'Microsoft.X/y/z', 'a')]",
    "[fail(parameters('password'))]",
    "[variables(parameters('password'))]",
    "[reference(parameters('password')).x]",
  ];
  for (const value of leaks) {
    assert.throws(
      () => plan({ ...sections, outputs: { o: { type: 'string', value } } }, given),
      (error) => {
        assert.ok(error instanceof Refusal, value);
        assert.ok(!JSON.stringify([error.message, error.target, error.details]).includes(secret), value);
        return true;
      },
    );
  }
});
