/** What the prover's process takes for the large stamp: a desk of its own in a fresh process, loaded as `stampd` loads it, then changed rule by rule. */

import { generateKeyPairSync } from 'node:crypto';
import { ProofDesk } from '#engine/gate/proof-desk.ts';
import type { Edit, Resource, StampFacts } from '#model/resource.ts';

/** What the process is sent. */
export type MemoryOrder = {
  readonly stamp: StampFacts;
  readonly resources: readonly Resource[];
  readonly changes: readonly (readonly Edit[])[];
};

/** What it answers: resident set in bytes after loading, and after the changes. */
export type MemoryAnswer = { readonly loaded: number; readonly changed: number };

async function measured({ stamp, resources, changes }: MemoryOrder): Promise<MemoryAnswer> {
  const desk = new ProofDesk(stamp, generateKeyPairSync('ed25519').privateKey);
  await desk.load(0, resources);
  const loaded = process.memoryUsage().rss;
  for (const [index, edits] of changes.entries()) {
    const { verdict } = await desk.propose(index + 1, edits);
    if (verdict === 'proved') await desk.settle(index + 1, true);
    else throw new Error(`Change ${index} is refused.`);
  }
  return { loaded, changed: process.memoryUsage().rss };
}

if (import.meta.main) {
  process.once('message', (order) => {
    void measured(order as MemoryOrder).then((answer) => process.send?.(answer, () => process.disconnect()));
  });
}
