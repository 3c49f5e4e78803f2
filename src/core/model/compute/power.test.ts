/** Power actions: what a machine shall be is set once, and only one that runs can be started anew. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { powerActions } from '#model/compute/power.ts';
import type { Resource } from '#model/resource.ts';
import { makeWorld, outcome } from '#model/test-world.ts';

type Power = 'running' | 'stopped' | 'deallocated';

function machine(power: Power): Resource {
  const id = '/subscriptions/s1/resourceGroups/rg1/providers/Microsoft.Compute/virtualMachines/m1';
  const times = { createdAt: '2026-01-01T00:00:00.000Z', changedAt: '2026-01-01T00:00:00.000Z' };
  return {
    id,
    type: 'Microsoft.Compute/virtualMachines',
    name: 'm1',
    properties: {},
    internal: { power },
    etag: '1',
    ...times,
  };
}

// One row is one action on a machine: how it stood, what was asked, how it stands then, and how often it was restarted.
const rows: readonly (readonly [before: Power, action: string, ends: string, power: Power, restarts: number])[] = [
  ['stopped', 'start', 'ok', 'running', 0],
  ['running', 'start', 'ok', 'running', 0],
  ['running', 'powerOff', 'ok', 'stopped', 0],
  ['running', 'deallocate', 'ok', 'deallocated', 0],
  ['stopped', 'deallocate', 'ok', 'deallocated', 0],
  ['running', 'restart', 'ok', 'running', 1],
  ['running', 'redeploy', 'ok', 'running', 1],
  ['running', 'reapply', 'ok', 'running', 0],
  ['stopped', 'restart', 'OperationNotAllowed', 'stopped', 0],
  ['deallocated', 'redeploy', 'OperationNotAllowed', 'deallocated', 0],
];

test('each action leads to its power', () => {
  for (const [before, name, ends, power, restarts] of rows) {
    const { draft, context } = makeWorld();
    const resource = machine(before);
    draft.put(resource);
    const action = powerActions[name];
    const ended = outcome(() => action?.run(resource, { body: null, query: new Map() }, draft, context));
    assert.equal(ended.split(' ')[0], ends, `${before} ${name}`);
    const { internal } = draft.get(resource.id) ?? {};
    assert.equal(internal?.['power'], power, `${before} ${name}`);
    assert.equal(internal?.['restarts'] ?? 0, restarts, `${before} ${name}`);
    // What is so already is not written again: such a request ends at once.
    assert.equal(draft.get(resource.id) === resource, before === power && restarts === 0, `${before} ${name}`);
  }
});
