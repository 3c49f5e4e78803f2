/** A request to Graph as the handlers see it: path, query and JSON body, each bounded. */

import type { IncomingMessage } from 'node:http';
import { graphBodyBytesMax, graphBodyWaitMs } from '#base/identity-limits.ts';
import { jsonDepthMax, pathSegmentsMax, queryParametersMax } from '#base/limits.ts';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';

export type Asked = {
  readonly method: string;
  /** Behind the version; decoded. */
  readonly segments: readonly string[];
  readonly query: ReadonlyMap<string, string>;
  readonly source: string;
  readonly clientRequestId: string | undefined;
  readonly authorization: string | undefined;
};

/** Reads what stands before the body. */
export function readAsked(request: IncomingMessage): Asked {
  const url = request.url ?? '/';
  const cut = url.indexOf('?');
  const [version, ...segments] = segmentsOf(cut < 0 ? url : url.slice(0, cut));
  if (version?.toLowerCase() !== 'v1.0') {
    throw new Refusal('ResourceNotFound', 'Invalid version: the path must begin with /v1.0.', { status: 404 });
  }
  const client = request.headers['client-request-id'];
  return {
    method: request.method ?? 'GET',
    segments,
    query: queryOf(cut < 0 ? '' : url.slice(cut + 1)),
    source: (request.socket.remoteAddress ?? 'unknown').replace(/^::ffff:(?=\d+\.)/i, ''),
    clientRequestId: typeof client === 'string' && /^[\w-]{1,64}$/.test(client) ? client : undefined,
    authorization: request.headers.authorization,
  };
}

function segmentsOf(path: string): string[] {
  const raw = path.split('/').filter((part) => part !== '');
  if (raw.length > pathSegmentsMax) throw bad('The path has too many segments.');
  return raw.map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw bad('The path holds a percent sign that is not followed by two hexadecimal digits of UTF-8 text.');
    }
  });
}

function queryOf(text: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    const key = name.toLowerCase();
    if (query.has(key)) throw bad(`The query parameter ${key.slice(0, 50)} comes more than once.`);
    query.set(key, value);
    if (query.size > queryParametersMax) throw bad(`The query has more than ${queryParametersMax} parameters.`);
  }
  return query;
}

function bad(message: string): Refusal {
  return new Refusal('Request_BadRequest', message);
}

/** The body: a JSON object, or an empty one when there is none. */
export async function readBody(request: IncomingMessage): Promise<JsonObject> {
  const bytes = await bytesOf(request);
  if (bytes.length === 0) return {};
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new Refusal('Request_BadRequest', 'The body must be of type application/json.', { status: 415 });
  }
  let value: Json;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Json;
  } catch {
    throw bad('The body is not JSON.');
  }
  if (!isObject(value)) throw bad('The body must be a JSON object.');
  check(value, 1);
  return value;
}

function check(value: Json | undefined, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > jsonDepthMax) throw bad(`The body is nested deeper than ${jsonDepthMax} levels.`);
  for (const [key, member] of Object.entries(value)) {
    if (key === '__proto__') throw bad('The body has a member "__proto__", which is not accepted.');
    check(member, depth + 1);
  }
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const tooLarge = (): Refusal =>
    new Refusal('Request_EntityTooLarge', `The body is larger than ${graphBodyBytesMax} bytes.`, { status: 413 });
  if (Number(request.headers['content-length'] ?? 0) > graphBodyBytesMax) throw tooLarge();
  return await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const cutOff = (): void => stop(bad('The body was cut off.'));
    const timer = setTimeout(
      () => stop(new Refusal('Request_Timeout', 'The body did not come in time.', { status: 408 })),
      graphBodyWaitMs,
    );
    const stop = (refusal: Refusal): void => {
      clearTimeout(timer);
      request.off('data', take).off('close', cutOff).off('error', cutOff);
      request.on('error', () => undefined).resume();
      reject(refusal);
    };
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > graphBodyBytesMax) stop(tooLarge());
      else chunks.push(chunk);
    };
    request.on('data', take).on('close', cutOff).on('error', cutOff);
    request.once('end', () => {
      clearTimeout(timer);
      request.off('close', cutOff);
      resolve(Buffer.concat(chunks));
    });
  });
}
