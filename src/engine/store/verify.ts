/** Verifies a store read-only: the whole chain, every seal, the current rows against the log, the anchor, and the database's pages. */

import type { Secret } from '#base/secret.ts';
import { checkAll } from '#engine/store/check.ts';
import { wayBackOf, type Damage } from '#engine/store/damage.ts';
import { inspect } from '#engine/store/inspect.ts';
import { deriveKeys } from '#engine/store/seal.ts';

/** Whole up to its head, or damaged: where, why, the last good entry and the way back. */
export type Verification =
  | { readonly ok: true; readonly sequence: number; readonly hash: string }
  | ({ readonly ok: false } & Damage);

/** Verifies; a writer may go on meanwhile. Throws a Refusal when there is no store or the key is not its own. */
export function verifyStore({ file, key }: { readonly file: string; readonly key: Secret | Buffer }): Verification {
  const verdict = inspect({ file, keys: deriveKeys(key) }, checkAll);
  if (verdict.kind === 'whole') return { ok: true, sequence: verdict.sequence, hash: verdict.hash.toString('hex') };
  const { place, reason, sequence } = verdict;
  return { ok: false, place, reason, sequence, wayBack: wayBackOf(file, sequence) };
}
