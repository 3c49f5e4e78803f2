/** The words of a packet's walk through the programs: where it is, what one step answers, and how steps leave their reasons. */

import { isIn, filterVerdict, type Header } from '#program/filter.ts';
import type { Delivered, Hop } from '#program/packet.ts';
import type { Filter, Program, Programs, RouterProgram } from '#program/program.ts';

/**
 * Where a packet is. `sent`: the packet as its own router sent it, when it comes back from the boundary. `via` is the address on this VNet (or the NVA's) that the router must find a NIC
 * for.
 */
export type Place =
  | { readonly kind: 'guest'; readonly point: string; readonly mark: number }
  | { readonly kind: 'entry'; readonly point: string; readonly from: string; readonly via: string }
  | { readonly kind: 'arrival'; readonly point: string; readonly mark: number }
  | { readonly kind: 'probe'; readonly point: string }
  | { readonly kind: 'uplink' }
  | { readonly kind: 'boundary'; readonly from: 'internet' | 'operator' }
  | { readonly kind: 'label'; readonly sent?: Header }
  | { readonly kind: 'infra' };

/** A packet at a place. */
export type Position = { readonly place: Place; readonly packet: Header };

/** What one step answers: where the packet goes on (several places when a balance chooses; `drops`: why some of its targets end), or its end. */
export type Step =
  | { readonly kind: 'on'; readonly to: readonly Position[]; readonly drops?: readonly string[] }
  | { readonly kind: 'deliver'; readonly delivered: Delivered }
  | { readonly kind: 'drop'; readonly because: string };

/** The programs and the hops so far. */
export type Walk = { readonly programs: Programs; readonly hops: Hop[] };

/** A member that the object has itself: names come from outside, `constructor` is nobody's port. */
export function own<T>(record: { readonly [key: string]: T }, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** The program of a point, if it is of the wanted kind. */
export function programAt<K extends Program['kind']>(
  walk: Walk,
  point: string,
  kind: K,
): Extract<Program, { kind: K }> | undefined {
  const program = own(walk.programs, point);
  return program?.kind === kind ? (program as Extract<Program, { kind: K }>) : undefined;
}

/** The name of a router's point. */
export function routerPoint(key: string, host: string): string {
  return `router/${key}/${host}`;
}

/** The name of a router program's own point. */
export function pointOf(router: RouterProgram): string {
  return routerPoint(router.key, router.host);
}

/** Notes the reason as a hop and ends the walk there. */
export function drop(walk: Walk, hop: Hop): Step {
  walk.hops.push(hop);
  return { kind: 'drop', because: hop.because };
}

/** Notes the reason as a hop and ends the walk with a delivery. */
export function deliver(walk: Walk, hop: Hop, delivered: Delivered): Step {
  walk.hops.push(hop);
  return { kind: 'deliver', delivered };
}

/** Goes on at one place. */
export function goOn(place: Place, packet: Header): Step {
  return { kind: 'on', to: [{ place, packet }] };
}

/** Judges a packet by a filter without sets (switch, infrastructure); undefined when it passes. */
export function judge(
  walk: Walk,
  { point, filter }: { point: string; filter: Filter },
  packet: Header,
): Step | undefined {
  const { verdict, because } = filterVerdict(filter, {}, packet);
  const says = because === 'no rule matched' ? `${point}: no rule matched` : because;
  if (verdict === 'deny') return drop(walk, { point, step: 'filter', because: says });
  walk.hops.push({ point, step: 'filter', because: says });
  return undefined;
}

/** Judges a packet by the switch; undefined when it passes. */
export function passSwitch(walk: Walk, packet: Header): Step | undefined {
  const program = programAt(walk, 'switch', 'switch');
  if (program === undefined) return drop(walk, { point: 'switch', step: 'filter', because: 'switch: no program' });
  return judge(walk, { point: 'switch', filter: program.filter }, packet);
}

/** Where the switch sends a target: the longest of its routes. */
export function switched(walk: Walk, target: string): string | undefined {
  const routes = programAt(walk, 'switch', 'switch')?.routes ?? {};
  const exact = own(routes, `${target}/${target.includes(':') ? 128 : 32}`);
  if (exact !== undefined) return exact;
  let best: { length: number; at: string } | undefined;
  for (const [prefix, at] of Object.entries(routes)) {
    const length = Number(prefix.split('/')[1] ?? 128);
    if (isIn([prefix], target) && length > (best?.length ?? -1)) best = { length, at };
  }
  return best?.at;
}
