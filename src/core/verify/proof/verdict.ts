/** What a proof answers: what a change newly breaks, with a packet that shows it and the smallest changes that would be accepted. */

import type { JsonObject } from '#base/json.ts';
import type { Fate, Packet } from '#program/packet.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';

/**
 * A packet that breaks the invariant, replayed through the oracle (`evaluate`) from where it starts to its end. `relays`: the ways
 * before the last one, when it came through an appliance. The oracle's word is part of the proof: a packet that it treats otherwise is a Bug.
 */
export type Witness = { readonly packet: Packet; readonly fate: Fate; readonly relays: readonly Packet[] };

/** Where it is broken: at a NIC (its mark), a network's router, the stamp's infrastructure, or the stamp as a whole. */
export type Subject =
  | { readonly kind: 'nic'; readonly mark: number }
  | { readonly kind: 'point'; readonly point: string }
  | { readonly kind: 'stamp' };

/** One broken invariant. `says`: one line that names the packet, as everybody may read it (no names of resources). */
export type Breach = {
  readonly invariant: Invariant;
  readonly subject: Subject;
  readonly says: string;
  /** Absent where no packet shows it (a count that is over, a row that must not be there). */
  readonly witness?: Witness;
  /** What was there already, when the change only made it worse; not part of the judgement. */
  readonly fixes: readonly Fix[];
};

/** A change that would be accepted: tried on the programs and proved before it is told. */
export type Fix = {
  readonly kind: 'narrowRule' | 'removeRule' | 'addRule' | 'detachAddress' | 'route';
  readonly says: string;
  /** `nsg/<name>/<rule>` or the like, as in the programs' reasons. */
  readonly because?: string;
  readonly change?: JsonObject;
};

/** What became possible or impossible: who -> what : service, with how many NICs stand behind each. */
export type Blast = {
  readonly gained: readonly Reaching[];
  readonly lost: readonly Reaching[];
  /** How many more there are than are told. */
  readonly more: { readonly gained: number; readonly lost: number };
};

/** `from` and `to` are `internet`, `operator`, `infra`, or an ARM id (a NIC, a subnet, a network); `nics`: how many NICs that is. */
export type Reaching = {
  readonly from: Side;
  readonly to: Side;
  /** `tcp/22`, `udp/53-54`, `icmp`, `all`: what newly passes, merged, the first few. */
  readonly services: readonly string[];
};
export type Side = { readonly name: string; readonly nics: number };

/**
 * What a change does to the invariants (decision D2.1). `refused`: newly broken `deny`s; `noted`: newly broken `audit`s and those `deny`s that act as
 * such because they were new or standing; `mended`: how many violations are gone.
 */
export type Judgement = {
  readonly refused: readonly Breach[];
  readonly noted: readonly Breach[];
  /** How many more there are of each than are told. */
  readonly more: { readonly refused: number; readonly noted: number };
  readonly mended: number;
  /** Operations counted, the same for the same history everywhere. */
  readonly counters: { readonly [name: string]: number };
};
