/** Bodies: what is not plain JSON is refused by what it says of itself, before anybody reads it as something else. */

import { strict as assert } from 'node:assert';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readJson, type BodyKind } from '#faces/arm/body.ts';

type Headers = { readonly [name: string]: string };

async function read(bytes: string | Buffer, headers: Headers = {}, kind: BodyKind = 'json') {
  const request = Object.assign(Readable.from(bytes.length === 0 ? [] : [Buffer.from(bytes)]), { headers });
  return await readJson(request as unknown as IncomingMessage, kind);
}

const json = '{"a":1}';

// One row: the content encoding, and whether the body is read.
const codings: [string | undefined, boolean][] = [
  [undefined, true],
  ['identity', true],
  [' Identity ', true],
  ['gzip', false],
  ['x-gzip', false],
  ['deflate', false],
  ['br', false],
  ['zstd', false],
  ['identity, gzip', false],
  ['gzip, identity', false],
  ['', false],
  ['nonsense', false],
];

test('content that says it is coded is refused with 415, also when its bytes are plain', async () => {
  for (const [coding, isRead] of codings) {
    const headers: Headers = coding === undefined ? {} : { 'content-encoding': coding };
    for (const kind of ['json', 'patch', 'template'] as const) {
      const body = kind === 'template' ? '{"properties":{"template":{}}}' : json;
      if (isRead) assert.ok(await read(body, headers, kind), `${coding} ${kind}`);
      else
        await assert.rejects(
          read(body, headers, kind),
          { name: 'Refusal', code: 'UnsupportedMediaType', status: 415 },
          `${coding} ${kind}`,
        );
    }
  }
});

test('packed bytes are refused whether they say so or not, and what they say is not echoed at length', async () => {
  const packed = gzipSync(json);
  await assert.rejects(read(packed, { 'content-encoding': 'gzip' }), { code: 'UnsupportedMediaType' });
  await assert.rejects(read(packed), { code: 'InvalidRequestContent' });
  await assert.rejects(
    read(json, { 'content-encoding': 'x'.repeat(5000) }),
    (error: Error) => error.message.length < 300,
  );
});

test('no body, and one that nobody reads, need no coding that we know', async () => {
  assert.equal(await read('', { 'content-encoding': 'gzip' }), undefined);
  assert.equal(await read(json, { 'content-encoding': 'gzip' }, 'none'), undefined);
});
