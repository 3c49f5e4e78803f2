/** Directories by az ad: users, groups, applications and service principals of two directories, and role assignments by name. */

import { randomBytes } from 'node:crypto';
import { az } from '#test/peers/az.ts';
import { as, fresh } from '#test/peers/suites/signed.ts';
import type { AzSuite } from '#test/peers/suites/suite.ts';

const subscription = '/subscriptions/{subscription}';
const reason = [/./];

/** What az ad shows of the stamp's own directory to its administrator. */
const home = (command: string, shows = {}, keeps?: { readonly [name: string]: string }) =>
  as('home', command, { shows, ...(keeps === undefined ? {} : { keeps }) });
const homeRefused = (command: string, says = reason) => as('home', command, { isRefused: true, says });

export const directory: AzSuite = {
  name: 'directory',
  says: 'az ad, role assignments by name, and a second directory that sees nothing of the first',
  release: 'trixie',
  isSignedOut: true,
  prepare: async (stamp, notebook) => {
    const fabrikam = await stamp.directory('fabrikam');
    notebook.set('user', stamp.user).set('user.password', stamp.password);
    notebook.set('fabrikam.admin', fabrikam.administrator).set('fabrikam.password', fabrikam.password);
    notebook.set('fabrikam.tenant', fabrikam.tenantId).set('fabrikam.domain', fabrikam.domains[0] ?? '');
    notebook.set('zone', stamp.zone).set('secret', `Peers-${randomBytes(12).toString('base64url')}`);
  },
  rows: [
    az('cloud register -n ringwall --endpoint-resource-manager {management}'),
    az('cloud set -n ringwall'),
    fresh('home', 'login -u {user} -p {user.password}', { shows: { '[0].tenantId': '{tenant}' } }),
    home('ad signed-in-user show', { userPrincipalName: '{user}' }, { admin: 'id' }),
    home(
      'ad user create --display-name Cat --user-principal-name cat@{zone} --password {secret}',
      { userPrincipalName: /^cat@/, displayName: 'Cat' },
      { cat: 'id' },
    ),
    homeRefused('ad user create --display-name Cat --user-principal-name cat@{zone} --password {secret}', [/taken/]),
    homeRefused('ad user create --display-name Dog --user-principal-name dog@{zone} --password short', [/password/]),
    home('ad user show --id cat@{zone}', { id: '{cat}' }),
    home('ad user show --id {cat}', { displayName: 'Cat' }),
    home('ad user list', { length: 2 }),
    home('ad user list --display-name ca', { length: 1 }),
    home('ad user list --upn cat@{zone}', { length: 1 }),
    home("ad user list --filter 'accountEnabled eq true and userType ne null'", { length: 2 }),
    home('ad user update --id {cat} --display-name Kitty'),
    home('ad group create --display-name ops --mail-nickname ops', { displayName: 'ops' }, { ops: 'id' }),
    home('ad group list', { length: 1 }),
    home('ad group show --group {ops}', { displayName: 'ops' }),
    home('ad group member add --group {ops} --member-id {cat}'),
    home('ad group member list --group {ops}', { '[0].id': '{cat}', '[0].displayName': 'Kitty' }),
    home('ad group member check --group {ops} --member-id {cat}', { value: true }),
    home('ad group member check --group {ops} --member-id {admin}', { value: false }),
    home('ad user get-member-groups --id {cat}', { length: 1 }),
    home('ad app create --display-name build', { displayName: 'build' }, { app: 'appId', 'app.id': 'id' }),
    home('ad app list --display-name build', { length: 1 }),
    home('ad app show --id {app}', { id: '{app.id}' }),
    home('ad sp create --id {app}', { appId: '{app}' }, { sp: 'id' }),
    home('ad sp show --id {app}', { id: '{sp}' }),
    home('ad sp list --display-name build', { length: 1 }),
    home('ad app credential reset --id {app}', { appId: '{app}' }, { 'app.secret': 'password' }),
    home('ad app credential list --id {app}', { length: 1 }),
    home('ad sp credential reset --id {sp}', { appId: '{app}' }, { 'sp.secret': 'password' }),
    home(`role assignment create --assignee {app} --role Reader --scope ${subscription}`, { principalId: '{sp}' }),
    home(`role assignment create --assignee cat@{zone} --role Reader --scope ${subscription}`, {
      principalId: '{cat}',
    }),
    home(`role assignment create --assignee {ops} --role Contributor --scope ${subscription}`, {
      principalType: 'Group',
    }),
    home(`role assignment list --scope ${subscription}`, {
      '': (value: unknown) => JSON.stringify(value).includes('"principalName":"cat@'),
    }),
    home(`role assignment list --assignee cat@{zone} --scope ${subscription}`, { length: 1 }),
    fresh('app', 'login --service-principal -u {app} --password={app.secret} --tenant {tenant}', {
      shows: { '[0].user.type': 'servicePrincipal' },
    }),
    as('app', 'ad user list', { isRefused: true, says: [/Insufficient privileges/] }),
    fresh('cat', 'login -u cat@{zone} -p {secret}', { shows: { '[0].id': '{subscription}' } }),
    as('cat', 'ad user list', { shows: { length: 2 } }),
    as('cat', 'ad user delete --id {admin}', { isRefused: true, says: [/Insufficient privileges/] }),
    home('ad sp create-for-rbac -n rbac', { displayName: 'rbac', password: /\w{20}/ }),
    fresh('fabrikam', 'login -u {fabrikam.admin} -p {fabrikam.password} --allow-no-subscriptions', {
      shows: { length: 1, '[0].tenantId': '{fabrikam.tenant}' },
    }),
    as('fabrikam', 'rest --url {management}/tenants?api-version=2022-12-01', {
      shows: { 'value.length': 1, 'value[0].tenantId': '{fabrikam.tenant}', 'value[0].displayName': 'fabrikam' },
    }),
    as('fabrikam', 'ad signed-in-user show', { shows: { userPrincipalName: '{fabrikam.admin}' } }),
    as('fabrikam', 'ad user list', { shows: { length: 1, '[0].userPrincipalName': '{fabrikam.admin}' } }),
    as('fabrikam', 'ad user show --id cat@{zone}', { isRefused: true, says: [/does not exist/] }),
    as('fabrikam', 'ad user show --id {cat}', { isRefused: true, says: [/does not exist/] }),
    as('fabrikam', 'ad sp show --id {app}', { isRefused: true, says: reason }),
    as('fabrikam', 'ad sp list --all', { shows: { length: 0 } }),
    as(
      'fabrikam',
      'ad user create --display-name Bob --user-principal-name bob@{fabrikam.domain} --password {secret}',
      {
        shows: { displayName: 'Bob' },
      },
    ),
    as('fabrikam', 'ad user create --display-name Eve --user-principal-name eve@{zone} --password {secret}', {
      isRefused: true,
      says: [/Cannot take/],
    }),
    fresh('bob', 'login -u bob@{fabrikam.domain} -p {secret} --allow-no-subscriptions', {
      shows: { '[0].tenantId': '{fabrikam.tenant}' },
    }),
    fresh('wrong', 'login -u bob@{zone} -p {secret} --allow-no-subscriptions', { isRefused: true, says: reason }),
    home('ad sp delete --id {sp}'),
    home('ad app delete --id {app}'),
    home('ad group member remove --group {ops} --member-id {cat}'),
    home('ad group delete --group {ops}'),
    home('ad user delete --id {cat}'),
    as('cat', 'group list', { isRefused: true, says: reason }),
  ],
};
