/** Random balances beside those of compiled programs: on the same frontend, for all ports or for one that another has too. */

import { deepFreeze } from '#base/json.ts';
import type { Balance, Program, Programs } from '#program/program.ts';
import type { Random } from '#test/generate/random.ts';

type Balances = { readonly [key: string]: Balance };

/** The programs with another balance in each router and boundary that has any. */
export function withBalances(random: Random, programs: Programs): Programs {
  const changed = Object.entries(programs).map(([point, program]): [string, Program] => {
    if (program.kind !== 'router' && program.kind !== 'edge') return [point, program];
    return [point, { ...program, balances: more(random, program.balances) }];
  });
  return deepFreeze(Object.fromEntries(changed) as Programs);
}

function more(random: Random, balances: Balances): Balances {
  const keys = Object.keys(balances);
  if (keys.length === 0) return balances;
  const one = balances[random.pick(keys)];
  if (one === undefined) return balances;
  const other: Balance = random.chance(0.5)
    ? { ...one, protocol: 'any', port: 0, targetPort: 0 }
    : { ...one, protocol: random.pick(['tcp', 'any']), targetPort: random.pick([22, 443, 8080]) };
  // Before or behind the others: keys are tried in order.
  return { ...balances, [random.pick(['!first', '~last'])]: { ...other, because: 'balance/other' } };
}
