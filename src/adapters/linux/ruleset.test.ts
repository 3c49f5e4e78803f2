/** Shows that a difference, applied, gives what was wanted, touches nothing else, and that narrowing only takes away. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type ActualRuleset,
  type ActualTable,
  difference,
  isRulesOnly,
  type NftOperation,
  printOperations,
  type Ruleset,
} from '#adapters/linux/ruleset.ts';
import { narrowed } from '#adapters/linux/waves.ts';

const never = () => false;

function actualOf(texts: readonly string[]): ActualRuleset {
  return new Map([
    [
      'inet',
      {
        sets: new Map(),
        chains: new Map([
          ['f_x', { hook: undefined, rules: texts.map((text, index) => ({ text, handle: index + 1 })) }],
        ]),
      },
    ],
  ]);
}

function wantedOf(texts: readonly string[]): Ruleset {
  return new Map([['inet', { sets: new Map(), chains: new Map([['f_x', { hook: undefined, rules: texts }]]) }]]);
}

/** A kernel of one chain: what the operations make of it. */
function play(texts: readonly string[], operations: readonly NftOperation[]): string[] {
  let rules = texts.map((text, index) => ({ text, handle: index + 1 }));
  let next = 1000;
  for (const operation of operations) {
    if (operation.kind === 'delete') rules = rules.filter(({ handle }) => handle !== operation.handle);
    else if (operation.kind === 'insert') {
      const at =
        operation.before === undefined ? rules.length : rules.findIndex(({ handle }) => handle === operation.before);
      rules.splice(at, 0, { text: operation.text, handle: next++ });
    }
  }
  return rules.map(({ text }) => text);
}

const chain = fc.array(fc.constantFrom('a return', 'b drop', 'c return', 'd drop', 'e return', 'f drop'), {
  maxLength: 8,
});

test('any chain becomes any other, by handles alone', () => {
  fc.assert(
    fc.property(chain, chain, (before, after) => {
      const { operations } = difference(actualOf(before), wantedOf(after), never);
      assert.ok(isRulesOnly(operations));
      assert.deepEqual(play(before, operations), after);
    }),
  );
});

test('what is equal needs no operation; one new rule needs one', () => {
  assert.deepEqual(difference(actualOf(['a', 'b', 'c']), wantedOf(['a', 'b', 'c']), never).operations, []);
  const { operations } = difference(actualOf(['a', 'c']), wantedOf(['a', 'b', 'c']), never);
  assert.equal(printOperations(operations, 0), 'insert rule inet rw f_x handle 2 b\n');
});

test('the first wave allows nothing that the old or the new denies', () => {
  // In the order of their keys, which are part of a rule's text; a rule speaks of the packets named by its digits, the first
  // that does decides, none denies.
  const all = [
    'a 1 return',
    'b 2 drop',
    'c 12 return',
    'd 1 drop',
    'e 12 drop',
    'f 1 return',
    'g 2 return',
    'h 12 drop',
    'i 12 return',
  ];
  const unique = fc.subarray(all);
  const allows = (rules: readonly string[], packet: string) =>
    rules.find((rule) => rule.split(' ')[1]?.includes(packet))?.endsWith('return') ?? false;
  fc.assert(
    fc.property(unique, unique, (before, after) => {
      const between =
        narrowed({ actual: actualOf(before), applied: new Map() }, wantedOf(after))
          .get('inet')
          ?.chains.get('f_x')?.rules ?? [];
      for (const packet of ['1', '2']) {
        if (allows(between, packet))
          assert.ok(allows(before, packet) && allows(after, packet), `${before} → ${between} → ${after}: ${packet}`);
      }
    }),
    { numRuns: 2000 },
  );
});

test('sets change by element, interval sets as a whole; objects come before and go after what refers to them', () => {
  const set = (elements: string[], spec = ['type ipv4_addr']) => ({
    kind: 'set' as const,
    spec,
    elements: new Set(elements),
  });
  const actual: ActualRuleset = new Map([
    [
      'inet',
      {
        sets: new Map([
          ['s', set(['a', 'b'])],
          ['i', set(['x'], ['type ipv4_addr', 'flags interval'])],
          ['old', set([])],
        ]),
        chains: new Map([['gone', { hook: undefined, rules: [] }]]),
      },
    ],
  ]);
  const wanted: Ruleset = new Map([
    [
      'inet',
      {
        sets: new Map([
          ['s', set(['b', 'c'])],
          ['i', set(['x', 'y'], ['type ipv4_addr', 'flags interval'])],
        ]),
        chains: new Map([['new', { hook: undefined, rules: ['r'] }]]),
      },
    ],
  ]);
  const lines = printOperations(difference(actual, wanted, never).operations, 0)
    .trim()
    .split('\n');
  assert.deepEqual(lines, [
    'add chain inet rw new',
    'delete element inet rw s { a }',
    'flush set inet rw i',
    'flush chain inet rw gone',
    'add element inet rw i { x, y }',
    'add element inet rw s { c }',
    'add rule inet rw new r',
    'delete set inet rw old',
    'delete chain inet rw gone',
  ]);
});

const timed = (ends: { readonly [element: string]: number }) => ({
  kind: 'set' as const,
  spec: ['type ipv4_addr', 'flags interval,timeout'],
  elements: new Set(Object.keys(ends)),
  ends: new Map(Object.entries(ends)),
});
const tableOf = (set: ReturnType<typeof timed>): Ruleset & ActualRuleset =>
  new Map([['inet', { sets: new Map([['t', set]]), chains: new Map() }]]);

// What the set has, what it shall have, and the commands at the time 1000.
const timedRows: [{ [element: string]: number }, { [element: string]: number }, string][] = [
  [{ a: 5000 }, { a: 5000 }, ''],
  [{}, { a: 5000 }, 'add element inet rw t { a timeout 4000ms }\n'],
  [{ a: 5000 }, { a: 6000 }, 'flush set inet rw t\nadd element inet rw t { a timeout 5000ms }\n'],
  [{ a: 5000 }, {}, 'flush set inet rw t\n\n'],
  [{ a: 900, b: 5000 }, { a: 900, c: 1500 }, 'flush set inet rw t\nadd element inet rw t { c timeout 500ms }\n'],
  [{}, { a: 1000 }, '\n'],
  [{}, { a: 1e12 }, 'add element inet rw t { a timeout 10800000ms }\n'],
];

test('elements with an end go out with the time that is left, never longer than allowed, never after it', () => {
  for (const [before, after, wanted] of timedRows) {
    const { operations } = difference(tableOf(timed(before)), tableOf(timed(after)), never);
    assert.equal(printOperations(operations, 1000), wanted, JSON.stringify([before, after]));
  }
});

test('what cannot be changed in place is made anew in one transaction', () => {
  const spec = ['type ipv4_addr'];
  const hook = 'type filter hook forward priority filter; policy drop;';
  const wanted: Ruleset = new Map([
    [
      'inet',
      {
        sets: new Map([['own', { kind: 'set', spec, elements: new Set(['10.0.0.4']) }]]),
        chains: new Map([['f', { hook, rules: ['accept'] }]]),
      },
    ],
  ]);
  const table: ActualTable = {
    sets: new Map([['own', { kind: 'set', spec: ['type ipv4_addr'], elements: new Set(['10.0.0.4']) }]]),
    chains: new Map([['f', { hook, rules: [{ text: 'accept', handle: 3 }] }]]),
  };
  const made = (change: Partial<ActualTable>) =>
    printOperations(difference(new Map([['inet', { ...table, ...change }]]), wanted, () => false).operations, 0)
      .trimEnd()
      .split('\n');
  const chain = (text: string): Partial<ActualTable> => ({
    chains: new Map([['f', { hook: text, rules: [{ text: 'accept', handle: 3 }] }]]),
  });
  const anew = ['delete table inet rw', 'add table inet rw'];
  assert.deepEqual(made({}), ['']);
  assert.deepEqual(made(chain(hook.replace('drop', 'accept'))), [`add chain inet rw f { ${hook} }`]);
  assert.deepEqual(made(chain(hook.replace('filter;', 'raw;'))).slice(0, 2), anew);
  assert.deepEqual(made({ strange: ['flags dormant'] }).slice(0, 2), anew);
  assert.deepEqual(made({ sets: new Map([['own', { kind: 'map', spec, elements: new Set() }]]) }).slice(0, 2), anew);
});
