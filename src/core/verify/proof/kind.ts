/** What each kind of invariant answers: whom it judges, what breaks it there, and a packet that shows it. */

import type { Packet } from '#program/packet.ts';
import type { Half } from '#verify/halves.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';
import type { Changed } from '#verify/proof/changed.ts';
import type { Judged } from '#verify/proof/world.ts';
import type { End } from '#verify/reach/reach.ts';

/** A way of a packet that breaks an invariant: how it starts, the ways before when it came through appliances, and where it must end. */
export type Shown = {
  readonly packet: Packet;
  readonly relays: readonly Packet[];
  /** The oracle must deliver it to this NIC, to the internet, to the infrastructure, drop it, or (`elsewhere`) not deliver it to this NIC. */
  readonly ends:
    | { readonly kind: 'nic' | 'elsewhere'; readonly mark: number }
    | { readonly kind: 'internet' | 'infra' | 'drop' };
};

/**
 * A kind that is proved by sets, address by address. `bad`: the packets that break the invariant there; empty when it holds. The sets of one
 * address before and after a change are compared: what is in the one after alone is newly broken.
 */
export type SetKind<I extends Invariant> = {
  readonly form: 'sets';
  /** Addresses to judge: all, or those that a change can concern. */
  ends(invariant: I, world: Judged, changed: Changed | undefined): readonly End[];
  bad(invariant: I, end: End, world: Judged): Half;
  show(at: { readonly invariant: I; readonly end: End; readonly bad: Half }, world: Judged): Shown | undefined;
};

/** A row that must not be there, or is missing: a fact of the programs that needs no set. */
export type Row = {
  readonly key: string;
  readonly says: string;
  readonly mark?: number;
  readonly point?: string;
  readonly shown?: Shown;
};

/** A kind that is proved by rows. What does not change with the points of `changed` must not be looked at again: rows are kept by part. */
export type RowKind<I extends Invariant> = {
  readonly form: 'rows';
  rows(invariant: I, world: Judged): readonly Row[];
};

export type Kind<I extends Invariant> = SetKind<I> | RowKind<I>;
