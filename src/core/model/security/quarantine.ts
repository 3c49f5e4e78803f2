/** Quarantine of a NIC: what is kept of it at the NIC itself, with its evidence, where no write of a tenant reaches. */

import { isObject, type JsonObject } from '#base/json.ts';
import { appealLengthMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import type { NounAction } from '#model/noun.ts';
import type { Resource } from '#model/resource.ts';

/** What a NIC sent too much of. */
export type Abuse = 'new' | 'mail' | 'targets' | 'packets' | 'forged';

/** Why, since when, and what is there to see. Times are ISO 8601. Bounded (`base/limits.ts`, evidence). */
export type Quarantine = {
  readonly since: string;
  readonly abuse: Abuse;
  readonly says: string;
  /** The kernel's rule that dropped what went over. */
  readonly rule: string;
  /** Packets that were dropped, by budget, within the time that was looked at. */
  readonly dropped: { readonly [abuse: string]: number };
  /** The budgets that were in force. */
  readonly budget: { readonly [field: string]: number };
  /** Heads of packets that went over, one line each. */
  readonly packets: readonly string[];
  /** The NIC's last flows from its flow log, one line each; empty where none is kept. */
  readonly flows: readonly string[];
  /** What the tenant had to say. */
  readonly appeal?: { readonly at: string; readonly by: string; readonly text: string };
};

/** The quarantine of a NIC; undefined for one that is none, or not set apart. */
export function quarantineOf(nic: Pick<Resource, 'internal'>): Quarantine | undefined {
  const value = nic.internal?.['quarantine'];
  return isObject(value) ? (value as unknown as Quarantine) : undefined;
}

/** The NIC set apart; one that is already keeps the quarantine that it has. */
export function quarantined(nic: Resource, quarantine: Quarantine): Resource {
  if (quarantineOf(nic) !== undefined) return nic;
  return { ...nic, internal: { ...nic.internal, quarantine: quarantine as unknown as JsonObject } };
}

/** The NIC let go. */
export function released(nic: Resource): Resource {
  const { quarantine: _, ...internal } = nic.internal ?? {};
  return { ...nic, internal };
}

const state = (quarantine: Quarantine | undefined): JsonObject =>
  quarantine === undefined ? { state: 'None' } : { state: 'Quarantined', ...(quarantine as unknown as JsonObject) };

/** `GET …/quarantine`: whether the NIC is set apart, with all that is known of why. */
export function showQuarantine(nic: Resource): JsonObject {
  return state(quarantineOf(nic));
}

/** `POST …/appeal`: what the tenant has to say; one text at a time, the last one counts. The operator decides (`ringwall quarantine`). */
export const appeal: NounAction['run'] = (...[nic, { body }, draft, { now, caller }]) => {
  const quarantine = quarantineOf(nic);
  if (quarantine === undefined) {
    const says = `Network Interface ${nic.id} is not in quarantine: there is nothing to appeal against.`;
    throw new Refusal('NotQuarantined', says, { status: 409, target: nic.id });
  }
  const text = isObject(body) ? body['text'] : undefined;
  if (typeof text !== 'string' || text.trim() === '' || text.length > appealLengthMax) {
    const says = `An appeal is {"text": "..."} with 1 to ${appealLengthMax} characters.`;
    throw new Refusal('InvalidAppeal', says, { target: '/text' });
  }
  const next = { ...quarantine, appeal: { at: now, by: caller ?? '', text } };
  draft.put({ ...nic, internal: { ...nic.internal, quarantine: next as unknown as JsonObject } });
  return state(next);
};
