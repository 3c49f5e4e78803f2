/** Device sign-in: a terminal gets a code, its user types it on a page and signs in there (RFC 8628). */

import { deviceCodeMs, devicePollS } from '#base/identity-limits.ts';
import { Refusal } from '#base/wrong.ts';
import { attempt } from '#engine/identity/attempts.ts';
import { answerDevice, issueDeviceCode, waitingDevice, type DeviceGrant } from '#engine/identity/codes.ts';
import { jsonAnswer, type Answer } from '#faces/identity/answer.ts';
import { readWish } from '#faces/identity/audience.ts';
import { publicClient } from '#faces/identity/client.ts';
import { devicePageUrl } from '#faces/identity/discovery.ts';
import type { Identity } from '#faces/identity/identity.ts';
import { brokenRequestPage, deviceDonePage, signInPage, userCodePage } from '#faces/identity/pages.ts';
import type { Asked } from '#faces/identity/request.ts';
import { signInByForm } from '#faces/identity/sign-in.ts';

/** Wrong codes from one source before it must wait: with 2^34 codes and few waiting, guessing stays hopeless. */
const wrongCodesMax = 10;

const action = '/adfs/oauth2/deviceauth';

/** Answers `POST /adfs/oauth2/devicecode`; MSAL prints `message` as it is. */
export function answerDeviceCode(identity: Identity, { form, source }: Asked): Answer {
  const { clientId } = publicClient(form.get('client_id'));
  const { scope, resource } = readWish(form, identity.audiences);
  const { deviceCode, userCode } = issueDeviceCode(identity.codes, { clientId, scope, resource, source });
  const page = devicePageUrl(identity.base);
  return jsonAnswer(200, {
    user_code: userCode,
    device_code: deviceCode.reveal(),
    verification_uri: page,
    verification_url: page,
    verification_uri_complete: `${page}?user_code=${userCode}`,
    expires_in: deviceCodeMs / 1000,
    interval: devicePollS,
    message: `To sign in, use a web browser to open the page ${page} and enter the code ${userCode} to authenticate.`,
  });
}

/** Answers the page: first the code, then name and password with the code shown again, then the end. */
export async function answerDevicePage(identity: Identity, asked: Asked): Promise<Answer> {
  if (asked.method !== 'POST')
    return userCodePage({ action, userCode: (asked.query.get('user_code') ?? '').slice(0, 32) });
  const typed = (asked.form.get('user_code') ?? '').slice(0, 32);
  try {
    return await answerTyped(identity, asked, typed);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { message, status, retryAfterS } = error;
    return userCodePage({ action, userCode: typed, problem: { message, status, retryAfterS } });
  }
}

async function answerTyped(identity: Identity, asked: Asked, typed: string): Promise<Answer> {
  const keys = [{ name: `device ${asked.source}`, failuresMax: wrongCodesMax }];
  const device = await attempt(identity.directory.attempts, keys, async () => waiting(identity, typed));
  const { clientId } = device;
  const page = { action, clientName: publicClient(clientId).displayName, userCode: shown(typed) };
  if (asked.form.get('decision') === 'deny') {
    return answerDevice(identity.codes, typed, { kind: 'denied' }) ? deviceDonePage(false) : gone();
  }
  if (!asked.form.has('username')) return signInPage({ ...page, name: '', wantsNewPassword: false });
  const outcome = await signInByForm(identity, asked, { flow: 'device page', clientId });
  if (outcome.kind === 'again') return signInPage({ ...page, ...outcome });
  const isNoted = answerDevice(identity.codes, typed, { kind: 'approved', oid: outcome.user.id });
  return isNoted ? deviceDonePage(true) : gone();
}

function waiting({ codes }: Identity, typed: string): DeviceGrant {
  const device = waitingDevice(codes, typed);
  if (device !== undefined) return device;
  throw new Refusal('invalid_request', 'This code is not known; it may be mistyped, used or expired.');
}

function shown(typed: string): string {
  const code = typed.toUpperCase().replace(/[^A-Z]/g, '');
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}

function gone(): Answer {
  return brokenRequestPage('The code has expired or was answered in another window.');
}
