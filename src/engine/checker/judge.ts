/** Does what the oracle does with a packet break an invariant? One question per kind, asked of one packet: slow, and too simple to be wrong in the prover's way. */

import { isJudged, isParty, isSender, isService } from '#engine/checker/parties.ts';
import { isIn } from '#program/filter.ts';
import type { Delivered, Fate, Packet } from '#program/packet.ts';
import type { Estate, NicEstate } from '#verify/invariant/estate.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';

/** One packet and its end. */
export type Seen = { readonly packet: Packet; readonly fate: Fate };

/** A NIC at which the packet breaks the invariant, or the stamp as a whole (undefined mark). */
export type Broken = { readonly mark: number | undefined };

/** Where the packet breaks the invariant; empty when it does not. Counts, and what needs two worlds, are not judged by one packet. */
export function brokenBy(invariant: Invariant, seen: Seen, estate: Estate): readonly Broken[] {
  switch (invariant.kind) {
    case 'never':
      return neverBroken(invariant, seen, estate);
    case 'only':
      return arrivals(seen, estate).flatMap(({ nic, mark, delivered }) => {
        if (!isParty(invariant.to, nic) || !isJudged(invariant, nic)) return [];
        const isAllowed =
          isSender(invariant.from, seen.packet, estate) && isService(invariant.services, delivered.packet);
        return isAllowed ? [] : [{ mark }];
      });
    case 'via':
      return viaBroken(invariant, seen, estate);
    case 'isolated':
      return isolatedBroken(invariant, seen, estate);
    case 'tenants':
      return tenantsBroken(seen, estate);
    case 'infrastructure':
      return infrastructureBroken(seen, estate);
    case 'spoofing':
      return spoofBroken(seen, estate);
    case 'loops':
      return seen.fate.verdict === 'drop' && seen.fate.because === 'loop' ? [{ mark: undefined }] : [];
    case 'lockout':
      return lockoutBroken(invariant, seen);
    case 'always':
      return alwaysBroken(invariant, seen, estate);
    case 'exposure':
    case 'unchanged':
    case 'return':
      return [];
  }
}

type Arrival = { readonly mark: number; readonly nic: NicEstate; readonly delivered: Delivered };

function arrivals({ fate }: Seen, estate: Estate): readonly Arrival[] {
  if (fate.verdict !== 'deliver') return [];
  return fate.to.flatMap((delivered): Arrival[] => {
    const mark = delivered.at.kind === 'nic' ? delivered.at.mark : undefined;
    const nic = mark === undefined ? undefined : estate.nics[String(mark)];
    return mark === undefined || nic === undefined ? [] : [{ mark, nic, delivered }];
  });
}

function senderNic({ packet }: Seen, estate: Estate): NicEstate | undefined {
  return packet.origin.kind === 'nic' ? estate.nics[String(packet.origin.mark)] : undefined;
}

function neverBroken(invariant: Extract<Invariant, { kind: 'never' }>, seen: Seen, estate: Estate): readonly Broken[] {
  const { from, to, services, exceptFrom, exceptTo } = invariant;
  if (!isSender(from, seen.packet, estate) || isSender(exceptFrom, seen.packet, estate)) return [];
  const nics = arrivals(seen, estate).flatMap(({ mark, nic, delivered }) => {
    const isMeant = isParty(to, nic) && !isParty(exceptTo, nic) && isJudged(invariant, nic);
    return isMeant && isService(services, delivered.packet) && !isOpening(seen, invariant.openings) ? [{ mark }] : [];
  });
  const sender = senderNic(seen, estate);
  const isOutward = to.some(({ kind }) => kind === 'internet') && sender !== undefined && isJudged(invariant, sender);
  const isOut = seen.fate.verdict === 'deliver' && seen.fate.to.some(isOutside(services));
  const { origin } = seen.packet;
  return isOutward && isOut && origin.kind === 'nic' ? [...nics, { mark: origin.mark }] : nics;
}

/** What only an approved opening admits is no breach: it was asked for, bounded and audited; the operator says for which sources. */
function isOpening({ fate, packet }: Seen, sources: readonly string[] | undefined): boolean {
  const isSource = sources === undefined || isIn(sources, packet.source);
  return isSource && fate.hops.some(({ because }) => because.startsWith('jit/'));
}

function isOutside(services: Parameters<typeof isService>[0]): (delivered: Delivered) => boolean {
  return ({ at, packet }) => at.kind === 'internet' && isService(services, packet);
}

function viaBroken(invariant: Extract<Invariant, { kind: 'via' }>, seen: Seen, estate: Estate): readonly Broken[] {
  const sender = senderNic(seen, estate);
  const { origin } = seen.packet;
  if (sender === undefined || origin.kind !== 'nic' || seen.fate.verdict !== 'deliver') return [];
  if (!isParty(invariant.from, sender) || isParty(invariant.through, sender) || !isJudged(invariant, sender)) return [];
  const toInternet = invariant.to.some(({ kind }) => kind === 'internet');
  const isOut = toInternet && seen.fate.to.some(({ at }) => at.kind === 'internet');
  const isDirect = arrivals(seen, estate).some(
    ({ nic }) => isParty(invariant.to, nic) && !isParty(invariant.through, nic),
  );
  return isOut || isDirect ? [{ mark: origin.mark }] : [];
}

function isolatedBroken(
  invariant: Extract<Invariant, { kind: 'isolated' }>,
  seen: Seen,
  estate: Estate,
): readonly Broken[] {
  const { inside, except } = invariant;
  const isInside = (nic: NicEstate): boolean => isParty(inside, nic) && isJudged(invariant, nic);
  const sender = senderNic(seen, estate);
  const { origin } = seen.packet;
  if (sender !== undefined && isInside(sender) && origin.kind === 'nic' && seen.fate.verdict === 'deliver') {
    const isOut = seen.fate.to.some(
      ({ at }) => at.kind === 'internet' && !except.some(({ kind }) => kind === 'internet'),
    );
    const isAcross = arrivals(seen, estate).some(({ nic }) => !isParty(inside, nic) && !isParty(except, nic));
    return isOut || isAcross ? [{ mark: origin.mark }] : [];
  }
  if (isSender(inside, seen.packet, estate) || isSender(except, seen.packet, estate)) return [];
  return arrivals(seen, estate).flatMap(({ nic, mark }) => (isInside(nic) ? [{ mark }] : []));
}

/** From one network straight into another, without a public address between them, though their owners did not both peer. */
function tenantsBroken(seen: Seen, estate: Estate): readonly Broken[] {
  const sender = senderNic(seen, estate);
  if (sender === undefined || seen.fate.hops.some(({ point }) => point === 'edge')) return [];
  const keyOf = (id: string) => Object.entries(estate.vnets).find(([, vnet]) => vnet.id === id);
  return arrivals(seen, estate).flatMap(({ nic, mark }) => {
    if (nic.vnet === sender.vnet) return [];
    const [one, other] = [keyOf(sender.vnet), keyOf(nic.vnet)];
    const isPeered =
      one !== undefined && other !== undefined && one[1].peered.includes(other[0]) && other[1].peered.includes(one[0]);
    return isPeered ? [] : [{ mark }];
  });
}

function infrastructureBroken({ fate }: Seen, { endpoints }: Estate): readonly Broken[] {
  if (fate.verdict !== 'deliver') return [];
  const isOpen = ({ packet }: Delivered): boolean =>
    packet.targetPort === 53 ||
    endpoints.some(
      ({ target, port, protocol }) =>
        target === packet.target && port === packet.targetPort && protocol === packet.protocol,
    );
  const isBroken = fate.to.some((delivered) => delivered.at.kind === 'infra' && !isOpen(delivered));
  return isBroken ? [{ mark: undefined }] : [];
}

function spoofBroken(seen: Seen, estate: Estate): readonly Broken[] {
  const sender = senderNic(seen, estate);
  const { origin, source } = seen.packet;
  const isSpoofed = sender !== undefined && !sender.forwarding && !sender.addresses.includes(source);
  return isSpoofed && seen.fate.verdict === 'deliver' && origin.kind === 'nic' ? [{ mark: origin.mark }] : [];
}

function lockoutBroken(
  { endpoints }: Extract<Invariant, { kind: 'lockout' }>,
  { packet, fate }: Seen,
): readonly Broken[] {
  if (packet.origin.kind !== 'operator') return [];
  const isEndpoint = endpoints.some(
    ({ address, port, protocol }) =>
      address === packet.target && port === packet.targetPort && protocol === packet.protocol,
  );
  const isReached = fate.verdict === 'deliver' || fate.because.startsWith('operator:');
  return isEndpoint && !isReached ? [{ mark: undefined }] : [];
}

/** Only senders that are NICs are judged by one packet: who they mean to reach is plain from the target. */
function alwaysBroken(
  invariant: Extract<Invariant, { kind: 'always' }>,
  seen: Seen,
  estate: Estate,
): readonly Broken[] {
  const { packet, fate } = seen;
  const sender = senderNic(seen, estate);
  if (sender === undefined || !sender.addresses.includes(packet.source)) return [];
  if (!isSender(invariant.from, packet, estate) || !isService(invariant.services, packet)) return [];
  const wanted = Object.entries(estate.nics).find(
    ([, nic]) => nic.vnet === sender.vnet && nic.addresses.includes(packet.target),
  );
  if (wanted === undefined || wanted[1] === sender || fate.verdict === 'deliver') return [];
  if (sender.isApart === true || wanted[1].isApart === true) return [];
  const isMeant = isParty(invariant.to, wanted[1]) && isJudged(invariant, wanted[1]);
  return isMeant ? [{ mark: Number(wanted[0]) }] : [];
}
