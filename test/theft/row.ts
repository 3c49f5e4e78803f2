/** One theft: what the thief has, what stops it, and what must be answered and written. */

import { codeOf, type Ground, type Reply } from '#test/theft/ground.ts';

export type Theft = {
  readonly name: string;
  /** What stops it. */
  readonly defence: string;
  readonly status: number;
  readonly code: string;
  /** Whom the audit must name; absent where nobody can be known. */
  readonly who?: string | undefined;
  /** Where the thief asks from, as the audit must tell. */
  readonly from?: string;
  readonly attempt: () => Promise<Reply>;
  /** Must still work after the attempt: what is the owner's. */
  readonly afterwards?: () => Promise<Reply>;
  /** What the thief holds and the audit must not. */
  readonly secret?: string;
};

/** Rows that have their answer in common: name, what stops it, the attempt, and what differs. */
export function thefts(
  common: Omit<Theft, 'name' | 'defence' | 'attempt'>,
  rows: readonly (readonly [name: string, defence: string, attempt: Theft['attempt'], more?: Partial<Theft>])[],
): Theft[] {
  return rows.map(([name, defence, attempt, more]) => ({ ...common, name, defence, attempt, ...more }));
}

export const invalid = { status: 401, code: 'InvalidAuthenticationToken' } as const;
export const badProof = { status: 401, code: 'InvalidDpopProof' } as const;
export const badGrant = { status: 400, code: 'invalid_grant' } as const;

export type Tally = { passed: number; failed: number; skipped: number };

/** Tries it; answers what went wrong. */
async function tried(theft: Theft, ground: Ground): Promise<{ problem?: string; answer: string }> {
  const mark = ground.mark();
  const reply = await theft.attempt();
  const answer = `${reply.status} ${codeOf(reply)}`;
  if (reply.status !== theft.status || codeOf(reply) !== theft.code) {
    return { problem: `wanted ${theft.status} ${theft.code}: ${JSON.stringify(reply.json).slice(0, 300)}`, answer };
  }
  const entry = await ground.refusedAfter(mark);
  if (entry === undefined) return { problem: 'nothing in the audit', answer };
  const { who = {}, from } = entry as { who?: { oid?: string }; from?: string };
  if (theft.who !== undefined && who.oid !== theft.who)
    return { problem: `the audit names ${JSON.stringify(who)}`, answer };
  if (theft.from !== undefined && from !== theft.from) return { problem: `the audit says from ${from}`, answer };
  const text = JSON.stringify(entry);
  if (theft.secret !== undefined && text.includes(theft.secret))
    return { problem: 'the audit holds the token', answer };
  const after = await theft.afterwards?.();
  if (after !== undefined && after.status !== 200)
    return { problem: `the owner is out: ${after.status} ${codeOf(after)}`, answer };
  return { answer };
}

/** Tries all, one line each. */
export async function tryAll(thefts: readonly Theft[], ground: Ground, tally: Tally): Promise<void> {
  for (const theft of thefts) {
    const { problem, answer } = await tried(theft, ground).catch((error: unknown) => ({
      problem: error instanceof Error ? (error.stack ?? error.message) : String(error),
      answer: '',
    }));
    tally[problem === undefined ? 'passed' : 'failed'] += 1;
    const mark = problem === undefined ? 'ok  ' : 'FAIL';
    const audited = theft.who === undefined ? 'audited' : 'audited, by name';
    console.log(`${mark} ${theft.name.padEnd(66)} ${answer.padEnd(40)} ${theft.defence} (${audited})`);
    if (problem !== undefined) console.log(`     ${problem}`);
  }
}
