/** Local links: answers find their callers, errors cross as what they are, and neither side can be made to hang, leak or crash by the other. */

import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { frameBytesMax } from '#base/limits.ts';
import { proverLink } from '#adapters/link/prover-link.ts';
import type { Resource } from '#model/resource.ts';
import { Fault, Refusal } from '#base/wrong.ts';
import { LinkClient } from '#adapters/link/client.ts';
import { encodeFrame, FrameReader } from '#adapters/link/frames.ts';
import { serve, type Methods } from '#adapters/link/server.ts';
import { randomFrom } from '#test/generate/random.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringwall-link-'));
const servers: Server[] = [];
const clients: LinkClient[] = [];
let count = 0;
after(() => {
  for (const client of clients) client.close();
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(methods: Methods, bytesMax?: number) {
  const path = join(folder, `s${count++}`);
  const faults: unknown[] = [];
  const server = await serve({
    path,
    methods,
    onFault: (error) => faults.push(error),
    ...(bytesMax === undefined ? {} : { bytesMax }),
  });
  servers.push(server);
  return { path, faults, server, client: clientOf(path, bytesMax) };
}

function clientOf(path: string, bytesMax?: number): LinkClient {
  const client = new LinkClient('peer', path, bytesMax);
  clients.push(client);
  return client;
}

test('what a caller sent never makes its answer too long to be told', async () => {
  const { client } = await open(
    {
      refuse: (text: string) => {
        throw new Refusal('Odd', `${text}${text}`);
      },
      small: () => 1,
    },
    frameBytesMax * 2,
  );
  await assert.rejects(client.call('x'.repeat(frameBytesMax), []), { code: 'UnknownMethod' });
  await assert.rejects(client.call('refuse', ['x'.repeat(frameBytesMax * 0.6)]), { code: 'FrameTooLarge' });
  assert.equal(await client.call('small', []), 1);
});

test('a link may be given a limit of its own, and holds it both ways', async () => {
  const { client } = await open({ large: (text: string) => text.repeat(2), long: () => 'x'.repeat(300) }, 200);
  assert.equal(await client.call('large', ['x'.repeat(50)]), 'x'.repeat(100));
  await assert.rejects(client.call('large', ['x'.repeat(200)]), { code: 'FrameTooLarge' });
  await assert.rejects(client.call('long', []), { code: 'FrameTooLarge' });
  assert.equal(await client.call('large', ['y']), 'yy');
});

test('messages survive any cutting into chunks', () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const random = randomFrom(seed);
    const messages = Array.from({ length: 1 + random.below(12) }, (_, index) => ({
      index,
      text: 'ü'.repeat(random.below(random.chance(0.2) ? 5000 : 20)),
    }));
    const bytes = Buffer.concat(messages.map((message) => encodeFrame(message)));
    const reader = new FrameReader();
    const seen: unknown[] = [];
    for (let at = 0; at < bytes.length; ) {
      const size = random.chance(0.5) ? 1 + random.below(4) : 1 + random.below(3000);
      seen.push(...reader.take(bytes.subarray(at, at + size)));
      at += size;
    }
    assert.deepEqual(seen, messages, `seed ${seed}`);
  }
});

test('a frame that is too large or no JSON is refused at its head', () => {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(frameBytesMax + 1);
  assert.throws(() => new FrameReader().take(head), { code: 'FrameTooLarge' });
  const bad = Buffer.from([0, 0, 0, 2, 0x7b, 0x5d]);
  assert.throws(() => new FrameReader().take(bad), { code: 'FrameMalformed' });
  assert.throws(() => encodeFrame('x'.repeat(frameBytesMax)), { code: 'FrameTooLarge' });
});

test('calls are answered by number, whatever the order; errors cross as what they are and tell no inner workings', async () => {
  const refusal = new Refusal('Busy', 'later', {
    status: 429,
    retryAfterS: 7,
    target: '/x',
    details: [{ code: 'a', message: 'b' }],
  });
  const { client, faults, path } = await open({
    later: async (ms: number) => await sleep(ms, `after ${ms}`),
    refuse: () => {
      throw refusal;
    },
    fault: () => {
      throw new Fault('DiskFull', 'full');
    },
    bug: () => {
      throw new TypeError('password hunter2');
    },
    nothing: () => undefined,
  });
  const all = await Promise.all([30, 5, 15].map((ms) => client.call<string>('later', [ms])));
  assert.deepEqual(all, ['after 30', 'after 5', 'after 15']);
  assert.equal(await client.call('nothing', []), null);
  await assert.rejects(client.call('refuse', []), (error: Refusal) => {
    assert.ok(error instanceof Refusal);
    const { code, message, status, retryAfterS, target, details } = error;
    assert.deepEqual(
      { code, message, status, retryAfterS, target, details },
      { code: 'Busy', message: 'later', status: 429, retryAfterS: 7, target: '/x', details: refusal.details },
    );
    return true;
  });
  await assert.rejects(client.call('fault', []), (error: Fault) => error instanceof Fault && error.code === 'DiskFull');
  await assert.rejects(
    client.call('bug', []),
    (error: Fault) => error.code === 'InternalFault' && !error.message.includes('hunter2'),
  );
  await assert.rejects(client.call('toString', []), { code: 'UnknownMethod' });
  await assert.rejects(client.call('constructor', []), { code: 'UnknownMethod' });
  assert.equal(faults.length, 4);
  assert.equal(statSync(path).mode & 0o777, 0o660);
});

test('an answer that is too large is a fault of that call alone', async () => {
  const { client } = await open({ large: () => 'x'.repeat(frameBytesMax), small: () => 1 });
  const [large, small] = await Promise.allSettled([client.call('large', []), client.call('small', [])]);
  assert.equal(large.status === 'rejected' && (large.reason as Fault).code, 'FrameTooLarge');
  assert.deepEqual(small, { status: 'fulfilled', value: 1 });
  await assert.rejects(client.call('small', ['x'.repeat(frameBytesMax)]), { code: 'FrameTooLarge' });
  assert.equal(await client.call('small', []), 1);
});

test('a call has its time; a late answer is nobody else’s', async () => {
  const { client } = await open({ later: async (ms: number) => await sleep(ms, ms) });
  await assert.rejects(client.call('later', [60], 10), { code: 'LinkTimeout' });
  assert.equal(await client.call('later', [80]), 80);
});

test('a loss fails what is under way, is told, and the next call connects anew', async () => {
  const path = join(folder, `s${count++}`);
  const client = clientOf(path);
  const told: string[] = [];
  client.onConnect(() => told.push('connected'));
  client.onLoss(() => told.push('lost'));
  await assert.rejects(client.call('any', []), { code: 'LinkDown' });
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => silent.listen(path, resolve));
  const waiting = client.call('any', []);
  while (sockets.length === 0) await sleep(2);
  sockets[0]?.destroy();
  await assert.rejects(waiting, { code: 'LinkLost' });
  silent.close();
  servers.push(await serve({ path, methods: { any: () => 'here' }, onFault: () => undefined }));
  assert.equal(await client.call('any', []), 'here');
  assert.deepEqual(told, ['connected', 'lost', 'connected']);
  client.close();
  await assert.rejects(client.call('any', []), { code: 'LinkClosed' });
  await sleep(5);
  assert.deepEqual(told, ['connected', 'lost', 'connected'], 'our own end is no loss');
});

test('calls at once on a link that is down share one attempt and all fail; those after it pass', async () => {
  const path = join(folder, `s${count++}`);
  const client = clientOf(path);
  const failed = await Promise.allSettled(Array.from({ length: 20 }, () => client.call('any', [])));
  assert.ok(failed.every((end) => end.status === 'rejected' && (end.reason as Fault).code === 'LinkDown'));
  servers.push(await serve({ path, methods: { any: () => 1 }, onFault: () => undefined }));
  assert.deepEqual(
    await Promise.all(Array.from({ length: 200 }, () => client.call('any', []))),
    Array<number>(200).fill(1),
  );
});

test('noise ends its connection and nothing else', async () => {
  const { path, client } = await open({ ok: () => 1 });
  const frames = [
    null,
    7,
    [],
    {},
    { id: '1', method: 'ok', parameters: [] },
    { id: 1, method: 'ok' },
    { id: 1, method: 7, parameters: [] },
  ].map((message) => encodeFrame(message));
  const random = randomFrom(5);
  for (let index = 0; index < 20; index += 1)
    frames.push(Buffer.from(Array.from({ length: 4 + random.below(40) }, () => random.below(256))));
  for (const frame of frames) {
    const socket = connect(path);
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => undefined);
    socket.end(frame);
    await closed;
    assert.equal(await client.call('ok', []), 1);
  }
});

test('a peer that answers with noise loses its link, not our process', async () => {
  for (const answer of [
    encodeFrame(null),
    encodeFrame([]),
    encodeFrame({ id: 1, error: 'x' }),
    encodeFrame({ id: 1, error: {} }),
    Buffer.from([255, 255, 255, 255, 0]),
  ]) {
    const path = join(folder, `s${count++}`);
    const server = createServer((socket) => socket.once('data', () => socket.end(answer)));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(path, resolve));
    await assert.rejects(clientOf(path).call('any', [], 2000), (error: Error) => error instanceof Fault);
  }
});

test('a model goes to the prover in parts, and a part that is too large for a message in halves', async () => {
  const parts: number[] = [];
  const { client } = await open({
    part: (index: number, list: readonly unknown[]) => {
      assert.equal(index, parts.length);
      parts.push(list.length);
    },
    load: (revision: number, count: number) => ({ revision, count }),
  });
  const resource = (id: number, size = 1): Resource =>
    ({ id: String(id), properties: { text: 'x'.repeat(size) } }) as unknown as Resource;
  const small = Array.from({ length: 2500 }, (_, index) => resource(index));
  assert.deepEqual(await proverLink(client).load(7, small), { revision: 7, count: 3 });
  assert.deepEqual(parts.splice(0), [1000, 1000, 500]);
  const large = [resource(0, frameBytesMax / 2), resource(1, frameBytesMax / 2), resource(2)];
  assert.deepEqual(await proverLink(client).load(8, large), { revision: 8, count: 2 });
  assert.deepEqual(parts, [1, 2]);
});
