/** A process that has just taken in a whole model gives back what that needed for a while. */

const quietMs = 3000;

/**
 * Collects and puts together the heap of this process, where its flags allow it (`--expose-gc`). Loading leaves pages behind that
 * the engine keeps for later and half-empty ones: a tenth of the resident set, given back for half a second once per load.
 */
export function compactHeap(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

/** Compacts the heap once nobody has asked for it for a moment: a start loads in several steps. */
export function compactHeapWhenQuiet(): void {
  clearTimeout(waiting);
  waiting = setTimeout(compactHeap, quietMs);
  waiting.unref();
}

let waiting: NodeJS.Timeout | undefined;
