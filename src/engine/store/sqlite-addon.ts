/** Loads the SQLite addon so that it never evaluates strings: the package's own row factory needs `Function()`, ours does not. */

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3-multiple-ciphers';

export type Connection = Database.Database;
export type Statement = Database.Statement<unknown[]>;

type Addon = { isInitialized?: boolean; initialize(...parts: unknown[]): void };

/** Opens a connection. `timeout` 0: a lock that is taken is an answer, not something to wait for. */
export function connect(file: string, options: { readonly: boolean; timeout: number }): Connection {
  // The package takes an addon object as well as a path; its types name the path only.
  const nativeBinding = addon() as unknown as string;
  return new Database(file, { ...options, nativeBinding });
}

/** The driver's error code (`SQLITE_…`), or undefined for any other error. */
export function sqliteCode(error: unknown): string | undefined {
  return error instanceof Database.SqliteError ? error.code : undefined;
}

let loaded: Addon | undefined;

function addon(): Addon {
  if (loaded !== undefined) return loaded;
  const module = { exports: {} as Addon };
  process.dlopen(module, addonPath());
  loaded = module.exports;
  if (loaded.isInitialized !== true) {
    loaded.initialize(Database.SqliteError, arrayOf, appendTo, rowFactory, recordOf);
    loaded.isInitialized = true;
  }
  return loaded;
}

function addonPath(): string {
  const home = dirname(createRequire(import.meta.url).resolve('better-sqlite3-multiple-ciphers/package.json'));
  return join(home, 'prebuilds', `linux-${process.arch}.node`);
}

function arrayOf(...values: unknown[]): unknown[] {
  return values;
}

function appendTo(array: unknown[], ...values: unknown[]): void {
  array.push(...values);
}

function rowFactory(...names: string[]): (...values: unknown[]) => Record<string, unknown> {
  return (...values) => {
    const row: Record<string, unknown> = {};
    for (const [index, name] of names.entries()) row[name] = values[index];
    return row;
  };
}

function recordOf(value: unknown): { value: unknown; done: false } {
  return { value, done: false };
}
