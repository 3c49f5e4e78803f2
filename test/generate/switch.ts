/** Random denials in a compiled switch: without them no packet shows that it is a layer of its own. */

import { deepFreeze } from '#base/json.ts';
import type { Programs, Rule } from '#program/program.ts';
import type { Random } from '#test/generate/random.ts';

/** The programs with one denial that goes before all rules of the switch, about one of its prefixes. */
export function withDenial(random: Random, programs: Programs): Programs {
  const program = programs['switch'];
  if (program?.kind !== 'switch') return programs;
  const prefixes = Object.keys(program.routes);
  const some = prefixes.length === 0 ? 'any' : ({ prefixes: [random.pick(prefixes)], sets: [] } as const);
  const isSource = random.chance(0.5);
  const rule: Rule = {
    access: 'deny',
    protocol: random.pick(['any', 'tcp', 'udp', 'icmp']),
    source: isSource ? some : 'any',
    target: isSource ? 'any' : some,
    sourcePorts: [],
    targetPorts: [],
    because: 'switch/denial',
  };
  const filter = { ...program.filter, rules: { ...program.filter.rules, '0000/denial': rule } };
  return deepFreeze({ ...programs, switch: { ...program, filter } });
}
