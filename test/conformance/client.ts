/** A plain ARM client for the conformance suite: a token renewed in time, connections kept open, and no answer of 500 or above goes unnoticed. */

import { Agent, request } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import { isObject, type Json, type JsonObject } from '#base/json.ts';

export type Reply = { readonly status: number; readonly body: Json | undefined; readonly headers: IncomingHttpHeaders };

/** A body that is sent as the text that it is. */
export type Raw = { readonly kind: 'raw'; readonly text: string };

export type Client = ((method: string, path: string, body?: Json | Raw) => Promise<Reply>) & { readonly agent: Agent };

/** A plain token lives for ten minutes. */
const tokenUsedMs = 5 * 60_000;

/** Sends requests with a token. */
export function clientOf(
  base: string,
  { ca, signedIn }: { readonly ca: string; readonly signedIn: () => Promise<string> },
): Client {
  let token = { text: '', until: 0 };
  const agent = new Agent({ ca, keepAlive: true });
  const send = async (method: string, path: string, body?: Json | Raw): Promise<Reply> => {
    const text = body === undefined ? undefined : isRaw(body) ? body.text : JSON.stringify(body);
    if (token.until < Date.now()) token = { text: await signedIn(), until: Date.now() + tokenUsedMs };
    const headers = {
      authorization: `Bearer ${token.text}`,
      ...(text === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const reply = await exchange(`${base}${path}`, { agent, method, headers, text });
    if (reply.status >= 500) throw new Error(`${method} ${path}: ${errorOf(reply)}`);
    return reply;
  };
  return Object.assign(send, { agent });
}

/** A token for a service principal (RFC 6749 §4.4). */
export async function signIn(
  login: string,
  {
    ca,
    appId,
    secret,
    audience,
  }: { readonly ca: string; readonly appId: string; readonly secret: string; readonly audience: string },
): Promise<string> {
  const agent = new Agent({ ca });
  const form = {
    grant_type: 'client_credentials',
    client_id: appId,
    client_secret: secret,
    scope: `${audience}/.default`,
  };
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const { body } = await exchange(`${login}/adfs/oauth2/token`, {
    agent,
    method: 'POST',
    headers,
    text: new URLSearchParams(form).toString(),
  });
  const token = isObject(body) ? body['access_token'] : undefined;
  if (typeof token !== 'string') throw new Error('The stamp gave no token.');
  return token;
}

type Sent = {
  readonly agent: Agent;
  readonly method: string;
  readonly headers: { readonly [name: string]: string };
  readonly text: string | undefined;
};

function exchange(url: string, { agent, method, headers, text }: Sent): Promise<Reply> {
  const length = text === undefined ? {} : { 'content-length': String(Buffer.byteLength(text)) };
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, method, headers: { ...headers, ...length } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const answered = Buffer.concat(chunks).toString('utf8');
        const body = answered === '' ? undefined : (JSON.parse(answered) as Json);
        resolve({ status: response.statusCode ?? 0, body, headers: response.headers });
      });
    });
    sent.on('error', reject);
    sent.end(text);
  });
}

/** `CODE: message` of an error envelope, for people. */
export function errorOf({ status, body }: Pick<Reply, 'status' | 'body'>): string {
  const error: JsonObject = isObject(body) && isObject(body['error']) ? body['error'] : {};
  return `${status} ${String(error['code'] ?? '')}: ${String(error['message'] ?? '').slice(0, 400)}`;
}

/** A body that is no JSON by itself. */
export function raw(text: string): Raw {
  return { kind: 'raw', text };
}

function isRaw(body: Json | Raw): body is Raw {
  return isObject(body) && body['kind'] === 'raw' && Object.keys(body).length === 2;
}
