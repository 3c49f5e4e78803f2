/** What unbound says it has, read into the same records that rendering makes, so that the two compare. */

import { printAddress, tryAddress } from '#base/prefix.ts';
import type { AllRecords, Records } from '#adapters/unbound/records.ts';

/**
 * Parses `list_local_data` and `view_list_local_data`. What unbound brings itself is left out: records of the zones that
 * every resolver answers for (RFC 6761, RFC 6303), which name nobody but localhost.
 */
export function readRecords(listing: string): Records {
  const records = new Set<string>();
  for (const line of listing.split('\n')) {
    const [name = '', , , type = '', value = ''] = line.split('\t');
    if (line === '' || type === 'NS' || type === 'SOA' || value === 'localhost.' || name === 'localhost.') continue;
    const address = tryAddress(value);
    records.add(`${name.toLowerCase()} ${type} ${address === undefined ? value.toLowerCase() : printAddress(address)}`);
  }
  return records;
}

/** The first records that differ, in words; undefined when all are the same. */
export function differenceOf(wanted: AllRecords, actual: AllRecords): string | undefined {
  const views = [...wanted.views].map(([key, records]) => [key, records, actual.views.get(key) ?? none] as const);
  const all = [['', wanted.shared, actual.shared] as const, ...views];
  for (const [key, left, right] of all) {
    const missing = [...left].find((record) => !right.has(record));
    const strange = [...right].find((record) => !left.has(record));
    const where = key === '' ? '' : ` in the view ${key}`;
    if (missing !== undefined) return `"${missing}" is missing${where}`;
    if (strange !== undefined) return `"${strange}" is not wanted${where}`;
  }
  return undefined;
}

const none: Records = new Set();
