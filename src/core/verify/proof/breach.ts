/** Tells a breach: the packet found and replayed by the oracle, in one line, with changes that would be accepted. */

import { assert } from '#base/wrong.ts';
import { evaluate } from '#program/eval.ts';
import type { Fate, Packet } from '#program/packet.ts';
import type { Half } from '#verify/halves.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';
import { fixesFor } from '#verify/proof/fixes.ts';
import type { Row, Shown } from '#verify/proof/kind.ts';
import { kindOf } from '#verify/proof/kinds.ts';
import type { Breach, Subject, Witness } from '#verify/proof/verdict.ts';
import type { Judged } from '#verify/proof/world.ts';
import type { End } from '#verify/reach/reach.ts';

/** What broke: packets of a set at an address, or a row. */
export type Finding = { readonly end?: End; readonly bad?: Half; readonly row?: Row };

type Tell = { readonly invariant: Invariant; readonly finding: Finding; readonly isBare?: boolean };

/** The breach of a finding; a witness that the oracle treats otherwise than the sets say is our mistake, and nothing is answered. */
function told({ invariant, finding, isBare = false }: Tell, world: Judged): Breach {
  const { end, bad, row } = finding;
  if (row !== undefined) {
    const subject: Subject =
      row.mark !== undefined
        ? { kind: 'nic', mark: row.mark }
        : row.point === undefined
          ? { kind: 'stamp' }
          : { kind: 'point', point: row.point };
    const witness = row.shown === undefined ? undefined : witnessOf(row.shown, world);
    return { invariant, subject, says: row.says, fixes: [], ...(witness === undefined ? {} : { witness }) };
  }
  assert(end !== undefined && bad !== undefined, 'A finding names neither a row nor a set.');
  const kind = kindOf(invariant);
  assert(kind.form === 'sets', `${invariant.kind} is not proved by sets.`);
  const shown = kind.show({ invariant, end, bad }, world);
  assert(shown !== undefined, `No packet shows that ${invariant.id} is broken at ${end.mark} ${end.address}.`);
  const witness = witnessOf(shown, world);
  const breach = {
    invariant,
    subject: { kind: 'nic', mark: end.mark },
    says: line(witness, invariant),
    witness,
  } as const;
  return { ...breach, fixes: isBare ? [] : fixesFor(breach, { end, bad }, world) };
}

/** How many findings are told: of each invariant, and altogether; `isBare`: without what would be accepted, which costs most. */
export type Telling = { readonly each: number; readonly all: number; readonly isBare?: boolean };

/** What is told, and how many findings are not. */
export type Told = { readonly breaches: readonly Breach[]; readonly more: number };

export type Broken = { readonly invariant: Invariant; readonly findings: readonly Finding[] };

/** Tells the first findings of each invariant, in their order, and counts the others: each costs a search for what would be accepted. */
export function toldFirst(broken: readonly Broken[], world: Judged, { each, all, isBare = false }: Telling): Told {
  const breaches: Breach[] = [];
  let more = 0;
  for (const { invariant, findings } of broken) {
    const some = findings.slice(0, Math.min(each, all - breaches.length));
    more += findings.length - some.length;
    for (const finding of some) breaches.push(told({ invariant, finding, isBare }, world));
  }
  return { breaches, more };
}

function witnessOf({ packet, relays, ends }: Shown, { reach }: Judged): Witness {
  const fate = evaluate(reach.programs, packet);
  const isSo = endsAs(fate, ends);
  assert(
    isSo,
    `The oracle treats ${JSON.stringify(packet)} otherwise: ${fate.verdict}, wanted ${JSON.stringify(ends)}.`,
  );
  return { packet, fate, relays };
}

function endsAs(fate: Fate, ends: Shown['ends']): boolean {
  if (fate.verdict === 'drop') return ends.kind === 'drop' || ends.kind === 'elsewhere';
  if (ends.kind === 'elsewhere') return !fate.to.some(({ at }) => at.kind === 'nic' && at.mark === ends.mark);
  if (ends.kind === 'nic') return fate.to.some(({ at }) => at.kind === 'nic' && at.mark === ends.mark);
  return fate.to.some(({ at }) => at.kind === ends.kind);
}

/** `tcp 203.0.113.9:50000 -> 198.18.0.40:22 (delivered to 10.0.0.4:22) breaks "…"`. */
function line({ packet, fate }: Witness, { kind, title }: Invariant): string {
  const hasPorts = packet.protocol === 'tcp' || packet.protocol === 'udp';
  const at = (address: string, port: number): string => {
    if (!hasPorts) return address;
    return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  };
  const flow = `${packet.protocol} ${at(packet.source, packet.sourcePort)} -> ${at(packet.target, packet.targetPort)}`;
  const isAstray = kind === 'always' && fate.verdict !== 'drop';
  return `${flow} (${isAstray ? 'delivered to another' : endingOf(fate, at, packet)}) breaks "${title}"`;
}

function endingOf(fate: Fate, at: (address: string, port: number) => string, { target, targetPort }: Packet): string {
  if (fate.verdict === 'drop') return 'dropped';
  const [first] = fate.to;
  if (first === undefined || first.at.kind === 'internet') return 'it leaves the stamp';
  const { packet } = first;
  const isSame = packet.target === target && packet.targetPort === targetPort;
  return isSame ? 'delivered' : `delivered to ${at(packet.target, packet.targetPort)}`;
}
