/** Hears what the kernel's keeper healed, and tells of it: an alert per place with who did it, and a host that is tampered with again and again is not trusted. */

import { driftClosesMs, driftEveryMs, driftsKeptForAnswerMax, tamperTimesMax, tamperWindowMs } from '#base/limits.ts';
import { isObject, type JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import { alertId, closeAlert, listAlerts, openAlert } from '#engine/alerts/alerts.ts';
import type { Clock, PlaneLink } from '#engine/ports.ts';
import type { Store } from '#engine/store/store.ts';

export type DriftParts = {
  readonly plane: Pick<PlaneLink, 'drift'>;
  readonly store: Store;
  readonly clock: Clock;
  readonly onTrouble: (what: string, error: unknown) => void;
};

const driftCode = 'KernelDrift';
const untrustedCode = 'HostUntrusted';

/** Follows until stopped. */
export class DriftFollower {
  readonly #parts: DriftParts;
  readonly #times = new Map<string, number[]>();
  readonly #seen = new Map<string, number>();
  readonly #untrusted = new Set<string>();
  #recent: JsonObject[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isBusy = false;

  constructor(parts: DriftParts) {
    this.#parts = parts;
    for (const { code, resource } of listAlerts(parts.store, { state: 'Active' }))
      if (code === untrustedCode) this.#untrusted.add(resource.replace(/^host\//, ''));
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), driftEveryMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The last changes that were healed, newest last. */
  recent(): readonly JsonObject[] {
    return this.#recent;
  }

  /** Hosts on which no guest is placed until an operator trusts them again. */
  untrusted(): readonly string[] {
    return [...this.#untrusted];
  }

  /** An operator has looked at the host. A host that nobody distrusts is refused. */
  async trust(host: string, audit: AuditEntry): Promise<void> {
    const { store, clock } = this.#parts;
    if (!this.untrusted().includes(host)) {
      const known = this.untrusted().join(', ');
      throw new Refusal(
        'HostNotUntrusted',
        `No host ${host.slice(0, 64)} is untrusted. Untrusted: ${known || 'none'}.`,
        {
          status: 404,
          target: 'host',
        },
      );
    }
    const id = alertId({ code: untrustedCode, resource: `host/${host}` });
    await closeAlert(store, id, { at: clock.now(), closedBy: 'operator', audit });
    this.#times.delete(host);
    this.#untrusted.delete(host);
  }

  /** Asks once, tells of what was found, and closes what did not come back. */
  async look(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      const drifts = await this.#parts.plane.drift();
      for (const drift of drifts) await this.#tell(drift);
      await this.#closeOld();
    } catch (error) {
      this.#parts.onTrouble('asking for drift', error);
    } finally {
      this.#isBusy = false;
    }
  }

  async #tell(drift: JsonObject): Promise<void> {
    const { store, clock } = this.#parts;
    const at = clock.now();
    const point = String(drift['point']);
    this.#recent = [...this.#recent, drift].slice(-driftsKeptForAnswerMax);
    this.#seen.set(point, at);
    await openAlert(
      store,
      {
        code: driftCode,
        resource: point,
        severity: 'Warning',
        says: `${point} was changed and healed: ${wordsOf(drift)}`,
      },
      { at },
    );
    const host = hostOf(point);
    const times = [...(this.#times.get(host) ?? []), at].filter((time) => time > at - tamperWindowMs);
    this.#times.set(host, times);
    if (times.length < tamperTimesMax) return;
    const says = `What Ringwall set up on ${host} was changed by others ${times.length} times within ${tamperWindowMs / 60_000} minutes, last: ${wordsOf(drift)} No guest is placed there until "ringwall trust ${host}".`;
    this.#untrusted.add(host);
    await openAlert(store, { code: untrustedCode, resource: `host/${host}`, severity: 'Critical', says }, { at });
  }

  async #closeOld(): Promise<void> {
    const { store, clock } = this.#parts;
    const now = clock.now();
    for (const [point, at] of this.#seen) {
      if (now - at < driftClosesMs) continue;
      this.#seen.delete(point);
      await closeAlert(store, alertId({ code: driftCode, resource: point }), { at: now, closedBy: 'stamp' });
    }
  }
}

/** The host that a point is on; what all hosts share counts as the first one's. */
function hostOf(point: string): string {
  const [kind, first, second] = point.split('/');
  return (kind === 'router' ? second : kind === 'host' ? first : 'h1') ?? 'h1';
}

/** The first differences, and who made them where the kernel says so. */
function wordsOf({ differences }: JsonObject): string {
  const list = Array.isArray(differences) ? differences.filter(isObject) : [];
  const who = list.map(({ by }) =>
    isObject(by) ? `process ${String(by['pid'])} (${String(by['process'])})` : undefined,
  );
  const known = who.find((one) => one !== undefined) ?? 'the kernel does not say by whom';
  return `${list
    .slice(0, 3)
    .map(({ says }) => String(says))
    .join(' ')} By: ${known}.`;
}
