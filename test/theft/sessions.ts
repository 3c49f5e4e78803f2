/** Copied refresh tokens, and the codes that sign-ins go through. */

import { createHash, randomBytes } from 'node:crypto';
import { azId, password, type Ground, type Person, type Reply } from '#test/theft/ground.ts';
import { badGrant, thefts, type Theft } from '#test/theft/row.ts';

const powerShellId = '1950a258-227b-4e31-a9cf-717495945fc2';

const refresh = (token: unknown, clientId = azId): Record<string, string> => ({
  grant_type: 'refresh_token',
  client_id: clientId,
  refresh_token: String(token),
  scope: 'openid offline_access',
});

/** Refresh tokens. */
export async function copiedSessions(ground: Ground, ann: Person): Promise<Theft[]> {
  const signedIn = async (by?: Ground['key']): Promise<unknown> =>
    (await ground.token(ground.byPassword(ann), by === undefined ? {} : { by })).json['refresh_token'];
  const [first, keyed, others] = [await signedIn(), await signedIn(ground.key), await signedIn()];
  const second = (await ground.token(refresh(first))).json['refresh_token'];
  const third = (await ground.token(refresh(second))).json['refresh_token'];
  const rows = thefts({ ...badGrant, from: '127.0.0.1' }, [
    [
      'used refresh token',
      'rotation: its family ends',
      () => ground.token(refresh(first)),
      { who: ann.oid, secret: String(first) },
    ],
    [
      'and the newest one of that family, whoever has it',
      'the family has ended',
      () => ground.token(refresh(third)),
      { secret: String(third) },
    ],
    [
      'copied refresh token that is bound, without a proof',
      'jkt of the family',
      () => ground.token(refresh(keyed)),
      { who: ann.oid, secret: String(keyed) },
    ],
    [
      "copied refresh token that is bound, with the thief's key",
      'jkt of the family; its owner goes on',
      () => ground.token(refresh(keyed), { by: ground.thiefKey }),
      { who: ann.oid, afterwards: () => ground.token(refresh(keyed), { by: ground.key }) },
    ],
    ['refresh token by another client', "it is its client's only", () => ground.token(refresh(others, powerShellId))],
  ]);
  return [...rows, ...(await copiedCodes(ground, ann))];
}

async function copiedCodes(ground: Ground, ann: Person): Promise<Theft[]> {
  const code = await authorizationCode(ground, ann);
  const redeemed = await ground.token(code);
  const fresh = await authorizationCode(ground, ann);
  const device = await approvedDevice(ground, ann);
  const twice = async (): Promise<Reply> => {
    const once = await ground.token(device);
    if (once.status !== 200) throw new Error(JSON.stringify(once.json));
    return await ground.token(device);
  };
  const verifier = randomBytes(32).toString('base64url');
  return thefts({ ...badGrant, from: '127.0.0.1' }, [
    ['authorization code, used', 'good once', () => ground.token(code)],
    [
      'and the refresh token that came of its first use',
      'a replayed code ends what came of it',
      () => ground.token(refresh(redeemed.json['refresh_token'])),
    ],
    [
      'authorization code from the browser, without its verifier',
      'PKCE',
      () => ground.token({ ...fresh, code_verifier: verifier }),
    ],
    ['device code, used', 'good once', twice],
  ]);
}

async function authorizationCode(ground: Ground, { name }: Person): Promise<Record<string, string>> {
  const verifier = randomBytes(32).toString('base64url');
  const redirect = 'http://localhost:8400';
  const query = new URLSearchParams({
    ...{ response_type: 'code', client_id: azId, redirect_uri: redirect, scope: 'openid offline_access', state: 's' },
    ...{ code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' },
  });
  const page = `${ground.model.endpoints.adfs}/adfs/oauth2/authorize/?${query}`;
  const { headers } = await ground.ask(page, { method: 'POST', form: { username: name, password } });
  const code = new URL(headers.location ?? '').searchParams.get('code') ?? '';
  const common = { grant_type: 'authorization_code', client_id: azId, code };
  return { ...common, redirect_uri: redirect, code_verifier: verifier };
}

async function approvedDevice(ground: Ground, { name }: Person): Promise<Record<string, string>> {
  const base = `${ground.model.endpoints.adfs}/adfs/oauth2`;
  const asked = { client_id: azId, scope: 'openid offline_access' };
  const { json } = await ground.ask(`${base}/devicecode`, { method: 'POST', form: asked });
  const form = { user_code: String(json['user_code']), username: name, password };
  await ground.ask(`${base}/deviceauth`, { method: 'POST', form });
  const grant = 'urn:ietf:params:oauth:grant-type:device_code';
  return { grant_type: grant, client_id: azId, device_code: String(json['device_code']) };
}
