/** The grid: every check that a request passes, in order, each one small; the last column is the handler. */

import type { IncomingMessage } from 'node:http';
import { Refusal } from '#base/wrong.ts';
import type { Json } from '#base/json.ts';
import type { Caller, Engine } from '#engine/engine.ts';
import type { Proofs } from '#engine/identity/dpop.ts';
import { signUpType } from '#model/plans/ids.ts';
import { planeOfScope } from '#model/plans/plane.ts';
import type { Answer } from '#faces/arm/answer.ts';
import type { Asked } from '#faces/arm/asked.ts';
import type { Budget } from '#faces/arm/budget.ts';
import { readJson } from '#faces/arm/body.ts';
import { subscriptionNotFound, type ArmOptions } from '#faces/arm/call.ts';
import { apiVersionsOf, namespaceOf, serves, type Row } from '#faces/arm/catalog.ts';
import { callerOf } from '#faces/arm/identified.ts';
import { metadataAnswer } from '#faces/arm/metadata.ts';
import type { Endpoint, Route, Router } from '#faces/arm/route.ts';
import type { ShownTexts } from '#faces/arm/shown-texts.ts';

/** What is known of a request so far; each check adds its part, and one of them the answer. */
type Pass = {
  readonly options: ArmOptions;
  /** The engine as this plane sees it. */
  readonly engine: Engine;
  readonly router: Router;
  readonly request: IncomingMessage;
  readonly asked: Asked;
  readonly budget: Budget;
  readonly shownTexts: ShownTexts;
  readonly proofs: Proofs;
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
  ["is its subscription one of this plane's?", onPlane],
  ['is the api-version served for that type?', served],
  ['does the path take this method?', methodTaken],
  ['does the caller hold anything in this subscription?', admitted],
  ['what is in the body?', bodyRead],
  ['what does the engine say?', handled],
];

export type Passing = Pick<
  Pass,
  'options' | 'engine' | 'router' | 'request' | 'asked' | 'budget' | 'proofs' | 'shownTexts' | 'note'
>;

/** Takes a request through the grid; refusals and faults are thrown. */
export async function passGrid(passing: Passing): Promise<Answer> {
  const pass: Pass = { ...passing };
  for (const [, check] of grid) {
    const found = check(pass);
    // Most checks answer at once: each turn of the event loop that they do not take is one less that a read waits for.
    Object.assign(pass, found instanceof Promise ? await found : found);
    if (pass.answer !== undefined) return pass.answer;
  }
  throw new TypeError('No check of the grid answered.');
}

function openDocument({ asked, options }: Pass): Partial<Pass> {
  const answer = metadataAnswer(asked, options);
  return answer === undefined ? {} : { answer };
}

async function identified({ asked, options, request, proofs, note }: Pass): Promise<Partial<Pass>> {
  const caller = await callerOf({ asked, options, request, proofs });
  // RFC 9449 §8.2: who brings proofs is told the next nonce with every answer.
  if (request.headersDistinct['dpop'] !== undefined) note({ 'dpop-nonce': proofs.nonce() });
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

/** A subscription of the other plane is not there: neither it, nor what lies in it, nor a name in it that nobody has. */
function onPlane({ asked, options }: Pass): Partial<Pass> {
  const [first, subscription] = asked.segments;
  if (first?.toLowerCase() !== 'subscriptions' || subscription === undefined) return {};
  const plane = planeOfScope(options.engine.view(), `/subscriptions/${subscription}`);
  if (plane === undefined || plane === options.plane) return {};
  throw subscriptionNotFound(subscription);
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
  // Who signs up for a subscription holds no role in it yet; the gate judges that write by the offer.
  if (type === signUpType) return {};
  const last = asked.segments.at(-1) ?? '';
  const act = acts.find((one) => one.toLowerCase().startsWith(`${last.toLowerCase()}/`)) ?? `${last}/action`;
  const verbs: { readonly [method: string]: string } = { GET: 'read', HEAD: 'read', DELETE: 'delete', POST: act };
  options.engine.enter(caller, `${type}/${verbs[asked.method] ?? 'write'}`, `/${asked.segments.join('/')}`);
  return {};
}

async function bodyRead({ request, endpoint }: Pass): Promise<Partial<Pass>> {
  return { body: await readJson(request, endpoint?.body ?? 'none') };
}

async function handled({
  options,
  engine,
  shownTexts,
  asked,
  caller,
  apiVersion,
  route,
  endpoint,
  body,
}: Pass): Promise<Partial<Pass>> {
  if (caller === undefined || apiVersion === undefined || route === undefined || endpoint === undefined) {
    throw new TypeError('The grid reached the handler without caller, api-version and route.');
  }
  const call = { options, engine, shownTexts, asked, caller, apiVersion, parts: route.parts, body };
  return { answer: await endpoint.handler(call) };
}
