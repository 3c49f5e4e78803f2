/** What a directory keeps: users, service principals, groups and sign-ins as rows of JSON, and the port that stores them. */

import type { Json, JsonObject } from '#base/json.ts';

/** Which directory a row belongs to, by tenant id; rows of earlier versions have none and belong to the stamp's own. */
type Held = { readonly directory?: string };

/** A directory: the names of its users end with one of its domains, the first of which it was made with. */
export type DirectoryRecord = Held & {
  readonly kind: 'directory';
  /** The tenant id. */
  readonly id: string;
  readonly displayName: string;
  readonly domains: readonly string[];
  /** Object ids of users and service principals that may change the directory: the role Global Administrator. */
  readonly administrators: readonly string[];
  readonly createdMs: number;
};

/**
 * A person. `passwordHash` is a PHC string; the name is kept as written and compared lower case. A guest has none: its
 * password is that of the user of another directory that it stands for.
 */
export type User = Held & {
  readonly kind: 'user';
  readonly id: string;
  readonly upn: string;
  readonly displayName: string;
  readonly isEnabled: boolean;
  readonly passwordHash: string;
  readonly mustChangePassword: boolean;
  readonly guestOf?: { readonly directory: string; readonly oid: string };
  /** Tokens issued before this second are refused: it moves with each password change and each sign-out everywhere. */
  readonly tokensValidFromS: number;
  readonly createdMs: number;
};

/** A generated secret of an application: 256 random bits, so a plain SHA-256 keeps it as safe as a slow hash would. */
export type SecretCredential = {
  readonly keyId: string;
  readonly displayName: string;
  readonly sha256: string;
  readonly startMs: number;
  readonly endMs: number;
};

/** A certificate of an application, reduced to what a signature check needs. */
export type CertificateCredential = {
  readonly keyId: string;
  readonly displayName: string;
  /** SHA-1 and SHA-256 of the certificate, base64url: JWS header members `x5t` and `x5t#S256` (RFC 7515 §4.1.7–8). */
  readonly x5t: string;
  readonly x5tS256: string;
  /** The public key as PEM (SPKI). */
  readonly publicKey: string;
  readonly startMs: number;
  readonly endMs: number;
};

/** A program that signs in. */
export type ServicePrincipal = Held & {
  readonly kind: 'servicePrincipal';
  readonly id: string;
  readonly appId: string;
  readonly displayName: string;
  readonly isEnabled: boolean;
  readonly secrets: readonly SecretCredential[];
  readonly certificates: readonly CertificateCredential[];
  readonly tokensValidFromS: number;
  readonly createdMs: number;
};

/** What a program is registered as: its credentials are good for the service principal of the same `appId`. */
export type Application = Held & {
  readonly kind: 'application';
  readonly id: string;
  readonly appId: string;
  readonly displayName: string;
  /** Names by which others may speak of it, unique in the directory. */
  readonly identifierUris?: readonly string[];
  readonly secrets: readonly SecretCredential[];
  readonly certificates: readonly CertificateCredential[];
  readonly createdMs: number;
};

/** A set of principals, by object id; groups in groups are not followed. */
export type Group = Held & {
  readonly kind: 'group';
  readonly id: string;
  readonly displayName: string;
  readonly description?: string;
  readonly mailNickname?: string;
  readonly members: readonly string[];
};

/** One sign-in that refreshes: only the hash of the newest token is kept, and of the one before it. */
export type RefreshFamily = Held & {
  readonly kind: 'refreshFamily';
  readonly id: string;
  readonly oid: string;
  readonly clientId: string;
  readonly current: string;
  readonly previous?: string;
  readonly rotatedMs: number;
  readonly createdMs: number;
  /** Thumbprint of the key that its tokens are bound to (RFC 9449 §5): without that key they are refused. */
  readonly jkt?: string;
};

export type DirectoryRow = DirectoryRecord | User | ServicePrincipal | Application | Group | RefreshFamily;

/** One change of the directory: a row in its new form, or the key of a row that goes. Changes of one save go together. */
export type DirectoryChange =
  | { readonly put: DirectoryRow & JsonObject }
  | { readonly remove: { readonly kind: DirectoryRow['kind']; readonly id: string } };

/** Where the rows are kept. `save` resolves when the changes are durable, all or none; `load` gives every row once. */
export interface DirectoryStore {
  load(): Promise<readonly Json[]>;
  save(changes: readonly DirectoryChange[]): Promise<void>;
}
