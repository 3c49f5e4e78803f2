/** `proofd` as the engine sees it: the Prover port over a local socket. */

import type { Prover } from '#engine/ports.ts';
import type { LinkClient } from '#adapters/link/client.ts';

/** Binds the Prover port to a link. A proof has a budget of its own; the link's limit is the last resort. */
export function proverLink(link: LinkClient): Prover {
  return {
    load: (revision, resources) => link.call('load', [revision, resources], 120_000),
    current: () => link.call('current', [], 120_000),
    propose: (revision, edits) => link.call('propose', [revision, edits]),
    plan: (edits) => link.call('plan', [edits]),
    findings: () => link.call('findings', [], 120_000),
    exposure: () => link.call('exposure', [], 120_000),
    matrix: (scope) => link.call('matrix', scope === undefined ? [] : [scope], 120_000),
    evidence: () => link.call('evidence', [], 120_000),
    prove: (id) => link.call('prove', [id], 120_000),
    settle: (revision, kept) => link.call('settle', [revision, kept]),
  };
}
