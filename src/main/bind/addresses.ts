/** What `ringwall bind` changes in what passes: addresses of the stamp become its own, and back; all of it pure. */

import { isSame } from '#engine/identity/dpop.ts';
import { isObject, type Json, type JsonObject } from '#base/json.ts';

/** Where the stamp is, and where it seems to be for the clients of this machine. */
export type Addresses = {
  readonly stamp: { readonly management: string; readonly login: string };
  readonly own: { readonly management: string; readonly login: string };
};

/** What a request is for: the path at the stamp. */
export type Wanted =
  | { readonly kind: 'arm'; readonly path: string }
  | { readonly kind: 'discovery' | 'keys' | 'token' | 'device'; readonly path: string };

/**
 * The addresses that clients are given. The sign-in's begins and ends with `adfs`: MSAL tells AD FS by the first part of the
 * path, az by the last, and az makes it lower case.
 */
export function ownAddresses(port: number, secret: string): Addresses['own'] {
  const base = `https://127.0.0.1:${port}`;
  return { management: `${base}/${secret}`, login: `${base}/adfs/${secret}/adfs` };
}

const identityPaths: ReadonlyMap<string, 'discovery' | 'keys' | 'token' | 'device'> = new Map([
  ['/adfs/.well-known/openid-configuration', 'discovery'],
  ['/adfs/adfs/v2.0/.well-known/openid-configuration', 'discovery'],
  ['/adfs/discovery/keys', 'keys'],
  ['/adfs/oauth2/token', 'token'],
  ['/adfs/oauth2/token/', 'token'],
  ['/adfs/oauth2/devicecode', 'device'],
]);

/** Reads a request line's address; undefined for any without the secret, and for what is not passed on. */
export function wantedOf(url: string, secret: string): Wanted | undefined {
  const [, first = '', second = ''] = url.split('/');
  const [bare = ''] = first.split('?');
  if (isSame(bare, secret)) return { kind: 'arm', path: rooted(url.slice(1 + secret.length)) };
  if (first !== 'adfs' || !isSame(second, secret)) return undefined;
  const path = url.slice('/adfs/'.length + secret.length);
  const kind = identityPaths.get(path.replace(/\?.*$/s, ''));
  return kind === undefined ? undefined : { kind, path };
}

function rooted(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}

/** The metadata document with our own endpoints; audiences stay, tokens are for the stamp. */
export function ownMetadata(document: Json, addresses: Addresses): Json {
  if (Array.isArray(document)) return document.map((one) => ownMetadata(one, addresses));
  if (!isObject(document)) return document;
  const { authentication, resourceManager, ...rest } = document;
  return {
    ...rest,
    ...(resourceManager === undefined ? {} : { resourceManager: `${addresses.own.management}/` }),
    ...(isObject(authentication) ? { authentication: { ...authentication, loginEndpoint: addresses.own.login } } : {}),
  };
}

/**
 * The discovery document: what programs call is ours; what a person's browser opens, and the issuer, which clients compare with
 * their tokens, are the stamp's.
 */
export function ownDiscovery(document: Json, addresses: Addresses): Json {
  if (!isObject(document)) return document;
  const programs = ['token_endpoint', 'device_authorization_endpoint', 'jwks_uri'];
  const changed = programs.map((name) => [name, moved(document[name], addresses.stamp.login, addresses.own.login)]);
  return { ...document, ...(Object.fromEntries(changed) as JsonObject) };
}

/** A bound token looks plain to a client that does not know better: it is worth nothing without the key, which stays here. */
export function plainToken(document: Json): Json {
  return isObject(document) && document['token_type'] === 'DPoP' ? { ...document, token_type: 'Bearer' } : document;
}

/** The link to the next page. */
export function ownLinks(document: Json, { stamp, own }: Addresses): Json {
  if (!isObject(document) || typeof document['nextLink'] !== 'string') return document;
  return { ...document, nextLink: moved(document['nextLink'], stamp.management, own.management) };
}

/** Headers that tell clients where to go on (ARM RPC v1.0, asynchronous operations). */
const addressHeaders = new Set(['location', 'azure-asyncoperation', 'operation-location']);

/** An answer's header as our client gets it. */
export function ownHeader(name: string, value: string, { stamp, own }: Addresses): string {
  return addressHeaders.has(name) ? String(moved(value, stamp.management, own.management)) : value;
}

function moved(value: Json | undefined, from: string, to: string): Json {
  if (typeof value !== 'string') return value ?? null;
  const isThere = value === from || value.startsWith(`${from}/`) || value.startsWith(`${from}?`);
  return isThere ? `${to}${value.slice(from.length)}` : value;
}
