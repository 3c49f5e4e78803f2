/** `guestd`: runs the guests and their images; it reaches neither the model nor the keys nor another stamp's guests. */

import { sandboxDriver } from '#adapters/guest/sandbox.ts';
import { serve } from '#adapters/link/server.ts';
import type { GuestExecOptions, GuestExtension, GuestSpec } from '#engine/guest-port.ts';
import { readBoot } from '#main/boot/boot.ts';
import { guestUidRange, placesOf } from '#main/boot/places.ts';
import { frame } from '#main/boot/process.ts';

const { log, onStop } = frame('guestd');
const boot = readBoot();
const places = placesOf(boot.settings);
const driver = sandboxDriver({
  state: places.guests,
  number: boot.settings.number,
  uids: guestUidRange(boot.settings.number),
  log: (says: string) => log.info(says),
});
for (const finding of await driver.probe()) log.warn({ finding }, 'this host cannot enforce all of a guest');
onStop(() => driver.close());

await serve({
  path: places.socket('guestd', 'stampd'),
  onFault: (error) => log.warn({ err: error }, 'a call failed'),
  methods: {
    start: (spec: GuestSpec) => driver.start(spec),
    ready: (key: string) => driver.ready(key),
    stop: (key: string, options: { force?: boolean }) => driver.stop(key, options),
    restart: (spec: GuestSpec) => driver.restart(spec),
    remove: (key: string) => driver.remove(key),
    list: () => driver.list(),
    console: (key: string, options: { tail?: number }) => driver.console(key, options),
    exec: (key: string, argv: readonly string[], options: GuestExecOptions) => driver.exec(key, argv, options),
    runExtension: (key: string, extension: GuestExtension) => driver.runExtension(key, extension),
    probe: () => driver.probe(),
  },
});
log.info('ready');
