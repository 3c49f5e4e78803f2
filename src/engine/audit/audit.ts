/** The audit: entries appended with what they speak of or alone, and listed newest first by filter and page. */

import { auditPageMax, auditScanMax, auditTextMax } from '#base/limits.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import type { AuditLine, Position, Store } from '#engine/store/store.ts';

/** What to list. Texts are compared without case; `operation` and `resource` match from the start. */
export type AuditFilter = {
  readonly subscription?: string;
  /** Milliseconds since 1970, both inclusive. */
  readonly from?: number;
  readonly to?: number;
  readonly operation?: string;
  readonly resource?: string;
  readonly outcome?: AuditEntry['outcome'];
  readonly code?: string;
  /** An object id, a user principal name or an application id. */
  readonly who?: string;
  readonly correlationId?: string;
};

/** One page. `next` is the mark of the page after it; a page may be short, or empty, and still have one. */
export type AuditPage = { readonly lines: readonly AuditLine[]; readonly next?: number };

/** Entries fetched at a time. */
const chunk = 250;

/** Lists entries that match, newest first. It looks at a bounded number of entries a call, so that a rare filter cannot hold the process. */
export function listAudit(store: Store, filter: AuditFilter, page: { before?: number; limit: number }): AuditPage {
  const limit = Math.max(1, Math.min(page.limit, auditPageMax));
  const lines: AuditLine[] = [];
  let before: number | undefined = page.before ?? Number.MAX_SAFE_INTEGER;
  for (let scanned = 0; before !== undefined && scanned < auditScanMax; scanned += chunk) {
    const found = store.audits({
      before,
      limit: chunk,
      ...(filter.subscription !== undefined && { subscription: filter.subscription }),
    });
    for (const line of found.lines) {
      if (!matches(line.entry, filter)) continue;
      lines.push(line);
      if (lines.length === limit) return { lines, next: line.sequence };
    }
    before = found.next;
  }
  return before === undefined ? { lines } : { lines, next: before };
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

function matches(entry: AuditEntry, filter: AuditFilter): boolean {
  const { who } = entry;
  return (
    (filter.from === undefined || entry.at >= filter.from) &&
    (filter.to === undefined || entry.at <= filter.to) &&
    (filter.outcome === undefined || entry.outcome === filter.outcome) &&
    (filter.operation === undefined || startsWith(entry.operation, filter.operation)) &&
    (filter.resource === undefined || startsWith(entry.resource, filter.resource)) &&
    (filter.code === undefined || sameText(entry.code, filter.code)) &&
    (filter.correlationId === undefined || sameText(entry.correlationId, filter.correlationId)) &&
    (filter.who === undefined || [who.oid, who.upn, who.appid].some((one) => sameText(one, filter.who)))
  );
}

function startsWith(text: string, start: string): boolean {
  return text.toLowerCase().startsWith(start.toLowerCase());
}

function sameText(left: string | undefined, right: string | undefined): boolean {
  return left !== undefined && left.toLowerCase() === right?.toLowerCase();
}
