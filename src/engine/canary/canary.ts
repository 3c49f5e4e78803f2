/** Canaries: real first packets with a mark that nobody can guess, sent to see whether the kernel does what the programs say. */

/** A place where a canary can be seen: on a NIC's link to its guest, beyond the boundary, or before the stamp's own endpoints. */
export type CanaryPlace =
  | { readonly kind: 'nic'; readonly mark: number }
  | { readonly kind: 'internet' }
  | { readonly kind: 'infra' };

/** Where a canary starts: as a guest would send it from a NIC, or as an internet host. */
export type CanaryOrigin = Exclude<CanaryPlace, { readonly kind: 'infra' }>;

/**
 * One canary that is asked of the kernel's keeper. There is no more to say: what it is made of (a TCP SYN that no listener takes,
 * canary-frame.ts), its mark and its hardware addresses are the keeper's own.
 */
export type CanaryOrder = {
  readonly origin: CanaryOrigin;
  readonly source: string;
  readonly target: string;
  readonly sourcePort: number;
  readonly targetPort: number;
  /** Where to look for it. */
  readonly watch: readonly CanaryPlace[];
};

/** A canary as it was seen. */
export type CanarySighting = {
  readonly at: CanaryPlace;
  readonly source: string;
  readonly target: string;
  readonly sourcePort: number;
  readonly targetPort: number;
};

/** `untried`: nothing entered the stamp, or a place to look at has no carrier; it tells nothing of the kernel's rules. */
export type CanaryAnswer =
  | { readonly state: 'untried'; readonly because: string }
  | { readonly state: 'sent'; readonly seen: readonly CanarySighting[] };

/** The kernel's keeper, asked to send canaries and to look where they arrive: one answer for each, in their order. */
export interface CanaryKeeper {
  canaries(orders: readonly CanaryOrder[]): Promise<readonly CanaryAnswer[]>;
}

/** The text of a place: `nic 7`, `internet`, `infra`. */
export function placeText(place: CanaryPlace): string {
  return place.kind === 'nic' ? `nic ${place.mark}` : place.kind;
}
