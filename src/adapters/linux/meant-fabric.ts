/** Where the programs of boundary, switch, hosts and endpoints mean a packet to go, for every target at once. */

import { lastOf } from '#base/prefix.ts';
import type { Ground } from '#adapters/linux/ground.ts';
import { wireMacs } from '#adapters/linux/names.ts';
import { martians } from '#program/martian.ts';
import type { EdgeProgram, HostProgram, Program, Programs, SwitchProgram } from '#program/program.ts';

const [upper, lower] = wireMacs;
type Row = readonly [prefix: string, says: string];

/** The operator's link of a stamp, by its number (decision D5): this end is `.2`. */
const operatorLink = (stamp: number, last: number): string => `169.254.${64 + stamp}.${last}`;

/** Targets of which the fabric's programs say anything. */
export function fabricTargets(ground: Ground, program: Program, stamp: number): number {
  const { store } = ground;
  const spoken = store.not(ground.isWithin('target', martians));
  if (program.kind !== 'edge') return spoken;
  const ends = ground.isWithin('target', [operatorLink(stamp, 0), operatorLink(stamp, 3)]);
  const operators = store.and(ground.isWithin('target', program.operator), store.not(ends));
  return store.choose(operators, store.yes, spoken);
}

/** Where the fabric's packets go; undefined for a program that is none of the fabric's. */
export function meantFabric(
  ground: Ground,
  programs: Programs,
  { program, stamp }: { readonly program: Program; readonly stamp: number },
): number | undefined {
  switch (program.kind) {
    case 'edge':
      return longest(ground, edgeRows(program, stamp));
    case 'switch':
      return longest(ground, switchRows(program, programs));
    case 'host':
      return longest(ground, hostRows(program, programs));
    case 'infra':
      return longest(ground, [...program.addresses.map((one): Row => [one, 'self']), ...everything(`tor ${upper}`)]);
    case 'router':
    case 'resolver':
      return undefined;
  }
}

const everything = (says: string): readonly Row[] => [
  ['0.0.0.0/0', says],
  ['::/0', says],
];

function edgeRows({ labels, pool, operator }: EdgeProgram, stamp: number): readonly Row[] {
  const link = `${operatorLink(stamp, 0)}/30`;
  const isOfLink = (prefix: string) => prefix === link || prefix === `${operatorLink(stamp, 1)}/32`;
  return [
    ...[...labels, `10.255.${stamp}.0/24`].map((prefix): Row => [prefix, `tor ${lower}`]),
    ...pool.map((prefix): Row => [prefix, 'drop']),
    ...operator.filter((prefix) => !isOfLink(prefix)).map((prefix): Row => [prefix, `oper ${upper}`]),
    [link, 'oper to whoever answers for the target'],
    [operatorLink(stamp, 2), 'self'],
    ...everything(`net ${upper}`),
  ];
}

function switchRows({ routes }: SwitchProgram, programs: Programs): readonly Row[] {
  const hosts = Object.values(programs).flatMap((one) => (one.kind === 'host' ? [one] : []));
  return [
    ...Object.entries(routes).map(([prefix, at]): Row => [prefix, `${at.replace(/^host\//, '')} ${lower}`]),
    ...hosts.map(({ underlay, host }): Row => [underlay, `${host} ${lower}`]),
    ...everything(`edge ${upper}`),
  ];
}

/** A label whose router is not there goes back to where it came from, and the host's own rules end it. */
function hostRows({ routes, underlay }: HostProgram, programs: Programs): readonly Row[] {
  const here = Object.entries(routes).flatMap(([label, point]): Row[] =>
    programs[point]?.kind === 'router' ? [[label, `r${point.split('/')[1] ?? ''} ${lower}`]] : [],
  );
  return [...here, [underlay, 'self'], ...everything(`tor ${upper}`)];
}

function longest(ground: Ground, rows: readonly Row[]): number {
  const { store } = ground;
  const known = rows.flatMap(([text, says]) => {
    const prefix = ground.prefix(text);
    return prefix !== undefined ? [{ prefix, says }] : [];
  });
  const sorted = known.toSorted((left, right) => right.prefix.length - left.prefix.length);
  const steps = sorted.map(({ prefix, says }) =>
    store.when(ground.isBetween('target', [prefix.first, lastOf(prefix)]), store.end(says)),
  );
  return store.inOrder([...steps, store.end('drop')]);
}
