/** Action patterns: matches a pattern with stars against an action, ignoring case, without building a regular expression. */

/**
 * Does the pattern match the whole action? `*` stands for any run of characters, slashes included (Azure doc "Understand
 * Azure role definitions", "Actions format"). No regular expression is built, so a custom role cannot make matching slow.
 */
export function matchesAction(pattern: string, action: string): boolean {
  const [wanted, text] = [pattern.toLowerCase(), action.toLowerCase()];
  let [at, next] = [0, 0];
  let [starAt, retryFrom] = [-1, 0];
  while (at < text.length) {
    if (wanted[next] === '*') {
      starAt = next++;
      retryFrom = at;
    } else if (wanted[next] === text[at]) {
      next++;
      at++;
    } else if (starAt >= 0) {
      // The last star takes one character more; earlier stars need no second try, since a later star absorbs any rest.
      next = starAt + 1;
      at = ++retryFrom;
    } else return false;
  }
  while (wanted[next] === '*') next++;
  return next === wanted.length;
}
