/** The peers beside the rule bench: the same sizes of group, in blocks between ours, and how they compare. */

import type { JsonObject } from '#base/json.ts';
import { medianOf, rounded } from '#bench/figures.ts';
import { incusPrograms, openIncus } from '#bench/peer-incus.ts';
import { openOvn, ovnPrograms } from '#bench/peer-ovn.ts';
import { missingOf, type Peer } from '#bench/peer.ts';
import { progress } from '#bench/progress.ts';

const perBlock = 5;
/** OVN alone is asked with as many rules standing as a large cloud has. */
const manyRules = 10_000;
const candidates = [
  { name: 'incus', programs: incusPrograms, open: openIncus, packages: 'incus-base (bookworm-backports)', many: false },
  {
    name: 'ovn',
    programs: ovnPrograms,
    open: openOvn,
    packages: 'ovn-central ovn-host openvswitch-switch',
    many: true,
  },
] as const;

type Asked = { readonly peer: Peer; readonly many: boolean };

/** What was measured, and for each peer that is not there what is missing. */
export class RulePeers {
  readonly #peers: readonly Asked[];
  readonly #samples = new Map<string, number[]>();
  readonly #skipped: JsonObject;

  private constructor(peers: readonly Asked[], skipped: JsonObject) {
    this.#peers = peers;
    this.#skipped = skipped;
  }

  /** Starts those that are installed, each in a namespace of its own. */
  static async open(number: number): Promise<RulePeers> {
    const peers: Asked[] = [];
    const skipped: { [name: string]: string } = {};
    for (const { name, programs, open, packages, many } of candidates) {
      const missing = missingOf(programs);
      if (missing.length === 0) peers.push({ peer: await open(`rw${number}-${name}`), many });
      else skipped[name] = `skipped: ${missing.join(', ')} not found; Debian packages ${packages}`;
      progress(skipped[name] ?? `${name} runs beside.`);
    }
    return new RulePeers(peers, skipped);
  }

  /** One block of each peer at each size. */
  async sample(sizes: readonly number[]): Promise<void> {
    for (const { peer } of this.#peers) for (const rules of sizes) await this.#block(peer, rules);
  }

  /** Once, those that can with very many rules standing. */
  async sampleMany(): Promise<void> {
    for (const { peer, many } of this.#peers) if (many) await this.#block(peer, manyRules);
  }

  async #block(peer: Peer, rules: number): Promise<void> {
    const key = `${peer.name} ${rules}`;
    this.#samples.set(key, [...(this.#samples.get(key) ?? []), ...(await peer.block(rules, perBlock))]);
  }

  /** Medians by peer and size, and how many times ours they are; `ours`: our median at a size, in ms. */
  figures(ours: (rules: number) => number | undefined): JsonObject {
    const rows = [...this.#samples].map(([key, samples]): JsonObject => {
      const [peer = '', rules = ''] = key.split(' ');
      const own = ours(Number(rules));
      const p50 = medianOf(samples);
      const over = own === undefined ? {} : { over_ours: rounded(p50 / own) };
      return { peer, rules: Number(rules), p50_ms: rounded(p50), samples: samples.length, ...over };
    });
    const what = Object.fromEntries(this.#peers.map(({ peer }) => [peer.name, peer.what]));
    return { rows, what, ...(Object.keys(this.#skipped).length === 0 ? {} : { skipped: this.#skipped }) };
  }

  async close(): Promise<void> {
    for (const { peer } of this.#peers) await peer.close();
  }
}
