/** One attempt of the attack suite: what is tried, and what went wrong if the stamp let it. */

/** `run` answers what went wrong, or undefined when the stamp held. A reason in `skip` says why the attempt cannot be made here. */
export type Attempt = {
  readonly name: string;
  readonly run: () => Promise<string | undefined>;
  readonly skip?: string;
};

export type Tally = { passed: number; failed: number; skipped: number };

/** Runs attempts in order; an attempt that throws has failed. */
export async function attack(attempts: readonly Attempt[], tally: Tally, deadline: number): Promise<void> {
  for (const { name, run, skip } of attempts) {
    const isLate = Date.now() > deadline;
    if (skip !== undefined || isLate) {
      tally.skipped += 1;
      console.log(`skipped ${name}: ${skip ?? 'the time of the suite is over'}`);
      continue;
    }
    const began = Date.now();
    const problem = await run().catch((error: unknown) =>
      error instanceof Error ? (error.stack ?? error.message) : String(error),
    );
    if (process.env['ATTACK_TIMES'] !== undefined && Date.now() - began > 2000)
      console.log(`${Date.now() - began} ms ${name}`);
    if (problem === undefined) tally.passed += 1;
    else {
      tally.failed += 1;
      console.log(`FAIL ${name}\n     ${problem}`);
    }
  }
}
