/** The files of flow logs, laid out as Azure's blobs: one an hour and interface, whole JSON after each append, bounded in bytes and days. */

import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { flowLogBytesAllMax, flowLogBytesMax } from '#base/limits.ts';
import { Fault } from '#base/wrong.ts';
import { flowLogFolder } from '#model/network/flow-log.ts';

const head = '{"records":[';
const tail = '\n]}\n';
/** Every file takes at least one block of the disk. */
const blockBytes = 4096;
const hourMs = 3_600_000;

/** A file that is there: whose, of which hour (milliseconds since 1970), and its bytes. */
type Held = { readonly folder: string; readonly hour: number; bytes: number };

export type Bounds = { readonly bytes: number; readonly bytesAll: number };

/** Where one record goes. */
export type Place = { readonly target: string; readonly mac: string; readonly at: number };

export class FlowFiles {
  readonly #root: string;
  readonly #bounds: Bounds;
  readonly #held = new Map<string, Held>();

  /** Opens the folder of all flow logs, and counts what is there. */
  constructor(root: string, bounds: Bounds = { bytes: flowLogBytesMax, bytesAll: flowLogBytesAllMax }) {
    this.#root = root;
    this.#bounds = bounds;
    mkdirSync(root, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
      const place = placeOf(name);
      if (place !== undefined) this.#held.set(name, { ...place, bytes: statSync(join(root, name)).size });
    }
  }

  /** Appends records of one interface. What a crash cut off before is mended first. Throws the file system's error. */
  append(place: Place, records: readonly JsonObject[]): void {
    if (records.length === 0) return;
    const name = nameOf(place);
    const path = join(this.#root, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const file = openSync(path, existsSync(path) ? 'r+' : 'wx+', 0o600);
    try {
      const end = mended(file);
      const lines = records.map((record) => `\n${JSON.stringify(record)}`).join(',');
      // One write over the closing brackets: a reader finds the file whole before and after.
      writeSync(file, `${end === head.length ? '' : ','}${lines}${tail}`, end);
      const known = this.#held.get(name);
      const { size } = fstatSync(file);
      if (known === undefined) this.#held.set(name, { ...(placeOf(name) as Held), bytes: size });
      else known.bytes = size;
    } finally {
      closeSync(file);
    }
    this.#shrink();
  }

  /** Removes what is older than a target's days; 0 days keeps all that the bounds allow. `now` in milliseconds since 1970. */
  retain(target: string, days: number, now: number): void {
    if (days === 0) return;
    const folder = folderOf(target);
    for (const [name, held] of this.#held)
      if (held.folder === folder && held.hour + hourMs <= now - days * 24 * hourMs) this.#remove(name);
  }

  /** Bytes kept, of one target or of all. */
  bytes(target?: string): number {
    const folder = target === undefined ? undefined : folderOf(target);
    let sum = 0;
    for (const held of this.#held.values()) if (folder === undefined || held.folder === folder) sum += costOf(held);
    return sum;
  }

  /** The records of a target from a time on, oldest hour first. */
  *records(target: string, since: number): Generator<JsonObject> {
    const folder = folderOf(target);
    const names = [...this.#held].filter(([, held]) => held.folder === folder && held.hour + hourMs > since);
    for (const [name] of names.sort(([, left], [, right]) => left.hour - right.hour)) {
      const whole = JSON.parse(readFileSync(join(this.#root, name), 'utf8')) as { records?: Json };
      for (const record of Array.isArray(whole.records) ? whole.records : [])
        if (isObject(record) && Date.parse(String(record['time'])) >= since) yield record;
    }
  }

  /** The oldest hour of the target over its bound goes; over the bound of all, that of the largest target: none crowds out another. */
  #shrink(): void {
    const sums = new Map<string, number>();
    let all = 0;
    for (const held of this.#held.values()) {
      sums.set(held.folder, (sums.get(held.folder) ?? 0) + costOf(held));
      all += costOf(held);
    }
    for (;;) {
      const [folder, sum] = [...sums].reduce((most, one) => (one[1] > most[1] ? one : most), ['', 0]);
      if (sum <= this.#bounds.bytes && all <= this.#bounds.bytesAll) return;
      const oldest = this.#oldestOf(folder);
      if (oldest === undefined) return;
      const cost = costOf(this.#held.get(oldest) as Held);
      sums.set(folder, sum - cost);
      all -= cost;
      this.#remove(oldest);
    }
  }

  #oldestOf(folder: string): string | undefined {
    let oldest: string | undefined;
    for (const [name, held] of this.#held)
      if (held.folder === folder && held.hour < (this.#held.get(oldest ?? '')?.hour ?? Number.POSITIVE_INFINITY))
        oldest = name;
    return oldest;
  }

  #remove(name: string): void {
    rmSync(join(this.#root, name), { force: true });
    this.#held.delete(name);
  }
}

function costOf({ bytes }: Held): number {
  return Math.ceil(Math.max(1, bytes) / blockBytes) * blockBytes;
}

/** Where the next record begins: after the last whole one. A fresh or cut file gets its beginning; what was cut off is dropped. */
function mended(file: number): number {
  const { size } = fstatSync(file);
  const end = size - tail.length;
  if (end >= head.length) {
    const last = Buffer.alloc(tail.length);
    readSync(file, last, 0, last.length, end);
    if (last.toString() === tail) return end;
  }
  const text = readFileSync(file, 'utf8');
  const whole = text.startsWith(head) ? wholeLength(text) : head.length;
  if (!text.startsWith(head)) writeSync(file, head, 0);
  const bytes = Buffer.byteLength(text.slice(0, Math.max(whole, 0)));
  const at = Math.max(bytes, head.length);
  ftruncateSync(file, at);
  return at;
}

/** Characters up to the end of the last line that is a whole record, without the comma after it. */
function wholeLength(text: string): number {
  let length = head.length;
  for (const line of text.slice(head.length).split('\n').slice(1)) {
    const record = line.replace(/,$/, '');
    try {
      if (!isObject(JSON.parse(record) as Json)) break;
    } catch {
      break;
    }
    length = text.indexOf(line, length) + record.length;
  }
  return length;
}

/** `RESOURCEID=/…` as folders; every part must be one that no file system takes for a way out. */
function folderOf(target: string): string {
  const folder = flowLogFolder(target);
  for (const part of folder.split('/').slice(1)) {
    if (!/^[A-Z0-9_().-]{1,255}$/.test(part) || part === '.' || part === '..')
      throw new Fault('FlowLogPlace', `No file can be named after ${target.slice(0, 300)}.`);
  }
  return folder;
}

function nameOf({ target, mac, at }: Place): string {
  const [year, month, day, hour] = new Date(at).toISOString().split(/[-T:]/);
  const parts = [folderOf(target), `y=${year}`, `m=${month}`, `d=${day}`, `h=${hour}`, 'm=00'];
  return [...parts, `macAddress=${mac.replaceAll(':', '').toUpperCase()}`, 'PT1H.json'].join('/');
}

function placeOf(name: string): Omit<Held, 'bytes'> | undefined {
  const path = name.split(sep).join('/');
  const found = /^(.+)\/y=(\d{4})\/m=(\d\d)\/d=(\d\d)\/h=(\d\d)\/m=00\/macAddress=[0-9A-F]{12}\/PT1H\.json$/.exec(path);
  const [, folder, year, month, day, hour] = found ?? [];
  if (folder === undefined) return undefined;
  return { folder, hour: Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour)) };
}
