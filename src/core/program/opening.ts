/** Just-in-time openings: which of them lets a packet past the inbound filters of a port (decision D3.6). */

import { type Header, isIn } from '#program/filter.ts';
import type { Opening, Port, RouterProgram } from '#program/program.ts';

/** The openings of one address of a port, by key. One that names an address that the port does not have opens nothing. */
export function openingsAt(router: RouterProgram, port: Port, address: string): readonly Opening[] {
  const { openings } = router;
  if (openings === undefined || !Object.hasOwn(port.addresses, address)) return [];
  return Object.keys(openings)
    .sort()
    .flatMap((key) => openings[key] ?? [])
    .filter((opening) => opening.mark === port.mark && opening.address === address);
}

/** The first opening, by key, that lets the packet past the inbound filters of the port. */
export function openingFor(router: RouterProgram, port: Port, packet: Header): Opening | undefined {
  return openingsAt(router, port, packet.target).find(
    ({ protocol, port: targetPort, source }) =>
      protocol === packet.protocol && targetPort === packet.targetPort && isIn([source], packet.source),
  );
}
