/** Evaluates one expression with everything that a function may ask for, for the tests of the functions. */

import { Refusal } from '#base/wrong.ts';
import { evaluateText } from '#template/evaluate.ts';
import { newBudget, newParser, type Frame } from '#template/environment.ts';
import { sampleContext } from '#template/sample.ts';
import type { Json } from '#base/json.ts';

const values: Readonly<Record<string, Json>> = {
  list: [3, 1, 2],
  words: ['one', 'two', 'three'],
  pets: [
    { name: 'Evie', age: 5 },
    { name: 'Bolt', age: 3 },
  ],
  object: { one: 1, Two: { three: [1, 2] } },
  other: { Two: { four: 4 }, five: 5 },
  nothing: null,
};

/** Evaluates `[expression]` inside two copy loops, with a few named values. */
export function run(expression: string, place: Frame['place'] = 'resources'): Json {
  const frame: Frame = {
    environment: {
      context: sampleContext(),
      budget: newBudget(),
      parse: newParser(),
      parameter: (name) => {
        const value = values[name];
        if (value === undefined) throw new Refusal('InvalidTemplate', `The template parameter '${name}' is not found.`);
        return value;
      },
      variable: (name) => values[name] ?? null,
      functions: new Map(),
      deployment: () => ({ name: 'deploy1', properties: { mode: 'Incremental' } }),
    },
    place,
    copies: [
      { name: 'outer', index: 4, kind: 'resource' },
      { name: 'inner', index: 2, kind: 'value' },
    ],
    depth: 0,
    runtime: {
      reference: (target, apiVersion, full) => ({ target, apiVersion: apiVersion ?? null, full }),
      references: (target) => [target],
      list: (call) => ({ ...call }),
    },
  };
  return evaluateText(`[${expression}]`, frame);
}
