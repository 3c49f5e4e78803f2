/** A small ARM client for our own commands: a token by service principal, requests over TLS with the stamp's CA, long-running operations polled. */

import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Secret } from '#base/secret.ts';
import { Fault, Refusal, type Detail } from '#base/wrong.ts';
import type { Json } from '#base/json.ts';

export type ArmClientOptions = {
  readonly management: string;
  readonly login: string;
  readonly caFile: string;
  readonly appId: string;
  readonly secret: Secret;
};

export type ArmAnswer = {
  readonly status: number;
  readonly body: Json;
  readonly headers: { readonly [name: string]: string | string[] | undefined };
};

const pollMax = 600;
/** A plain token lives for ten minutes. */
const tokenUsedMs = 5 * 60_000;
const answerBytesMax = 16 * 1024 * 1024;

/** Talks to one stamp as one service principal. */
export class ArmClient {
  readonly #options: ArmClientOptions;
  readonly #ca: string;
  #token: { readonly text: string; readonly until: number } | undefined;

  constructor(options: ArmClientOptions) {
    this.#options = options;
    this.#ca = readFileSync(options.caFile, 'utf8');
  }

  /** Sends and follows a long-running operation to its end; refusals of the stamp are thrown with their details. */
  async send(method: string, path: string, body?: Json): Promise<ArmAnswer> {
    const first = await this.once(method, path, body);
    if (first.status >= 400) throw refusalOf(first);
    const poll = first.headers['azure-asyncoperation'] ?? first.headers['location'];
    if (typeof poll !== 'string') return first;
    return await this.#follow(poll, first);
  }

  /** One request, whatever the answer. */
  async once(method: string, path: string, body?: Json): Promise<ArmAnswer> {
    if (this.#token === undefined || this.#token.until < Date.now()) {
      this.#token = { text: await this.#signIn(), until: Date.now() + tokenUsedMs };
    }
    const url = path.startsWith('https://') ? path : `${this.#options.management}${path}`;
    const headers = {
      authorization: `Bearer ${this.#token.text}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    return await this.#request(url, { method, headers, text: body === undefined ? undefined : JSON.stringify(body) });
  }

  async #follow(url: string, first: ArmAnswer): Promise<ArmAnswer> {
    for (let count = 0; count < pollMax; count += 1) {
      const answer = await this.once('GET', url);
      const status = (answer.body as { status?: string } | null)?.status;
      if (answer.status >= 400) throw refusalOf(answer);
      if (status === 'Succeeded' || (status === undefined && answer.status !== 202)) return answer;
      if (status === 'Failed' || status === 'Canceled') throw refusalOf(answer);
      await sleep(Number(answer.headers['retry-after'] ?? first.headers['retry-after'] ?? 1) * 250);
    }
    throw new Fault('OperationTooLong', `The operation ${url} did not end.`);
  }

  async #signIn(): Promise<string> {
    const { login, appId, secret, management } = this.#options;
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: appId,
      client_secret: secret.reveal(),
      scope: `${management}/.default`,
    });
    const answer = await this.#request(`${login}/oauth2/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      text: form.toString(),
    });
    const token = (answer.body as { access_token?: string } | null)?.access_token;
    if (token === undefined)
      throw new Fault('SignInFailed', `The stamp gave no token: ${JSON.stringify(answer.body).slice(0, 500)}`);
    return token;
  }

  #request(
    url: string,
    { method, headers, text }: { method: string; headers: Record<string, string>; text: string | undefined },
  ): Promise<ArmAnswer> {
    return new Promise((resolve, reject) => {
      const sent = request(url, { method, headers, ca: this.#ca, timeout: 120_000 }, (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > answerBytesMax)
            response.destroy(new Fault('AnswerTooLarge', `The answer of ${url} is too large.`));
          else chunks.push(chunk);
        });
        response.on('error', reject);
        response.on('end', () => {
          const body = Buffer.concat(chunks).toString('utf8');
          resolve({
            status: response.statusCode ?? 0,
            body: body === '' ? null : (JSON.parse(body) as Json),
            headers: response.headers,
          });
        });
      });
      sent.on('timeout', () => sent.destroy(new Fault('AnswerTooLate', `${url} did not answer in time.`)));
      sent.on('error', reject);
      sent.end(text);
    });
  }
}

function refusalOf({ status, body }: ArmAnswer): Refusal {
  const error = (body as { error?: Detail } | null)?.error ?? { code: 'Unknown', message: JSON.stringify(body) };
  return new Refusal(error.code, error.message, { status, details: error.details ?? [] });
}
