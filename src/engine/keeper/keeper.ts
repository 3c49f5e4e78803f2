/** The kernel's keeper inside `netd`: applies only programs that a signed record of a higher revision allows, and holds the kernel to them. */

import type { KeyObject } from 'node:crypto';
import { Fault } from '#base/wrong.ts';
import { canonical, deepFreeze, isObject, type JsonObject } from '#base/json.ts';
import { digestOf, newSharePool, shareEqual, treePatch, type TreeEdit } from '#base/tree.ts';
import type { Programs } from '#program/program.ts';
import { isRecordLike, isSigned } from '#engine/gate/record.ts';
import type { Difference, Plane } from '#engine/plane-port.ts';
import type { Clock, SignedRecord } from '#engine/ports.ts';

export type KeeperParts = {
  readonly stamp: number;
  readonly plane: Plane;
  readonly key: KeyObject;
  readonly clock: Clock;
  /** The highest revision ever applied, kept across restarts: an older record is refused. */
  readonly revisionSeen: { read(): number; write(revision: number): void };
  readonly onDrift: (drift: JsonObject) => void;
  /**
   * Told when nothing but links of ports was missing: guests end of their own will, so that is no tampering. `total` counts
   * since the start, for whoever wonders at many.
   */
  readonly onPortsLost: (lost: { readonly point: string; readonly ports: number; readonly total: number }) => void;
  /** Told when a point could not be read back or repaired; it is tried again on schedule. */
  readonly onTrouble: (point: string, error: unknown) => void;
};

/** Differences kept for whoever asks. */
const driftsKeptMax = 1000;
/** The full list of a namespace is read back in the quiet after a burst of applies, but within 1 s of the first (decision D3.2). */
const readBackMs = 400;
const readBackLastMs = 900;
/** How often the kernel is asked for changes that are not ours; what it tells is read back at once (decision D3.8). */
const lookoutMs = 250;
/** Every point is read back on this schedule, changed or not. */
const sweepMs = 5000;

/** Serialised: one apply at a time, in the order asked. */
export class Keeper {
  readonly #parts: KeeperParts;
  readonly #pool = newSharePool();
  #programs: JsonObject = Object.freeze({});
  #root = digestOf({});
  #revision = 0;
  #prepared: { readonly seal: string; readonly programs: JsonObject } | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #touched = new Set<string>();
  #touchedAt = 0;
  #drifts: JsonObject[] = [];
  #portsLost = 0;
  #timer: NodeJS.Timeout | undefined;
  #isSweeping = false;
  #lookout: NodeJS.Timeout | undefined;
  #isLooking = false;
  #isStopped = false;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  /** What stands: zero and the empty tree's digest until programs were given. */
  state(): { readonly revision: number; readonly root: string } {
    return { revision: this.#revision, root: this.#root };
  }

  /** Takes all programs anew; the record must be signed, not older than any seen, and name exactly these programs. */
  replace(signed: SignedRecord, programs: JsonObject): Promise<void> {
    return this.#inTurn(async () => {
      this.#checkSignature(signed);
      this.#checkRecord(signed, this.#parts.revisionSeen.read());
      if (signed.record.base !== '')
        throw new Fault('RecordForStep', 'The record is for a step, not for all programs.');
      const frozen = shareEqual(deepFreeze(programs), this.#pool);
      checkRoot(signed, frozen);
      await this.#take(signed.record.revision, frozen);
    });
  }

  /** Does beforehand what costs time of the step that most likely comes next: nothing of it is applied. */
  prepare(signed: SignedRecord, edits: readonly TreeEdit[]): Promise<void> {
    return this.#inTurn(async () => {
      this.#prepared = undefined;
      const programs = this.#stepped(signed, edits);
      this.#prepared = { seal: sealOf(signed), programs };
      await this.#parts.plane.prepare(this.#programs as unknown as Programs, programs as unknown as Programs);
    });
  }

  /** Takes the edits of one record on top of what stands. */
  apply(signed: SignedRecord, edits: readonly TreeEdit[]): Promise<void> {
    return this.#inTurn(async () => {
      const programs = this.#stepped(signed, edits);
      this.#prepared = undefined;
      await this.#take(signed.record.revision, programs);
    });
  }

  /** The programs after a step that its record allows now. Of a record that was prepared, signature and digest are known. */
  #stepped(signed: SignedRecord, edits: readonly TreeEdit[]): JsonObject {
    const prepared = this.#prepared?.seal === sealOf(signed) ? this.#prepared : undefined;
    if (prepared === undefined) this.#checkSignature(signed);
    this.#checkRecord(signed, Math.max(this.#revision, this.#parts.revisionSeen.read()) + 1);
    if (signed.record.base !== this.#root) {
      throw new Fault(
        'PlaneBehind',
        `The record builds on other programs than those that stand at revision ${this.#revision}.`,
      );
    }
    if (prepared !== undefined) return prepared.programs;
    const next = shareEqual(treePatch(this.#programs, edits), this.#pool);
    checkRoot(signed, next);
    return next;
  }

  /** Differences found by reading back, newest last; asking empties the list. */
  drift(): readonly JsonObject[] {
    const found = this.#drifts;
    this.#drifts = [];
    return found;
  }

  /** Begins to read back: at once what somebody else changed, all of it on schedule. */
  start(): void {
    this.#schedule(sweepMs);
    this.#lookout = setInterval(() => void this.#look(), lookoutMs);
  }

  stop(): Promise<unknown> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    clearInterval(this.#lookout);
    return this.#tail;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#tail.then(work);
    this.#tail = turn.then(
      () => undefined,
      () => undefined,
    );
    return turn;
  }

  /** Nothing of a request is looked at before its record is known to be the prover's. */
  #checkSignature({ record, signature }: SignedRecord): void {
    if (!isSigned(record, signature, this.#parts.key))
      throw new Fault('RecordUnsigned', "The record does not carry the prover's signature.");
  }

  #checkRecord({ record }: SignedRecord, oldest: number): void {
    if (record.stamp !== this.#parts.stamp)
      throw new Fault('RecordForeign', `The record is for stamp ${record.stamp}.`);
    if (!(record.revision >= oldest)) {
      throw new Fault('RecordStale', `The record is of revision ${record.revision}; ${oldest} or later is wanted.`);
    }
  }

  /** The revision is noted before the kernel is touched: a crash in between only asks for the same or a newer record. */
  async #take(revision: number, programs: JsonObject): Promise<void> {
    this.#parts.revisionSeen.write(revision);
    const before = this.#programs;
    const [old, young] = [before as unknown as Programs, programs as unknown as Programs];
    const points = [...new Set([...Object.keys(before), ...Object.keys(programs)])].filter(
      (point) => before[point] !== programs[point],
    );
    try {
      await this.#parts.plane.apply(old, young);
    } catch (error) {
      // Some points may have taken the change and others not: each is read back soon, and brought to what stands.
      this.#touch(points);
      throw error;
    }
    this.#programs = programs;
    this.#root = digestOf(programs);
    this.#revision = revision;
    this.#touch(points);
  }

  #touch(points: readonly string[]): void {
    if (points.length === 0) return;
    const now = this.#parts.clock.now();
    if (this.#touched.size === 0) this.#touchedAt = now;
    for (const point of points) this.#touched.add(point);
    this.#schedule(Math.max(0, Math.min(readBackMs, this.#touchedAt + readBackLastMs - now)));
  }

  /** One timer at a time: the newest wish replaces the one before. */
  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.#sweep(), ms);
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const points = await this.#parts.plane.suspects();
      for (const point of points) await this.#inTurn(() => this.#readBack(point));
    } catch (error) {
      this.#parts.onTrouble('lookout', error);
    } finally {
      this.#isLooking = false;
    }
  }

  /** Reads back the touched points, or all when none was; what differs is reported and repaired. */
  async #sweep(): Promise<void> {
    // A sweep that is under way schedules the next one itself.
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    const points = this.#touched.size > 0 ? [...this.#touched] : Object.keys(this.#programs);
    this.#touched.clear();
    for (const point of points) {
      if (this.#isStopped) break;
      await this.#inTurn(() => this.#readBack(point)).catch((error: unknown) => this.#parts.onTrouble(point, error));
    }
    this.#isSweeping = false;
    this.#schedule(this.#touched.size > 0 ? readBackMs : sweepMs);
  }

  async #readBack(point: string): Promise<void> {
    const program = this.#programs[point];
    if (!isObject(program)) return;
    const found = await this.#parts.plane.readBack(point);
    if (found.length === 0) return;
    const differences = found.filter(({ kind }) => kind !== 'port');
    if (found.length > differences.length) this.#notePorts(point, found.length - differences.length);
    const at = this.#parts.clock.now();
    try {
      await this.#parts.plane.repair(point);
    } catch (error) {
      if (differences.length > 0) this.#noteDrift(point, differences, { at: timeOf(at) });
      throw error;
    }
    const healedAt = timeOf(this.#parts.clock.now());
    if (differences.length > 0) this.#noteDrift(point, differences, { at: timeOf(at), healedAt });
  }

  #notePorts(point: string, ports: number): void {
    this.#portsLost += ports;
    this.#parts.onPortsLost({ point, ports, total: this.#portsLost });
  }

  #noteDrift(point: string, differences: readonly Difference[], times: { at: string; healedAt?: string }): void {
    const drift: JsonObject = {
      ...times,
      point,
      revision: this.#revision,
      differences: differences.slice(0, differencesKeptMax) as unknown as JsonObject[],
    };
    this.#drifts.push(drift);
    this.#drifts.splice(0, Math.max(0, this.#drifts.length - driftsKeptMax));
    this.#parts.onDrift(drift);
  }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

/** Differences told of one drift: enough to see what was done, few enough for a log line. */
const differencesKeptMax = 20;

/** A record with its signature, as one text: equal texts are the same record, signed by the same key. */
function sealOf({ record, signature }: SignedRecord): string {
  if (!isRecordLike(record, signature))
    throw new Fault('RecordUnsigned', 'What came is no record with a signature of the prover.');
  return canonical([record, signature]);
}

function checkRoot({ record }: SignedRecord, programs: JsonObject): void {
  if (record.root !== digestOf(programs))
    throw new Fault('RecordMismatch', 'The record names other programs than those given.');
}
