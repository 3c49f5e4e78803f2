/** Clouds and ways to sign in: register, secret, certificate, device code on the stamp's own page, password; and what is refused. */

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { rmSync, writeFileSync } from 'node:fs';
import { az, judge, refused } from '#test/peers/az.ts';
import { makeClientCertificate } from '#test/peers/certificate.ts';
import type { AzContext } from '#test/peers/context.ts';
import { openPage, sendForm, textOf } from '#test/peers/page.ts';
import type { Attempted, Notebook, Row, Shape } from '#test/peers/row.ts';
import type { Stamp } from '#test/peers/stamp.ts';
import { as, fresh } from '#test/peers/suites/signed.ts';
import type { AzSuite } from '#test/peers/suites/suite.ts';

const subscriptionIsOurs: Shape = {
  '[0].state': 'Enabled',
  '[0].cloudName': 'ringwall',
  '[0].id': /^[0-9a-f-]{36}$/,
};

export const login: AzSuite = {
  name: 'login',
  says: '[S2.19] cloud register, and each way to sign in that az has',
  release: 'trixie',
  isSignedOut: true,
  prepare,
  rows: [
    az('cloud register -n ringwall --endpoint-resource-manager {management}'),
    az('cloud set -n ringwall'),
    az('cloud show -n ringwall', {
      'endpoints.activeDirectory': /\/adfs\/?$/,
      'endpoints.activeDirectoryResourceId': /^https:\/\//,
      'endpoints.activeDirectoryGraphResourceId': /^https:\/\//,
      'endpoints.resourceManager': '{management}',
      'suffixes.storageEndpoint': /\w/,
      'suffixes.keyvaultDns': /\w/,
    }),
    fresh('wrong', 'login --service-principal -u {sp.appId} -p not-the-secret-7Q --tenant {tenant}', {
      isRefused: true,
      says: [/./],
    }),
    fresh('unknown', 'login --service-principal -u 00000000-0000-4000-8000-000000000001 -p x --tenant {tenant}', {
      isRefused: true,
      says: [/./],
    }),
    refused('group list', /az login/),
    fresh('secret', 'login --service-principal -u {sp.appId} -p {sp.secret} --tenant {tenant}', {
      shows: { ...subscriptionIsOurs, '[0].user.type': 'servicePrincipal' },
    }),
    as('secret', 'group list', { shows: { '': (value) => Array.isArray(value) } }),
    as('secret', 'account show', { shows: { state: 'Enabled', 'user.type': 'servicePrincipal' } }),
    as('secret', 'account list-locations', { shows: { '[0].name': /^\w+$/, '[0].displayName': /\w/ } }),
    as('secret', 'account get-access-token', {
      shows: { tokenType: 'Bearer', accessToken: /^[\w-]+\.[\w-]+\.[\w-]+$/ },
    }),
    fresh('certificate', 'login --service-principal -u {cert.appId} --certificate {cert.file} --tenant {tenant}', {
      shows: { ...subscriptionIsOurs, '[0].user.type': 'servicePrincipal' },
    }),
    as('certificate', 'group exists -n peers-none', { shows: { '': false } }),
    fresh('other', 'login --service-principal -u {cert.appId} --certificate {other.file} --tenant {tenant}', {
      isRefused: true,
      says: [/./],
    }),
    deviceRow(),
    as('device', 'group list', { shows: { '': (value) => Array.isArray(value) } }),
    deniedRow(),
    // The first password is of no use once it was replaced (decision D4.8).
    fresh('first', 'login -u {user} -p {user.firstPassword} --tenant {tenant}', {
      isRefused: true,
      says: [/password/i],
    }),
    fresh('password', 'login -u {user} -p {user.password} --tenant {tenant}', {
      shows: { ...subscriptionIsOurs, '[0].user.type': 'user' },
    }),
    as('password', 'group list', { shows: { '': (value) => Array.isArray(value) } }),
    fresh('badpassword', 'login -u {user} -p Wrong-Horse-Battery-1 --tenant {tenant}', {
      isRefused: true,
      says: [/./],
    }),
    as('password', 'logout', {}),
    as('password', 'group list', { isRefused: true, says: [/az login/] }),
  ],
};

async function prepare(stamp: Stamp, notebook: Notebook, { putFile }: AzContext['az']): Promise<void> {
  const secret = await stamp.principal('peers-login');
  const [certificate, other] = [await makeClientCertificate('peers'), await makeClientCertificate('peers-other')];
  const file = join(tmpdir(), `ringwall-peers-${process.pid}.pem`);
  writeFileSync(file, certificate.certificatePem, { mode: 0o600 });
  const holder = await stamp.principal('peers-certificate', { certificateFile: file });
  rmSync(file);
  notebook.set('sp.appId', secret.appId).set('sp.secret', secret.secret ?? '');
  notebook.set('cert.appId', holder.appId);
  notebook.set('cert.file', putFile('client.pem', certificate.keyPem + certificate.certificatePem));
  notebook.set('other.file', putFile('other.pem', other.keyPem + other.certificatePem));
  notebook.set('user', stamp.user).set('user.firstPassword', stamp.password);
  notebook.set('user.password', `Peers-${randomBytes(12).toString('base64url')}`);
}

type Person = (context: AzContext, url: string, code: string) => Promise<string[]>;

/** `az login --use-device-code` while somebody at a browser goes to the address that az prints. */
async function withDevice(
  context: AzContext,
  name: string,
  person: Person,
): Promise<{ problems: string[]; ended: Attempted; code: number | undefined }> {
  context.az.copyConfiguration(context.configuration, name);
  const problems: string[] = [];
  let met: Promise<void> | undefined;
  const hear = (line: string): void => {
    const [, url, code] = /open the page (\S+) and enter the code (\S+)/.exec(line) ?? [];
    if (url === undefined || code === undefined || met !== undefined) return;
    met = person(context, url, code).then(
      (found) => void problems.push(...found),
      (error: unknown) => void problems.push(String(error)),
    );
  };
  const tenant = context.notebook.get('tenant') ?? '';
  const ended = await context.az.run(['login', '--use-device-code', '--tenant', tenant], { configuration: name, hear });
  if (met === undefined) problems.push('az printed no address and code');
  await met;
  return { problems, ended: judge(ended, {}, context.notebook), code: ended.code };
}

function deviceRow(): Row<AzContext> {
  return {
    name: 'az login --use-device-code, the first password replaced on the page',
    secondsMax: 40,
    attempt: async (context) => {
      const { problems, ended } = await withDevice(context, 'device', approve);
      return {
        problems: [...problems, ...ended.problems],
        ...(ended.output === undefined ? {} : { output: ended.output }),
      };
    },
  };
}

function deniedRow(): Row<AzContext> {
  return {
    name: 'refused: az login --use-device-code, cancelled on the page',
    secondsMax: 40,
    attempt: async (context) => {
      const { problems, ended, code } = await withDevice(context, 'denied', deny);
      const more = code === 0 ? ['az is signed in although the page was cancelled'] : [];
      return { problems: [...problems, ...more], ...(ended.output === undefined ? {} : { output: ended.output }) };
    },
  };
}

async function approve({ stamp, notebook }: AzContext, url: string, code: string): Promise<string[]> {
  const asked = await openPage(stamp, url);
  const typed = await sendForm(stamp, asked, { fields: { user_code: code } });
  if (!typed.text.includes(code)) return [`the sign-in page does not show the code ${code}: ${textOf(typed)}`];
  const [username, password, wanted] = ['user', 'user.firstPassword', 'user.password'].map(
    (name) => notebook.get(name) ?? '',
  );
  const press = ['decision', 'approve'] as const;
  const again = await sendForm(stamp, typed, { fields: { username: username ?? '', password: password ?? '' }, press });
  if (!again.text.includes('name="new_password"'))
    return [`the first password is not asked to be replaced: ${textOf(again)}`];
  const fields = {
    username: username ?? '',
    password: password ?? '',
    new_password: wanted ?? '',
    new_password_again: wanted ?? '',
  };
  const done = await sendForm(stamp, again, { fields, press });
  return /signed in/i.test(textOf(done)) ? [] : [`the page does not say that the device is signed in: ${textOf(done)}`];
}

async function deny({ stamp }: AzContext, url: string, code: string): Promise<string[]> {
  const typed = await sendForm(stamp, await openPage(stamp, url), { fields: { user_code: code } });
  const done = await sendForm(stamp, typed, { fields: {}, press: ['decision', 'deny'] });
  return /not signed in/i.test(textOf(done)) ? [] : [`the page does not say that it was refused: ${textOf(done)}`];
}
