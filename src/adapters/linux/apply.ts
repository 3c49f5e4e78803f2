/** One namespace under our care: what the kernel has of it, and how a wanted state gets there. */

import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '#base/wrong.ts';
import { bridgeBatch, bridgeJson, ipBatch, ipForced, ipJson, ipJsonBatch } from '#adapters/linux/ip.ts';
import { compileRules } from '#adapters/linux/compile-rule.ts';
import type { RouteListing } from '#adapters/linux/lift-routes.ts';
import { routeProtocol } from '#adapters/linux/names.ts';
import { emptyNetwork, type Network, networkChange, type PortLink, withoutPorts } from '#adapters/linux/network.ts';
import { linksOf, readSysctls, writeSysctls } from '#adapters/linux/netns.ts';
import { NftContext, type RawChange, type ForeignChange } from '#adapters/linux/nft.ts';
import { carrierLines, carrierLossMs, strangeIn } from '#adapters/linux/strange.ts';
import { NetworkWatch } from '#adapters/linux/watch.ts';
import { type ForeignTable, readNetwork, readRuleset } from '#adapters/linux/read.ts';
import {
  type ActualChain,
  type ActualRule,
  type ActualRuleset,
  type ActualTable,
  difference,
  type Draft,
  isRulesOnly,
  type NftOperation,
  printOperations,
  type Ruleset,
  type Transaction,
} from '#adapters/linux/ruleset.ts';

/** What a point's namespace must have. */
export type Wanted = { readonly ruleset: Ruleset; readonly network: Network };

/** What a namespace has, as last confirmed; `applied` is what was asked for then. */
export type SpaceState = { readonly actual: ActualRuleset; readonly applied: Ruleset; readonly network: Network };

/** The kernel's full list of a namespace. */
export type Listed = {
  readonly ruleset: ActualRuleset;
  readonly foreign: readonly ForeignTable[];
  /** Links, routes and policy rules of others, in words. */
  readonly strange: readonly string[];
  readonly network: Network;
  /** What `ip` and `bridge` said of routes, before anything was read into it. */
  readonly routing: RouteListing;
  /** The names of the links that were there when all else had been read. */
  readonly links: ReadonlySet<string>;
};

/** Rules placed one by one through the scratch table; more than this and the text way is the shorter one. */
const rawRulesMax = 64;

/** A namespace with its open context. `actual` is the mirror of what the kernel confirmed. */
export class KernelSpace {
  readonly namespace: string;
  readonly #context: NftContext;
  readonly #watch: NetworkWatch;
  readonly #point: string | undefined;
  #actual: ActualRuleset = new Map();
  #applied: Ruleset = new Map();
  #prepared: Prepared | undefined;
  #network: Network = emptyNetwork;

  /** `point` is absent for the stand-in of the internet: what others put there is nobody's concern. */
  constructor(namespace: string, point?: string) {
    this.namespace = namespace;
    this.#point = point;
    this.#context = new NftContext(namespace);
    this.#watch = new NetworkWatch(namespace);
  }

  /** Reads what the kernel has, as the ground of the next difference: adopts what an earlier process left, and heals after drift. What others put there goes. */
  async adopt(): Promise<void> {
    this.#context.takeForeign();
    this.#context.takeLossy();
    const { ruleset, foreign } = readRuleset(this.#context.list());
    // By its handle: a name is text of somebody else's.
    if (foreign.length > 0 && this.#point !== undefined)
      this.#context.commit(foreign.map(({ family, handle }) => `delete table ${family} handle ${handle}\n`).join(''));
    this.#actual = ruleset;
    this.#applied = new Map();
    const { network, strange } = await readKernelNetwork(this.namespace, this.#point);
    this.#network = network;
    if (strange.size === 0) return;
    const lines = [...strange.values()].flat();
    await ipForced(this.namespace, lines);
    const back = carrierLines(lines);
    if (back.length > 0) {
      await sleep(carrierLossMs);
      await ipForced(this.namespace, back);
    }
    this.#network = (await readKernelNetwork(this.namespace, this.#point)).network;
  }

  /** What the kernel confirmed last, and what was asked for. */
  get state(): SpaceState {
    return { actual: this.#actual, applied: this.#applied, network: this.#network };
  }

  /** Links that routes and rules speak of; nothing passes them before there are rules. */
  async linksUp(wanted: Wanted): Promise<void> {
    if (this.#network === wanted.network) return;
    // A guest that died took its link along: what belonged to it is gone, and must be made anew or forgotten.
    const links = new Set(linksOf(this.namespace));
    for (const mark of this.#network.ports.keys()) if (!links.has(`n${mark}`)) this.forgetPort(mark);
    const { ports } = this.#network;
    await ipBatch(this.namespace, networkChange(this.#network, wanted.network, routeProtocol).linksUp);
    const fresh = [...wanted.network.ports.values()].filter(
      ({ mark, isForwarding }) => ports.get(mark)?.isForwarding !== isForwarding,
    );
    if (fresh.length > 0)
      writeSysctls(this.namespace, Object.assign({}, ...fresh.map(portSysctls)) as { [path: string]: number });
  }

  /** What costs time of committing these rules: the difference, and the kernel's bytes of what is placed one by one. */
  prepareRules(ruleset: Ruleset, scratch: NftContext): void {
    this.#prepared = undefined;
    this.#prepared = this.#planned(ruleset, scratch);
  }

  #planned(ruleset: Ruleset, scratch: NftContext): Prepared {
    const known = this.#prepared;
    if (known?.ruleset === ruleset && known.actual === this.#actual) return known;
    const transaction = difference(this.#actual, ruleset, (family, name) => this.#isApplied(ruleset, { family, name }));
    const placed = transaction.operations.filter((operation) => operation.kind === 'insert');
    const isFast =
      isRulesOnly(transaction.operations) && placed.length <= rawRulesMax && placed.every(({ text }) => isRaw(text));
    const compiled = isFast ? compiledTexts(placed, { ruleset, scratch }) : undefined;
    return { ruleset, actual: this.#actual, transaction, compiled };
  }

  /** One atomic transaction for the rules; answers how many operations it had. */
  commitRules(ruleset: Ruleset, scratch: NftContext): number {
    const { transaction, compiled } = this.#planned(ruleset, scratch);
    this.#prepared = undefined;
    if (transaction.operations.length > 0) {
      const handles = this.#send(transaction.operations, compiled);
      this.#actual = mirrored(this.#actual, ruleset, { drafts: transaction.drafts, handles });
    }
    this.#applied = ruleset;
    return transaction.operations.length;
  }

  /** Routes, neighbours and addresses after the rules; links that nobody wants any more last. */
  async commitNetwork(wanted: Wanted): Promise<number> {
    const change = networkChange(this.#network, wanted.network, routeProtocol);
    const lines = [...change.narrow, ...change.widen];
    await ipBatch(this.namespace, lines);
    await bridgeBatch(this.namespace, change.bridge);
    await ipBatch(this.namespace, change.linksDown);
    this.#network = wanted.network;
    return lines.length + change.bridge.length + change.linksDown.length;
  }

  /** The kernel's full list, read anew; the mirror is not touched. */
  async list(): Promise<Listed> {
    const { network, routing, strange } = await readKernelNetwork(this.namespace, this.#point);
    // Links last: one that went while the rest was read is missed here, so that its routes are not missed as a change.
    const links = new Set(linksOf(this.namespace));
    return { ...readRuleset(this.#context.list()), network, routing, strange: [...strange.keys()], links };
  }

  /** Changes of our tables or others that we did not make, since the last call. */
  takeForeign(): ForeignChange[] {
    return this.#context.takeForeign();
  }

  /** How often links, addresses, routes or permanent neighbours were changed since our last own change, by whomever. */
  takeNetworkChanges(): number {
    return this.#watch.take();
  }

  /** What came until now was our own doing. */
  settle(): void {
    this.#watch.forget();
  }

  /** The port lost its link (its guest's namespace died): the next commit makes it anew with what belongs to it. */
  forgetPort(mark: number): void {
    this.#network = withoutPorts(this.#network, new Set([mark]));
  }

  close(): void {
    this.#watch.close();
    this.#context.close();
  }

  #isApplied(ruleset: Ruleset, { family, name }: { family: string; name: string }): boolean {
    const [young, old] = [ruleset.get(family)?.chains.get(name), this.#applied.get(family)?.chains.get(name)];
    return young !== undefined && young === old;
  }

  #send(operations: readonly NftOperation[], compiled: Prepared['compiled']): readonly number[] {
    if (compiled === undefined) {
      const commands = printOperations(operations, Date.now());
      // Openings that are all over are nothing to send, and nothing is what the kernel would not confirm.
      return commands.trim() === '' ? [] : this.#context.commit(commands).rules.map(({ handle }) => handle);
    }
    const changes: RawChange[] = [];
    for (const operation of operations) {
      if (operation.kind === 'delete') changes.push(operation);
      else if (operation.kind === 'insert') {
        const bytes = compiled.get(`${operation.family} ${operation.text}`);
        if (bytes === undefined) throw new Fault('NftUnconfirmed', `A rule was not compiled: ${operation.text}`);
        changes.push({
          kind: 'insert',
          family: operation.family,
          chain: operation.chain,
          before: operation.before,
          compiled: bytes,
        });
      }
    }
    return this.#context.commitRaw(changes).rules.map(({ handle }) => handle);
  }
}

/** The kernel does not take back what it tells of a counted set without timeouts: such a rule goes as text. */
function isRaw(text: string): boolean {
  return !text.includes(' ct count over ');
}

/** Answers for neighbours come at once; reverse-path filtering is depth behind the rules, where no NVA sends for others. */
function portSysctls({ mark, isForwarding }: PortLink): { [path: string]: number } {
  return { [`net/ipv4/neigh/n${mark}/proxy_delay`]: 0, [`net/ipv4/conf/n${mark}/rp_filter`]: isForwarding ? 0 : 1 };
}

/** How the rules come from what the kernel has to what is wanted; `compiled` where they are placed one by one. */
type Prepared = {
  readonly ruleset: Ruleset;
  readonly actual: ActualRuleset;
  readonly transaction: Transaction;
  readonly compiled: ReadonlyMap<string, Buffer> | undefined;
};

type Placed = Extract<NftOperation, { kind: 'insert' }>;

function compiledTexts(
  placed: readonly Placed[],
  { ruleset, scratch }: { ruleset: Ruleset; scratch: NftContext },
): Map<string, Buffer> {
  const compiled = new Map<string, Buffer>();
  for (const family of new Set(placed.map((one) => one.family))) {
    const texts = [...new Set(placed.filter((one) => one.family === family).map(({ text }) => text))];
    const table = ruleset.get(family) ?? { sets: new Map(), chains: new Map() };
    const bytes = compileRules(scratch, { family, table }, texts);
    texts.forEach((text, index) => {
      const body = bytes[index];
      if (body !== undefined) compiled.set(`${family} ${text}`, body);
    });
  }
  return compiled;
}

/** The mirror after a transaction: new rules take their handles in the order in which they were sent. */
function mirrored(
  actual: ActualRuleset,
  wanted: Ruleset,
  { drafts, handles }: { drafts: Transaction['drafts']; handles: readonly number[] },
): ActualRuleset {
  const tables = new Map<string, ActualTable>();
  for (const [family, table] of wanted) {
    const chains = new Map<string, ActualChain>();
    for (const [name, { hook }] of table.chains) {
      const known = actual.get(family)?.chains.get(name);
      if (known !== undefined) chains.set(name, known.hook === hook ? known : { hook, rules: known.rules });
    }
    tables.set(family, { sets: table.sets, chains });
  }
  let next = 0;
  for (const { family, chain, hook, rules } of drafts) {
    const settled = rules.map((rule): ActualRule => {
      if (isSettled(rule)) return rule;
      const handle = handles[next++];
      if (handle === undefined) throw new Fault('NftUnconfirmed', `The kernel named too few rules in ${chain}.`);
      return { text: rule.text, handle };
    });
    (tables.get(family)?.chains as Map<string, ActualChain> | undefined)?.set(chain, { hook, rules: settled });
  }
  if (next !== handles.length)
    throw new Fault('NftUnconfirmed', `The kernel named ${handles.length} rules, ${next} were sent.`);
  return tables;
}

function isSettled(rule: Draft['rules'][number]): rule is ActualRule {
  return rule.handle !== undefined;
}

type KernelNetwork = {
  readonly network: Network;
  readonly routing: RouteListing;
  readonly strange: ReadonlyMap<string, readonly string[]>;
};

async function readKernelNetwork(namespace: string, point: string | undefined): Promise<KernelNetwork> {
  // Three processes instead of eight: each costs this one several milliseconds in which it serves nobody.
  const [
    [four = [], rules = [], neighbours = []],
    [six = [], rulesSix = [], neighboursSix = []],
    addresses,
    forwarding,
  ] = await Promise.all([
    ipJsonBatch(namespace, '-4', ['route show table all', 'rule show', 'neigh show nud permanent']),
    ipJsonBatch(namespace, '-6', ['route show table all', 'rule show', 'neigh show nud permanent']),
    ipJson(namespace, ['addr', 'show']),
    bridgeJson(namespace, ['fdb', 'show']),
  ]);
  // Addresses are listed by link, with all that is asked of links.
  const links = addresses;
  const routes = [...four, ...six.map((route) => ({ ...route, family: '6' }))];
  const loose = looseLinks(
    namespace,
    links.map(({ ifname }) => String(ifname)),
  );
  const network = readNetwork({
    links,
    addresses,
    routes,
    rules,
    neighbours: [...neighbours, ...neighboursSix],
    forwarding,
    loose,
  });
  const routing = {
    routes,
    rulesFour: rules,
    rulesSix,
    neighbours: [...neighbours, ...neighboursSix],
    forwarding,
  };
  const strange = point === undefined ? new Map() : strangeIn({ point, links, routes, rulesFour: rules, rulesSix });
  return { network, routing, strange };
}

/** Ports without reverse-path filtering, read from the namespace's own sysctls. */
function looseLinks(namespace: string, links: readonly string[]): ReadonlySet<string> {
  const paths = links.filter((name) => /^n\d+$/.test(name)).map((name) => `net/ipv4/conf/${name}/rp_filter`);
  const values = readSysctls(namespace, paths);
  return new Set(paths.filter((_, index) => values[index] === '0').map((path) => path.split('/')[3] ?? ''));
}
