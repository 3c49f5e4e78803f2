/** Elevated access: the first administrator's, audited, listed, given back; nobody else's. */

import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { startModel } from '#main/boot/model.ts';
import { readSettings } from '#main/boot/settings.ts';
import { boundSender, callersOf, sender, type SweptCaller } from '#main/boot/sweep-world.ts';

const ownerRole = '8e3af657-a8ff-443c-a75c-2fe8c4bcb635';
const thiefName = '0b0b0b0b-0000-4000-8000-00000000000b';

test('an administrator raises its own access on the operator’s plane, and gives it back; nobody else does, nor there with a plain token', async () => {
  const state = mkdtempSync(join(tmpdir(), 'ringwall-elevate-'));
  const model = await startModel({ settings: readSettings({ number: 5, state }) });
  const stamp = await sender(model.assembly.handlers.arm);
  const admin = await boundSender(model);
  try {
    const { administrator, owner, nobody, reader, elsewhere, unknown } = await callersOf(model);
    const ask = (method: string, path: string, { authorization }: SweptCaller) =>
      stamp.send({ method, path: `${path}?api-version=2022-04-01`, pattern: path }, authorization);
    const assignments = '/providers/Microsoft.Authorization/roleAssignments';
    const own = (method: string, path: string) => admin.ask(method, `${path}?api-version=2022-04-01`);
    const atRoot = async () => {
      const { text } = await own('GET', assignments);
      return (JSON.parse(text) as { value: { id: string; properties: JsonObject }[] }).value.filter(
        ({ properties }) => properties['scope'] === '/',
      );
    };
    const elevation = '/providers/Microsoft.Authorization/elevateAccess';
    for (const caller of [owner, nobody, reader, elsewhere, administrator]) {
      const { status, text } = await ask('POST', elevation, caller);
      assert.deepEqual([status, text.includes('ElevateAccessNotAllowed')], [403, true], caller.name);
    }
    for (const caller of unknown) assert.equal((await ask('POST', elevation, caller)).status, 401, caller.name);
    assert.deepEqual(await atRoot(), []);
    for (const _ of [1, 2]) assert.deepEqual((await own('POST', elevation)).status, 200);
    const [made, more] = await atRoot();
    assert.match(String(made?.properties['roleDefinitionId']), /18d7d88d-d35e-4fb5-a5c3-7773c20a72d9$/);
    assert.equal(more, undefined);
    const { lines } = model.assembly.store.audits({ before: Number.MAX_SAFE_INTEGER, limit: 50 });
    assert.ok(lines.some(({ entry }) => /elevateAccess/.test(entry.operation) && entry.resource === made?.id));
    assert.equal((await ask('DELETE', made?.id ?? '', owner)).status, 403);
    // With the right and a plain token of the tenants' plane: not there.
    assert.equal((await ask('DELETE', made?.id ?? '', administrator)).status, 403);
    const thief = { properties: { roleDefinitionId: ownerRole, principalId: made?.properties['principalId'] } };
    const given = { method: 'PUT', path: `${assignments}/${thiefName}?api-version=2022-04-01`, pattern: '' };
    assert.equal((await stamp.send(given, administrator.authorization, { body: thief })).status, 403);
    assert.equal((await own('DELETE', made?.id ?? '')).status, 200);
    assert.deepEqual(await atRoot(), []);
  } finally {
    await stamp.close();
    await admin.close();
    await model.close();
    rmSync(state, { recursive: true, force: true });
  }
});
