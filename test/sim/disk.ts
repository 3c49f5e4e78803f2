/** The disk of a simulated stamp, and the store on it: durable before or after a fault, as the seed has it. */

import { canonical, type Json } from '#base/json.ts';
import { Fault } from '#base/wrong.ts';
import type { Entry, Position, Store } from '#engine/store/store.ts';
import type { Faults } from '#test/sim/faults.ts';

type Rows = Map<string, Map<string, string>>;

/** What outlives a crash: the log, and the rows that it makes. Everything lies there as text, so that nobody shares an object with it. */
export class SimDisk {
  readonly log: string[] = [];
  readonly rows: Rows = new Map();

  write(entry: Entry): Position {
    this.log.push(canonical(entry));
    for (const { table, key, value } of entry.puts ?? []) this.table(table).set(key, canonical(value));
    for (const { table, key } of entry.deletes ?? []) this.table(table).delete(key);
    return { sequence: this.log.length, hash: '' };
  }

  table(name: string): Map<string, string> {
    const table = this.rows.get(name) ?? new Map<string, string>();
    this.rows.set(name, table);
    return table;
  }
}

/** The store of one incarnation of the engine. After a commit of unknown fate it is stopped, as the real one. */
export function simStore(disk: SimDisk, faults: Faults): Store {
  let isStopped = false;
  let tail: Promise<unknown> = Promise.resolve();
  const commit = async (entry: Entry): Promise<Position> => {
    if (isStopped) throw new Fault('StoreStopped', 'The store stopped.');
    await faults.pause('append begins');
    const fate = faults.fate('append');
    if (fate === 'before') throw new Fault('StoreFull', 'The disk is full.');
    if (fate === 'stopped') {
      isStopped = true;
      if (faults.chance(0.5)) disk.write(entry);
      throw new Fault('StoreStopped', 'The store stopped.');
    }
    const position = disk.write(entry);
    await faults.pause('append is durable');
    return position;
  };
  const missing = (): never => {
    throw new Error('The simulation has no such store call.');
  };
  return {
    append(entry) {
      // Read at once: what the caller changes later is not written.
      const held = JSON.parse(canonical(entry)) as Entry;
      const turn = tail.then(() => commit(held));
      tail = turn.catch(() => undefined);
      return turn;
    },
    head: () => ({ sequence: disk.log.length, hash: '' }),
    read: missing,
    *rows(table) {
      for (const [key, text] of [...disk.table(table)].sort(([left], [right]) => (left < right ? -1 : 1))) {
        yield { key, value: JSON.parse(text) as Json };
      }
    },
    row(table, key) {
      const text = disk.table(table).get(key);
      return text === undefined ? undefined : (JSON.parse(text) as Json);
    },
    audits: () => ({ lines: [] }),
    auditsIn: () => ({ lines: [] }),
    shred: missing,
    snapshot: missing,
    close: () => undefined,
  };
}
