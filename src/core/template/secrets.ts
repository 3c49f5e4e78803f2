/** Keeps the values of secure parameters out of everything that a template's author or reader is shown. */

import { Refusal, type Detail } from '#base/wrong.ts';
import { isObject, type Json } from '#base/json.ts';

/** Values that must not be shown. They grow while parameters are read. */
export type Secrets = Set<string>;

// A shorter text is no secret, and hiding it would tear every message apart.
const secretLengthMin = 3;

/** Remembers every text inside a secure value. */
export function keepSecret(secrets: Secrets, value: Json): void {
  if (typeof value === 'string' && value.length >= secretLengthMin) secrets.add(value);
  else if (typeof value === 'number') keepSecret(secrets, String(value));
  else if (Array.isArray(value)) for (const item of value) keepSecret(secrets, item);
  else if (isObject(value)) for (const member of Object.values(value)) keepSecret(secrets, member ?? null);
}

/** The text with every secret in it as `***`; a longer secret goes first, since it may hold a shorter one. */
function hideText(secrets: Secrets, text: string): string {
  let shown = text;
  for (const secret of [...secrets].sort((left, right) => right.length - left.length)) {
    shown = shown.replaceAll(secret, '***');
  }
  return shown;
}

/** The value with every secret in its texts hidden. */
export function hideValue(secrets: Secrets, value: Json): Json {
  if (secrets.size === 0) return value;
  if (typeof value === 'string') return hideText(secrets, value);
  if (typeof value === 'number') return secrets.has(String(value)) ? '***' : value;
  if (Array.isArray(value)) return value.map((item) => hideValue(secrets, item));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [hideText(secrets, key), hideValue(secrets, member ?? null)]),
  );
}

/** Runs, and hides the secrets in the refusal that may come out. */
export function guarded<T>(secrets: Secrets, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof Refusal ? hideRefusal(secrets, error) : error;
  }
}

/** The refusal with every secret in it hidden, at any depth: what refuses a value likes to quote it. */
export function hideRefusal(secrets: Secrets, refusal: Refusal): Refusal {
  if (secrets.size === 0) return refusal;
  const { code, status, target, retryAfterS } = refusal;
  return new Refusal(code, hideText(secrets, refusal.message), {
    status,
    details: refusal.details.map((detail) => hideDetail(secrets, detail)),
    additionalInfo: hideValue(
      secrets,
      refusal.additionalInfo as unknown as Json,
    ) as unknown as Refusal['additionalInfo'],
    ...(target === undefined ? {} : { target: hideText(secrets, target) }),
    ...(retryAfterS === undefined ? {} : { retryAfterS }),
  });
}

function hideDetail(secrets: Secrets, detail: Detail): Detail {
  return hideValue(secrets, detail as unknown as Json) as unknown as Detail;
}
