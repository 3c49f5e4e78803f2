/** An ARM client for measuring: one kept-open TLS connection, a service principal's token, and nothing between request and answer. */

import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Json, JsonObject } from '#base/json.ts';
import type { Secret } from '#base/secret.ts';
import { Fault } from '#base/wrong.ts';

export type ArmOptions = {
  readonly management: string;
  readonly login: string;
  readonly caFile: string;
  readonly appId: string;
  readonly secret: Secret;
};

export type Answer = { readonly status: number; readonly body: Json; readonly headers: IncomingHttpHeaders };

/** A plain token lives for ten minutes. */
const tokenLifeMs = 5 * 60_000;
const pollMs = 100;
const answerTimeoutMs = 120_000;
const connectionsMax = 64;

export class KeepAliveClient {
  readonly #options: ArmOptions;
  readonly #agent: Agent;
  #token: { readonly text: string; readonly until: number } | undefined;

  constructor(options: ArmOptions) {
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connectionsMax, ca: readFileSync(options.caFile) });
  }

  /** One request, whatever the answer; a connection that breaks is a Fault. */
  async once(method: string, path: string, body?: Json): Promise<Answer> {
    const token = await this.token();
    const url = this.url(path);
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    return await this.#request(url, { method, headers, text: body === undefined ? undefined : JSON.stringify(body) });
  }

  /** The address of a path; one that is an address already stays. */
  url(path: string): string {
    return path.startsWith('https://') ? path : `${this.#options.management}${path}`;
  }

  /** A request that must succeed; a long-running one is followed to its end. */
  async send(method: string, path: string, body?: Json): Promise<Answer> {
    const first = await this.once(method, path, body);
    if (first.status >= 400) throw refused(method, path, first);
    const poll = first.headers['azure-asyncoperation'] ?? (first.status === 202 ? first.headers.location : undefined);
    if (typeof poll !== 'string') return first;
    return await this.#followed(poll);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #followed(poll: string): Promise<Answer> {
    const until = Date.now() + 10 * answerTimeoutMs;
    while (Date.now() < until) {
      const answer = await this.once('GET', poll);
      const status = (answer.body as { status?: string } | null)?.status;
      if (answer.status >= 400 || status === 'Failed' || status === 'Canceled') throw refused('GET', poll, answer);
      if (status === 'Succeeded' || (status === undefined && answer.status !== 202)) return answer;
      await sleep(pollMs);
    }
    throw new Fault('OperationTooLong', `The operation ${poll} did not end.`);
  }

  /** An access token that is good for a while. */
  async token(): Promise<string> {
    if (this.#token !== undefined && this.#token.until > Date.now()) return this.#token.text;
    const { management, login, appId, secret } = this.#options;
    const form = {
      grant_type: 'client_credentials',
      client_id: appId,
      client_secret: secret.reveal(),
      scope: `${management}/.default`,
    };
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await this.#request(`${login}/oauth2/token`, {
      method: 'POST',
      headers,
      text: new URLSearchParams(form).toString(),
    });
    const text = (answer.body as JsonObject | null)?.['access_token'];
    if (typeof text !== 'string') throw new Fault('SignInFailed', `The sign-in was answered with ${answer.status}.`);
    this.#token = { text, until: Date.now() + tokenLifeMs };
    return text;
  }

  #request(
    url: string,
    { method, headers, text }: { method: string; headers: Record<string, string>; text: string | undefined },
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const length = text === undefined ? {} : { 'content-length': Buffer.byteLength(text) };
      const sent = request(
        url,
        { method, agent: this.#agent, headers: { ...headers, ...length }, timeout: answerTimeoutMs },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const body = Buffer.concat(chunks).toString('utf8');
            resolve({ status: response.statusCode ?? 0, body: parsed(body), headers: response.headers });
          });
        },
      );
      sent.on('timeout', () => sent.destroy(new Fault('AnswerTooLate', `${method} ${url} was not answered in time.`)));
      sent.on('error', reject);
      sent.end(text);
    });
  }
}

function parsed(body: string): Json {
  return body === '' ? null : (JSON.parse(body) as Json);
}

function refused(method: string, path: string, { status, body }: Answer): Fault {
  return new Fault(
    'ArmRefused',
    `${method} ${path} was answered with ${status}: ${JSON.stringify(body).slice(0, 1000)}`,
  );
}
