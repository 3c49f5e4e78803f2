/** Calls of `ringwall bind` to the stamp: over verified TLS, with a proof of the key, once more when the stamp wants a fresh nonce. */

import { Agent, request } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import { bindAnswerBytesMax, bindAnswerMs, bindRequestsMax } from '#base/identity-limits.ts';
import { Fault } from '#base/wrong.ts';
import { makeProof, type ProofKey } from '#engine/identity/proof-maker.ts';

export type StampCall = {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Adds a proof: with the token where one is used, without where one is asked for. */
  readonly proof?: { readonly token?: string };
};

export type StampAnswer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer };

/** Speaks to one stamp with one key. Each endpoint has nonces of its own (RFC 9449 §9). */
export class StampLine {
  readonly #key: ProofKey;
  readonly #agent: Agent;
  readonly #nonces = new Map<string, string>();
  /** How far the stamp's clock is before ours: proofs are dated by its clock. */
  #aheadMs = 0;

  constructor(key: ProofKey, ca: string | undefined) {
    this.#key = key;
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: bindRequestsMax,
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
    });
  }

  async call(call: StampCall): Promise<StampAnswer> {
    const answer = await this.#once(call);
    const isAskedAgain = call.proof !== undefined && wantsNonce(answer);
    return isAskedAgain ? await this.#once(call) : answer;
  }

  close(): void {
    this.#agent.destroy();
  }

  async #once(call: StampCall): Promise<StampAnswer> {
    const { origin } = new URL(call.url);
    const answer = await this.#send(call, await this.#headersOf(call, origin));
    const nonce = answer.headers['dpop-nonce'];
    if (typeof nonce === 'string') this.#nonces.set(origin, nonce);
    const at = Date.parse(answer.headers.date ?? '');
    if (Number.isFinite(at)) this.#aheadMs = at - Date.now();
    return answer;
  }

  async #headersOf({ method, url, headers, proof }: StampCall, origin: string): Promise<Record<string, string>> {
    if (proof === undefined) return headers;
    const nowMs = Date.now() + this.#aheadMs;
    const wish = { method, url, nonce: this.#nonces.get(origin), token: proof.token, nowMs };
    return { ...headers, dpop: await makeProof(this.#key, wish) };
  }

  #send({ method, url, body }: StampCall, headers: Record<string, string>): Promise<StampAnswer> {
    return new Promise((resolve, reject) => {
      const failed = (error: unknown): void => reject(unreachable(url, error));
      // A redirect is an answer like any other: nothing is sent anywhere that was not configured.
      const sent = request(url, { method, headers, agent: this.#agent, timeout: bindAnswerMs }, (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > bindAnswerBytesMax) response.destroy(new Error(`it is larger than ${bindAnswerBytesMax} bytes`));
          else chunks.push(chunk);
        });
        response.on('error', failed);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      });
      sent.on('timeout', () => sent.destroy(new Error(`it took longer than ${bindAnswerMs} ms`)));
      sent.on('error', failed);
      sent.end(body);
    });
  }
}

function wantsNonce({ status, headers, body }: StampAnswer): boolean {
  if (headers['dpop-nonce'] === undefined) return false;
  if (status === 401) return /error="use_dpop_nonce"/.test(headers['www-authenticate'] ?? '');
  return status === 400 && body.includes('"use_dpop_nonce"');
}

function unreachable(url: string, error: unknown): Fault {
  const says = error instanceof Error ? error.message : String(error);
  return new Fault('StampUnreachable', `The stamp at ${new URL(url).origin} gave no answer: ${says}.`, error);
}
