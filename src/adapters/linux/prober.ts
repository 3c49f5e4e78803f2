/** Runs the wanted health probes, each at its own interval, and keeps the verdicts for whoever asks. */

import { probeTimeoutMs } from '#base/limits.ts';
import { Fault } from '#base/wrong.ts';
import type { Probe, Probed } from '#engine/plane-port.ts';
import type { ProbeResult, ProbeSpec } from '#engine/ports.ts';

type Watched = {
  spec: ProbeSpec;
  timer: NodeJS.Timeout | undefined;
  failures: number;
  state: 'up' | 'down' | undefined;
};

/** More than a stamp's load balancers can ask for; the caller is not trusted to keep to it. */
const probesMax = 20_000;
const intervalLeastMs = 10;
/** Until a probe can be asked at all: the programs, or the router, may not be there yet. */
const retryMs = 200;

/**
 * Azure's rules: a backend is down until its first good probe, up after one good probe, and down again after `failuresMax`
 * bad ones in a row (Azure: "Load Balancer health probes").
 */
export class Prober {
  readonly #ask: (probe: Probe) => Promise<Probed>;
  readonly #watched = new Map<string, Watched>();

  constructor(ask: (probe: Probe) => Promise<Probed>) {
    this.#ask = ask;
  }

  /** From now on these probes run; answers every verdict there is, so that a lost answer loses nothing. */
  follow(wanted: readonly ProbeSpec[]): readonly ProbeResult[] {
    if (!Array.isArray(wanted) || wanted.length > probesMax)
      throw new Fault('ProbesRefused', `The probes are not accepted: a list of at most ${probesMax} is wanted.`);
    const specs = new Map(wanted.map((spec) => [spec.key, spec]));
    for (const [key, watched] of this.#watched) {
      if (specs.has(key)) continue;
      clearTimeout(watched.timer);
      this.#watched.delete(key);
    }
    for (const [key, spec] of specs) {
      const known = this.#watched.get(key);
      if (known !== undefined) known.spec = spec;
      else {
        const watched: Watched = { spec, timer: undefined, failures: 0, state: undefined };
        this.#watched.set(key, watched);
        watched.timer = setTimeout(() => void this.#run(watched), 0);
      }
    }
    return [...this.#watched].flatMap(([key, { state }]) => (state === undefined ? [] : [{ key, state }]));
  }

  stop(): void {
    for (const { timer } of this.#watched.values()) clearTimeout(timer);
    this.#watched.clear();
  }

  async #run(watched: Watched): Promise<void> {
    const { key, point, address, port, protocol, path, intervalS } = watched.spec;
    const timeoutMs = Math.min(probeTimeoutMs, intervalS * 1000);
    const probe = { point, address, port, protocol, timeoutMs, ...(path === undefined ? {} : { path }) };
    const probed = await this.#ask(probe).catch((): undefined => undefined);
    if (this.#watched.get(key) !== watched) return;
    if (probed !== undefined) this.#note(watched, probed.state);
    // A number that is none would be taken for no wait at all. What could not be asked yet is asked again soon.
    const intervalMs = probed === undefined ? retryMs : Number(intervalS) * 1000 || 0;
    const waitMs = Math.max(intervalLeastMs, intervalMs);
    watched.timer = setTimeout(() => void this.#run(watched), waitMs);
  }

  #note(watched: Watched, state: 'up' | 'down'): void {
    watched.failures = state === 'up' ? 0 : watched.failures + 1;
    if (state === 'up') watched.state = 'up';
    // Also a first bad probe is no verdict: this prober may be new, and the backend in the middle of its work.
    else if (watched.failures >= watched.spec.failuresMax) watched.state = 'down';
  }
}
