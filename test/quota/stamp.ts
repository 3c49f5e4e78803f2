/** A model of a stamp as a process of its own, so that it can be killed: it says on its standard output when it is ready. */

import { readFileSync } from 'node:fs';
import { Secret } from '#base/secret.ts';
import { createUser } from '#engine/identity/users.ts';
import { makeModelState, modelSocket, startModel } from '#main/boot/model.ts';
import { readSettings } from '#main/boot/settings.ts';

/** What the process is told: where its state is, and the user who signs up, with a password. */
export type Told = { readonly state: string; readonly user: string; readonly password: string };

/** What it answers. */
export type Ready = {
  readonly management: string;
  readonly adminManagement: string;
  readonly login: string;
  readonly caFile: string;
  readonly socket: string;
  readonly location: string;
  readonly provider: string;
  readonly upn: string;
};

const { state, user, password } = JSON.parse(readFileSync(0, 'utf8')) as Told;
makeModelState(state);
const settings = readSettings({ number: 0, state });
const { endpoints, prepared, assembly } = await startModel({ settings });
const { directory } = assembly;
const upn = `${user}@${directory.domain}`;
if (!directory.oidByName.has(upn))
  await createUser(directory, { upn, displayName: user, password: new Secret(password) });
const ready: Ready = {
  management: endpoints.management,
  adminManagement: endpoints.adminManagement,
  login: `${endpoints.adfs}/adfs/oauth2/token`,
  caFile: prepared.places.certificateAuthority,
  socket: modelSocket(state),
  location: settings.location,
  provider: `/subscriptions/${prepared.providerSubscriptionId}`,
  upn,
};
process.stdout.write(`${JSON.stringify(ready)}\n`);
