/** Whom an invariant speaks of, found anew from the estate: the checker shares no code with the prover. */

import { isIn } from '#program/filter.ts';
import type { Packet } from '#program/packet.ts';
import type { Estate, NicEstate } from '#verify/invariant/estate.ts';
import type { About, Parties, Service } from '#verify/invariant/invariant.ts';

/** Is the NIC one of the parties? */
export function isParty(parties: readonly Parties[], nic: NicEstate): boolean {
  return parties.some((party) => party.kind === 'nics' || (party.kind === 'scope' && isWithin(nic, party.ids)));
}

/** Is the NIC one of the scopes, or in or under one of them? */
function isWithin({ scopes }: NicEstate, ids: readonly string[]): boolean {
  return ids.some((id) => scopes.includes(id.toLowerCase()));
}

/** Does the invariant judge this NIC: in its scope and not left out? */
export function isJudged({ scope, exclude }: About, nic: NicEstate): boolean {
  const isInScope = scope === undefined || scope === '/' || scope === '' || isWithin(nic, [scope]);
  return isInScope && !isWithin(nic, exclude);
}

/** Is the sender of the packet one of the parties? A NIC by where it starts, all others by origin and source. */
export function isSender(parties: readonly Parties[], packet: Packet, estate: Estate): boolean {
  const { origin, source } = packet;
  switch (origin.kind) {
    case 'nic': {
      const nic = estate.nics[String(origin.mark)];
      return nic !== undefined && isParty(parties, nic);
    }
    case 'internet':
      return parties.some(({ kind }) => kind === 'internet') || isListed(parties, source);
    case 'operator':
      return parties.some(({ kind }) => kind === 'operator') || isListed(parties, source);
    case 'probe':
      return parties.some(({ kind }) => kind === 'probe');
  }
}

function isListed(parties: readonly Parties[], address: string): boolean {
  return parties.some((party) => party.kind === 'addresses' && isIn(party.prefixes, address));
}

/** Is a delivered packet of one of the services? No services: every packet. */
export function isService(
  services: readonly Service[],
  { protocol, targetPort }: Pick<Packet, 'protocol' | 'targetPort'>,
): boolean {
  const hasPorts = protocol === 'tcp' || protocol === 'udp';
  return services.some((service) => {
    if (service.protocol !== 'any' && service.protocol !== protocol) return false;
    if (service.ports.length === 0) return true;
    return hasPorts && service.ports.some(([first, last]) => targetPort >= first && targetPort <= last);
  });
}
