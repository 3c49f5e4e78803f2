/** Which audience a client asks a token for, by `resource` (AD FS, v1) or by `scope` (v2, `<audience>/.default`). */

import { Refusal } from '#base/wrong.ts';
import { printable, type Parameters } from '#faces/identity/request.ts';

/** What is asked for, read from scope and resource. */
export type Wish = {
  readonly audience: string;
  /** The scope as sent: MSAL files the token under it. */
  readonly scope: string;
  readonly resource: string | undefined;
  readonly wantsIdToken: boolean;
  readonly wantsRefresh: boolean;
};

const identityScopes = new Set(['openid', 'profile', 'email', 'offline_access', 'allatclaims', 'user_impersonation']);

/** Reads the wish of a token request, a device request or an authorization request. */
export function readWish(parameters: Parameters, audiences: readonly string[]): Wish {
  return wishOf({ scope: parameters.get('scope') ?? '', resource: parameters.get('resource') }, audiences);
}

/** As `readWish`, for a scope and resource that were kept. One audience per token; none named means the first. */
export function wishOf(
  { scope, resource }: { readonly scope: string; readonly resource: string | undefined },
  audiences: readonly string[],
): Wish {
  if (scope.length > 2048) throw new Refusal('invalid_scope', 'The scope is longer than 2048 characters.');
  const words = scope.split(' ').filter((word) => word !== '');
  const named = words.filter((word) => !identityScopes.has(word)).map(audienceOf);
  const wanted = new Set(named.map((name) => match(name, audiences)));
  if (resource !== undefined) wanted.add(match(resource, audiences));
  if (wanted.size > 1) throw new Refusal('invalid_scope', 'One token has one audience; the scope names several.');
  const [audience = audiences[0] ?? ''] = wanted;
  // The v1 shape has no scope: AD FS then gives all three tokens.
  const isBare = words.length === 0;
  return {
    audience,
    scope,
    resource,
    wantsIdToken: isBare || words.includes('openid'),
    wantsRefresh: isBare || words.includes('offline_access'),
  };
}

function audienceOf(word: string): string {
  const cut = word.lastIndexOf('/');
  return cut < 0 ? word : word.slice(0, cut);
}

function match(name: string, audiences: readonly string[]): string {
  // "https://x/" with "/.default" gives "https://x//.default", and users drop or add the slash: it makes no difference.
  const plain = (text: string) => text.replace(/\/+$/, '').toLowerCase();
  const found = audiences.find((audience) => plain(audience) === plain(name));
  if (found !== undefined) return found;
  throw new Refusal(
    'invalid_scope',
    `The audience "${printable(name)}" is unknown; wanted is <audience>/.default with one of: ${audiences.join(', ')}.`,
  );
}
