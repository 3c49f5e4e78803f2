/** The ring law as data: which ring may import which, and what the pure rings may use of Node and of packages. */

/** One ring of code: its alias, where it lies, and the rings it may import besides itself. */
export type Ring = {
  readonly name: string;
  readonly folder: string;
  readonly mayImport: readonly string[];
  /** What its tests may import beyond that: oracles and generators of other rings. */
  readonly testsMayImport: readonly string[];
  /** The folders directly below are siblings that do not see each other. */
  readonly hasSiblings: boolean;
  /** No clock, no dice, no I/O. */
  readonly isPure: boolean;
};

const core = ['base', 'program', 'model', 'access', 'template', 'compile', 'verify'];
const everything = [...core, 'engine', 'adapters', 'faces', 'main', 'test', 'bench', 'tools'];
/** Tests may use the shared fakes of test/ and the tools. */
const helpers = ['test', 'tools'];

const pure = { hasSiblings: false, isPure: true } as const;
const outside = { mayImport: everything, testsMayImport: [], hasSiblings: false, isPure: false } as const;

/** base <- program, model <- access, template, compile | verify <- engine <- adapters | faces <- main. */
export const rings: readonly Ring[] = [
  { name: 'base', folder: 'src/core/base', mayImport: [], testsMayImport: helpers, ...pure },
  { name: 'program', folder: 'src/core/program', mayImport: ['base'], testsMayImport: helpers, ...pure },
  { name: 'model', folder: 'src/core/model', mayImport: ['base'], testsMayImport: helpers, ...pure },
  {
    name: 'access',
    folder: 'src/core/access',
    mayImport: ['base', 'program', 'model'],
    testsMayImport: helpers,
    ...pure,
  },
  {
    name: 'template',
    folder: 'src/core/template',
    mayImport: ['base', 'program', 'model'],
    testsMayImport: helpers,
    ...pure,
  },
  {
    name: 'compile',
    folder: 'src/core/compile',
    mayImport: ['base', 'program', 'model'],
    testsMayImport: helpers,
    ...pure,
  },
  // verify never sees compile: both meet at program. Its tests may, to get real programs.
  {
    name: 'verify',
    folder: 'src/core/verify',
    mayImport: ['base', 'program'],
    testsMayImport: [...helpers, 'model', 'compile'],
    ...pure,
  },
  { name: 'engine', folder: 'src/engine', mayImport: core, testsMayImport: helpers, hasSiblings: false, isPure: false },
  {
    name: 'adapters',
    folder: 'src/adapters',
    mayImport: [...core, 'engine'],
    testsMayImport: helpers,
    hasSiblings: true,
    isPure: false,
  },
  {
    name: 'faces',
    folder: 'src/faces',
    mayImport: [...core, 'engine'],
    testsMayImport: helpers,
    hasSiblings: true,
    isPure: false,
  },
  {
    name: 'main',
    folder: 'src/main',
    mayImport: [...core, 'engine', 'adapters', 'faces'],
    testsMayImport: helpers,
    hasSiblings: false,
    isPure: false,
  },
  { name: 'test', folder: 'test', ...outside },
  { name: 'bench', folder: 'bench', ...outside },
  { name: 'tools', folder: 'tools', ...outside },
];

/** Modules from outside that a pure ring may import: they compute, and touch nothing. */
export const pureModules: readonly string[] = [
  'node:crypto',
  'node:util',
  'node:net',
  'node:buffer',
  'node:assert/strict',
  'yaml',
];

/** Words that bring a clock, dice or the world into a pure ring. `new Date(text)` only computes, so it is allowed. */
export const impureWords: readonly RegExp[] = [
  /\bDate\.now\b/,
  /\bnew Date\(\s*\)/,
  /\bMath\.random\b/,
  /\bperformance\s*\./,
  /\brandom(?:Bytes|UUID|Int|Fill|FillSync)\b/,
  /\bgetRandomValues\b/,
  /\bprocess\s*\./,
  /\bset(?:Timeout|Interval|Immediate)\s*\(/,
  /\bfetch\s*\(/,
  /\bconsole\s*\./,
];

/** Names that mean the noun was not found yet (docs/ARCHITECTURE.md, "Words"). */
export const bannedNames: readonly string[] = [
  'util',
  'utils',
  'utilities',
  'common',
  'manager',
  'info',
  'helper',
  'helpers',
  'misc',
];

/** The longest file; functions (60 lines, 3 parameters) are measured by the linter, which has a syntax tree. */
export const fileLinesMax = 400;

/** The ring that a path lies in. */
export function ringOf(path: string): Ring | undefined {
  return rings.find((ring) => path.startsWith(`${ring.folder}/`));
}

/** The folder or file directly below a ring with siblings: `linux` for src/adapters/linux/apply.ts. */
export function siblingOf(ring: Ring, pathInRing: string): string | undefined {
  return ring.hasSiblings ? pathInRing.split('/')[0]?.replace(/\.ts$/, '') : undefined;
}
