/** Applications: what programs are registered as. Each may have one service principal, which is what signs in. */

import { randomUUID } from 'node:crypto';
import { identifierUrisMax } from '#base/identity-limits.ts';
import { Refusal } from '#base/wrong.ts';
import { change, checkDisplayName, refuseFull, type Change, type Directory } from '#engine/identity/directory.ts';
import type { Application, ServicePrincipal } from '#engine/identity/records.ts';
import { createServicePrincipal } from '#engine/identity/service-principals.ts';
import { removalOf } from '#engine/identity/users.ts';

/** What of an application can be chosen. */
export type WantedApplication = { readonly displayName: string; readonly identifierUris?: readonly string[] };

/** Registers an application, without credentials and without a service principal. */
export async function createApplication(directory: Directory, wanted: WantedApplication): Promise<Application> {
  checkDisplayName(wanted.displayName);
  return await change(directory, () => {
    refuseFull(directory);
    const application: Application = {
      kind: 'application',
      id: randomUUID(),
      appId: randomUUID(),
      displayName: wanted.displayName,
      identifierUris: checkUris(directory, wanted.identifierUris ?? []),
      secrets: [],
      certificates: [],
      createdMs: directory.now(),
    };
    return { changes: [{ put: application }], result: application };
  });
}

/** Gives an application other names. */
export async function updateApplication(
  directory: Directory,
  id: string,
  { displayName, identifierUris }: Partial<WantedApplication>,
): Promise<void> {
  if (displayName !== undefined) checkDisplayName(displayName);
  await change(directory, () => {
    const application = applicationOf(directory, id);
    const put = {
      ...application,
      ...(displayName === undefined ? {} : { displayName }),
      ...(identifierUris === undefined ? {} : { identifierUris: checkUris(directory, identifierUris, application) }),
    };
    return { changes: [{ put }], result: undefined };
  });
}

function checkUris(directory: Directory, uris: readonly string[], own?: Application): readonly string[] {
  const wrong = (says: string) => new Refusal('Request_BadRequest', says, { target: 'identifierUris' });
  if (uris.length > identifierUrisMax)
    throw wrong(`An application has at most ${identifierUrisMax} identifierUris; ${uris.length} were given.`);
  for (const uri of uris) {
    if (!/^[a-z][a-z0-9+.-]{1,20}:[\x21-\x7e]{1,230}$/i.test(uri))
      throw wrong(`"${uri.slice(0, 100)}" is no URI; wanted is for example api://my-program.`);
    for (const other of directory.applications.values())
      if (other.id !== own?.id && (other.identifierUris ?? []).includes(uri))
        throw wrong(`Another object with the same value for property identifierUris already exists: ${uri}.`);
  }
  return uris;
}

/** Makes the service principal of a registered application: from then on the program can sign in. */
export async function createPrincipalOf(directory: Directory, appId: string): Promise<ServicePrincipal> {
  const id = appId.toLowerCase();
  const application = [...directory.applications.values()].find((known) => known.appId === id);
  if (application === undefined) {
    throw new Refusal(
      'Request_BadRequest',
      `The appId '${appId.slice(0, 64)}' does not reference a valid application object of this directory.`,
      { target: 'appId' },
    );
  }
  return await createServicePrincipal(directory, { displayName: application.displayName, appId: id });
}

/** Removes an application and its service principal. */
export async function removeApplication(directory: Directory, id: string): Promise<void> {
  await change(directory, () => {
    const application = applicationOf(directory, id);
    const principal = [...directory.servicePrincipals.values()].find(({ appId }) => appId === application.appId);
    const changes: Change[] = [
      { remove: application },
      ...(principal === undefined ? [] : removalOf(directory, principal)),
    ];
    return { changes, result: undefined };
  });
}

function applicationOf(directory: Directory, id: string): Application {
  const application = directory.applications.get(id.toLowerCase());
  if (application !== undefined) return application;
  throw new Refusal('Request_ResourceNotFound', `No application has the object id "${id.slice(0, 64)}".`, {
    status: 404,
  });
}
