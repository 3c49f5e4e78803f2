/** Reads and parses the body of a request: JSON of at most 4 MiB, not too deep, and never a key that would reach a prototype. */

import type { IncomingMessage } from 'node:http';
import { bodyBytesMax, bodyWaitMs, jsonDepthMax } from '#base/limits.ts';
import { isObject, type Json } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { parseTemplateJson } from '#template/jsonc.ts';

/**
 * `template`: what az sends for deployments (comments, the bare key `template`); nulls in it are values. `patch` keeps nulls too:
 * they remove members.
 */
export type BodyKind = 'json' | 'template' | 'patch' | 'none';

/** The parsed body; undefined when there is none. */
export async function readJson(request: IncomingMessage, kind: BodyKind): Promise<Json | undefined> {
  if (kind === 'none' && isWithoutBody(request)) return undefined;
  const bytes = await readBytes(request);
  if (kind === 'none' || bytes.length === 0) return undefined;
  const type = (request.headers['content-type'] ?? 'application/json').split(';')[0]?.trim().toLowerCase() ?? '';
  if (!/^(application|text)\/([\w.+-]+\+)?json$/.test(type)) {
    throw new Refusal(
      'UnsupportedMediaType',
      `The content type '${type.slice(0, 100)}' is not supported; send application/json.`,
      { status: 415 },
    );
  }
  const coding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (coding !== 'identity')
    throw new Refusal(
      'UnsupportedMediaType',
      `The content encoding '${coding.slice(0, 100)}' is not supported; send the content as it is.`,
      { status: 415 },
    );
  const text = textOf(bytes);
  if (text.trim() === '') return undefined;
  const value = kind === 'template' ? parseTemplateJson(text) : parsed(text);
  check(value, 1);
  return kind === 'json' ? withoutNulls(value) : value;
}

/** RFC 9112 §6.3: a request that says neither a length nor a coding of its content has none. */
function isWithoutBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] === undefined && headers['transfer-encoding'] === undefined;
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const tooLarge = (): Refusal =>
    new Refusal('RequestContentTooLarge', `The request content is larger than ${bodyBytesMax} bytes.`, { status: 413 });
  if (Number(request.headers['content-length'] ?? 0) > bodyBytesMax) throw tooLarge();
  return await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const cutOff = (): void => stop(new Refusal('InvalidRequestContent', 'The request content was cut off.'));
    const timer = setTimeout(
      () => stop(new Refusal('RequestTimeout', 'The request content did not come in time.', { status: 408 })),
      bodyWaitMs,
    );
    const stop = (refusal: Refusal): void => {
      clearTimeout(timer);
      request.off('data', take).off('close', cutOff).off('error', cutOff);
      // What still comes is thrown away; the connection is closed after the answer.
      request.on('error', () => undefined).resume();
      reject(refusal);
    };
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > bodyBytesMax) stop(tooLarge());
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

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Refusal('InvalidRequestContent', 'The request content is not UTF-8 text.');
  }
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    const says = error instanceof Error ? error.message.slice(0, 300) : 'it is not JSON';
    throw new Refusal(
      'InvalidRequestContent',
      `The request content was invalid and could not be deserialized: ${says}.`,
    );
  }
}

function check(value: Json, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > jsonDepthMax)
    throw new Refusal('InvalidRequestContent', `The request content is nested deeper than ${jsonDepthMax} levels.`);
  for (const [key, member] of Object.entries(value)) {
    if (key === '__proto__')
      throw new Refusal(
        'InvalidRequestContent',
        'The request content has a member "__proto__", which is not accepted.',
      );
    if (member !== undefined) check(member, depth + 1);
  }
}

/** `null` is absent in a PUT or POST (arm facts §2.6); an empty place in a list stays. */
function withoutNulls(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => withoutNulls(item));
  if (!isObject(value)) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  return Object.fromEntries(members.map(([key, member]) => [key, withoutNulls(member as Json)]));
}
