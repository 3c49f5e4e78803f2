/** Random just-in-time openings in compiled programs: of real addresses and of foreign ones, nested and alone. */

import { deepFreeze } from '#base/json.ts';
import type { Opening, Programs, RouterProgram } from '#program/program.ts';
import type { Random } from '#test/generate/random.ts';

const sources = {
  4: ['203.0.113.0/24', '203.0.113.9/32', '203.0.113.8/30', '198.51.100.0/24', '10.0.0.0/24', '10.1.0.4/32'],
  6: ['2001:db8:ffff::/64', '2001:db8:ffff::9/128', 'fd00::/64'],
} as const;
const ports = [22, 53, 80, 443, 3389];

/** The programs with openings in about half of the routers, until the given time (ms since 1970). */
export function withOpenings(random: Random, programs: Programs, until: number): Programs {
  const changed = Object.entries(programs).map(([point, program]) =>
    program.kind === 'router' && random.chance(0.5)
      ? [point, { ...program, openings: openingsFor(random, program, until) }]
      : [point, program],
  );
  return deepFreeze(Object.fromEntries(changed) as Programs);
}

function openingsFor(random: Random, router: RouterProgram, until: number): { readonly [key: string]: Opening } {
  const ends = Object.values(router.ports).flatMap(({ mark, addresses }) =>
    Object.keys(addresses).map((address) => ({ mark, address })),
  );
  if (ends.length === 0) return {};
  const list = Array.from({ length: 4 }, (_, index): [string, Opening] => {
    const end = random.pick(ends);
    // Now and then a NIC that does not have the address: this opens nothing.
    const mark = random.chance(0.1) ? random.pick(ends).mark : end.mark;
    const protocol = random.chance(0.7) ? 'tcp' : 'udp';
    const source = random.pick(sources[end.address.includes(':') ? 6 : 4]);
    const key = `o${index}`;
    return [
      key,
      { mark, address: end.address, protocol, port: random.pick(ports), source, until, because: `jit/${key}` },
    ];
  });
  return Object.fromEntries(list);
}
