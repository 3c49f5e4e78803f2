/** The nftables of one namespace as data: what is wanted, what the kernel has, and the one transaction that turns the second into the first. */

import { openingLongestMs } from '#base/limits.ts';

/** A set or map, or a policy of timeouts (which has no elements). `elements` are in the form in which nft lists them; a change of an interval set replaces it whole. */
export type NftSet = {
  readonly kind: 'set' | 'map' | 'ct timeout';
  /** The declaration without elements: `type ipv4_addr`, `flags interval`, … one line each, as nft lists them. */
  readonly spec: readonly string[];
  readonly elements: ReadonlySet<string>;
  /** When the kernel forgets elements by itself (ms since 1970), in a set with timeouts; absent in what was read from the kernel. */
  readonly ends?: ReadonlyMap<string, number>;
};

/** A chain; `hook` is the line of a base chain. Rules are in nft's own form, without handle and counter values. */
export type NftChain = { readonly hook: string | undefined; readonly rules: readonly string[] };

export type NftTable = { readonly sets: ReadonlyMap<string, NftSet>; readonly chains: ReadonlyMap<string, NftChain> };

/** Keyed by family (`inet`, `netdev`, `arp`); each holds our one table. */
export type Ruleset = ReadonlyMap<string, NftTable>;

/** A rule that the kernel has. */
export type ActualRule = { readonly text: string; readonly handle: number };
export type ActualChain = { readonly hook: string | undefined; readonly rules: readonly ActualRule[] };
export type ActualTable = {
  readonly sets: ReadonlyMap<string, NftSet>;
  readonly chains: ReadonlyMap<string, ActualChain>;
  /** Flags of the table, and objects of kinds that we never make: somebody else's. */
  readonly strange?: readonly string[];
};
export type ActualRuleset = ReadonlyMap<string, ActualTable>;

/** One command of a transaction. Rules that come new carry where they go: before the rule with a handle, or last. */
export type NftOperation =
  | { readonly kind: 'table'; readonly family: string; readonly remove: boolean }
  | {
      readonly kind: 'set';
      readonly family: string;
      readonly name: string;
      readonly set: NftSet | undefined;
      readonly setKind: NftSet['kind'];
    }
  | {
      readonly kind: 'chain';
      readonly family: string;
      readonly name: string;
      readonly hook?: string | undefined;
      readonly remove: boolean;
    }
  | { readonly kind: 'flush'; readonly family: string; readonly name: string; readonly what: 'chain' | NftSet['kind'] }
  | {
      readonly kind: 'elements';
      readonly family: string;
      readonly name: string;
      readonly elements: readonly string[];
      readonly remove: boolean;
    }
  | {
      readonly kind: 'timed';
      readonly family: string;
      readonly name: string;
      readonly elements: readonly { readonly element: string; readonly until: number }[];
    }
  | { readonly kind: 'delete'; readonly family: string; readonly chain: string; readonly handle: number }
  | {
      readonly kind: 'insert';
      readonly family: string;
      readonly chain: string;
      readonly text: string;
      readonly before: number | undefined;
    };

/** What a chain will be, after a transaction: kept rules with their handles, new ones still without. */
export type Draft = {
  readonly family: string;
  readonly chain: string;
  readonly hook: string | undefined;
  readonly rules: readonly { text: string; handle: number | undefined }[];
};

export type Transaction = { readonly operations: readonly NftOperation[]; readonly drafts: readonly Draft[] };

const emptyTable: ActualTable = { sets: new Map(), chains: new Map() };

/**
 * The difference between what the kernel has and what is wanted. Objects first, then removals, then additions, then the
 * objects that nothing refers to any more: nft commits the whole as one, so the order is for its references only.
 * `unchanged` names chains known to be equal (same object as at the last apply).
 */
export function difference(
  actual: ActualRuleset,
  wanted: Ruleset,
  isUnchanged: (family: string, chain: string) => boolean,
): Transaction {
  const first: NftOperation[] = [];
  const removals: NftOperation[] = [];
  const additions: NftOperation[] = [];
  const last: NftOperation[] = [];
  const drafts: Draft[] = [];
  for (const family of actual.keys()) if (!wanted.has(family)) last.push({ kind: 'table', family, remove: true });
  for (const [family, table] of wanted) {
    const known = actual.get(family);
    const isAnew = known === undefined || isOtherwiseMade(known, table);
    const old = isAnew ? emptyTable : known;
    // What cannot be changed in place is made anew in the same transaction: no packet meets a gap.
    if (isAnew && known !== undefined) first.push({ kind: 'table', family, remove: true });
    if (isAnew) first.push({ kind: 'table', family, remove: false });
    diffSets({ family, old, table }, { first, removals, additions, last });
    diffChains({ family, old, table, isUnchanged, drafts }, { first, removals, additions, last });
  }
  return { operations: [...first, ...removals, ...additions, ...last], drafts };
}

/** Was the table made otherwise than ours: with flags or objects of others, a set of another kind, a chain hooked in elsewhere? */
function isOtherwiseMade({ sets, chains, strange = [] }: ActualTable, wanted: NftTable): boolean {
  if (strange.length > 0) return true;
  for (const [name, { spec, kind }] of wanted.sets) {
    const known = sets.get(name);
    if (known === undefined) continue;
    if (known.kind !== kind || (known.spec !== spec && known.spec.join('; ') !== spec.join('; '))) return true;
  }
  for (const [name, { hook }] of wanted.chains) {
    const known = chains.get(name);
    if (known !== undefined && known.hook !== hook && placeOf(known.hook) !== placeOf(hook)) return true;
  }
  return false;
}

/** A base chain's line without its policy, which alone can be changed in place. */
function placeOf(hook: string | undefined): string | undefined {
  return hook?.replace(/ policy \w+;$/, '');
}

type Phases = { first: NftOperation[]; removals: NftOperation[]; additions: NftOperation[]; last: NftOperation[] };

function diffSets({ family, old, table }: { family: string; old: ActualTable; table: NftTable }, phases: Phases): void {
  for (const [name, set] of old.sets) {
    if (!table.sets.has(name)) phases.last.push({ kind: 'set', family, name, set: undefined, setKind: set.kind });
  }
  for (const [name, set] of table.sets) {
    const known = old.sets.get(name);
    if (known === undefined) phases.first.push({ kind: 'set', family, name, set, setKind: set.kind });
    const before = known?.elements ?? new Set<string>();
    if (before === set.elements) continue;
    if (set.ends !== undefined) {
      diffTimed({ family, name, set }, known, phases);
      continue;
    }
    const added = [...set.elements].filter((element) => !before.has(element));
    const gone = [...before].filter((element) => !set.elements.has(element));
    if (added.length === 0 && gone.length === 0) continue;
    const isInterval = set.spec.some((line) => line.startsWith('flags') && line.includes('interval'));
    if (isInterval && before.size > 0) {
      phases.removals.push({ kind: 'flush', family, name, what: set.kind });
      if (set.elements.size > 0)
        phases.additions.unshift({ kind: 'elements', family, name, elements: [...set.elements], remove: false });
      continue;
    }
    if (gone.length > 0) phases.removals.push({ kind: 'elements', family, name, elements: gone, remove: true });
    if (added.length > 0) phases.additions.push({ kind: 'elements', family, name, elements: added, remove: false });
  }
}

/** A set with timeouts is filled anew when anything differs: an element that is there cannot be given another end. */
function diffTimed(
  { family, name, set }: { family: string; name: string; set: NftSet },
  known: NftSet | undefined,
  phases: Phases,
): void {
  const { elements, ends = new Map<string, number>() } = set;
  const before = known?.elements ?? new Set<string>();
  const isEqual =
    before.size === elements.size &&
    [...elements].every((element) => before.has(element) && known?.ends?.get(element) === ends.get(element));
  if (isEqual) return;
  if (before.size > 0) phases.removals.push({ kind: 'flush', family, name, what: set.kind });
  const timed = [...elements].map((element) => ({ element, until: ends.get(element) ?? 0 }));
  phases.additions.unshift({ kind: 'timed', family, name, elements: timed });
}

type ChainsTask = {
  family: string;
  old: ActualTable;
  table: NftTable;
  isUnchanged: (family: string, chain: string) => boolean;
  drafts: Draft[];
};

function diffChains({ family, old, table, isUnchanged, drafts }: ChainsTask, phases: Phases): void {
  for (const name of old.chains.keys()) {
    if (table.chains.has(name)) continue;
    phases.removals.push({ kind: 'flush', family, name, what: 'chain' });
    phases.last.push({ kind: 'chain', family, name, remove: true });
  }
  for (const [name, chain] of table.chains) {
    const known = old.chains.get(name);
    if (known === undefined) phases.first.push({ kind: 'chain', family, name, hook: chain.hook, remove: false });
    else if (isUnchanged(family, name)) continue;
    else if (known.hook !== chain.hook)
      phases.first.push({ kind: 'chain', family, name, hook: chain.hook, remove: false });
    const draft = diffRules({ family, name, chain }, known?.rules ?? [], phases);
    if (draft !== undefined) drafts.push(draft);
    else if (known === undefined) drafts.push({ family, chain: name, hook: chain.hook, rules: [] });
  }
}

/**
 * Keeps what stands in the right order, deletes the rest by handle, and puts each new rule before the next one kept. Both
 * ends that are equal stay untouched: of a thousand rules a change concerns a few, and only those are looked into.
 */
function diffRules(
  { family, name, chain }: { family: string; name: string; chain: NftChain },
  actual: readonly ActualRule[],
  phases: Phases,
): Draft | undefined {
  const wanted = chain.rules;
  let head = 0;
  while (head < actual.length && head < wanted.length && actual[head]?.text === wanted[head]) head++;
  if (head === actual.length && head === wanted.length) return undefined;
  let [left, right] = [actual.length, wanted.length];
  for (; left > head && right > head && actual[left - 1]?.text === wanted[right - 1]; left--) right--;
  const [gone, fresh] = [actual.slice(head, left), wanted.slice(head, right)];
  const kept = keptRules(gone, fresh);
  const keptHandles = new Set(kept.values());
  for (const { handle } of gone) {
    if (!keptHandles.has(handle)) phases.removals.push({ kind: 'delete', family, chain: name, handle });
  }
  const middle = fresh.map((text, index) => ({ text, handle: kept.get(index) }));
  const before: (number | undefined)[] = [];
  let next = actual[left]?.handle;
  for (let index = middle.length - 1; index >= 0; index--) {
    before[index] = next;
    next = middle[index]?.handle ?? next;
  }
  middle.forEach(({ text, handle }, index) => {
    if (handle === undefined)
      phases.additions.push({ kind: 'insert', family, chain: name, text, before: before[index] });
  });
  return { family, chain: name, hook: chain.hook, rules: [...actual.slice(0, head), ...middle, ...actual.slice(left)] };
}

/** Wanted index → handle of the actual rule that may stay: greedy over both lists in order, each text matched once. */
function keptRules(actual: readonly ActualRule[], wanted: readonly string[]): ReadonlyMap<number, number> {
  const kept = new Map<number, number>();
  const places = new Map<string, number[]>();
  wanted.forEach((text, index) => {
    const known = places.get(text);
    if (known === undefined) places.set(text, [index]);
    else known.push(index);
  });
  let from = -1;
  for (const { text, handle } of actual) {
    const index = places.get(text)?.find((place) => place > from);
    if (index === undefined) continue;
    kept.set(index, handle);
    from = index;
  }
  return kept;
}

/** Does every operation only delete or place rules? Such a transaction needs no look at the rest of the table. */
export function isRulesOnly(operations: readonly NftOperation[]): boolean {
  return operations.every(({ kind }) => kind === 'delete' || kind === 'insert');
}

/** The transaction in nft's language, at this time (ms since 1970): an element whose time is over is never sent. */
export function printOperations(operations: readonly NftOperation[], now: number): string {
  return operations.map((operation) => `${printOperation(operation, now)}\n`).join('');
}

/** What of a timed set is still to come; none longer than an opening may last, whatever the program says. */
function printTimed({ family, name, elements }: Extract<NftOperation, { kind: 'timed' }>, now: number): string {
  const left = elements.filter(({ until }) => until > now);
  const texts = left.map(({ element, until }) => `${element} timeout ${Math.min(until - now, openingLongestMs)}ms`);
  return texts.length === 0 ? '' : `add element ${family} rw ${name} { ${texts.join(', ')} }`;
}

function printOperation(operation: NftOperation, now: number): string {
  const at = (family: string) => `${family} rw`;
  switch (operation.kind) {
    case 'table':
      return `${operation.remove ? 'delete' : 'add'} table ${at(operation.family)}`;
    case 'set':
      if (operation.set === undefined) return `delete ${operation.setKind} ${at(operation.family)} ${operation.name}`;
      return `add ${operation.setKind} ${at(operation.family)} ${operation.name} { ${operation.set.spec.map((line) => `${line} ;`).join(' ')} }`;
    case 'chain': {
      if (operation.remove) return `delete chain ${at(operation.family)} ${operation.name}`;
      const hook = operation.hook === undefined ? '' : ` { ${operation.hook} }`;
      return `add chain ${at(operation.family)} ${operation.name}${hook}`;
    }
    case 'flush':
      return `flush ${operation.what} ${at(operation.family)} ${operation.name}`;
    case 'elements':
      return `${operation.remove ? 'delete' : 'add'} element ${at(operation.family)} ${operation.name} { ${operation.elements.join(', ')} }`;
    case 'timed':
      return printTimed(operation, now);
    case 'delete':
      return `delete rule ${at(operation.family)} ${operation.chain} handle ${operation.handle}`;
    case 'insert':
      return operation.before === undefined
        ? `add rule ${at(operation.family)} ${operation.chain} ${operation.text}`
        : `insert rule ${at(operation.family)} ${operation.chain} handle ${operation.before} ${operation.text}`;
  }
}
