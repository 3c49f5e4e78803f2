/** The flags of Node that our processes run with. */

const common = [
  '--disallow-code-generation-from-strings',
  '--disable-proto=throw',
  '--disable-warning=ExperimentalWarning',
] as const;

/**
 * A prover holds a whole model for long and makes little that ends soon: young objects get little room, and the heap grows by small steps.
 * That takes a third off its resident set for about a tenth of its time. After a load it collects by itself (`compactHeap`).
 */
const tight = ['--max-semi-space-size=4', '--heap-growing-percent=30', '--expose-gc'] as const;

export const commonFlags: readonly string[] = common;
export const proverFlags: readonly string[] = [...common, ...tight];
