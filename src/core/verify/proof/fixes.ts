/** Changes that would be accepted: tried on the programs, judged at the very place that was broken, told only when it holds then. */

import { disallowedFixesMax } from '#base/limits.ts';
import type { Filter, Programs, RouterProgram, Rule } from '#program/program.ts';
import { nothing } from '#verify/diagrams.ts';
import type { Half } from '#verify/halves.ts';
import { kindOf } from '#verify/proof/kinds.ts';
import type { Breach, Fix } from '#verify/proof/verdict.ts';
import type { Judged } from '#verify/proof/world.ts';
import { type End, Reach } from '#verify/reach/reach.ts';

type Broken = Pick<Breach, 'invariant' | 'witness'>;
type At = { readonly end: End; readonly bad: Half };

/** A few, the smallest first. What is broken by a missing permit has none here: only its owner knows which rule should allow it. */
export function fixesFor({ invariant, witness }: Broken, at: At, world: Judged): readonly Fix[] {
  if (witness?.fate.verdict !== 'deliver' || invariant.kind === 'always') return [];
  const { store } = world.reach.parts;
  const mark = store.mark();
  try {
    const found = candidates({ invariant, witness }, world).filter(({ programs }) => {
      const kind = kindOf(invariant);
      if (kind.form !== 'sets') return false;
      const reach = new Reach(programs, world.reach.parts, world.reach);
      const left = kind.bad(invariant, at.end, { ...world, reach });
      return store.intersection(left, at.bad) === nothing;
    });
    return found.map(({ fix }) => fix).slice(0, disallowedFixesMax);
  } finally {
    store.rollback(mark);
  }
}

type Candidate = { readonly fix: Fix; readonly programs: Programs };

/** The rules that let the witness pass, each narrowed or taken away; then the public address. */
function candidates({ witness }: Broken, world: Judged): readonly Candidate[] {
  if (witness === undefined) return [];
  const { programs } = world.reach;
  const rules = witness.fate.hops.filter(({ step, point }) => step === 'filter' && point.startsWith('router/'));
  const changes = rules.flatMap(({ point, because }) => [
    narrowed(programs, { point, because }),
    removed(programs, { point, because }),
  ]);
  return [...changes, detached(programs, witness.packet.target)].flatMap((one) => one ?? []);
}

type Place = { readonly point: string; readonly because: string };

/** The source of the rule becomes the virtual network. */
function narrowed(programs: Programs, place: Place): Candidate | undefined {
  const next = withRule(programs, place, (rule) => ({ ...rule, source: { prefixes: [], sets: ['vnet'] } }));
  if (next === undefined) return undefined;
  const says = `set the source of ${nameOf(place)} to VirtualNetwork, or to the addresses that need it inside the network`;
  const change = { rule: place.because, set: { sourceAddressPrefix: 'VirtualNetwork' } };
  return { fix: { kind: 'narrowRule', says, because: place.because, change }, programs: next };
}

function removed(programs: Programs, place: Place): Candidate | undefined {
  const next = withRule(programs, place, () => undefined);
  if (next === undefined) return undefined;
  const says = `leave out ${nameOf(place)}`;
  return {
    fix: { kind: 'removeRule', says, because: place.because, change: { rule: place.because, remove: true } },
    programs: next,
  };
}

function nameOf({ because }: Place): string {
  const [, group = '', rule = because] = because.split('/');
  return `the rule ${rule} of the network security group ${group}`;
}

/** The programs with another rule (or none) wherever the reason stands in the router's filters. */
function withRule(
  programs: Programs,
  { point, because }: Place,
  change: (rule: Rule) => Rule | undefined,
): Programs | undefined {
  const router = programs[point];
  if (router?.kind !== 'router') return undefined;
  const filters = new Map<string, Filter>();
  for (const [key, filter] of Object.entries(router.filters)) {
    const rules = Object.entries(filter.rules).filter(([, rule]) => rule.because === because);
    if (rules.length === 0 || isDefault(rules)) continue;
    const changes = new Map(rules.map(([name, rule]) => [name, frozen(change(rule))]));
    filters.set(key, changed(filter, new Map([['rules', changed(filter.rules, changes)]])));
  }
  if (filters.size === 0) return undefined;
  const after: RouterProgram = changed(router, new Map([['filters', changed(router.filters, filters)]]));
  return changed(programs, new Map([[point, after]]));
}

/** The platform's own default rules cannot be changed by anybody. */
function isDefault(rules: readonly (readonly [string, Rule])[]): boolean {
  return rules.some(([key]) => Number(key.split('/')[0]) >= 65_000);
}

function frozen(rule: Rule | undefined): Rule | undefined {
  return rule === undefined ? undefined : Object.freeze(rule);
}

function changed<T extends object>(from: T, changes: ReadonlyMap<string, unknown>): T {
  return Object.freeze({
    ...Object.fromEntries(Object.entries(from).filter(([key]) => !changes.has(key))),
    ...Object.fromEntries([...changes].filter(([, value]) => value !== undefined)),
  }) as T;
}

/** The public address stands for nobody any more. */
function detached(programs: Programs, address: string): Candidate | undefined {
  const { edge } = programs;
  if (edge?.kind !== 'edge' || !Object.hasOwn(edge.publics, address)) return undefined;
  const publics = Object.fromEntries(Object.entries(edge.publics).filter(([key]) => key !== address));
  const next = changed(programs, new Map([['edge', changed(edge, new Map([['publics', publics]]))]]));
  const name = edge.publics[address]?.because.split('/')[1] ?? address;
  const says = `take the public IP address ${name} from the network interface`;
  const because = edge.publics[address]?.because;
  return {
    fix: { kind: 'detachAddress', says, ...(because === undefined ? {} : { because }), change: { detach: address } },
    programs: next,
  };
}
