/** `netd`: the kernel's keeper. It applies what the prover signed, and nothing else (decisions D1, D3). */

import { constants, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { openPlane } from '#adapters/linux/adapter.ts';
import { serve } from '#adapters/link/server.ts';
import { readPublicKey } from '#engine/gate/record.ts';
import { Keeper } from '#engine/keeper/keeper.ts';
import { localPlane } from '#engine/keeper/local-plane.ts';
import type { ProbeSpec, SignedRecord } from '#engine/ports.ts';
import type { JsonObject } from '#base/json.ts';
import { programsBytesMax } from '#base/limits.ts';
import { Fault } from '#base/wrong.ts';
import type { TreeEdit } from '#base/tree.ts';
import { readBoot } from '#main/boot/boot.ts';
import { compactHeapWhenQuiet } from '#main/boot/heap.ts';
import { placesOf, uidOf } from '#main/boot/places.ts';
import { clock, frame } from '#main/boot/process.ts';

const { log, onStop } = frame('netd');
const boot = readBoot();
const { settings } = boot;
const places = placesOf(settings);
const kernel = openPlane({
  number: settings.number,
  hosts: settings.hosts,
  log: (says) => log.warn(says),
  guestOwner: uidOf('guestd', settings.number),
});
const plane = localPlane(kernel, settings.hosts);
mkdirSync(dirname(places.netdRevision), { recursive: true, mode: 0o700 });
const revisionFile = openSync(places.netdRevision, constants.O_RDWR | constants.O_CREAT, 0o600);
/** As wide as the largest safe whole number, so that no shorter number leaves digits of a longer one behind. */
const revisionWidth = 16;
const keeper = new Keeper({
  stamp: settings.number,
  plane,
  key: readPublicKey(boot.secret('proverPin').reveal()),
  clock,
  revisionSeen: { read: readRevision, write: writeRevision },
  onDrift: (drift) => log.error({ drift }, 'the kernel differs from the programs; it is repaired'),
  onPortsLost: (lost) => log.info({ lost }, 'guests ended and took the links of their ports along; they are made anew'),
  onTrouble: (point, error) => log.error({ point, err: error }, 'a point could not be read back or repaired'),
});

await plane.up();
onStop(async () => {
  await keeper.stop();
  await plane.close();
});
keeper.start();
await serve({
  path: places.socket('netd', 'stampd'),
  bytesMax: programsBytesMax,
  onFault: (error) => log.warn({ err: error }, 'a call failed'),
  methods: {
    state: () => keeper.state(),
    replace: async (signed: SignedRecord, programs: JsonObject) => {
      await keeper.replace(signed, programs);
      compactHeapWhenQuiet();
    },
    prepare: (signed: SignedRecord, edits: readonly TreeEdit[]) => keeper.prepare(signed, edits),
    apply: (signed: SignedRecord, edits: readonly TreeEdit[]) => keeper.apply(signed, edits),
    attach: (mark: number, pid: number, name: string) => plane.attach(mark, pid, name),
    probes: (wanted: readonly ProbeSpec[]) => plane.probes(wanted),
    drift: () => keeper.drift(),
    flows: () => kernel.flows(),
    spent: () => kernel.spent(),
    held: () => kernel.held(),
    canaries: (orders: unknown) => {
      // Whoever owns the asker cannot turn on what the operator turned off.
      if (settings.canaries === 'off') throw new Fault('CanariesOff', 'The settings of this stamp turn canaries off.');
      return kernel.canaries(orders);
    },
  },
});
log.info('ready');

function readRevision(): number {
  try {
    const revision = Number(readFileSync(places.netdRevision, 'utf8'));
    // A file that a crash cut short says nothing; a number that is none would let every record pass.
    return Number.isSafeInteger(revision) && revision > 0 ? revision : 0;
  } catch {
    return 0;
  }
}

/**
 * Not flushed: after a power loss the kernel is empty too, and a lower revision there harms nothing. One write over the same
 * few bytes, which no kill can cut in two: a rename in its place would wait for the disk at every write of a tenant.
 */
function writeRevision(revision: number): void {
  writeSync(revisionFile, String(revision).padEnd(revisionWidth), 0);
}
