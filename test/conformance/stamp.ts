/** A stamp in model mode for the conformance suite: the real control plane over TLS on loopback, with a world that does nothing. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeModelState, startModel, type ModelStamp } from '#main/boot/model.ts';
import { readSettings } from '#main/boot/settings.ts';
import { change, principalOf, type Directory } from '#engine/identity/directory.ts';
import type { Findings } from '#engine/ports.ts';
import { clientOf, signIn, type Client } from '#test/conformance/client.ts';

export type TestStamp = {
  readonly model: ModelStamp;
  readonly client: Client;
  readonly subscription: string;
  readonly location: string;
  /** What stands broken, as the prover says. */
  findings(): Promise<Findings>;
  close(): Promise<void>;
};

/** Examples give roles to object ids of Azure's own: each is made a group of the directory before it is named. */
function introducing(client: Client, directory: Directory): Client {
  const send = async (...asked: Parameters<Client>) => {
    const named = JSON.stringify(asked[2] ?? null).matchAll(/"principalId":"([0-9a-f]{8}-[0-9a-f-]{27})"/gi);
    for (const [, id = ''] of named) await introduce(directory, id.toLowerCase());
    return await client(...asked);
  };
  return Object.assign(send, { agent: client.agent });
}

async function introduce(directory: Directory, id: string): Promise<void> {
  if (principalOf(directory, id) !== undefined || directory.groups.has(id)) return;
  await change(directory, () => ({
    changes: [{ put: { kind: 'group', id, displayName: 'Named by an example', members: [] } }],
    result: undefined,
  }));
}

/**
 * Opens a stamp with a state directory of its own; the client is a service principal that owns its subscription. Public templates open
 * management ports: `managementPorts` says what becomes of that.
 */
export async function openTestStamp(managementPorts: 'deny' | 'audit'): Promise<TestStamp> {
  const state = mkdtempSync(join(tmpdir(), 'ringwall-conformance-'));
  makeModelState(state);
  const settings = { ...readSettings({ number: 0, state }), managementPorts };
  const model = await startModel({ settings });
  const { endpoints, caPem, prepared, operator } = model;
  const { appId, secret = '' } = await operator.createServicePrincipal({ name: 'conformance', role: 'Owner' });
  const signedIn = () => signIn(endpoints.adfs, { ca: caPem, appId, secret, audience: endpoints.management });
  const client = introducing(clientOf(endpoints.management, { ca: caPem, signedIn }), model.assembly.directory);
  return {
    model,
    client,
    subscription: prepared.subscriptionId,
    location: settings.location,
    findings: () => operator.findings(),
    async close() {
      client.agent.destroy();
      await model.close();
      rmSync(state, { recursive: true, force: true });
    },
  };
}
