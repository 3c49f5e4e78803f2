/** Killed at random moments under load, the store loses no acknowledged entry, shows no half of one, and verifies. */

import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { openAt, scratch, testKey } from '#engine/store/scratch.ts';
import { verifyStore } from '#engine/store/verify.ts';

const { folder, remove } = scratch();
after(remove);

const rounds = 8;
const seed = Number(process.env['RINGWALL_SEED'] ?? Date.now() % 1_000_000);

type Acknowledged = { sequence: number; hash: string; writer: number; turn: number };

test(`kill -9 loses no acknowledged entry (${rounds} rounds, seed ${seed})`, async () => {
  const dice = diceOf(seed);
  const file = `${folder}/kill.db`;
  let total = 0;
  for (let round = 0; round < rounds; round += 1) {
    const acknowledged = await writeUntilKilled(file, {
      writers: round % 2 === 0 ? 1 : 8,
      afterLines: 1 + dice(60),
      delayMs: dice(12),
    });
    assert.ok(acknowledged.length > 0, `seed ${seed}, round ${round}`);
    total += acknowledged.length;
    check(file, acknowledged, `seed ${seed}, round ${round}`);
  }
  assert.ok(total >= rounds);
});

test('a second writer is refused and told which process holds the store; a verifier is not kept out', async () => {
  const file = `${folder}/held.db`;
  const child = startWriter(file, 1);
  await new Promise((resolve) => child.once('close', resolve).stdout.once('data', resolve));
  try {
    assert.throws(() => openAt(file), { code: 'StoreLocked', message: new RegExp(`process ${child.pid} \\(`) });
    for (let turn = 0; turn < 5; turn += 1) assert.equal(verifyStore({ file, key: testKey }).ok, true);
  } finally {
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
  }
  openAt(file).close();
});

function check(file: string, acknowledged: readonly Acknowledged[], where: string): void {
  const store = openAt(file, { create: false });
  try {
    const first = acknowledged.reduce((least, { sequence }) => Math.min(least, sequence), Number.MAX_SAFE_INTEGER);
    const records = new Map(store.read(first, 10_000).map((record) => [record.sequence, record]));
    for (const { sequence, hash, writer, turn } of acknowledged) {
      assert.equal(records.get(sequence)?.hash, hash, `${where}: entry ${sequence}`);
      const row = store.row('t', `${writer}-${turn % 50}`) as { turn: number } | undefined;
      assert.ok(row !== undefined && row.turn >= turn, `${where}: row of entry ${sequence}`);
    }
    // An entry that was not acknowledged may be there, whole: then it is in the chain like any other.
    assert.deepEqual(verifyStore({ file, key: testKey }), { ok: true, ...store.head() }, where);
  } finally {
    store.close();
  }
}

async function writeUntilKilled(
  file: string,
  { writers, afterLines, delayMs }: { writers: number; afterLines: number; delayMs: number },
): Promise<Acknowledged[]> {
  const child = startWriter(file, writers);
  let text = '';
  let isDue = false;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (isDue || text.split('\n').length <= afterLines) return;
    isDue = true;
    setTimeout(() => child.kill('SIGKILL'), delayMs);
  });
  await new Promise((resolve) => child.once('close', resolve));
  assert.equal(child.signalCode, 'SIGKILL');
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => {
    const [sequence = '', hash = '', by = '', turn = ''] = line.split(' ');
    return { sequence: Number(sequence), hash, writer: Number(by), turn: Number(turn) };
  });
}

function startWriter(file: string, writers: number) {
  const writer = fileURLToPath(import.meta.resolve('#engine/store/kill.writer.ts'));
  const flags = ['--disallow-code-generation-from-strings', writer, file, String(writers)];
  return spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** A small generator (mulberry32), so that a failing run can be repeated from its seed. */
function diceOf(start: number): (below: number) => number {
  let state = start >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
