/** Looks at a store read-only and says what is wrong with it: nothing is changed, whatever is found. */

import { existsSync, statSync } from 'node:fs';
import { Fault, Refusal } from '#base/wrong.ts';
import { hasAnchor, readAnchor } from '#engine/store/anchor.ts';
import { pagesPlace, type Checked, type Finding } from '#engine/store/check.ts';
import { Keyring } from '#engine/store/keyring.ts';
import type { StoreKeys } from '#engine/store/seal.ts';
import { isOpenHere, isPageDamage, openSqlite } from '#engine/store/sqlite.ts';
import { pageBytes, scanPages, type PageScan } from '#engine/store/sqlite-pages.ts';

/** The store to look at. */
export type Inspected = { readonly file: string; readonly keys: StoreKeys };

/** The head that was found whole, or what is wrong. */
export type Verdict =
  | { readonly kind: 'whole'; readonly sequence: number; readonly hash: Buffer }
  | ({ readonly kind: 'damaged' } & Finding);

/** Where the anchor of a store lies. */
export function anchorFile(file: string): string {
  return `${file}-anchor`;
}

/** Runs a check over one moment of the store. Throws a Refusal when there is no store or the key is not its own. */
export function inspect({ file, keys }: Inspected, check: (checked: Checked) => Finding | undefined): Verdict {
  if (isGone(file)) return { kind: 'damaged', ...lost };
  const progress = { good: 0 };
  try {
    const verdict = inspectOpen({ file, keys }, { check, progress });
    return verdict.kind === 'damaged' ? { ...verdict, ...numbered({ file, keys }, verdict) } : verdict;
  } catch (error) {
    if (isPageDamage(error)) return { kind: 'damaged', ...locate({ file, keys }, error, progress.good) };
    // A file without tables was never a store, unless an anchor says what it held.
    const isBlank = error instanceof Refusal && error.code === 'StoreMissing';
    if (isBlank && hasAnchor(anchorFile(file))) return { kind: 'damaged', ...lost };
    throw error;
  }
}

type Task = {
  readonly check: (checked: Checked) => Finding | undefined;
  readonly progress: { good: number };
};

function inspectOpen({ file, keys }: Inspected, { check, progress }: Task): Verdict {
  const database = openSqlite({ file, key: keys.database, mode: 'read' });
  try {
    const anchor = readAnchor(anchorFile(file), { key: keys.anchor, storeId: database.storeId });
    // A writer may go on meanwhile: what we look at must be no older than the anchor.
    database.refresh();
    const ring = new Keyring(keys.wrap, database.dataKeys());
    const finding = check({ database, ring, rows: keys.rows, anchor, progress }) ?? cutOf(file, progress.good);
    return finding === undefined ? { kind: 'whole', ...database.head() } : { kind: 'damaged', ...finding };
  } finally {
    database.close();
  }
}

/** A store whose file is gone or empty while its anchor stands was lost, not never made. */
function isGone(file: string): boolean {
  const isThere = existsSync(file) && statSync(file).size > 0;
  return !isThere && hasAnchor(anchorFile(file));
}

const lost: Finding = { place: 'the whole file', reason: 'it is gone or empty, and its anchor is there', sequence: 0 };

/** SQLite takes a cut last page for a whole one until it reads it. With a write-ahead log, the pages there count. */
function cutOf(file: string, sequence: number): Finding | undefined {
  const log = `${file}-wal`;
  const extra = statSync(file).size % pageBytes;
  if (extra === 0 || (existsSync(log) && statSync(log).size > 0)) return undefined;
  return { place: 'the end of the file', reason: `its last page has ${extra} of ${pageBytes} bytes`, sequence };
}

/** Finds the pages that do not carry their HMAC: the place behind SQLite's "malformed". */
function locate({ file, keys }: Inspected, { code, message: says }: Fault, sequence: number): Finding {
  if (code === 'StoreHeadMissing') return { place: 'the head row', reason: says, sequence };
  // Reading a file that is open here would drop its locks; the place is then as exact as SQLite says.
  if (isOpenHere(file)) return { place: `behind entry ${sequence}`, reason: says, sequence };
  const scan = scanPages(file, keys.database);
  refuseIfForeign(file, scan);
  const [first] = scan.damaged;
  if (first !== undefined) {
    const shown = scan.damaged.slice(0, 8).join(', ');
    const place = `page ${shown} of ${scan.pages} (from byte ${(first - 1) * pageBytes})`;
    return { place, reason: `the page is not what was written: ${says}`, sequence };
  }
  const tail = scan.tailBytes > 0 ? ` and ${scan.tailBytes} bytes` : '';
  return { place: `the end of the file, after page ${scan.pages}${tail}`, reason: says, sequence };
}

/** A page that only an index needs is met by the check of all pages alone, which does not say its number. */
function numbered(inspected: Inspected, { place, reason, sequence }: Finding): Finding | undefined {
  if (place !== pagesPlace || isOpenHere(inspected.file)) return undefined;
  if (scanPages(inspected.file, inspected.keys.database).damaged.length === 0) return undefined;
  return locate(inspected, new Fault('StorePagesDamaged', reason), sequence);
}

function refuseIfForeign(file: string, { pages, damaged }: PageScan): void {
  if (pages === 0 || damaged.length < pages) return;
  const says = `The key does not open the store ${file}: no page of it was written with this key (or its first 16 bytes are damaged). Nothing was changed. Use the key file that belongs to this store.`;
  throw new Refusal('StoreKeyWrong', says, { status: 500, target: 'key' });
}

/** Refuses a path where neither a store nor the anchor of a lost one lies. */
export function refuseMissing(file: string): void {
  if (existsSync(file) || hasAnchor(anchorFile(file))) return;
  throw new Refusal('StoreMissing', `There is no store in ${file}.`, { status: 404, target: file });
}
