/** Pages of the activity log out of a million entries: the newest, those of an hour long ago, and a rare one of a day. */

import type { JsonObject } from '#base/json.ts';
import { rounded, spreadOf, timed } from '#bench/figures.ts';
import { progress } from '#bench/progress.ts';
import { scratchStore } from '#bench/store.ts';
import { pageAudit, type AuditSpan } from '#engine/audit/audit.ts';
import type { AuditPlace } from '#engine/store/database.ts';
import type { AuditLine, Store } from '#engine/store/store.ts';

const entries = 1_000_000;
const subscription = '11111111-2222-4333-8444-555555555555';
/** One entry a second: eleven and a half days of them. */
const stepMs = 1000;
const start = Date.parse('2026-01-01T00:00:00Z');
const perTurn = 256;
const pageLimit = 200;
const times = 25;

/** `npm run bench -- activity`. */
export async function benchActivity(): Promise<JsonObject> {
  let now = start;
  const { store, remove } = scratchStore({ now: () => now });
  try {
    const seconds = await timed(() => fill(store, (at) => (now = at)));
    const end = start + entries * stepMs;
    const rows: [string, AuditSpan, (line: AuditLine) => boolean][] = [
      ['the newest 200', { subscription, from: end - 6 * 3_600_000, to: end }, () => true],
      ['200 of an hour, ten days ago', { subscription, from: start + 36e5, to: start + 72e5 }, () => true],
      [
        'one of 86,400, by its correlation id',
        { subscription, from: start, to: start + 864e5 },
        ({ entry }) => entry.correlationId === 'c-7',
      ],
    ];
    const found: JsonObject[] = [];
    for (const [what, span, keep] of rows) found.push({ what, ...(await measure(store, span, keep)) });
    return { rows: found, entries, fill_per_second: Math.round((entries / seconds) * 1000) };
  } finally {
    remove();
  }
}

async function fill(store: Store, clock: (at: number) => void): Promise<void> {
  progress(`Writing ${entries} entries.`);
  for (let from = 0; from < entries; from += perTurn) {
    clock(start + (from + perTurn) * stepMs);
    const some = Array.from({ length: Math.min(perTurn, entries - from) }, (_, index) => from + index);
    await Promise.all(
      some.map((number) =>
        store.append({
          subscription,
          kind: 'audit',
          payload: null,
          audit: {
            at: start + number * stepMs,
            who: { oid: 'o', upn: `user${number % 100}@stamp.local`, tenant: 't' },
            from: '203.0.113.9',
            operation: 'Microsoft.Network/networkSecurityGroups/securityRules/write',
            resource: `/subscriptions/${subscription}/resourceGroups/g${number % 50}/providers/Microsoft.Network/networkSecurityGroups/n/securityRules/r${number}`,
            outcome: 'Succeeded',
            correlationId: `c-${number}`,
            requestId: `r-${number}`,
          },
        }),
      ),
    );
  }
}

/** The time of one whole answer: the first page that has what was wished, and the pages before it. */
async function measure(store: Store, span: AuditSpan, keep: (line: AuditLine) => boolean): Promise<JsonObject> {
  const samples: number[] = [];
  let pages = 0;
  let lines = 0;
  for (let time = 0; time < times; time++) {
    [pages, lines] = [0, 0];
    const ms = await timed(async () => {
      for (let before: AuditPlace | undefined; ; ) {
        const page = await pageAudit(store, span, {
          ...(before === undefined ? {} : { before }),
          limit: pageLimit,
          keep,
        });
        pages += 1;
        lines += page.lines.length;
        before = page.next;
        if (before === undefined || lines > 0) return;
      }
    });
    samples.push(ms);
  }
  const { p50_ms, p99_ms } = spreadOf(samples);
  return { lines, pages, p50_ms, p99_ms, page_ms: rounded(p50_ms / pages) };
}
