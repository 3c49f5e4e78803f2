/** Checks the prover by other means: packets drawn at the edges of what the programs say, their ends by the oracle, the invariants asked one by one. */

import { evaluate } from '#program/eval.ts';
import type { Fate, Packet } from '#program/packet.ts';
import type { Programs } from '#program/program.ts';
import { oneOf, throwsFrom, type Throw } from '#engine/checker/dice.ts';
import { brokenBy } from '#engine/checker/judge.ts';
import { type Deck, deckOf, drawPacket, type Wish } from '#engine/checker/packets.ts';
import type { Estate } from '#verify/invariant/estate.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';

/** A violation that the prover tells: of an invariant (id), at a NIC (undefined: no NIC's), and the packet that it shows. */
export type Told = {
  readonly invariant: string;
  readonly mark: number | undefined;
  readonly witness?: { readonly packet: Packet; readonly verdict: Fate['verdict'] };
};

/** What is checked: the programs of a record, what the prover was told of, and what it found. */
export type Claim = {
  readonly programs: Programs;
  readonly estate: Estate;
  readonly invariants: readonly Invariant[];
  readonly told: readonly Told[];
};

/** The prover said otherwise: `missed` a violation that a packet shows, or `invented` a witness that the oracle treats otherwise. */
export type Disagreement = {
  readonly kind: 'missed' | 'invented';
  readonly invariant: string;
  readonly mark: number | undefined;
  readonly packet: Packet;
  readonly fate: Fate;
};

export type CheckOptions = { readonly seed: number; readonly packets: number; readonly disagreementsMax?: number };

/** Draws so many packets and checks all invariants on each; the same seed draws the same packets. */
export function check(claim: Claim, { seed, packets, disagreementsMax = 10 }: CheckOptions): readonly Disagreement[] {
  const found: Disagreement[] = invented(claim);
  const deck = deckOf(claim.programs, claim.estate);
  const dice = throwsFrom(seed);
  const told = new Set(claim.told.map(({ invariant, mark }) => `${invariant} ${mark ?? ''}`));
  const whole = new Set(claim.told.filter(({ mark }) => mark === undefined).map(({ invariant }) => invariant));
  for (let count = 0; count < packets && found.length < disagreementsMax; count++) {
    const packet = drawPacket(deck, dice, wishFor(deck, claim.invariants, dice));
    const fate = evaluate(claim.programs, packet);
    for (const invariant of claim.invariants) {
      for (const { mark } of brokenBy(invariant, { packet, fate }, claim.estate)) {
        if (told.has(`${invariant.id} ${mark ?? ''}`) || whole.has(invariant.id)) continue;
        found.push({ kind: 'missed', invariant: invariant.id, mark, packet, fate });
      }
    }
  }
  return found;
}

/** Half of the packets are aimed at what an invariant forbids: blind ones seldom meet it. */
function wishFor(deck: Deck, invariants: readonly Invariant[], dice: Throw): Wish {
  const invariant = dice(2) === 0 ? undefined : oneOf(invariants, dice);
  if (invariant === undefined) return {};
  switch (invariant.kind) {
    case 'never':
    case 'only':
    case 'always': {
      const service = oneOf(invariant.services, dice);
      const range = oneOf(service?.ports ?? [], dice);
      const protocol = service?.protocol === 'any' ? undefined : service?.protocol;
      const isOutside = invariant.from.some(({ kind }) => kind === 'internet');
      return {
        ...(protocol === undefined ? {} : { protocol }),
        ...(range === undefined ? {} : { targetPort: oneOf(range, dice) ?? range[0] }),
        ...(isOutside && dice(2) === 0 ? { origin: { kind: 'internet' } } : {}),
      };
    }
    case 'lockout': {
      const endpoint = oneOf(invariant.endpoints, dice);
      if (endpoint === undefined) return {};
      const { address: target, port: targetPort, protocol } = endpoint;
      return { origin: { kind: 'operator' }, target, targetPort, protocol };
    }
    case 'via':
    case 'isolated': {
      const mark = oneOf(deck.marks, dice);
      return mark === undefined ? {} : { origin: { kind: 'nic', mark } };
    }
    default:
      return {};
  }
}

/** Witnesses that the oracle does not treat as the prover says. */
function invented({ programs, told }: Claim): Disagreement[] {
  return told.flatMap(({ invariant, mark, witness }): Disagreement[] => {
    if (witness === undefined) return [];
    const fate = evaluate(programs, witness.packet);
    if (fate.verdict === witness.verdict) return [];
    return [{ kind: 'invented', invariant, mark, packet: witness.packet, fate }];
  });
}
