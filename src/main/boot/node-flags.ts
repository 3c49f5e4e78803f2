/** The flags of Node that our processes run with, and what bounds their memory below the engine. */

const common = [
  '--disallow-code-generation-from-strings',
  '--disable-proto=throw',
  '--disable-warning=ExperimentalWarning',
] as const;

/**
 * A process that holds a whole model for long and makes little that ends soon: young objects get little room, and the heap grows by small steps.
 * That takes a third off its resident set for about a tenth of its time. After a load it collects by itself (`compactHeap`).
 */
const tight = ['--max-semi-space-size=4', '--heap-growing-percent=30', '--expose-gc'] as const;

/** A process that mostly waits: the engine's own threads, which it hardly has work for, would hold some 8 MB. */
const small = ['--max-semi-space-size=1', '--heap-growing-percent=30', '--expose-gc', '--v8-pool-size=0'] as const;

export const commonFlags: readonly string[] = common;
export const proverFlags: readonly string[] = [...common, ...tight];
/** Of `netd`, which mirrors all programs. */
export const mirrorFlags: readonly string[] = [...common, ...tight];
/** Of `stampd`: it serves requests, whose objects end soon, so these keep their room. */
export const serverFlags: readonly string[] = [...common, '--heap-growing-percent=30', '--expose-gc'];
/** Of `ringd`, `guestd` and `edged`. */
export const smallFlags: readonly string[] = [...common, ...small];

/** Threads that allocate get no arenas of their own from the C library (mallopt(3), M_ARENA_MAX): what they free is of use to all. */
export const memoryEnvironment: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '1' };
