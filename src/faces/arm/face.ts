/** The ARM way in: an HTTP handler that takes each request through the grid of checks and writes the answer, whatever happens. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { armRequestsMax } from '#base/limits.ts';
import { Bug, Fault, Refusal } from '#base/wrong.ts';
import { startProofs, type Proofs } from '#engine/identity/dpop.ts';
import { refused, send, type Answer, type AnswerIds } from '#faces/arm/answer.ts';
import { Budget } from '#faces/arm/budget.ts';
import { idsOf, readAsked } from '#faces/arm/asked.ts';
import type { ArmOptions } from '#faces/arm/call.ts';
import { challenges } from '#faces/arm/identified.ts';
import { passGrid } from '#faces/arm/pipeline.ts';
import { PlaneEngine } from '#faces/arm/plane.ts';
import { ShownTexts } from '#faces/arm/shown-texts.ts';
import { armRouter } from '#faces/arm/table.ts';

export type { ArmOptions } from '#faces/arm/call.ts';

/** Makes the request handler; the caller mounts it on `management.` and `adminmanagement.<zone>` of its TLS server. */
export function armFace(options: ArmOptions): (request: IncomingMessage, response: ServerResponse) => void {
  const router = armRouter(options.plane);
  const engine = new PlaneEngine(options.engine, options.plane);
  const budget = new Budget(options.now);
  const shownTexts = new ShownTexts();
  const proofs = startProofs(options.now);
  let atWork = 0;
  return (request, response) => {
    const requestId = options.newGuid();
    const exchange = { request, response };
    let noted: Readonly<Record<string, string>> = {};
    const note = (headers: Readonly<Record<string, string>>): void => {
      noted = { ...noted, ...headers };
    };
    const reply = (answer: Answer, ids: AnswerIds): void =>
      send(
        exchange,
        { ...answer, headers: { ...noted, ...answer.headers } },
        { ids, location: options.location, enforcing: options.enforcing, time: options.now() },
      );
    if (atWork >= armRequestsMax) return reply(refused(busy()), idsOf(request, requestId));
    atWork += 1;
    let ids: AnswerIds = idsOf(request, requestId);
    const answered = async (): Promise<Answer> => {
      const asked = readAsked(request, { requestId, fallbackBase: options.endpoints.resourceManager });
      ids = asked;
      return await passGrid({ options, engine, router, request, asked, budget, proofs, shownTexts, note });
    };
    void answered()
      .catch((error: unknown) => failure(error, options, proofs))
      .then((answer) => reply(answer, ids))
      .catch((error: unknown) => {
        options.onBug(error);
        response.destroy();
      })
      .finally(() => {
        atWork -= 1;
      });
  };
}

function busy(): Refusal {
  return new Refusal('ServerBusy', `${armRequestsMax} requests are at work; try again.`, {
    status: 503,
    retryAfterS: 2,
  });
}

/** Refusals are the caller's; a fault may pass; all else is ours and says nothing of its inner workings. */
function failure(error: unknown, options: ArmOptions, proofs: Proofs): Answer {
  if (error instanceof Refusal) return refused(error, challenges(error, options, proofs.nonce()));
  if (error instanceof Fault) {
    options.onBug(error);
    return refused(new Refusal(error.code, `${error.message} Try again in a moment.`, { status: 503, retryAfterS: 5 }));
  }
  options.onBug(error instanceof Error ? error : new Bug(String(error)));
  return refused(
    new Refusal('InternalServerError', 'The stamp met a bug of its own; it has been noted with this request id.', {
      status: 500,
    }),
  );
}
