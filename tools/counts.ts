/** The closing line that every suite ends with, `N passed, N failed, N skipped`: printing, reading and adding it. */

/** What a suite came to. */
export type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number };

/** Nothing was run. */
export const noCounts: Counts = { passed: 0, failed: 0, skipped: 0 };

/** The closing line, without its newline. */
export function printCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** Two suites together. */
export function addCounts(left: Counts, right: Counts): Counts {
  return {
    passed: left.passed + right.passed,
    failed: left.failed + right.failed,
    skipped: left.skipped + right.skipped,
  };
}

/** The last closing line in a suite's output, or node:test's own summary; undefined when it has neither. */
export function readCounts(output: string): Counts | undefined {
  const last = [...output.matchAll(/^(\d+) passed, (\d+) failed, (\d+) skipped$/gm)].at(-1);
  if (last !== undefined) return { passed: Number(last[1]), failed: Number(last[2]), skipped: Number(last[3]) };
  const [passed, failed, cancelled, skipped] = ['pass', 'fail', 'cancelled', 'skipped'].map((word) =>
    numberAfter(output, word),
  );
  if (passed === undefined || failed === undefined) return undefined;
  return { passed, failed: failed + (cancelled ?? 0), skipped: skipped ?? 0 };
}

// node:test closes with `ℹ pass 3` (spec reporter) or `# pass 3` (TAP).
function numberAfter(output: string, word: string): number | undefined {
  const last = [...output.matchAll(new RegExp(`^(?:ℹ|#) ${word} (\\d+)$`, 'gm'))].at(-1);
  return last === undefined ? undefined : Number(last[1]);
}
