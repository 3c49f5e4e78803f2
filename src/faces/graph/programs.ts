/** Applications and service principals through Graph, and their secrets. */

import { secretLifeMaxMs } from '#base/identity-limits.ts';
import { isObject, type JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import {
  createApplication,
  createPrincipalOf,
  removeApplication,
  updateApplication,
} from '#engine/identity/applications.ts';
import { addSecret, removeCredential } from '#engine/identity/service-principals.ts';
import { removePrincipal, setEnabled } from '#engine/identity/users.ts';
import {
  notFound,
  optionalFlag,
  optionalText,
  partOf,
  refuseOthers,
  textOf,
  type Answer,
  type Call,
} from '#faces/graph/call.ts';
import {
  applicationProperties,
  principalProperties,
  showApplication,
  showPrincipal,
  showSecret,
} from '#faces/graph/objects.ts';
import { contextOf, listAnswer, objectAnswer } from '#faces/graph/page.ts';

/** GET /applications */
export function listApplications(call: Call): Answer {
  const rows = call.directory.applications.values();
  return listAnswer(call, { name: 'applications', rows, show: showApplication, properties: applicationProperties });
}

/** GET /applications/{id} */
export function getApplication(call: Call): Answer {
  return objectAnswer(call, 'applications', showApplication(application(call)));
}

function application(call: Call) {
  const id = partOf(call, 0);
  const row = call.directory.applications.get(id.toLowerCase());
  if (row === undefined) throw notFound(id);
  return row;
}

const applicationMembers = ['displayName', 'identifierUris', 'signInAudience'];

/** POST /applications */
export async function makeApplication(call: Call): Promise<Answer> {
  const { body, directory } = call;
  refuseUnkept(body);
  const identifierUris = urisOf(body);
  const made = await createApplication(directory, {
    displayName: textOf(body, 'displayName'),
    ...(identifierUris === undefined ? {} : { identifierUris }),
  });
  return objectAnswer(call, 'applications', showApplication(made));
}

/** PATCH /applications/{id} */
export async function changeApplication(call: Call): Promise<Answer> {
  const { body, directory } = call;
  refuseUnkept(body);
  const [displayName, identifierUris] = [optionalText(body, 'displayName'), urisOf(body)];
  await updateApplication(directory, application(call).id, {
    ...(displayName === undefined ? {} : { displayName }),
    ...(identifierUris === undefined ? {} : { identifierUris }),
  });
  return { status: 204 };
}

/** What is not kept is refused by name; an empty list of it says nothing and is taken. */
function refuseUnkept(body: JsonObject): void {
  const { keyCredentials } = body;
  if (Array.isArray(keyCredentials) && keyCredentials.length > 0) {
    throw new Refusal(
      'Request_BadRequest',
      'Certificates are not taken here: the operator registers them with "ringwall principal --certificate"; or use a secret (addPassword).',
      { target: 'keyCredentials' },
    );
  }
  const audience = optionalText(body, 'signInAudience') ?? 'AzureADMyOrg';
  if (audience !== 'AzureADMyOrg') {
    const says = 'A program is of one directory here: the signInAudience must be AzureADMyOrg.';
    throw new Refusal('Request_BadRequest', says, { target: 'signInAudience' });
  }
  const stated = Object.entries(body).filter(([, value]) => !(Array.isArray(value) && value.length === 0));
  refuseOthers(Object.fromEntries(stated), applicationMembers);
}

function urisOf(body: JsonObject): readonly string[] | undefined {
  const value = body['identifierUris'] ?? undefined;
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  throw new Refusal('Request_BadRequest', 'The property identifierUris must be a list of texts.', {
    target: 'identifierUris',
  });
}

/** DELETE /applications/{id}: the service principal goes with it. */
export async function removeApplicationOf(call: Call): Promise<Answer> {
  await removeApplication(call.directory, application(call).id);
  return { status: 204 };
}

/** GET /servicePrincipals */
export function listPrincipals(call: Call): Answer {
  const { directory } = call;
  return listAnswer(call, {
    name: 'servicePrincipals',
    rows: directory.servicePrincipals.values(),
    show: (row) => showPrincipal(directory, row),
    properties: principalProperties,
  });
}

/** GET /servicePrincipals/{id} */
export function getPrincipal(call: Call): Answer {
  return objectAnswer(call, 'servicePrincipals', showPrincipal(call.directory, principal(call)));
}

function principal(call: Call) {
  const id = partOf(call, 0);
  const row = call.directory.servicePrincipals.get(id.toLowerCase());
  if (row === undefined) throw notFound(id);
  return row;
}

/** POST /servicePrincipals: for an application of this directory. */
export async function makePrincipal(call: Call): Promise<Answer> {
  const { body, directory } = call;
  refuseOthers(body, ['accountEnabled', 'appId']);
  const made = await createPrincipalOf(directory, textOf(body, 'appId'));
  if (optionalFlag(body, 'accountEnabled') === false) await setEnabled(directory, made.id, false);
  return objectAnswer(
    call,
    'servicePrincipals',
    showPrincipal(directory, directory.servicePrincipals.get(made.id) ?? made),
  );
}

/** PATCH /servicePrincipals/{id} */
export async function changePrincipal(call: Call): Promise<Answer> {
  const { body, directory } = call;
  refuseOthers(body, ['accountEnabled']);
  const isEnabled = optionalFlag(body, 'accountEnabled');
  const { id } = principal(call);
  if (isEnabled !== undefined) await setEnabled(directory, id, isEnabled);
  return { status: 204 };
}

/** DELETE /servicePrincipals/{id} */
export async function removePrincipalOf(call: Call): Promise<Answer> {
  await removePrincipal(call.directory, principal(call).id);
  return { status: 204 };
}

/** POST …/addPassword on either: the secret is in this answer and nowhere else. */
export async function addPassword(call: Call, kind: 'application' | 'servicePrincipal'): Promise<Answer> {
  const { body, directory, options } = call;
  const { id } = kind === 'application' ? application(call) : principal(call);
  refuseOthers(body, ['passwordCredential']);
  const wanted = body['passwordCredential'] ?? {};
  if (!isObject(wanted)) {
    throw new Refusal('Request_BadRequest', 'The property passwordCredential must be an object.', {
      target: 'passwordCredential',
    });
  }
  refuseOthers(wanted, ['displayName', 'startDateTime', 'endDateTime']);
  const displayName = optionalText(wanted, 'displayName') ?? 'secret';
  const lifeMs = lifeOf(optionalText(wanted, 'endDateTime'), options.now());
  const { keyId, secret, endMs } = await addSecret(directory, id, { displayName, lifeMs });
  const shown = showSecret({ keyId, displayName, startMs: endMs - lifeMs, endMs }, secret.reveal());
  return { status: 200, body: { '@odata.context': contextOf(call, 'microsoft.graph.passwordCredential'), ...shown } };
}

function lifeOf(end: string | undefined, now: number): number {
  if (end === undefined) return secretLifeMaxMs;
  const endMs = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(end) ? Date.parse(end) : Number.NaN;
  const lifeMs = endMs - now;
  if (lifeMs > 0 && lifeMs <= secretLifeMaxMs) return lifeMs;
  const says = `The endDateTime must be a time to come, like 2027-01-31T12:00:00Z, at most two years ahead.`;
  throw new Refusal('Request_BadRequest', says, { target: 'endDateTime' });
}

/** POST …/removePassword on either. */
export async function removePassword(call: Call, kind: 'application' | 'servicePrincipal'): Promise<Answer> {
  const { id } = kind === 'application' ? application(call) : principal(call);
  refuseOthers(call.body, ['keyId']);
  await removeCredential(call.directory, id, textOf(call.body, 'keyId'));
  return { status: 204 };
}
