/** The refusal of a write that breaks an invariant: Azure's code and envelope, the packet that shows it, and what would be accepted. */

import { disallowedBreachesMax, disallowedFixesMax } from '#base/limits.ts';
import { type AdditionalInfo, type Detail, Refusal } from '#base/wrong.ts';
import type { ToldBreach, ToldFix, ToldHop } from '#engine/proof/told.ts';

/** May the asker read the resource? */
export type MayRead = (id: string) => boolean;

/**
 * A write was judged and refused. As it stands it tells what everybody may know: the packet and the invariant's own words. Whoever answers a caller
 * asks for `toldTo` first (decision D2.8).
 */
export class Disallowed extends Refusal {
  readonly breaches: readonly ToldBreach[];

  /** `untold`: how many more there are. */
  constructor(breaches: readonly ToldBreach[], untold: number) {
    super('RequestDisallowedByPolicy', messageOf(breaches, untold), { status: 403, ...told(breaches, () => false) });
    this.breaches = breaches;
  }

  /** The refusal with every hop and fix that the caller may read. */
  toldTo(mayRead: MayRead): Refusal {
    const { code, message, status } = this;
    return new Refusal(code, message, { status, ...told(this.breaches, mayRead) });
  }
}

/** One line: clients that drop `details[]` of failed operations must still see the packet. */
function messageOf(breaches: readonly ToldBreach[], untold: number): string {
  const [first] = breaches;
  const others = breaches.length - 1 + untold;
  const more = others > 0 ? ` (and ${others} more)` : '';
  const way = first?.fixes[0]?.says;
  const accepted = way === undefined ? '' : ` Accepted would be: ${withoutNames(first?.fixes ?? [])}`;
  return `The write was disallowed by policy: ${first?.says ?? 'an invariant is broken'}${more}.${accepted}`;
}

/** What the first fix of each kind would do, in words that name no resource. */
function withoutNames(fixes: readonly ToldFix[]): string {
  const kinds = [...new Set(fixes.map(({ kind }) => kind))];
  return `${kinds.map((kind) => fixWords[kind]).join('; or ')}.`;
}

const fixWords: { readonly [kind in ToldFix['kind']]: string } = {
  narrowRule: 'a narrower source in the rule that allows it',
  removeRule: 'the same without the rule that allows it',
  addRule: 'a rule before it that denies this',
  detachAddress: 'the same without the public address',
  route: 'a route through the declared firewall',
};

function told(
  breaches: readonly ToldBreach[],
  mayRead: MayRead,
): { readonly details: readonly Detail[]; readonly additionalInfo: readonly AdditionalInfo[] } {
  const some = breaches.slice(0, disallowedBreachesMax).map((breach) => shown(breach, mayRead));
  return {
    details: some.map(detailOf),
    additionalInfo: some.flatMap(infoOf),
  };
}

/** The breach with what the asker may not read taken out: a hop of somebody else keeps its layer and verdict. */
function shown(breach: ToldBreach, mayRead: MayRead): ToldBreach {
  const { resource, ...rest } = breach;
  const isOwn = resource !== undefined && mayRead(resource);
  const fixes = breach.fixes.filter((fix) => fix.resource === undefined || mayRead(fix.resource));
  const from = breach.witness?.from;
  const isSenderTold = from === undefined || !from.startsWith('/') || mayRead(from);
  return {
    ...rest,
    ...(isOwn ? { resource } : {}),
    ...(breach.witness === undefined
      ? {}
      : { witness: isSenderTold ? breach.witness : { ...breach.witness, from: 'nic' } }),
    path: breach.path.map((hop) => shownHop(hop, mayRead)),
    fixes: fixes.slice(0, disallowedFixesMax),
  };
}

function shownHop(hop: ToldHop, mayRead: MayRead): ToldHop {
  const { layer, verdict, resource } = hop;
  return resource !== undefined && mayRead(resource) ? hop : { layer, verdict };
}

function detailOf({ says, resource, path, fixes, invariant }: ToldBreach): Detail {
  const steps = path.map(hopLine);
  const nested: Detail[] = [
    ...steps.map((message, index) => ({ code: `Hop${index + 1}`, message })),
    ...fixes.map((fix) => ({ code: 'WouldBeAccepted', message: fix.says, ...targetOf(fix.resource) })),
  ];
  return {
    code: 'RequestDisallowedByPolicy',
    message: `${says}. Invariant: ${invariant.title} (${invariant.id}). Path: ${steps.join(' > ') || 'none'}. ${acceptedLine(fixes)}`,
    ...targetOf(resource),
    ...(nested.length === 0 ? {} : { details: nested }),
  };
}

function hopLine({ layer, verdict, resource, rule }: ToldHop): string {
  const name = resource === undefined ? '' : ` ${resource.slice(resource.lastIndexOf('/') + 1)}`;
  return `${layer}${name}${rule === undefined ? '' : `/${rule}`}: ${verdict}`;
}

function acceptedLine(fixes: readonly ToldFix[]): string {
  return fixes.length === 0
    ? 'No small change was found that would be accepted.'
    : `Would be accepted: ${fixes.map(({ says }) => says).join('; or: ')}.`;
}

function targetOf(resource: string | undefined): { readonly target?: string } {
  return resource === undefined ? {} : { target: resource };
}

/** Azure's own type for what a policy forbids, and ours for the packet that shows it. */
function infoOf({ invariant, effect, says, witness, path, fixes }: ToldBreach): readonly AdditionalInfo[] {
  const violation: AdditionalInfo = {
    type: 'PolicyViolation',
    info: {
      policyAssignmentId: invariant.id,
      policyAssignmentDisplayName: invariant.title,
      policyDefinitionEffect: effect,
      policyDefinitionName: invariant.kind,
      evaluationDetails: { reason: says },
    },
  };
  const reach: AdditionalInfo = {
    type: 'ReachabilityWitness',
    info: { invariant: invariant.id, ...(witness === undefined ? {} : { witness }), path, fixes },
  };
  return [violation, reach];
}
