/** The grid: every check that a request passes, in order, each one small; the last column is the handler. */

import type { IncomingMessage } from 'node:http';
import { Refusal } from '#base/wrong.ts';
import type { Json } from '#base/json.ts';
import type { Caller } from '#engine/engine.ts';
import { bearerToken } from '#engine/identity/verify-token.ts';
import type { Answer } from '#faces/arm/answer.ts';
import type { Asked } from '#faces/arm/asked.ts';
import type { Budget } from '#faces/arm/budget.ts';
import { readJson } from '#faces/arm/body.ts';
import type { ArmOptions } from '#faces/arm/call.ts';
import { apiVersionsOf, namespaceOf, serves, type Row } from '#faces/arm/catalog.ts';
import { metadataAnswer } from '#faces/arm/metadata.ts';
import type { Endpoint, Route, Router } from '#faces/arm/route.ts';

/** What is known of a request so far; each check adds its part, and one of them the answer. */
type Pass = {
  readonly options: ArmOptions;
  readonly router: Router;
  readonly request: IncomingMessage;
  readonly asked: Asked;
  readonly budget: Budget;
  /** Told of headers that every answer of this request has, refusals too. */
  readonly note: (headers: Readonly<Record<string, string>>) => void;
  readonly caller?: Caller;
  readonly apiVersion?: string;
  readonly route?: Route;
  readonly endpoint?: Endpoint;
  readonly body?: Json | undefined;
  readonly answer?: Answer;
};

type Check = (pass: Pass) => Partial<Pass> | Promise<Partial<Pass>>;

// Read from top to bottom: what fails higher up hides what is below, so a stranger learns nothing but that a token is wanted.
const grid: readonly (readonly [asks: string, check: Check])[] = [
  ['is it one of the two documents that need no token?', openDocument],
  ['who asks?', identified],
  ['has the caller requests left in this hour?', withinBudget],
  ['which api-version?', versioned],
  ['who answers this path?', routed],
  ['is the api-version served for that type?', served],
  ['does the path take this method?', methodTaken],
  ['does the caller hold anything in this subscription?', admitted],
  ['what is in the body?', bodyRead],
  ['what does the engine say?', handled],
];

export type Passing = Pick<Pass, 'options' | 'router' | 'request' | 'asked' | 'budget' | 'note'>;

/** Takes a request through the grid; refusals and faults are thrown. */
export async function passGrid(passing: Passing): Promise<Answer> {
  let pass: Pass = passing;
  for (const [, check] of grid) {
    pass = { ...pass, ...(await check(pass)) };
    if (pass.answer !== undefined) return pass.answer;
  }
  throw new TypeError('No check of the grid answered.');
}

function openDocument({ asked, options }: Pass): Partial<Pass> {
  const answer = metadataAnswer(asked, options);
  return answer === undefined ? {} : { answer };
}

async function identified({ asked, options }: Pass): Promise<Partial<Pass>> {
  const principal = await options.verify(bearerToken(asked.header('authorization')));
  const command = [asked.header('commandname'), asked.header('parametersetname')]
    .filter((text) => text !== undefined)
    .join(' ');
  const caller: Caller = {
    oid: principal.oid,
    kind: principal.kind,
    ...(principal.upn === undefined ? {} : { upn: principal.upn }),
    appId: principal.appid,
    tenantId: principal.tid,
    groups: principal.groups,
    from: asked.from,
    correlationId: asked.correlationId,
    requestId: asked.requestId,
    ...(command === '' ? {} : { command: command.slice(0, 500) }),
  };
  return { caller };
}

function withinBudget({ caller, asked, budget, note }: Pass): Partial<Pass> {
  if (caller !== undefined) note(budget.spend(caller.oid, asked.method));
  return {};
}

function versioned({ asked }: Pass): Partial<Pass> {
  const apiVersion = asked.query.get('api-version');
  if (apiVersion === undefined || apiVersion === '') {
    throw new Refusal(
      'MissingApiVersionParameter',
      'The api-version query parameter (?api-version=) is required for all requests.',
    );
  }
  if (!/^\d{4}-\d{2}-\d{2}(-[a-z]{1,20})?$/i.test(apiVersion)) {
    throw new Refusal(
      'InvalidApiVersionParameter',
      `The api-version '${apiVersion.slice(0, 50)}' is invalid. It has the form yyyy-mm-dd, or yyyy-mm-dd-preview.`,
    );
  }
  return { apiVersion };
}

function routed({ asked, router }: Pass): Partial<Pass> {
  return { route: router(asked.segments, asked.method) };
}

function served({ route, apiVersion = '', options }: Pass): Partial<Pass> {
  if (route === undefined || serves(route.row, apiVersion)) return {};
  throw notServed(route.row, apiVersion, options.location);
}

/** ARM's words for an api-version outside the window (arm facts §1.3). */
function notServed(row: Row, apiVersion: string, location: string): Refusal {
  const type = row.type.slice(namespaceOf(row.type).length + 1);
  return new Refusal(
    'NoRegisteredProviderFound',
    `No registered resource provider found for location '${location}' and API version '${apiVersion}' for type '${type}'. ` +
      `The supported api-versions are '${apiVersionsOf(row.type).join(', ')}'. The supported locations are '${location}'.`,
  );
}

function methodTaken({ route, asked }: Pass): Partial<Pass> {
  const methods = route?.methods ?? {};
  const isOwn = Object.hasOwn(methods, asked.method);
  const endpoint = isOwn ? methods[asked.method] : undefined;
  if (endpoint !== undefined) return { endpoint };
  const taken = Object.keys(methods).join(', ');
  const says = `The http method '${asked.method}' is not supported at '${asked.path.slice(0, 500)}'. Supported: ${taken}.`;
  throw new Refusal('MethodNotAllowed', says, { status: 405 });
}

/** One check for every route, also for one that is added later: a subscription is closed to who has no role in it. */
function admitted({ options, asked, caller, route }: Pass): Partial<Pass> {
  if (caller === undefined || route === undefined) return {};
  const { type, acts = [] } = route.row;
  const last = asked.segments.at(-1) ?? '';
  const act = acts.find((one) => one.toLowerCase().startsWith(`${last.toLowerCase()}/`)) ?? `${last}/action`;
  const verbs: { readonly [method: string]: string } = { GET: 'read', HEAD: 'read', DELETE: 'delete', POST: act };
  options.engine.enter(caller, `${type}/${verbs[asked.method] ?? 'write'}`, `/${asked.segments.join('/')}`);
  return {};
}

async function bodyRead({ request, endpoint }: Pass): Promise<Partial<Pass>> {
  return { body: await readJson(request, endpoint?.body ?? 'none') };
}

async function handled({ options, asked, caller, apiVersion, route, endpoint, body }: Pass): Promise<Partial<Pass>> {
  if (caller === undefined || apiVersion === undefined || route === undefined || endpoint === undefined) {
    throw new TypeError('The grid reached the handler without caller, api-version and route.');
  }
  const call = { options, engine: options.engine, asked, caller, apiVersion, parts: route.parts, body };
  return { answer: await endpoint.handler(call) };
}
