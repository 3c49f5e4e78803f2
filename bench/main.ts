/** `npm run bench -- NAME [--json]`: one figure with its limit or peer measured in the same run, and the machine's load beside it. */

import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { loadNow } from '#bench/figures.ts';
import { say } from '#bench/progress.ts';

type Bench = {
  readonly says: string;
  readonly needsRoot: boolean;
  readonly load: () => Promise<() => Promise<JsonObject>>;
};

const benches: { readonly [name: string]: Bench } = {
  rule: {
    says: 'PUT of a security rule until it is proved, durable and in the kernel, with 10,000 NICs modelled',
    needsRoot: true,
    load: async () => (await import('#bench/rule.ts')).benchRule,
  },
  'rule-small': {
    says: 'the same with 24 NICs only',
    needsRoot: true,
    load: async () => (await import('#bench/rule.ts')).benchRuleSmall,
  },
  'rule-running': {
    says: 'the same with 1,000 NICs of running guests',
    needsRoot: true,
    load: async () => (await import('#bench/rule.ts')).benchRuleRunning,
  },
  datapath: {
    says: 'cost per packet through a 1,000-rule group over none',
    needsRoot: true,
    load: async () => (await import('#bench/datapath.ts')).benchDatapath,
  },
  template: {
    says: 'a deployment of 200 resources, and what-if of it',
    needsRoot: true,
    load: async () => (await import('#bench/template.ts')).benchTemplate,
  },
  api: {
    says: 'reads over HTTPS beside a bare server, 64 writers at once, and the memory of all processes',
    needsRoot: true,
    load: async () => (await import('#bench/api.ts')).benchApi,
  },
  activity: {
    says: 'pages of the activity log out of a million entries',
    needsRoot: false,
    load: async () => (await import('#bench/activity.ts')).benchActivity,
  },
  store: {
    says: 'durable commits per second',
    needsRoot: false,
    load: async () => (await import('#bench/store.ts')).benchStore,
  },
  compile: {
    says: 'one changed rule through the compiler',
    needsRoot: false,
    load: async () => (await import('#bench/compile.ts')).benchCompile,
  },
  proof: {
    says: 'the large stamp proved whole, and again after one changed rule, against all kinds of invariants',
    needsRoot: false,
    load: async () => (await import('#bench/proof.ts')).benchProof,
  },
  verify: {
    says: 'packet sets of filters: compiled, compared, searched for idle rules',
    needsRoot: false,
    load: async () => (await import('#bench/verify.ts')).benchVerify,
  },
};

const [name = '', ...options] = process.argv.slice(2);
const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
const unknown = options.filter((option) => option !== '--json');
if (bench === undefined || unknown.length > 0) {
  const rows = Object.entries(benches).map(([known, { says }]) => `  ${known.padEnd(10)} ${says}`);
  process.stderr.write(`Usage: npm run bench -- NAME [--json]\n${rows.join('\n')}\n`);
  process.exitCode = 2;
} else if (bench.needsRoot && process.geteuid?.() !== 0) {
  process.stdout.write('skipped: needs root\n');
} else {
  await runBench(bench);
}

async function runBench({ load }: Bench): Promise<void> {
  const before = loadNow();
  const run = await load();
  const result = { bench: name, ...(await run()), load: { before, after: loadNow() } };
  if (options.includes('--json')) process.stdout.write(`${JSON.stringify(result)}\n`);
  else print(result);
}

/** Rows as a table, all else as lines. */
function print(result: JsonObject): void {
  for (const [key, value] of Object.entries(result)) {
    if (Array.isArray(value) && value.every(isObject)) printTable(value);
    else say(process.stdout, `${key}: ${isObject(value) ? describe(value) : String(value)}`);
  }
}

function printTable(rows: readonly JsonObject[]): void {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = [columns, ...rows.map((row) => columns.map((column) => text(row[column])))];
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => (row[index] ?? '').length)));
  for (const row of cells) say(process.stdout, row.map((cell, index) => cell.padStart(widths[index] ?? 0)).join('  '));
}

function describe(value: JsonObject): string {
  return Object.entries(value)
    .map(([key, member]) => `${key} ${text(member)}`)
    .join(', ');
}

function text(value: Json | undefined): string {
  return value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
}
