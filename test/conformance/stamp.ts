/** A stamp in model mode for the conformance suite: the real control plane over TLS on loopback, with a world that does nothing. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeModelState, startModel, type ModelStamp } from '#main/boot/model.ts';
import { readSettings } from '#main/boot/settings.ts';
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
  const client = clientOf(endpoints.management, { ca: caPem, signedIn });
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
