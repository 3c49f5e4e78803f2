/** What becomes possible or impossible, as far as somebody may read the names in it (decision D2.8). */

import type { JsonObject } from '#base/json.ts';
import type { MayRead } from '#engine/proof/refusal.ts';
import type { Blast, Reaching, Side } from '#verify/proof/verdict.ts';

/** Resources that the reader may not see are told as `hidden`, with how many NICs they stand for. */
export function shownBlast({ gained, lost, more }: Blast, mayRead: MayRead): JsonObject {
  const side = ({ name, nics }: Side): JsonObject => ({
    name: name.startsWith('/') && !mayRead(name) ? 'hidden' : name,
    nics,
  });
  const row = ({ from, to, services }: Reaching): JsonObject => ({
    from: side(from),
    to: side(to),
    services: [...services],
  });
  return { gained: gained.map(row), lost: lost.map(row), more: { ...more } };
}

/** One row as a line: `internet -> web-nic : tcp/22`. */
export function reachingLine({ from, to, services }: Reaching, mayRead: MayRead): string {
  const side = ({ name, nics }: Side): string => {
    const isHidden = name.startsWith('/') && !mayRead(name);
    const short = isHidden ? 'hidden' : name.slice(name.lastIndexOf('/') + 1);
    return nics > 1 ? `${short} (${nics} NICs)` : short;
  };
  return `${side(from)} -> ${side(to)} : ${services.join(' ')}`;
}
