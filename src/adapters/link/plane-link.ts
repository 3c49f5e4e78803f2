/** `netd` as the engine sees it: the PlaneLink port over a local socket. */

import type { PlaneLink } from '#engine/ports.ts';
import type { LinkClient } from '#adapters/link/client.ts';

/** Binds the PlaneLink port to a link. */
export function planeLink(link: LinkClient): PlaneLink {
  return {
    state: () => link.call('state', []),
    replace: (signed, programs) => link.call('replace', [signed, programs], 120_000),
    prepare: (signed, edits) => link.call('prepare', [signed, edits]),
    apply: (signed, edits) => link.call('apply', [signed, edits]),
    attach: (mark, pid, name) => link.call('attach', [mark, pid, name]),
    probes: (wanted) => link.call('probes', [wanted]),
    drift: () => link.call('drift', []),
  };
}
