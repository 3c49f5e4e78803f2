/** Tokens whose principal was revoked after they were issued, each in another way. */

import { Secret } from '#base/secret.ts';
import { removeCredential } from '#engine/identity/service-principals.ts';
import { removePrincipal, setEnabled, setPassword } from '#engine/identity/users.ts';
import { azId, bearer, type Ground } from '#test/theft/ground.ts';
import { badGrant, thefts, type Theft } from '#test/theft/row.ts';

const revoked = { status: 401, code: 'AuthenticationFailed' } as const;
const asked = 'the directory is asked at every call';

export async function revokedTokens(ground: Ground): Promise<Theft[]> {
  const { directory } = ground.model.assembly;
  const password = new Secret('another anchor rides north');
  const ways: readonly (readonly [name: string, revoke: (oid: string) => Promise<unknown>])[] = [
    ['switched off', (oid) => setEnabled(directory, oid, false)],
    ['removed', (oid) => removePrincipal(directory, oid)],
    ['with a new password', (oid) => setPassword(directory, oid, { password })],
  ];
  const found: Theft[] = [];
  for (const [index, [name, revoke]] of ways.entries()) {
    const person = await ground.person(`revoked${index}`);
    const { json } = await ground.token(ground.byPassword(person));
    const [access, refresh] = [String(json['access_token']), String(json['refresh_token'])];
    await revoke(person.oid);
    const form = { grant_type: 'refresh_token', client_id: azId, refresh_token: refresh };
    found.push(
      ...thefts({ ...revoked, who: person.oid, secret: access }, [
        [`access token of a person ${name}`, asked, () => ground.ask(ground.subscriptions, bearer(access))],
      ]),
      ...thefts({ ...badGrant, secret: refresh }, [
        [`refresh token of a person ${name}`, 'its families end with it', () => ground.token(form)],
      ]),
    );
  }
  return [...found, ...(await revokedProgram(ground))];
}

async function revokedProgram(ground: Ground): Promise<Theft[]> {
  const { directory } = ground.model.assembly;
  const program = await ground.program('revoked');
  const access = ground.access(await ground.token(ground.bySecret(program)));
  const keyId = directory.servicePrincipals.get(program.oid)?.secrets[0]?.keyId ?? '';
  await removeCredential(directory, program.oid, keyId);
  return thefts({ ...revoked, who: program.oid, secret: access }, [
    [
      'access token of a program whose secret was removed',
      asked,
      () => ground.ask(ground.subscriptions, bearer(access)),
    ],
    [
      'the removed secret',
      'it is no credential any more',
      () => ground.token(ground.bySecret(program)),
      { code: 'invalid_client', who: undefined, secret: program.secret },
    ],
  ]);
}
