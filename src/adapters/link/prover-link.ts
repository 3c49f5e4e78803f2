/** `proofd` as the engine sees it: both ends of the Prover port over a local socket. */

import { Fault } from '#base/wrong.ts';
import type { ProofDesk } from '#engine/gate/proof-desk.ts';
import type { Prover } from '#engine/ports.ts';
import type { Edit, Resource } from '#model/resource.ts';
import type { LinkClient } from '#adapters/link/client.ts';
import type { Methods } from '#adapters/link/server.ts';

/** Binds the Prover port to a link. A proof has a budget of its own; the link's limit is the last resort. */
export function proverLink(link: LinkClient): Prover {
  return {
    load: async (revision, resources) => {
      const parts = await sendParts(link, resources);
      return await link.call('load', [revision, parts], 120_000);
    },
    current: () => link.call('current', [], 120_000),
    propose: (revision, edits) => link.call('propose', [revision, edits]),
    judged: (revision) => link.call('judged', [revision]),
    plan: (edits) => link.call('plan', [edits]),
    findings: () => link.call('findings', [], 120_000),
    exposure: () => link.call('exposure', [], 120_000),
    matrix: (scope) => link.call('matrix', scope === undefined ? [] : [scope], 120_000),
    compliance: (scope) => link.call('compliance', [scope], 120_000),
    evidence: () => link.call('evidence', [], 120_000),
    prove: (id) => link.call('prove', [id], 120_000),
    settle: (revision, kept) => link.call('settle', [revision, kept]),
  };
}

/** The other end: what a prover's desk answers on its link. `onLoaded` is called when a model was taken in, before that is answered. */
export function proverMethods(desk: ProofDesk, onLoaded?: () => void): Methods {
  return {
    part: (index: number, resources: readonly Resource[]) => desk.part(index, resources),
    load: async (revision: number, parts: number) => {
      const { record, signature } = await desk.loadParts(revision, parts);
      onLoaded?.();
      return { record, signature };
    },
    current: () => desk.current(),
    propose: (revision: number, edits: readonly Edit[]) => desk.propose(revision, edits),
    judged: (revision: number) => desk.judged(revision),
    findings: () => desk.findings(),
    exposure: () => desk.exposure(),
    matrix: (scope?: string) => desk.matrix(scope),
    compliance: (scope: string) => desk.compliance(scope),
    evidence: () => desk.evidence(),
    prove: (id: string) => desk.prove(id),
    plan: (edits: readonly Edit[]) => desk.plan(edits),
    settle: (revision: number, kept: boolean) => desk.settle(revision, kept),
  };
}

/** So many resources go in one message, and fewer when they are large. */
const partMax = 1000;

/** A model is larger than a message may be: it goes in parts, numbered from 0. Answers how many. */
async function sendParts(link: LinkClient, resources: readonly Resource[]): Promise<number> {
  let count = 0;
  const send = async (part: readonly Resource[]): Promise<void> => {
    try {
      await link.call('part', [count, part]);
      count += 1;
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'FrameTooLarge' || part.length <= 1) throw error;
      await send(part.slice(0, part.length >> 1));
      await send(part.slice(part.length >> 1));
    }
  };
  for (let at = 0; at < resources.length; at += partMax) await send(resources.slice(at, at + partMax));
  return count;
}
