/** `proofd`: compiles and proves on its own copy of the model, and signs what `netd` may do; no network, no store (decision D1). */

import { programsBytesMax } from '#base/limits.ts';
import { proverMethods } from '#adapters/link/prover-link.ts';
import { serve } from '#adapters/link/server.ts';
import { ProofDesk } from '#engine/gate/proof-desk.ts';
import { readPrivateKey } from '#engine/gate/record.ts';
import { demandsOf } from '#engine/proof/invariants.ts';
import { readBoot } from '#main/boot/boot.ts';
import { compactHeap } from '#main/boot/heap.ts';
import { openBundle } from '#main/boot/operator-bundle.ts';
import { placesOf } from '#main/boot/places.ts';
import { frame } from '#main/boot/process.ts';
import { stampFacts } from '#main/boot/settings.ts';

const { log } = frame('proofd');
const boot = readBoot();
const facts = stampFacts(boot.settings, { tenantId: boot.tenantId, enforcing: true });
const bundle = openBundle(boot);
const demands = demandsOf(bundle.signed.demands);
const desk = new ProofDesk(facts, readPrivateKey(boot.secret('prover').reveal()), demands);

await serve({
  path: placesOf(boot.settings).socket('proofd', 'stampd'),
  bytesMax: programsBytesMax,
  onFault: (error) => log.warn({ err: error }, 'a call failed'),
  methods: proverMethods(desk, compactHeap),
});
// Root alone enters this folder: what comes here must carry the operator's signature all the same.
await serve({
  path: placesOf(boot.settings).socket('proofd', 'operator'),
  onFault: (error) => log.warn({ err: error }, 'a call of the operator failed'),
  methods: {
    policy: async (text: string) => {
      bundle.take(text);
      log.info({ version: bundle.signed.version }, "the operator's policies are others now");
      return { version: bundle.signed.version, findings: await desk.reprove() };
    },
  },
});
log.info('ready');
