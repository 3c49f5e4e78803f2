/** Tests of management locks: each row is one request and the lock that must stop it. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { lockVerdict, type Lock, type RequestKind } from '#access/locks.ts';

const s1 = '/subscriptions/s1';
const rg1 = `${s1}/resourceGroups/rg1`;
const nsg = `${rg1}/providers/Microsoft.Network/networkSecurityGroups/web`;
const lockId = (scope: string, name: string) => `${scope}/providers/Microsoft.Authorization/locks/${name}`;

const keep: Lock = { id: lockId(rg1, 'keep'), name: 'keep', level: 'CanNotDelete', scope: rg1 };
const still: Lock = { id: lockId(nsg, 'still'), name: 'still', level: 'ReadOnly', scope: nsg };
const whole: Lock = { id: lockId(s1, 'whole'), name: 'whole', level: 'ReadOnly', scope: s1 };

// One row: the locks that stand, the request, and the name of the lock that stops it (none: it passes).
const rows: [Lock[], RequestKind, string, string | undefined][] = [
  [[], 'delete', rg1, undefined],
  [[keep], 'delete', rg1.toUpperCase(), 'keep'],
  [[keep], 'delete', nsg, 'keep'],
  [[keep], 'delete', `${rg1}0`, undefined],
  [[keep], 'write', nsg, undefined],
  [[keep], 'action', nsg, undefined],
  [[still], 'write', nsg, 'still'],
  [[still], 'write', `${nsg}/securityRules/r1`, 'still'],
  [[still], 'delete', `${nsg}/securityRules/r1`, 'still'],
  [[still], 'action', nsg, 'still'],
  [[still], 'write', rg1, undefined],
  [[still], 'delete', rg1, 'still'],
  [[still], 'delete', s1, 'still'],
  [[whole], 'write', rg1, 'whole'],
  [[whole], 'read', nsg, undefined],
  [[whole], 'write', lockId(rg1, 'new'), undefined],
  [[whole], 'delete', whole.id, undefined],
  [[whole], 'write', `${whole.id}/tags/x`, 'whole'],
  [[keep, whole], 'write', nsg, 'whole'],
];

for (const [locks, kind, scope, stopper] of rows) {
  const names = locks.map((lock) => lock.name).join('+');
  test(`${kind} at ${scope} under ${names || 'no lock'} meets ${stopper ?? 'no lock'}`, () => {
    const answer = lockVerdict(locks, kind, scope);
    if (answer.verdict === 'allow') return assert.equal(stopper, undefined);
    assert.equal(answer.lock.name, stopper);
    assert.deepEqual([answer.refusal.code, answer.refusal.status], ['ScopeLocked', 409]);
    assert.match(answer.refusal.message, new RegExp(`cannot perform ${kind} operation`));
    assert.match(answer.refusal.details[0]?.message ?? '', new RegExp(`Lock '${stopper}'`));
  });
}
