/** Values by ARM id without regard to case, kept by folder: the long part that ids have in common is held once, not once per id. */

/** A folder is all of an id before its last name: `…/networkSecurityGroups/web/securityRules`. */
export class Folders<T> {
  readonly #folders = new Map<string, Map<string, T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: string): T | undefined {
    const { folder, name } = placeOf(id);
    return this.#folders.get(folder)?.get(name);
  }

  /** `held`: the last name, when somebody holds it anyway; else the key is a part of a copy of the whole id, and keeps that. */
  set(id: string, value: T, held = ''): void {
    const { folder, name } = placeOf(id);
    const known = this.#folders.get(folder);
    const values = known ?? new Map<string, T>();
    if (known === undefined) this.#folders.set(folder, values);
    if (!values.has(name)) this.#size += 1;
    const lower = held.toLowerCase();
    values.set(lower === name ? lower : name, value);
  }

  delete(id: string): void {
    const { folder, name } = placeOf(id);
    const values = this.#folders.get(folder);
    if (values?.delete(name) !== true) return;
    this.#size -= 1;
    if (values.size === 0) this.#folders.delete(folder);
  }

  /** The values of one folder (lower case), in the order in which their ids came. */
  in(folder: string): Iterable<T> {
    return this.#folders.get(folder)?.values() ?? [];
  }

  /** The values of all ids under a scope (lower case, no slash at its end), folder by folder. */
  *under(scope: string): Iterable<T> {
    for (const [folder, values] of this.#folders) {
      if (scope === '' || folder === scope || folder.startsWith(`${scope}/`)) yield* values.values();
    }
  }
}

function placeOf(id: string): { readonly folder: string; readonly name: string } {
  const key = id.toLowerCase();
  const at = key.lastIndexOf('/');
  return { folder: key.slice(0, Math.max(at, 0)), name: key.slice(at + 1) };
}
