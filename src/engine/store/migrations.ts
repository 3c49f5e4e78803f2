/** The formats of the store, in order: each step turns the format before it into the next; a released step is never edited. */

/** One step, with the SQL that makes it. */
export type Migration = { readonly format: number; readonly name: string; readonly sql: string };

/** `fixtures/v<format>` holds a store of each released format, and a test opens them all. */
export const migrations: readonly Migration[] = [
  {
    format: 1,
    name: 'log, current rows, data keys',
    // Small columns come before the sealed ones: a scan of the audit does not walk the overflow pages of large bodies.
    sql: `
      CREATE TABLE data_key (number INTEGER PRIMARY KEY, subscription TEXT NOT NULL, at INTEGER NOT NULL, wrapped BLOB) STRICT;
      CREATE TABLE log (
        sequence INTEGER PRIMARY KEY, at INTEGER NOT NULL, subscription TEXT NOT NULL, kind TEXT NOT NULL,
        dataKey INTEGER NOT NULL, hash BLOB NOT NULL, audit BLOB, effects BLOB, sealed BLOB NOT NULL
      ) STRICT;
      CREATE INDEX log_subscription ON log (subscription, sequence);
      CREATE TABLE row (
        name TEXT NOT NULL, key TEXT NOT NULL, dataKey INTEGER NOT NULL, sequence INTEGER NOT NULL, sealed BLOB NOT NULL,
        PRIMARY KEY (name, key)
      ) STRICT;
      CREATE INDEX row_data_key ON row (dataKey);
      CREATE TABLE head (
        id INTEGER PRIMARY KEY CHECK (id = 1), store TEXT NOT NULL, sequence INTEGER NOT NULL, hash BLOB NOT NULL
      ) STRICT;
    `,
  },
  {
    format: 2,
    name: 'the audit of a subscription by time',
    sql: 'CREATE INDEX log_audit ON log (subscription, at, sequence) WHERE audit IS NOT NULL;',
  },
];

/** The format that this version writes. */
export const currentFormat = migrations.at(-1)?.format ?? 0;
