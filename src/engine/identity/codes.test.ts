/** Tests of authorization codes and device codes: once, in time, in bounded number. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Secret } from '#base/secret.ts';
import { Refusal } from '#base/wrong.ts';
import {
  answerDevice,
  issueCode,
  issueDeviceCode,
  pollDevice,
  redeemCode,
  startCodes,
  waitingDevice,
} from '#engine/identity/codes.ts';

const grant = {
  oid: 'o',
  clientId: 'c',
  redirectUri: 'u',
  challenge: 'x',
  scope: '',
  resource: undefined,
  nonce: undefined,
};
const device = (source = 's') => ({ clientId: 'c', scope: '', resource: undefined, source });

function start() {
  const clock = { ms: 1000 };
  return { clock, codes: startCodes(() => clock.ms) };
}

test('an authorization code is good once; its replay names the sign-in that it started', () => {
  const { codes } = start();
  const code = issueCode(codes, grant);
  const first = redeemCode(codes, code);
  assert.ok(first.kind === 'good');
  first.note('family');
  assert.deepEqual(redeemCode(codes, code), { kind: 'replayed', familyId: 'family' });
  assert.equal(redeemCode(codes, new Secret('x')).kind, 'unknown');
});

test('an authorization code ends after two minutes, and full means wait', () => {
  const { codes, clock } = start();
  const code = issueCode(codes, grant);
  clock.ms += 120_000;
  assert.equal(redeemCode(codes, code).kind, 'unknown');
  for (let count = 0; count < 5000; count++) issueCode(codes, grant);
  assert.throws(
    () => issueCode(codes, grant),
    (error) => error instanceof Refusal && error.status === 503,
  );
  clock.ms += 120_000;
  issueCode(codes, grant);
  assert.equal(codes.codes.size, 1);
});

test('a device waits, is approved, gets its tokens once', () => {
  const { codes, clock } = start();
  const { deviceCode, userCode } = issueDeviceCode(codes, device());
  assert.match(userCode, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
  const poll = (clientId = 'c') => pollDevice(codes, deviceCode, clientId).kind;
  assert.deepEqual([poll('other'), poll(), poll()], ['unknown', 'authorization_pending', 'slow_down']);
  clock.ms += 5_000;
  assert.equal(poll(), 'slow_down');
  clock.ms += 20_000;
  assert.equal(poll(), 'authorization_pending');
  assert.equal(answerDevice(codes, userCode.toLowerCase().replace('-', ' '), { kind: 'approved', oid: 'o' }), true);
  assert.equal(answerDevice(codes, userCode, { kind: 'denied' }), false);
  assert.deepEqual([poll(), poll()], ['approved', 'unknown']);
  assert.equal(codes.userCodes.size, 0);
});

test('a refused or expired device code says so', () => {
  const { codes, clock } = start();
  const first = issueDeviceCode(codes, device());
  assert.ok(answerDevice(codes, first.userCode, { kind: 'denied' }));
  assert.equal(pollDevice(codes, first.deviceCode, 'c').kind, 'access_denied');
  const second = issueDeviceCode(codes, device());
  clock.ms += 15 * 60_000;
  assert.equal(waitingDevice(codes, second.userCode), undefined);
  assert.equal(pollDevice(codes, second.deviceCode, 'c').kind, 'expired_token');
});

test('one source cannot fill the device codes', () => {
  const { codes } = start();
  for (let count = 0; count < 50; count++) issueDeviceCode(codes, device());
  assert.throws(
    () => issueDeviceCode(codes, device()),
    (error) => error instanceof Refusal && error.status === 503,
  );
  issueDeviceCode(codes, device('another'));
});
