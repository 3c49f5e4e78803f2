/** Everything the engine may ask of the world; each port has one adapter, and a fake in `test/sim`. */

import type { JsonObject } from '#base/json.ts';
import type { TreeEdit } from '#base/tree.ts';
import type { Edit, Resource } from '#model/resource.ts';
import type { ResolverProgram } from '#program/program.ts';
import type { ProofRecord } from '#engine/gate/record.ts';
import type { ToldBreach } from '#engine/proof/told.ts';
import type { Blast } from '#verify/proof/verdict.ts';

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after the time; the only wait the engine knows. */
  sleep(ms: number): Promise<void>;
}

export interface Dice {
  guid(): string;
}

/** A proof record with its signature (base64, Ed25519 over the canonical record). */
export type SignedRecord = { readonly record: ProofRecord; readonly signature: string };

/** What the proof says of a change besides yes: what it newly breaks of what is only watched, and what becomes possible or impossible. */
export type Judged = { readonly noted: readonly ToldBreach[]; readonly blast: Blast; readonly steps: number };
/** A change judged without being made. */
export type Planned = Judged & { readonly refused: readonly ToldBreach[] };

export type Proposal =
  | (SignedRecord & { readonly verdict: 'proved'; readonly edits: readonly TreeEdit[]; readonly judged: Judged })
  | { readonly verdict: 'refused'; readonly refused: readonly ToldBreach[]; readonly steps: number };

/** `proofd`: keeps its own copy of the model, compiles, proves, and signs what the kernel may be made to do (decision D1). */
export interface Prover {
  /** Replaces the prover's model; answers the record of that revision. */
  load(revision: number, resources: readonly Resource[]): Promise<SignedRecord>;
  /** The record and programs of the revision that stands, for a plane that lost them; a Fault when nothing is loaded. */
  current(): Promise<SignedRecord & { readonly programs: JsonObject }>;
  /** Proves a change on top of revision − 1. One that is proved stands unless `settle` takes it back; one that is refused left nothing. */
  propose(revision: number, edits: readonly Edit[]): Promise<Proposal>;
  /** Judges a change on what stands without making it: what a write would be told. */
  plan(edits: readonly Edit[]): Promise<Planned>;
  /** Tells whether the proposed revision became durable; one that did not is taken back. */
  settle(revision: number, kept: boolean): Promise<void>;
}

/** `netd`: the kernel's keeper; it checks every record before it acts. */
export interface PlaneLink {
  /** What netd has: the last revision and the digest of its programs; zero and empty when fresh. */
  state(): Promise<{ readonly revision: number; readonly root: string }>;
  /** Replaces all programs (start, resync). */
  replace(signed: SignedRecord, programs: JsonObject): Promise<void>;
  /** Applies the edits of one record; resolves when the kernel has echoed them. */
  apply(signed: SignedRecord, edits: readonly TreeEdit[]): Promise<void>;
  /** Moves the guest's end of a NIC into the network namespace of a process. */
  attach(mark: number, pid: number, name: string): Promise<void>;
  /** Sets the health probes to run from now on; answers every verdict there is. */
  probes(wanted: readonly ProbeSpec[]): Promise<readonly ProbeResult[]>;
  /** Differences between kernel and programs found by reading back, newest last. */
  drift(): Promise<readonly JsonObject[]>;
}

/** One health probe of one backend address, run from the router of the VNet on the NIC's host. */
export type ProbeSpec = {
  readonly key: string;
  readonly point: string;
  readonly address: string;
  readonly protocol: 'tcp' | 'http';
  readonly port: number;
  readonly path?: string;
  readonly intervalS: number;
  readonly failuresMax: number;
};

export type ProbeResult = { readonly key: string; readonly state: 'up' | 'down' };

/** `edged`: the engines at the edge; like `netd` it checks that the prover vouches for a program before an engine has it. */
export interface EdgeLink {
  /** Gives the resolver its program. `digests`: of the stamp's other programs, which together with this one make the record's root. */
  resolve(signed: SignedRecord, program: JsonObject, digests: { readonly [point: string]: string }): Promise<void>;
}

/** A resolver as its keeper sees it. */
export interface Resolver {
  /** Answers by this program from now on; resolves when what it has was read back. */
  apply(program: ResolverProgram): Promise<void>;
  /** Stops answering. */
  close(): Promise<void>;
}
