/** What the reconciler asks of the kernel: the data plane's port, with one adapter per world. */

import type { ProbeResult, ProbeSpec } from '#engine/ports.ts';
import type { Programs } from '#program/program.ts';

/** What an apply did, for the audit and for benches. */
export type Applied = {
  /** Points that changed. */
  readonly points: readonly string[];
  /** Operations on rules, sets and chains; lines of routes, neighbours and links. */
  readonly ruleOperations: number;
  readonly networkLines: number;
  /** Waves it took: 2 when more than one namespace both lost and gained. */
  readonly waves: 1 | 2;
  /** Milliseconds in which two namespaces could disagree about a change that both removes and adds. */
  readonly windowMs: number;
};

/** One difference between what the kernel has and what the programs demand. */
export type Difference = {
  readonly point: string;
  /** `port`: a port's link is gone with all that hung on it, as when its guest's namespace ended; the rest is other than wanted. */
  readonly kind: 'set' | 'chain' | 'rule' | 'route' | 'link' | 'address' | 'neighbour' | 'table' | 'sysctl' | 'port';
  readonly says: string;
  /** Who made it, where the kernel tells (decision D3.8). */
  readonly by?: { readonly pid: number; readonly process: string };
};

/** Flows to cut: by one end or both, by protocol and port; what is absent matches all. */
export type FlowSelector = {
  readonly point: string;
  readonly source?: string;
  readonly target?: string;
  readonly protocol?: 'tcp' | 'udp' | 'icmp' | 'esp' | 'ah';
  readonly targetPort?: number;
  readonly zone?: number;
};

/** A health probe from the platform's address inside a router. */
export type Probe = {
  readonly point: string;
  readonly address: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'http';
  readonly path?: string;
  readonly timeoutMs: number;
};

export type Probed = { readonly state: 'up' | 'down'; readonly because: string };

export interface Plane {
  /** Makes the namespaces and links of the fabric and its hosts, or adopts those that run; programs come with `apply`. */
  up(): Promise<void>;
  /**
   * Applies the points that differ: one atomic transaction per namespace, narrowing before widening. The first apply after
   * a start compares with what the kernel has, so that what an earlier process left is adopted and flows go on.
   */
  apply(before: Programs, after: Programs): Promise<Applied>;
  /** Does beforehand what costs time of such an apply. The stamp's own namespaces stay as they are. */
  prepare(before: Programs, after: Programs): Promise<void>;
  /** Lists a point's kernel state in full and compares it with what its program demands. */
  readBack(point: string): Promise<readonly Difference[]>;
  /** Points that somebody else changed since the last call, as far as the kernel tells: they are read back at once. */
  suspects(): Promise<readonly string[]>;
  /** Brings a point back to its program after drift. */
  repair(point: string): Promise<Applied>;
  /** Moves the guest's end of a port into the network namespace of a process, under the given name; makes it anew when its old namespace died. */
  attach(mark: number, pid: number, name: string): Promise<void>;
  /** Takes the guest's end back; it waits beside the port for the next attach. */
  detach(mark: number): Promise<void>;
  /** Removes everything of the stamp by name, also what a crash left; needs no state. */
  down(): Promise<void>;
  /** Lets go of the kernel without changing it. */
  close(): Promise<void>;
  /** Cuts established flows; answers how many. */
  cut(flows: FlowSelector): Promise<number>;
  /** Asks one backend for its health, once. */
  probe(probe: Probe): Promise<Probed>;
  /** Runs these probes from now on, each at its interval; answers every verdict there is. */
  probes(wanted: readonly ProbeSpec[]): Promise<readonly ProbeResult[]>;
}
