/** Codes that wait to be redeemed once: authorization codes and device codes, in memory, short-lived and few. */

import { createHash, randomBytes, randomInt } from 'node:crypto';
import {
  authorizationCodeMs,
  authorizationCodesMax,
  deviceCodeMs,
  deviceCodesMax,
  deviceCodesPerSourceMax,
  devicePollS,
} from '#base/identity-limits.ts';
import { Secret } from '#base/secret.ts';
import { Refusal } from '#base/wrong.ts';

/** What an authorization code stands for. */
export type CodeGrant = {
  readonly oid: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly challenge: string;
  readonly scope: string;
  readonly resource: string | undefined;
  readonly nonce: string | undefined;
};

/** One device sign-in under way. */
export type DeviceGrant = {
  readonly clientId: string;
  readonly scope: string;
  readonly resource: string | undefined;
  readonly source: string;
};

type KeptCode = { readonly grant: CodeGrant; readonly endMs: number; isUsed: boolean; familyId: string | undefined };
type Answer =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'denied' }
  | { readonly kind: 'approved'; readonly oid: string };
type KeptDevice = {
  readonly grant: DeviceGrant;
  readonly userCode: string;
  readonly endMs: number;
  answer: Answer;
  nextPollMs: number;
  waitS: number;
};

/** The codes of one identity provider. */
export type Codes = {
  readonly now: () => number;
  readonly codes: Map<string, KeptCode>;
  readonly devices: Map<string, KeptDevice>;
  /** From the code that the user types to the key in `devices`. */
  readonly userCodes: Map<string, string>;
};

/** Starts with no codes. */
export function startCodes(now: () => number): Codes {
  return { now, codes: new Map(), devices: new Map(), userCodes: new Map() };
}

/** Issues an authorization code; kept as its hash. */
export function issueCode(codes: Codes, grant: CodeGrant): Secret {
  sweepCodes(codes);
  if (codes.codes.size >= authorizationCodesMax) throw busy('sign-ins');
  const code = randomBytes(32).toString('base64url');
  codes.codes.set(hashOf(code), {
    grant,
    endMs: codes.now() + authorizationCodeMs,
    isUsed: false,
    familyId: undefined,
  });
  return new Secret(code);
}

// Codes are kept to the end of their time even when used, so that a second use is seen.
function sweepCodes({ codes, now }: Codes): void {
  for (const [key, { endMs }] of codes) {
    if (endMs > now()) return;
    codes.delete(key);
  }
}

/** The outcome of redeeming a code: the grant and where to note the family that it started, or the family that now ends. */
export type Redeemed =
  | { readonly kind: 'good'; readonly grant: CodeGrant; readonly note: (familyId: string) => void }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'replayed'; readonly familyId: string | undefined };

/** Redeems a code once; a second use names what the first one gave, which is to be revoked (RFC 6749 §4.1.2). */
export function redeemCode(codes: Codes, code: Secret): Redeemed {
  const kept = codes.codes.get(hashOf(code.reveal()));
  if (kept === undefined || kept.endMs <= codes.now()) return { kind: 'unknown' };
  if (kept.isUsed) return { kind: 'replayed', familyId: kept.familyId };
  kept.isUsed = true;
  return {
    kind: 'good',
    grant: kept.grant,
    note: (familyId) => {
      kept.familyId = familyId;
    },
  };
}

/** Starts a device sign-in (RFC 8628 §3.2): the long code for the device, the short one for its user. */
export function issueDeviceCode(codes: Codes, grant: DeviceGrant): { deviceCode: Secret; userCode: string } {
  sweepDevices(codes);
  let fromSource = 0;
  for (const device of codes.devices.values()) if (device.grant.source === grant.source) fromSource++;
  if (codes.devices.size >= deviceCodesMax || fromSource >= deviceCodesPerSourceMax) throw busy('device sign-ins');
  const deviceCode = randomBytes(32).toString('base64url');
  const userCode = freshUserCode(codes);
  const key = hashOf(deviceCode);
  codes.userCodes.set(userCode, key);
  codes.devices.set(key, {
    grant,
    userCode,
    endMs: codes.now() + deviceCodeMs,
    answer: { kind: 'waiting' },
    nextPollMs: 0,
    waitS: devicePollS,
  });
  return { deviceCode: new Secret(deviceCode), userCode: `${userCode.slice(0, 4)}-${userCode.slice(4)}` };
}

// No vowels, so no words, and no signs that are mistaken for others (RFC 8628 §6.1): 20^8, about 2^34 codes.
const userCodeSigns = 'BCDFGHJKLMNPQRSTVWXZ';

function freshUserCode({ userCodes }: Codes): string {
  for (;;) {
    const code = Array.from({ length: 8 }, () => userCodeSigns[randomInt(userCodeSigns.length)]).join('');
    if (!userCodes.has(code)) return code;
  }
}

function sweepDevices(codes: Codes): void {
  for (const [key, { endMs }] of codes.devices) {
    if (endMs > codes.now()) return;
    dropDevice(codes, key);
  }
}

function dropDevice(codes: Codes, key: string): void {
  const device = codes.devices.get(key);
  if (device !== undefined) codes.userCodes.delete(device.userCode);
  codes.devices.delete(key);
}

/** The device sign-in that waits under a code as its user typed it: case, dashes and spaces do not matter. */
export function waitingDevice(codes: Codes, typed: string): DeviceGrant | undefined {
  return findWaiting(codes, typed)?.grant;
}

function findWaiting(codes: Codes, typed: string): KeptDevice | undefined {
  const code = typed
    .slice(0, 32)
    .toUpperCase()
    .replace(/[^A-Z]/g, '');
  const device = codes.devices.get(codes.userCodes.get(code) ?? '');
  return device !== undefined && device.endMs > codes.now() && device.answer.kind === 'waiting' ? device : undefined;
}

/** Notes the user's answer; false when no sign-in waits under the code any more. */
export function answerDevice(codes: Codes, typed: string, answer: Answer): boolean {
  const device = findWaiting(codes, typed);
  if (device === undefined) return false;
  device.answer = answer;
  return true;
}

/** What a poll of the device gets (RFC 8628 §3.5). An approved code is good once. */
export type Polled =
  | { readonly kind: 'approved'; readonly grant: DeviceGrant; readonly oid: string }
  | { readonly kind: 'authorization_pending' | 'slow_down' | 'access_denied' | 'expired_token' | 'unknown' };

/** Answers a poll; polling faster than told makes the interval five seconds longer each time. */
export function pollDevice(codes: Codes, deviceCode: Secret, clientId: string): Polled {
  const key = hashOf(deviceCode.reveal());
  const device = codes.devices.get(key);
  if (device === undefined || device.grant.clientId !== clientId) return { kind: 'unknown' };
  const now = codes.now();
  if (device.endMs <= now) {
    dropDevice(codes, key);
    return { kind: 'expired_token' };
  }
  const { answer } = device;
  if (answer.kind === 'waiting') {
    const isEarly = now < device.nextPollMs;
    if (isEarly) device.waitS = Math.min(60, device.waitS + 5);
    // A second of slack: the client's own timer starts when it reads the answer.
    device.nextPollMs = now + device.waitS * 1000 - 1000;
    return { kind: isEarly ? 'slow_down' : 'authorization_pending' };
  }
  dropDevice(codes, key);
  return answer.kind === 'denied'
    ? { kind: 'access_denied' }
    : { kind: 'approved', grant: device.grant, oid: answer.oid };
}

function busy(what: string): Refusal {
  return new Refusal('SignInBusy', `Too many ${what} are under way; try again in a minute.`, {
    status: 503,
    retryAfterS: 60,
  });
}

function hashOf(code: string): string {
  return createHash('sha256').update(code).digest('base64url');
}
