/** A user as records name one: by object id, with the name to sign in with and the directory. */

export type Person = { readonly oid: string; readonly upn: string; readonly tenantId: string };
