/** Scopes as access sees them: ARM ids compared by segment, ignoring case and doubled slashes. */

/** Lower-case text with single slashes and none at the end; the root scope is the empty text. */
export function normalScope(scope: string): string {
  const segments = scope
    .toLowerCase()
    .split('/')
    .filter((segment) => segment !== '');
  return segments.map((segment) => `/${segment}`).join('');
}

/** Is `inner` the scope `outer` itself or below it? `/…/rg1` does not hold `/…/rg10`: the cut is at a slash. */
export function scopeHolds(outer: string, inner: string): boolean {
  const [above, below] = [normalScope(outer), normalScope(inner)];
  return below === above || below.startsWith(`${above}/`);
}
