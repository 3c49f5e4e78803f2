/** Graph's face on the directories of a stamp: tokens of its own audience alone, and what is written through it stands in the audit. */

import { appendAudit } from '#engine/audit/audit.ts';
import type { Directory } from '#engine/identity/directory.ts';
import type { Principal } from '#engine/identity/verify-token.ts';
import type { Store } from '#engine/store/store.ts';
import type { RefusedToken } from '#engine/identity/presented.ts';
import { graphFace } from '#faces/graph/face.ts';
import { clock, dice } from '#main/boot/process.ts';

type GraphParts = {
  readonly directory: Directory;
  readonly store: Store;
  /** The endpoint as clients see it. */
  readonly base: string;
  /** Told of tokens that are refused. */
  readonly note: (event: RefusedToken) => void;
  readonly onBug: (error: unknown) => void;
};

/** Makes the request handler. */
export function graphHandler(
  { directory, store, base, note, onBug }: GraphParts,
  verify: (token: string) => Promise<Principal>,
): ReturnType<typeof graphFace> {
  const now = (): number => clock.now();
  return graphFace({
    base,
    verify,
    directoryOf: (tid) => directory.directories.all.get(tid),
    now,
    newGuid: () => dice.guid(),
    noteRefused: note,
    note: ({ caller, source, operation, resource, outcome, says }) => {
      const { oid, upn = caller.displayName, tid: tenant } = caller;
      const who = { oid, upn, tenant };
      const entry = { at: now(), who, from: source, operation, resource, outcome, says, correlationId: dice.guid() };
      appendAudit(store, '', entry).catch(onBug);
    },
    onBug,
  });
}
