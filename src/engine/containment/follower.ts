/** Hears what went over budgets, and sets apart who goes on: a quarantine is a write like any other, with its evidence, an alert and a line in the tenant's log. */

import {
  auditTextMax,
  containmentEveryMs,
  containmentWatchedMax,
  evidenceFlowsMax,
  evidencePacketsMax,
} from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { alertId, closeAlert, openAlert } from '#engine/alerts/alerts.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import { abuseIn, bounds, type Dropped, droppedOf, windowMaxMs } from '#engine/containment/judge.ts';
import type { Spent, SpentSource } from '#engine/containment/spent.ts';
import type { Gate } from '#engine/gate/gate.ts';
import type { Clock } from '#engine/ports.ts';
import type { Store } from '#engine/store/store.ts';
import { subscriptionOf } from '#engine/subscription.ts';
import type { Resource, View } from '#model/resource.ts';
import { type Abuse, type Quarantine, quarantined, quarantineOf, released } from '#model/security/quarantine.ts';

export type ContainmentParts = {
  readonly source: SpentSource;
  readonly view: () => View;
  readonly gate: Pick<Gate, 'change'>;
  readonly store: Store;
  readonly clock: Clock;
  /** The last flows of a NIC, one line each, newest last; none where no flow log is kept. */
  readonly flowsOf: (nic: Resource) => readonly string[];
  /** The entry that says of a NIC what was done, by the stamp itself. */
  readonly auditOf: (nic: string, says: string) => AuditEntry;
  readonly onTrouble: (what: string, error: unknown) => void;
};

const nicType = 'Microsoft.Network/networkInterfaces';
const quarantineCode = 'NicQuarantined';
const refusedCode = 'QuarantineRefused';

const says: { readonly [abuse in Abuse]: string } = {
  new: 'began new flows',
  mail: 'sent mail to outside its network',
  targets: 'spoke to addresses and ports that it did not know',
  packets: 'sent packets',
  forged: 'sent packets with forged sources',
};

type Watched = { readonly history: readonly Dropped[]; readonly packets: readonly string[]; readonly last: Spent };

/** Follows until stopped. */
export class ContainmentFollower {
  readonly #parts: ContainmentParts;
  readonly #watched = new Map<string, Watched>();
  #isStopped = false;

  constructor(parts: ContainmentParts) {
    this.#parts = parts;
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        await this.look();
      } catch (error) {
        if (!this.#isStopped) this.#parts.onTrouble('budgets', error);
      }
      await this.#parts.clock.sleep(containmentEveryMs);
    }
  }

  /** Asks once, and sets apart whose abuse goes on. */
  async look(): Promise<void> {
    const spent = await this.#parts.source.spent();
    const now = this.#parts.clock.now();
    for (const [nic, list] of Map.groupBy(spent, (one) => one.nic)) this.#note(nic, list, now);
    for (const [nic, watched] of this.#watched) {
      const abuse = abuseIn(watched.history, watched.last.budget, now);
      if (abuse !== undefined) await this.#setApart(nic, abuse, watched);
      const latest = watched.history.at(-1)?.at ?? 0;
      if (abuse !== undefined || latest < now - windowMaxMs) this.#watched.delete(nic);
    }
  }

  #note(nic: string, list: readonly Spent[], now: number): void {
    const known = this.#watched.get(nic);
    const [last] = list.slice(-1);
    // Who is watched already goes first: others wait until one of them has been quiet for a minute.
    if (last === undefined || (known === undefined && this.#watched.size >= containmentWatchedMax)) return;
    const fresh = list.map(({ abuse, dropped }) => ({ at: now, abuse, dropped }));
    const history = [...(known?.history ?? []), ...fresh].filter(({ at }) => at > now - windowMaxMs);
    const packets = [...(known?.packets ?? []), ...list.flatMap((one) => one.packets)].slice(-evidencePacketsMax);
    this.#watched.set(nic, { history, packets, last });
  }

  async #setApart(id: string, abuse: Abuse, { history, packets, last }: Watched): Promise<void> {
    const { view, gate, store, clock, flowsOf, auditOf } = this.#parts;
    const nic = view().get(id);
    // Only whose port it is: the number of the port says so, and a NIC that was made anew has another.
    if (nic?.type !== nicType || nic.internal?.['mark'] !== last.mark || quarantineOf(nic) !== undefined) return;
    const { windowMs, field } = bounds[abuse];
    const now = clock.now();
    const count = droppedOf(history, abuse, now - windowMs);
    const told = `${nic.name} ${says[abuse]} beyond its budget of ${last.budget[field]} (${field}): ${count} were dropped within ${windowMs / 1000} s. It is quarantined.`;
    const kinds = [...new Set(history.map((one) => one.abuse))];
    const quarantine: Quarantine = {
      since: new Date(now).toISOString(),
      abuse,
      says: told,
      rule: `${last.point}: over_${abuse}`,
      dropped: Object.fromEntries(kinds.map((kind) => [kind, droppedOf(history, kind, now - windowMaxMs)])),
      budget: { ...last.budget },
      packets,
      flows: flowsOf(nic).slice(-evidenceFlowsMax),
    };
    const refusal = await gate
      .change((draft) => {
        const current = draft.get(id);
        const mark = current?.internal?.['mark'];
        if (current !== undefined && mark === last.mark) draft.put(quarantined(current, quarantine));
        return { value: undefined, about: { subscription: subscriptionOf(id), audit: auditOf(id, told) } };
      })
      .then(
        () => undefined,
        (error: unknown) => {
          if (error instanceof Refusal) return error;
          throw error;
        },
      );
    // Its budgets hold it back all the same; somebody must look.
    const code = refusal === undefined ? quarantineCode : refusedCode;
    const words = refusal === undefined ? told : `${told} The write was refused: ${refusal.message}`;
    await openAlert(store, { code, resource: nic.id, severity: 'Critical', says: words }, { at: now });
  }
}

/** The NICs that are set apart, with their evidence. */
export function quarantines(view: View): readonly { readonly nic: string; readonly quarantine: Quarantine }[] {
  return [...view.ofType(nicType)].flatMap((nic) => {
    const quarantine = quarantineOf(nic);
    return quarantine === undefined ? [] : [{ nic: nic.id, quarantine }];
  });
}

/** Lets a NIC go, by its ARM id or its name where only one has it; audited, and its alert is closed. Refused when the proof forbids what it would reach. */
export async function releaseNic(
  wanted: string,
  { view, gate, store, clock }: Pick<ContainmentParts, 'view' | 'gate' | 'store' | 'clock'>,
  auditOf: (nic: string, says: string) => AuditEntry,
): Promise<string> {
  const id = quarantinedNic(view(), wanted);
  const told = `released from quarantine`.slice(0, auditTextMax);
  await gate.change((draft) => {
    const nic = draft.get(id);
    if (nic !== undefined) draft.put(released(nic));
    return { value: undefined, about: { subscription: subscriptionOf(id), audit: auditOf(id, told) } };
  });
  const alert = alertId({ code: quarantineCode, resource: id });
  await closeAlert(store, alert, { at: clock.now(), closedBy: 'operator' }).catch((error: unknown) => {
    if (!(error instanceof Refusal)) throw error;
  });
  return id;
}

/** The quarantined NIC that an ARM id or a name means. */
export function quarantinedNic(view: View, wanted: string): string {
  const found = quarantines(view).filter(({ nic }) =>
    [nic, nic.slice(nic.lastIndexOf('/') + 1)].some((text) => text.toLowerCase() === wanted.toLowerCase()),
  );
  const [first, ...others] = found;
  if (first !== undefined && others.length === 0) return first.nic;
  const known = (others.length > 0 ? found : quarantines(view)).map(({ nic }) => nic);
  const message =
    others.length > 0
      ? `${found.length} NICs in quarantine are called ${wanted.slice(0, 80)}; state the ARM id: ${known.join(', ')}.`
      : `No NIC ${wanted.slice(0, 300)} is in quarantine. In quarantine: ${known.slice(0, 20).join(', ') || 'none'}.`;
  throw new Refusal('NotQuarantined', message, { status: 404, target: 'nic' });
}
