/** What the boundary's program means for packets that begin a flow: what never passes, and which address becomes which (program/eval-edge.ts). */

import type { Ground } from '#adapters/linux/ground.ts';
import { translationWords } from '#adapters/linux/translation-words.ts';
import { byAddress, meantBalances } from '#adapters/linux/meant-balance.ts';
import { isIn } from '#program/filter.ts';
import type { EdgeProgram, Published, SourceBlock } from '#program/program.ts';

const sharing = ['tcp', 'udp', 'icmp'] as const;
type Sharing = (typeof sharing)[number];

function own<T>(record: { readonly [key: string]: T }, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** The boundary's program in one family. */
export class EdgeMeaning {
  readonly #ground: Ground;
  readonly #program: EdgeProgram;

  constructor(ground: Ground, program: EdgeProgram) {
    this.#ground = ground;
    this.#program = program;
  }

  /** Packets that programs speak of: ICMP is that of the family. */
  spoken(): number {
    return this.#ground.store.not(this.#ground.isProtocol(this.#ground.family === 4 ? 'ipv6-icmp' : 'icmp'));
  }

  /** What comes in by any link: dropped, or let on. */
  entry(): number {
    const { store } = this.#ground;
    const { bogons, operator } = this.#program;
    const drop = store.end('drop');
    return this.#ground.byLink(
      'in',
      [
        ['net', store.when(this.#ground.isWithin('source', bogons), drop)],
        ['oper', store.when(store.not(this.#ground.isWithin('source', operator)), drop)],
        ['tor', store.inOrder([store.when(store.not(this.#hasWayOut()), drop), this.#bogonTargets()])],
      ],
      store.on,
    );
  }

  #bogonTargets(): number {
    const { store } = this.#ground;
    const { pool, bogons } = this.#program;
    const [isPool, isBogon] = [pool, bogons].map((prefixes) => this.#ground.isWithin('target', prefixes));
    return store.when(store.and(isBogon ?? store.no, store.not(isPool ?? store.no)), store.end('drop'));
  }

  #hasWayOut(): number {
    const { store } = this.#ground;
    const ways = [
      this.#ground.isWithin('source', Object.keys(this.#program.ones)),
      ...sharing.map((protocol) =>
        this.#ground.all(
          this.#is(protocol),
          this.#ground.isWithin(
            'source',
            this.#blocks(protocol).map(([label]) => label),
          ),
        ),
      ),
    ];
    return ways.reduce((left, right) => store.choose(left, store.yes, right), store.no);
  }

  #is(protocol: Sharing): number {
    return this.#ground.isProtocol(protocol === 'icmp' && this.#ground.family === 6 ? 'ipv6-icmp' : protocol);
  }

  /** The blocks of labels for a protocol: one of its own goes before one for all (eval-edge.ts, `translated`). */
  #blocks(protocol: Sharing): readonly (readonly [label: string, block: SourceBlock])[] {
    const { blocks } = this.#program;
    const labels = new Set(Object.keys(blocks).map((key) => key.split('/')[0] ?? key));
    return [...labels].flatMap((label) => {
      const block = own(blocks, `${label}/${protocol}`) ?? own(blocks, label);
      return block === undefined ? [] : [[label, block] as const];
    });
  }

  /** What becomes of a packet's target: published, balanced or translated, in this order; all else ends here. */
  targets(): number {
    const { store } = this.#ground;
    const { balances, publics, pool } = this.#program;
    const translated = Object.entries(publics).map(
      ([address, { label }]) => [address, translationWords('target', label)] as const,
    );
    const rest = [
      meantBalances(this.#ground, balances, ({ targets }) => Object.keys(targets)),
      byAddress(this.#ground, 'target', translated),
      store.end('drop'),
    ];
    const outside = store.inOrder([this.#published(false), ...rest]);
    const inside = store.inOrder([this.#published(true), ...rest]);
    const isPool = this.#ground.isWithin('target', pool);
    const accept = store.end('accept');
    return this.#ground.byLink(
      'in',
      [
        ['net', outside],
        ['oper', outside],
        ['tor', store.choose(isPool, inside, accept)],
      ],
      accept,
    );
  }

  #published(isGuest: boolean): number {
    const { store } = this.#ground;
    const steps = Object.values(this.#program.published).flatMap((one) => {
      const address = this.#ground.address(one.address);
      if (address === undefined) return [];
      const taken = this.#ground.all(
        this.#ground.isOneOf('target', [address]),
        this.#ground.isProtocol(one.protocol),
        this.#ground.isOneOf('targetPort', [BigInt(one.port)]),
      );
      const sources = isGuest ? this.#guestsOf(one) : one.sources;
      const to = store.end(translationWords('target', one.target, String(one.targetPort)));
      return store.when(taken, store.choose(this.#ground.isWithin('source', sources), to, store.end('drop')));
    });
    return store.inOrder(steps);
  }

  /** A guest is who its public address is: labels whose address may connect. */
  #guestsOf({ sources, protocol }: Published): readonly string[] {
    const addresses = new Map(this.#blocks(protocol).map(([label, { address }]) => [label, address]));
    for (const [label, { address }] of Object.entries(this.#program.ones)) addresses.set(label, address);
    return [...addresses].flatMap(([label, address]) => (isIn(sources, address) ? [label] : []));
  }

  /** What becomes of a packet's source as it leaves; its target is the translated one. */
  sources(): number {
    const { store } = this.#ground;
    const { operator, operatorSource, labels, ones } = this.#program;
    const isOperators =
      this.#ground.address(operatorSource) === undefined
        ? store.no
        : this.#ground.all(this.#ground.isWithin('source', operator), this.#ground.isWithin('target', labels));
    const out = Object.entries(ones).map(
      ([label, { address }]) => [label, translationWords('source', address)] as const,
    );
    const shared = sharing.map((protocol) =>
      store.when(
        this.#is(protocol),
        byAddress(
          this.#ground,
          'source',
          this.#blocks(protocol).map(
            ([label, { address, ports }]) => [label, translationWords('source', address, ports.join('-'))] as const,
          ),
        ),
      ),
    );
    return store.inOrder([
      store.when(isOperators, store.end(translationWords('source', operatorSource))),
      byAddress(this.#ground, 'source', out),
      ...shared,
      store.end('accept'),
    ]);
  }
}
