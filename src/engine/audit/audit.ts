/** The audit: entries appended with what they speak of or alone, and those of a subscription read newest first, page by page, by time. */

import { setImmediate as turn } from 'node:timers/promises';
import { auditCommitLagMs, auditPageMax, auditScanMax, auditTextMax } from '#base/limits.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import type { AuditPlace } from '#engine/store/database.ts';
import type { AuditLine, Position, Store } from '#engine/store/store.ts';

/** What to read: entries of a subscription (empty: of the stamp) within a time, both ends inclusive, in milliseconds since 1970. */
export type AuditSpan = {
  readonly subscription: string;
  readonly from: number;
  readonly to: number;
};

/** One page. `next` is the place that the page after it begins below; a page may be short, or empty, and still have one. */
export type AuditPage = { readonly lines: readonly AuditLine[]; readonly next?: AuditPlace };

/** Which lines of a span are wanted, and from where on. */
export type AuditWish = {
  readonly before?: AuditPlace;
  readonly limit: number;
  readonly keep: (line: AuditLine) => boolean;
};

/** Entries fetched between two turns of the event loop: whoever searches long does not hold up others. */
const chunk = 250;

/**
 * The entries of a span that are wanted, newest first. They are found by time; a bounded number of them is looked at each time, so that a rare wish
 * takes several pages and not a long one. The store goes by the time of the commit, which is near the one that an entry tells.
 */
export async function pageAudit(
  store: Pick<Store, 'auditsIn'>,
  { subscription, from, to }: AuditSpan,
  { before, limit, keep }: AuditWish,
): Promise<AuditPage> {
  const wanted = Math.max(1, Math.min(limit, auditPageMax));
  const lines: AuditLine[] = [];
  let place: AuditPlace | undefined = before ?? { at: to + auditCommitLagMs, sequence: Number.MAX_SAFE_INTEGER };
  for (let scanned = 0; place !== undefined && scanned < auditScanMax; scanned += chunk) {
    if (scanned > 0) await turn();
    const found: { lines: readonly AuditLine[]; next?: AuditPlace } = store.auditsIn({
      subscription,
      from: from - auditCommitLagMs,
      before: place,
      limit: chunk,
    });
    for (const line of found.lines) {
      const { at } = line.entry;
      if (at < from || at > to || !keep(line)) continue;
      lines.push(line);
      if (lines.length === wanted) return { lines, next: { at: line.at, sequence: line.sequence } };
    }
    place = found.next;
  }
  return place === undefined ? { lines } : { lines, next: place };
}

/** Writes an entry that rides on no change: a refusal, a login, a read of a secret. Durable when it resolves. */
export async function appendAudit(store: Store, subscription: string, entry: AuditEntry): Promise<Position> {
  return await store.append({ subscription, kind: 'audit', payload: null, audit: bounded(entry) });
}

/** The entry with every text cut to the limit: it holds what a stranger sent. */
export function bounded(entry: AuditEntry): AuditEntry {
  const cut = (text: string) => (text.length > auditTextMax ? `${text.slice(0, auditTextMax)}…` : text);
  const whole = Object.entries(entry).map(([name, value]) => [name, typeof value === 'string' ? cut(value) : value]);
  const who = Object.entries(entry.who).map(([name, value]) => [name, cut(value)]);
  return { ...(Object.fromEntries(whole) as AuditEntry), who: Object.fromEntries(who) };
}
