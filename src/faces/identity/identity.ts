/** What the identity provider's face stands on, and what it tells of each sign-in. */

import type { Codes } from '#engine/identity/codes.ts';
import type { Directory } from '#engine/identity/directory.ts';
import type { Proofs } from '#engine/identity/dpop.ts';
import type { TokenKeys } from '#engine/identity/token-keys.ts';

/** One sign-in, for the audit log: never with a password, secret, code or token. */
export type SignInEvent = {
  readonly flow: string;
  readonly outcome: 'signed-in' | 'refused';
  readonly because: string;
  readonly source: string;
  readonly clientId?: string | undefined;
  readonly name?: string | undefined;
  readonly oid?: string | undefined;
};

/** What the face stands on. */
export type IdentityOptions = {
  /** Scheme, host and port as clients see them: `https://adfs.local.ringwall.internal`. */
  readonly base: string;
  /** The stamp's own directory; a sign-in name selects among all of the stamp by its domain. */
  readonly directory: Directory;
  readonly keys: TokenKeys;
  /** Audiences that tokens may be asked for; the first is the default (the ARM endpoint's). */
  readonly audiences: readonly string[];
  readonly now: () => number;
  /** Whether tokens of a principal may be used only from the network that they were issued to (what its plan says). */
  readonly networkBound?: ((who: { readonly tid: string; readonly oid: string }) => boolean) | undefined;
  /** Told of every sign-in and every refusal of one. */
  readonly note: (event: SignInEvent) => void;
  /** Told of what must not happen; the caller ends the process. */
  readonly onBug: (error: unknown) => void;
};

/** The face's own state beside its options. */
export type Identity = IdentityOptions & {
  readonly issuer: string;
  readonly codes: Codes;
  readonly proofs: Proofs;
};
