/** What a part of the oracle suite answers. */

/** How many questions were asked, of which kinds, and every disagreement, with what it takes to ask again. */
export type PartEnd = {
  readonly checked: number;
  readonly says: string;
  readonly disagreements: readonly string[];
};

/** Where a part begins, how much it asks, and whom it tells of its progress (0 to 1). */
export type PartOrder = { readonly seed: number; readonly count: number; readonly onProgress: (share: number) => void };

/** What to say of something thrown: a disagreement is no end of the others. */
export function saysOf(error: unknown): string {
  return error instanceof Error
    ? error.name === 'AssertionError'
      ? error.message
      : (error.stack ?? error.message)
    : String(error);
}
