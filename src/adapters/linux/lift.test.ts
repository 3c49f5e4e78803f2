/** The lifter: what was rendered is read back to the same filter, and a single changed, missing or strange rule is seen. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { filterChain, prefixSet, prefixSetName } from '#adapters/linux/filter.ts';
import { liftFilter, type Listing } from '#adapters/linux/lift.ts';
import type { Filter, RouterProgram } from '#program/program.ts';
import { sameFilter } from '#verify/equivalence.ts';
import { labStamp, viewOf } from '#test/generate/build.ts';
import { randomFrom } from '#test/generate/random.ts';
import { randomStamp } from '#test/generate/stamp.ts';

/** The kernel declares every set that a rule names; one that the program lacks is empty. */
function setsOf(program: RouterProgram): Listing['sets'] {
  const matches = Object.values(program.filters).flatMap(({ rules }) =>
    Object.values(rules).flatMap(({ source, target }) => [source, target]),
  );
  const named = matches.flatMap((match) => (match === 'any' ? [] : match.sets));
  const sets = { ...Object.fromEntries(named.map((name) => [name, [] as readonly string[]])), ...program.sets };
  return new Map(
    Object.entries(sets).flatMap(([name, prefixes]) =>
      ([4, 6] as const).map((family) => [prefixSetName(name, family), prefixSet(prefixes, family).elements] as const),
    ),
  );
}

function verdict(program: RouterProgram, filter: Filter, rules: readonly string[]): string {
  const lifted = liftFilter({ rules, sets: setsOf(program) }, 'return');
  if (lifted.kind === 'unknown') return lifted.kind;
  return sameFilter({ filter, sets: program.sets }, { filter: lifted.filter, sets: {} }).kind;
}

function routers(seed: number): readonly RouterProgram[] {
  const programs = compileStamp(viewOf(randomStamp(seed)), labStamp, new CompileMemo());
  return Object.values(programs).filter((program) => program.kind === 'router');
}

test('every rendered filter of random stamps is read back to itself', () => {
  let count = 0;
  for (let seed = 1; seed <= 25; seed++) {
    for (const program of routers(seed)) {
      for (const [key, filter] of Object.entries(program.filters)) {
        const { rules } = filterChain(key, filter, { allow: 'return', deny: 'drop' });
        assert.equal(verdict(program, filter, rules), 'same', `seed ${seed}, ${key}`);
        count += 1;
      }
    }
  }
  assert.ok(count > 50);
});

test('a rule that is turned is seen whenever it decides anything', () => {
  let seen = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const random = randomFrom(seed);
    for (const program of routers(seed)) {
      for (const [key, filter] of Object.entries(program.filters)) {
        const { rules } = filterChain(key, filter, { allow: 'return', deny: 'drop' });
        const at = random.below(rules.length);
        const turned = rules.map((rule, index) => (index === at ? flipped(rule) : rule));
        if (verdict(program, filter, turned) === 'differs') seen += 1;
        // All of them turned: every packet is treated otherwise.
        assert.equal(verdict(program, filter, rules.map(flipped)), 'differs', `seed ${seed}, ${key}`);
      }
    }
  }
  assert.ok(seen > 0);
});

function flipped(rule: string): string {
  return / return( |$)/.test(rule) ? rule.replace(' return', ' drop') : rule.replace(' drop', ' return');
}

const [program] = routers(1) as [RouterProgram];
const unknowns: readonly string[] = [
  'ip saddr != 10.0.0.0/8 counter drop',
  'iifname "n1" counter return',
  'ct state established counter return',
  'ip saddr 10.0.0.0/8 limit rate 5/second counter return',
  'ip saddr @nobody counter return',
  'tcp flags syn counter return',
  'tcp dport http counter return',
  'ip saddr 10.0.0.0/8 ip6 daddr fd00::/8 counter return',
  'counter accept',
  'counter jump elsewhere',
  'counter',
  'meta mark 7 counter return',
  'ip saddr 10.0.0.0/8 ip saddr 10.1.0.0/16 counter return',
  'udp dport 53 tcp dport 53 counter return',
  'tcp dport 53 tcp dport 80 counter return',
  'tcp sport 1-100 tcp sport 90-200 counter return',
];

test('an expression that it was not told of is never taken for anything', () => {
  for (const rule of unknowns) {
    const lifted = liftFilter({ rules: [rule], sets: setsOf(program) }, 'return');
    assert.equal(lifted.kind, 'unknown', rule);
  }
  for (const rule of [
    'ip saddr 10.0.0.0-10.0.0.6 tcp dport { 22, 80-90 } counter packets 3 bytes 180 return comment "a \\"b\\" drop"',
    'meta l4proto 58 counter drop',
    'log prefix "x" group 7 snaplen 64 counter drop',
  ]) {
    assert.equal(liftFilter({ rules: [rule], sets: new Map() }, 'return').kind, 'filter', rule);
  }
});
