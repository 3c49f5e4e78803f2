/** A process that has just taken in a whole model gives back what that needed for a while. */

/**
 * Collects and puts together the heap of this process, where its flags allow it (`proverFlags`). Loading leaves pages behind that
 * the engine keeps for later and half-empty ones: a tenth of the resident set, given back for half a second once per load.
 */
export function compactHeap(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
