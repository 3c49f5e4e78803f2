/** The discovery document: where the endpoints are and what they can do (OpenID Connect Discovery §3, RFC 8414). */

import type { JsonObject } from '#base/json.ts';
import { proofAlgorithms } from '#engine/identity/dpop.ts';

/** The token endpoint as published: AD FS's own has the trailing slash, and clients sign this very text as `aud`. */
export function tokenEndpoint(base: string): string {
  return `${base}/adfs/oauth2/token/`;
}

/** Where a user types the code of a device. */
export function devicePageUrl(base: string): string {
  return `${base}/adfs/oauth2/deviceauth`;
}

/** Algorithms of client assertions: MSAL signs RS256 with `x5t` for AD FS, PS256 with `x5t#S256` elsewhere. */
export const assertionAlgorithms: readonly string[] = ['RS256', 'PS256'];

/** The document at `/adfs/.well-known/openid-configuration`. */
export function discoveryDocument(base: string): JsonObject {
  return {
    issuer: `${base}/adfs`,
    access_token_issuer: `${base}/adfs`,
    authorization_endpoint: `${base}/adfs/oauth2/authorize/`,
    token_endpoint: tokenEndpoint(base),
    device_authorization_endpoint: `${base}/adfs/oauth2/devicecode`,
    end_session_endpoint: `${base}/adfs/oauth2/logout`,
    jwks_uri: `${base}/adfs/discovery/keys`,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: [
      'authorization_code',
      'refresh_token',
      'client_credentials',
      'password',
      'urn:ietf:params:oauth:grant-type:device_code',
    ],
    token_endpoint_auth_methods_supported: [
      'client_secret_post',
      'client_secret_basic',
      'private_key_jwt',
      'self_signed_tls_client_auth',
      'none',
    ],
    token_endpoint_auth_signing_alg_values_supported: [...assertionAlgorithms],
    dpop_signing_alg_values_supported: [...proofAlgorithms],
    tls_client_certificate_bound_access_tokens: true,
    code_challenge_methods_supported: ['S256'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid', 'profile', 'offline_access'],
    claims_supported: [
      'aud',
      'iss',
      'iat',
      'nbf',
      'exp',
      'sub',
      'oid',
      'tid',
      'upn',
      'preferred_username',
      'name',
      'nonce',
    ],
    authorization_response_iss_parameter_supported: true,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    claims_parameter_supported: false,
  };
}
