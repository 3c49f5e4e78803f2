/** The objects of a directory as Microsoft Graph v1.0 shows them; a secret is never among what is shown. */

import type { JsonObject } from '#base/json.ts';
import type { Directory } from '#engine/identity/directory.ts';
import type {
  Application,
  CertificateCredential,
  Group,
  SecretCredential,
  ServicePrincipal,
  User,
} from '#engine/identity/records.ts';

/** Graph doc, "user resource type". */
export function showUser({ id, upn, displayName, isEnabled, guestOf, createdMs }: User): JsonObject {
  return {
    id,
    accountEnabled: isEnabled,
    businessPhones: [],
    createdDateTime: time(createdMs),
    displayName,
    givenName: null,
    jobTitle: null,
    mail: null,
    mailNickname: upn.split('@')[0] ?? '',
    mobilePhone: null,
    officeLocation: null,
    preferredLanguage: null,
    surname: null,
    userPrincipalName: upn,
    userType: guestOf === undefined ? 'Member' : 'Guest',
  };
}

/** What a filter of users may name. */
export const userProperties = [
  'id',
  'accountEnabled',
  'createdDateTime',
  'displayName',
  'mail',
  'mailNickname',
  'userPrincipalName',
  'userType',
];

/** Graph doc, "group resource type". */
export function showGroup({ id, displayName, description, mailNickname }: Group): JsonObject {
  return {
    id,
    deletedDateTime: null,
    description: description ?? null,
    displayName,
    groupTypes: [],
    mail: null,
    mailEnabled: false,
    mailNickname: mailNickname ?? displayName.replace(/[^\w.-]/g, '').slice(0, 64),
    securityEnabled: true,
    visibility: null,
  };
}

/** What a filter of groups may name. */
export const groupProperties = ['id', 'description', 'displayName', 'mailEnabled', 'mailNickname', 'securityEnabled'];

/** Graph doc, "application resource type". */
export function showApplication(application: Application): JsonObject {
  const { id, appId, displayName, identifierUris, createdMs } = application;
  return {
    id,
    appId,
    createdDateTime: time(createdMs),
    displayName,
    identifierUris: [...(identifierUris ?? [])],
    ...credentialsOf(application),
    requiredResourceAccess: [],
    signInAudience: 'AzureADMyOrg',
  };
}

/** What a filter of applications may name. */
export const applicationProperties = ['id', 'appId', 'displayName', 'identifierUris', 'signInAudience'];

/** Graph doc, "servicePrincipal resource type". */
export function showPrincipal(directory: Directory, principal: ServicePrincipal): JsonObject {
  const { id, appId, displayName, isEnabled, createdMs } = principal;
  let uris: readonly string[] = [];
  for (const application of directory.applications.values())
    if (application.appId === appId) uris = application.identifierUris ?? [];
  return {
    id,
    accountEnabled: isEnabled,
    appDisplayName: displayName,
    appId,
    appOwnerOrganizationId: directory.tenantId,
    createdDateTime: time(createdMs),
    displayName,
    ...credentialsOf(principal),
    servicePrincipalNames: [...uris, appId],
    servicePrincipalType: 'Application',
    signInAudience: 'AzureADMyOrg',
    tags: [],
  };
}

/** What a filter of service principals may name. */
export const principalProperties = [
  'id',
  'accountEnabled',
  'appId',
  'displayName',
  'servicePrincipalNames',
  'servicePrincipalType',
];

type Credentials = {
  readonly secrets: readonly SecretCredential[];
  readonly certificates: readonly CertificateCredential[];
};

function credentialsOf({ secrets, certificates }: Credentials): JsonObject {
  return {
    keyCredentials: certificates.map(({ keyId, displayName, x5t, startMs, endMs }) => ({
      customKeyIdentifier: Buffer.from(x5t, 'base64url').toString('hex').toUpperCase(),
      displayName,
      endDateTime: time(endMs),
      key: null,
      keyId,
      startDateTime: time(startMs),
      type: 'AsymmetricX509Cert',
      usage: 'Verify',
    })),
    passwordCredentials: secrets.map((secret) => showSecret(secret, null)),
  };
}

/** A secret's own facts; its text only in the answer that made it. */
export function showSecret(
  { keyId, displayName, startMs, endMs }: Omit<SecretCredential, 'sha256'>,
  secretText: string | null,
): JsonObject {
  return {
    customKeyIdentifier: null,
    displayName,
    endDateTime: time(endMs),
    hint: secretText === null ? null : secretText.slice(0, 3),
    keyId,
    secretText,
    startDateTime: time(startMs),
  };
}

function time(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Any object of the directory with its kind, as `directoryObjects` shows it; undefined when the directory has none of this id. */
export function showAny(directory: Directory, id: string): JsonObject | undefined {
  const key = id.toLowerCase();
  const user = directory.users.get(key);
  if (user !== undefined) return { '@odata.type': '#microsoft.graph.user', ...showUser(user) };
  const group = directory.groups.get(key);
  if (group !== undefined) return { '@odata.type': '#microsoft.graph.group', ...showGroup(group) };
  const principal = directory.servicePrincipals.get(key);
  if (principal !== undefined)
    return { '@odata.type': '#microsoft.graph.servicePrincipal', ...showPrincipal(directory, principal) };
  const application = directory.applications.get(key);
  if (application !== undefined)
    return { '@odata.type': '#microsoft.graph.application', ...showApplication(application) };
  return undefined;
}
