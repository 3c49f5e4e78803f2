/** Everything the engine may ask of the world; each port has one adapter, and a fake in `test/sim`. */

import type { JsonObject } from '#base/json.ts';
import type { TreeEdit } from '#base/tree.ts';
import type { Edit, Resource } from '#model/resource.ts';
import type { ResolverProgram } from '#program/program.ts';
import type { ProofRecord } from '#engine/gate/record.ts';
import type { ToldBreach } from '#engine/proof/told.ts';
import type { Told } from '#engine/checker/checker.ts';
import type { Estate } from '#verify/invariant/estate.ts';
import type { Invariant } from '#verify/invariant/invariant.ts';
import type { Blast, Reaching } from '#verify/proof/verdict.ts';

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
export type Judged = {
  readonly noted: readonly ToldBreach[];
  /** How many more of them there are than are told. */
  readonly notedMore: number;
  readonly blast: Blast;
};
/** A change judged without being made. */
export type Planned = Judged & {
  readonly refused: readonly ToldBreach[];
  readonly refusedMore: number;
  readonly steps: number;
};
/** What stands broken: the first of each invariant, and how many more there are. */
export type Findings = { readonly told: readonly ToldBreach[]; readonly more: number };

export type Proposal =
  | (SignedRecord & { readonly verdict: 'proved'; readonly edits: readonly TreeEdit[]; readonly steps: number })
  | {
      readonly verdict: 'refused';
      readonly refused: readonly ToldBreach[];
      readonly refusedMore: number;
      readonly steps: number;
    };

/** `proofd`: keeps its own copy of the model, compiles, proves, and signs what the kernel may be made to do (decision D1). */
export interface Prover extends ProofQuestions {
  /** Replaces the prover's model; answers the record of that revision. */
  load(revision: number, resources: readonly Resource[]): Promise<SignedRecord>;
  /** The record and programs of the revision that stands, for a plane that lost them; a Fault when nothing is loaded. */
  current(): Promise<SignedRecord & { readonly programs: JsonObject }>;
  /** Proves a change on top of revision − 1. One that is proved stands unless `settle` takes it back; one that is refused left nothing. */
  propose(revision: number, edits: readonly Edit[]): Promise<Proposal>;
  /** What is told of the change that was proved last; the kernel's keeper can prepare it meanwhile. A Refusal (too costly) takes it back. */
  judged(revision: number): Promise<Judged>;
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
  /** Tells of a step that is proved and not durable yet, so that what costs time is done beforehand. Nothing is applied. */
  prepare(signed: SignedRecord, edits: readonly TreeEdit[]): Promise<void>;
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

/** One connection that is tried. `port` is 0 for `icmp`. `request`: the bytes of an HTTP request. */
export type Knock = {
  readonly protocol: 'tcp' | 'icmp';
  readonly source: string;
  readonly sourcePort?: number;
  readonly target: string;
  readonly port: number;
  readonly request?: string;
};

/**
 * What came of it. `open`: the connection or echo was answered; `closed`: the target's host answered that nothing listens; `silent`: nothing
 * came back in time; `untried`: it could not be tried at all. `answer`: the first bytes of what an HTTP server said.
 */
export type Knocked = {
  readonly state: 'open' | 'closed' | 'silent' | 'untried';
  readonly ms: number;
  readonly says: string;
  readonly answer?: string;
};

/** Opens connections from inside a machine's guest, as any program there would. Absent where nothing runs. */
export interface Knocker {
  knock(machine: Resource, knock: Knock): Promise<Knocked>;
}

/** What the prover's word on the stamp that stands is asked for, beside proposals. */
export interface ProofQuestions {
  /** What stands broken now. */
  findings(): Promise<Findings>;
  /** Who is reached from the internet: one row per public address and port range. */
  exposure(): Promise<readonly Exposed[]>;
  /** Who reaches whom, of all NICs or of those under a scope. */
  matrix(scope?: string): Promise<{ readonly rows: readonly Reaching[]; readonly more: number }>;
  /** Where the invariants in force stand, of the NICs within a scope (ARM id). */
  compliance(scope: string): Promise<Compliance>;
  /** What a checker needs to judge the proof by other means. */
  evidence(): Promise<Evidence>;
  /** One invariant by its id, whether it holds, and what breaks it. */
  prove(
    id: string,
  ): Promise<{ readonly holds: boolean; readonly broken: readonly ToldBreach[]; readonly more: number }>;
}

/** The invariants in force at a revision, whose NICs they speak of, and what was found broken. */
export type Evidence = {
  readonly revision: number;
  readonly estate: Estate;
  readonly invariants: readonly Invariant[];
  readonly told: readonly Told[];
};

/**
 * Where invariants stand within a scope. Numbers are places in `invariants`. `nics`: which of them judge each NIC (ARM id in lower case), and which
 * are broken there. `whole`: those of scopes within that are judged as a whole, and those that are broken where no NIC shows it.
 */
export type Compliance = {
  readonly invariants: readonly Stated[];
  readonly nics: readonly {
    readonly nic: string;
    readonly judged: readonly number[];
    readonly broken: readonly number[];
  }[];
  readonly whole: readonly { readonly invariant: number; readonly isBroken: boolean }[];
};

/** An invariant as it is named: without what it demands. */
export type Stated = Pick<Invariant, 'id' | 'kind' | 'effect' | 'owner' | 'scope'>;

/** A public address and what answers behind it: `services` as in a blast (`tcp/443`), `nics` by ARM id. */
export type Exposed = {
  readonly address: string;
  readonly because: string;
  readonly services: readonly string[];
  readonly nics: readonly string[];
};
