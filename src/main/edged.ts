/** `edged`: runs the engines at the edge and takes their logs, without a capability; today it has one, the resolver (decision D4.1). */

import { serve } from '#adapters/link/server.ts';
import { openResolver } from '#adapters/unbound/adapter.ts';
import type { JsonObject } from '#base/json.ts';
import { readPublicKey } from '#engine/gate/record.ts';
import { ResolverKeeper } from '#engine/keeper/resolver-keeper.ts';
import type { SignedRecord } from '#engine/ports.ts';
import { readBoot } from '#main/boot/boot.ts';
import { compactHeapWhenQuiet } from '#main/boot/heap.ts';
import { placesOf } from '#main/boot/places.ts';
import { frame } from '#main/boot/process.ts';

const { log, onStop } = frame('edged');
const boot = readBoot();
const places = placesOf(boot.settings);
const keeper = new ResolverKeeper({
  stamp: boot.settings.number,
  key: readPublicKey(boot.secret('proverPin').reveal()),
  resolver: openResolver({
    command: places.resolverCommand,
    folder: places.resolver,
    log: (says) => log.info({ engine: 'unbound' }, says),
  }),
});
onStop(() => keeper.close());

await serve({
  path: places.socket('edged', 'stampd'),
  onFault: (error) => log.warn({ err: error }, 'a call failed'),
  methods: {
    resolve: async (signed: SignedRecord, program: JsonObject, digests: { readonly [point: string]: string }) => {
      await keeper.resolve(signed, program, digests);
      compactHeapWhenQuiet();
    },
  },
});
log.info('ready');
