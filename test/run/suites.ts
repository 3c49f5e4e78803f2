/** The suites that `./ringwall test` knows: where each starts, what it needs, and how its quick form is asked for. */

/** One suite. It is a program that ends with `N passed, N failed, N skipped`. */
export type Suite = {
  readonly name: string;
  readonly says: string;
  /** The program to run; the suite is listed only when this file is there. */
  readonly entry: string;
  /** Arguments of every run, and those added unless the full form is asked for. */
  readonly arguments?: readonly string[];
  readonly quickArguments?: readonly string[];
  /** Runs without `--all`. */
  readonly isDefault: boolean;
  readonly needsRoot: boolean;
  readonly needsCorpus: boolean;
  /** A suite that takes longer is stopped and has failed. */
  readonly quickMinutesMax: number;
  readonly fullMinutesMax: number;
};

const plain = { isDefault: false, needsRoot: false, needsCorpus: false, quickMinutesMax: 10, fullMinutesMax: 120 };

/** In the order of running: the cheapest first. */
export const suites: readonly Suite[] = [
  { ...plain, name: 'check', says: 'types, lint, format, unit tests', entry: 'tools/check.ts', isDefault: true },
  {
    ...plain,
    name: 'sim',
    says: 'the engine in a fake world with faults from a seed',
    entry: 'test/sim/main.ts',
    quickArguments: ['--quick'],
    isDefault: true,
  },
  {
    ...plain,
    name: 'conformance',
    says: "Azure's own examples and templates replayed",
    entry: 'test/conformance/main.ts',
    quickArguments: ['--quick'],
    isDefault: true,
    needsCorpus: true,
  },
  {
    ...plain,
    name: 'stamp',
    says: 'real packets in namespaces',
    entry: 'test/stamp/main.ts',
    quickArguments: ['--quick'],
    isDefault: true,
    needsRoot: true,
  },
  {
    ...plain,
    name: 'quota',
    says: 'clients at the edge of their quotas over HTTPS, while the stamp is killed: never one over',
    entry: 'test/quota/main.ts',
    quickArguments: ['--quick'],
    isDefault: true,
  },
  { ...plain, name: 'peers', says: 'unmodified Azure clients', entry: 'test/peers/main.ts' },
  {
    ...plain,
    name: 'oracle',
    says: 'the verifier against the oracle, Z3, itself and the kernel; planted faults',
    entry: 'test/oracle/main.ts',
    quickArguments: ['--quick'],
    isDefault: true,
  },
  {
    ...plain,
    name: 'theft',
    says: 'stolen tokens, keys and sessions: each refused, and in the audit',
    entry: 'test/theft/main.ts',
    isDefault: true,
  },
  { ...plain, name: 'witness', says: 'witnesses of templates as real packets', entry: 'test/witness/main.ts' },
  {
    ...plain,
    name: 'tamper',
    says: 'the kernel changed by hand, noticed and healed',
    entry: 'test/tamper/main.ts',
    isDefault: true,
    needsRoot: true,
  },
  {
    ...plain,
    name: 'opening',
    says: 'just-in-time access: open to who asked, closed by the kernel',
    entry: 'test/opening/main.ts',
    isDefault: true,
    needsRoot: true,
  },
  {
    ...plain,
    name: 'canary',
    says: 'real packets with a mark: agree at rest, tell of holes and losses',
    entry: 'test/canary/main.ts',
    isDefault: true,
    needsRoot: true,
  },
  {
    ...plain,
    name: 'containment',
    says: 'a tenant that attacks is set apart, and others feel nothing',
    entry: 'test/containment/main.ts',
    quickArguments: ['--quick'],
    isDefault: true,
    needsRoot: true,
  },
  { ...plain, name: 'attack', says: 'what an attacker tries', entry: 'test/attack/main.ts', needsRoot: true },
  { ...plain, name: 'kill', says: 'kill -9 of each process under load', entry: 'test/kill/main.ts', needsRoot: true },
];
