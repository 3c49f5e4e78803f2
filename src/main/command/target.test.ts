/** What commands speak to: a model is found by its state, never taken for a stamp, asked over its socket, and stopped. */

import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { readKeyFile } from '#engine/store/key-file.ts';
import { verifyStore } from '#engine/store/verify.ts';
import { modelSocket, startModel } from '#main/boot/model.ts';
import { readSettings } from '#main/boot/settings.ts';
import { readReport, stopModel, writeReport, type Report } from '#main/command/model-run.ts';
import { refuseOther, targetOf, withTarget } from '#main/command/target.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringwall-target-'));
const before = process.env['XDG_STATE_HOME'];
process.env['XDG_STATE_HOME'] = join(folder, 'home');
after(() => {
  if (before === undefined) delete process.env['XDG_STATE_HOME'];
  else process.env['XDG_STATE_HOME'] = before;
  rmSync(folder, { recursive: true, force: true });
});

function stateWith(name: string, file?: string): string {
  const state = join(folder, name);
  mkdirSync(join(state, 'db'), { recursive: true });
  if (file !== undefined) writeFileSync(join(state, file), '{}');
  return state;
}

const stamp = 61;

test('a state directory says whether it is that of a model, and neither is taken for the other', () => {
  const model = stateWith('model', 'model-ports.json');
  const real = stateWith('real', 'db/stamp.db');
  const blank = stateWith('blank');
  assert.equal(targetOf({ stamp, state: model }).kind, 'model');
  assert.equal(targetOf({ stamp, state: real }).kind, 'stamp');
  assert.equal(targetOf({ stamp, state: blank }).kind, 'stamp');
  assert.equal(targetOf({ stamp, state: blank, model: true }).kind, 'model');
  assert.throws(() => targetOf({ stamp, state: real, model: true }), { code: 'StateOfOther', target: '--state' });
  assert.throws(() => refuseOther({ ...targetOf({ stamp, state: model }).settings }, 'stamp'), /state of a model/);
  refuseOther(targetOf({ stamp, state: blank }).settings, 'stamp');
});

test("without a state directory the user's own model is meant when no stamp of the number is there", () => {
  const [isThere, isAbsent] = [() => true, () => false];
  assert.equal(targetOf({ stamp }, isAbsent).kind, 'stamp');
  const own = stateWith(join('home', 'ringwall', String(stamp)), 'model-ports.json');
  const found = targetOf({ stamp }, isAbsent);
  assert.deepEqual([found.kind, found.settings.state], ['model', own]);
  assert.equal(targetOf({ stamp }, isThere).kind, 'stamp');
  assert.equal(targetOf({ stamp, model: true }, isThere).kind, 'model');
  rmSync(own, { recursive: true });
});

test('a running model answers its own user over a socket nobody else can reach, and its store verifies meanwhile', async () => {
  const state = join(folder, 'm');
  const options = { stamp, state };
  await assert.rejects(
    withTarget({ ...options, model: true }, (link) => link.call('status', [])),
    { code: 'ModelNotRunning' },
  );
  const model = await startModel({ settings: readSettings({ number: stamp, state }) });
  try {
    const status = await withTarget(options, (link) => link.call<JsonObject>('status', []));
    assert.deepEqual([status['enforcing'], status['endpoints']], [false, model.endpoints]);
    const made = await withTarget(options, (link) =>
      link.call<JsonObject>('createServicePrincipal', [{ name: 'one', role: 'Reader' }]),
    );
    assert.ok(typeof made['secret'] === 'string');
    assert.equal(statSync(dirname(modelSocket(state))).mode & 0o077, 0);
    const { database, keys } = model.prepared.places;
    assert.equal(verifyStore({ file: database, key: readKeyFile(join(keys, 'store.key')) }).ok, true);
  } finally {
    await model.close();
  }
  assert.equal(existsSync(modelSocket(state)), false);
});

test('a path that a socket cannot have is refused before anything is served', async () => {
  const state = join(folder, 'x'.repeat(100));
  await assert.rejects(startModel({ settings: readSettings({ number: stamp, state }) }), { code: 'StatePathTooLong' });
});

test('a model that runs is stopped; what a dead one left is taken away and no other process is touched', async () => {
  const state = stateWith('run');
  const report = (pid: number): Report => ({
    ...{ state: 'ready', enforcing: false, notice: '', endpoints: {}, ca: '', flows: [], mismatches: 0 },
    login: { user: '', passwordFile: '', commands: [] },
    pid,
  });
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', '--', '--model'], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
  writeReport({ state }, report(child.pid ?? 0));
  assert.equal(readReport({ state })?.pid, child.pid);
  await stopModel({ state });
  assert.equal(await ended, 'SIGTERM');
  assert.equal(readReport({ state }), undefined);
  // This process is no model: its number in a stale report must not get it killed.
  writeReport({ state }, report(process.pid));
  await stopModel({ state });
  assert.equal(existsSync(join(state, 'model.json')), false);
});
