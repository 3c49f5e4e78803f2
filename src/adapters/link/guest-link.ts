/** `guestd` as the engine sees it: the GuestDriver port over a local socket. */

import type { GuestDriver } from '#engine/guest-port.ts';
import type { LinkClient } from '#adapters/link/client.ts';

/** Making an image on demand (debootstrap) takes minutes on a slow mirror. */
const startTimeoutMs = 15 * 60_000;
const readyTimeoutMs = 120_000;

/** Binds the GuestDriver port to a link. */
export function guestLink(link: LinkClient): GuestDriver {
  return {
    start: (spec) => link.call('start', [spec], startTimeoutMs),
    ready: (key) => link.call('ready', [key], readyTimeoutMs),
    stop: (key, options) => link.call('stop', [key, options ?? {}], readyTimeoutMs),
    restart: (spec) => link.call('restart', [spec], startTimeoutMs),
    remove: (key) => link.call('remove', [key], readyTimeoutMs),
    list: () => link.call('list', []),
    console: (key, options) => link.call('console', [key, options ?? {}]),
    exec: (key, argv, options) => link.call('exec', [key, argv, options ?? {}], options?.timeoutMs ?? readyTimeoutMs),
    runExtension: (key, extension) => link.call('runExtension', [key, extension], startTimeoutMs),
    probe: () => link.call('probe', []),
    close: () => {
      link.close();
      return Promise.resolve();
    },
  };
}
