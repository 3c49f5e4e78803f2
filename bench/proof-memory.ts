/** What the prover's process takes for the large stamp: a desk of its own in a fresh process, loaded over its link as `stampd` loads it, then changed rule by rule. */

import { fork } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LinkClient } from '#adapters/link/client.ts';
import { proverLink, proverMethods } from '#adapters/link/prover-link.ts';
import { serve } from '#adapters/link/server.ts';
import { ProofDesk } from '#engine/gate/proof-desk.ts';
import type { ProofModel } from '#bench/proof-model.ts';
import { compactHeap } from '#main/boot/heap.ts';
import { proverFlags } from '#main/boot/node-flags.ts';
import type { StampFacts } from '#model/resource.ts';

const changes = 300;

/** Resident set in bytes after loading, and after the changes. */
export type Memory = { readonly loaded: number; readonly changed: number };

/** Measures a prover of its own. The model's view stays as it was: its edits are proposed, never taken over. */
export async function memoryOf(model: ProofModel): Promise<Memory> {
  const folder = mkdtempSync(join(tmpdir(), 'rw-bench-'));
  const path = join(folder, 'prover');
  const child = fork(import.meta.filename, [path], { execArgv: [...proverFlags] });
  const link = new LinkClient('the prover', path);
  try {
    const { stamp, resources } = model.resources;
    child.send(stamp);
    await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error('It ended.'))),
    ]);
    const prover = proverLink(link);
    await prover.load(0, resources);
    const loaded = await link.call<number>('rss', []);
    for (let index = 0; index < changes; index++) {
      const { verdict } = await prover.propose(index + 1, model.edits(index, 1));
      if (verdict !== 'proved') throw new Error(`Change ${index} is refused.`);
      await prover.judged(index + 1);
      await prover.settle(index + 1, true);
    }
    return { loaded, changed: await link.call<number>('rss', []) };
  } finally {
    link.close();
    child.kill();
    rmSync(folder, { recursive: true });
  }
}

async function attend(stamp: StampFacts, path: string): Promise<void> {
  const desk = new ProofDesk(stamp, generateKeyPairSync('ed25519').privateKey);
  const methods = { ...proverMethods(desk, compactHeap), rss: () => process.memoryUsage().rss };
  await serve({ path, methods, onFault: (error) => console.error(error) });
  process.send?.('ready');
}

if (import.meta.main) process.once('message', (stamp) => void attend(stamp as StampFacts, process.argv[2] ?? ''));
