/** The anchor: a small file beside the store that says how far writes were acknowledged, so that a lost tail of the log is seen. */

import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto';
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { Fault } from '#base/wrong.ts';

/** What was acknowledged: the log's head at that moment. */
export type Mark = { readonly sequence: number; readonly hash: Buffer };

/** What the file says. `unreadable`: it is there, but neither of its slots carries our MAC. */
export type AnchorReading = { readonly kind: 'absent' | 'unreadable' } | { readonly kind: 'mark'; readonly mark: Mark };

const markBytes = 8 + 32;
const slotBytes = markBytes + 32;
/** The slots lie in different blocks: a torn block harms at most one of them. */
const slotOffsets = [0, 4096] as const;

/**
 * Writes the anchor after each commit, without waiting for the disk: the log is durable before the anchor names it, so
 * the anchor may lag behind after a power loss but never runs ahead of a healthy log.
 */
export class Anchor {
  readonly #descriptor: number;
  /** The same file; a write through it waits for the disk (open(2), O_DSYNC). Node's permission model forbids fsync. */
  readonly #durable: number;
  readonly #key: KeyObject;
  readonly #storeId: string;
  #turn = 0;
  #last: Mark | undefined;

  constructor(file: string, { key, storeId }: { key: KeyObject; storeId: string }) {
    this.#key = key;
    this.#storeId = storeId;
    this.#descriptor = openSync(file, openFlags(file), 0o600);
    this.#durable = openSync(file, constants.O_WRONLY | constants.O_DSYNC);
  }

  write(mark: Mark): void {
    this.#last = mark;
    this.#put(this.#descriptor, mark);
  }

  /** After a clean stop the anchor is on the disk. */
  close(): void {
    if (this.#last !== undefined) this.#put(this.#durable, this.#last);
    closeSync(this.#durable);
    closeSync(this.#descriptor);
  }

  #put(descriptor: number, mark: Mark): void {
    const slot = printSlot(mark, { key: this.#key, storeId: this.#storeId });
    this.#turn = 1 - this.#turn;
    writeSync(descriptor, slot, 0, slotBytes, slotOffsets[this.#turn === 0 ? 0 : 1]);
  }
}

/** Reads the anchor: the furthest of its slots that carries our MAC. */
export function readAnchor(file: string, of: { key: KeyObject; storeId: string }): AnchorReading {
  const bytes = readWhole(file);
  if (bytes === undefined) return { kind: 'absent' };
  const marks = slotOffsets
    .map((offset) => parseSlot(bytes.subarray(offset, offset + slotBytes), of))
    .filter((mark) => mark !== undefined);
  const [first, second] = marks;
  if (first === undefined) return { kind: 'unreadable' };
  return { kind: 'mark', mark: second !== undefined && second.sequence > first.sequence ? second : first };
}

/** Is there an anchor at all? Asked before there is a database to name the store. */
export function hasAnchor(file: string): boolean {
  return readWhole(file) !== undefined;
}

function openFlags(file: string): 'r+' | 'w+' {
  return hasAnchor(file) ? 'r+' : 'w+';
}

/** An empty file counts as none: a crash between making and writing it leaves that. */
function readWhole(file: string): Buffer | undefined {
  try {
    const bytes = readFileSync(file);
    return bytes.length === 0 ? undefined : bytes;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Fault('StoreUnreadable', `Cannot read the anchor ${file}.`, error);
  }
}

function printSlot({ sequence, hash }: Mark, of: { key: KeyObject; storeId: string }): Buffer {
  const slot = Buffer.alloc(slotBytes);
  slot.writeBigUInt64BE(BigInt(sequence));
  hash.copy(slot, 8);
  macOf(slot, of).copy(slot, markBytes);
  return slot;
}

function parseSlot(slot: Buffer, of: { key: KeyObject; storeId: string }): Mark | undefined {
  if (slot.length !== slotBytes || !timingSafeEqual(macOf(slot, of), slot.subarray(markBytes))) return undefined;
  return { sequence: Number(slot.readBigUInt64BE()), hash: Buffer.from(slot.subarray(8, markBytes)) };
}

function macOf(slot: Buffer, { key, storeId }: { key: KeyObject; storeId: string }): Buffer {
  return createHmac('sha256', key).update(`anchor ${storeId} `).update(slot.subarray(0, markBytes)).digest();
}
