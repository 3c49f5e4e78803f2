/** Labs: an ARM template deployed through the ARM endpoint like any tenant's, then its flows tried with real packets. */

import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Secret } from '#base/secret.ts';
import { Refusal, type Detail } from '#base/wrong.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { placesOf } from '#main/boot/places.ts';
import type { Settings } from '#main/boot/settings.ts';
import { ArmClient } from '#main/command/arm-client.ts';
import { tryFlows, type FlowRow, type LabFlow } from '#main/command/flows.ts';
import { withStamp } from '#main/command/options.ts';

export type { FlowRow } from '#main/command/flows.ts';

/** A lab on disk: its template, its group, and the flows that must and must not pass. */
export type Lab = {
  readonly name: string;
  readonly template: Json;
  readonly resourceGroup: string;
  readonly flows: readonly LabFlow[];
};

const labs = join(dirname(dirname(dirname(import.meta.dirname))), 'lab');
const healthyWaitMs = 15_000;

/** Reads a lab; an unknown one is refused with the names of those that exist. */
export function readLab(name: string): Lab {
  const folder = join(labs, name);
  if (!/^[a-z0-9-]{1,40}$/.test(name) || !existsSync(join(folder, 'azuredeploy.json'))) {
    const known = readdirSync(labs).filter((entry) => existsSync(join(labs, entry, 'azuredeploy.json')));
    throw new Refusal('LabUnknown', `There is no lab "${name}". Labs: ${known.join(', ')}.`, { target: '--lab' });
  }
  const template = JSON.parse(readFileSync(join(folder, 'azuredeploy.json'), 'utf8')) as Json;
  const about = JSON.parse(readFileSync(join(folder, 'flows.json'), 'utf8')) as Omit<Lab, 'name' | 'template'>;
  return { name, template, ...about };
}

/** Deploys the lab and tries its flows; progress is told on the way. */
export async function runLab(
  name: string,
  settings: Settings,
  progress: (text: string) => void,
): Promise<readonly FlowRow[]> {
  const lab = readLab(name);
  progress(`Deploying the lab ${name} through ARM.`);
  await deployLab(lab, settings);
  progress('Waiting for health probes.');
  await healthy(lab, settings);
  progress(`Trying ${lab.flows.length} flows with real packets.`);
  return await tryFlows(lab, settings);
}

/** Deploys as a service principal made for this run; its secret never leaves this process. */
async function deployLab(lab: Lab, settings: Settings): Promise<void> {
  const { client, subscriptionId } = await labClient(settings);
  const group = `/subscriptions/${subscriptionId}/resourcegroups/${lab.resourceGroup}`;
  await client.send('PUT', `${group}?api-version=2021-04-01`, { location: settings.location });
  const id = `${group}/providers/Microsoft.Resources/deployments/lab?api-version=2021-04-01`;
  const parameters = labParameters(settings);
  await client.send('PUT', id, { properties: { mode: 'Incremental', template: lab.template, parameters } });
  const { body } = await client.send('GET', id);
  const { provisioningState, error } = (body as { properties: { provisioningState: string; error?: Detail } })
    .properties;
  if (provisioningState !== 'Succeeded') {
    throw new Refusal('LabFailed', `The lab's deployment ended as ${provisioningState}: ${error?.message ?? ''}`, {
      details: error?.details ?? [],
    });
  }
}

/** An ARM client of its own for this run. */
async function labClient(settings: Settings): Promise<{ client: ArmClient; subscriptionId: string }> {
  return await withStamp(settings, async (link) => {
    const status = await link.call<JsonObject>('status', []);
    const endpoints = status['endpoints'] as { management: string; adfs: string };
    const made = await link.call<{ appId: string; secret: string }>('createServicePrincipal', [
      { name: 'lab', role: 'Contributor' },
    ]);
    const client = new ArmClient({
      management: endpoints.management,
      login: `${endpoints.adfs}/adfs`,
      caFile: placesOf(settings).certificateAuthority,
      appId: made.appId,
      secret: new Secret(made.secret),
    });
    return { client, subscriptionId: String(status['subscriptionId']) };
  });
}

/** The operator as guests see it: the link is translated at the edge. No corner of the internet may stand for it: management ports are closed to all of it. */
export function labParameters(settings: Settings): JsonObject {
  return {
    sshPublicKey: { value: freshSshKey() },
    operatorPrefixes: { value: [`198.18.${settings.number}.1/32`] },
  };
}

/** A key that nobody holds: the lab's guests are reached by `ringwall guest exec` until someone puts a key of their own. */
function freshSshKey(): string {
  const { publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  const field = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  return `ssh-ed25519 ${Buffer.concat([field(Buffer.from('ssh-ed25519')), field(raw)]).toString('base64')} lab`;
}

/** Waits until every member of every probed pool is up, at most for a while: the flows then tell what is wrong. */
async function healthy(lab: Lab, settings: Settings): Promise<void> {
  const until = Date.now() + healthyWaitMs;
  await withStamp(settings, async (link) => {
    for (;;) {
      const isUp = await link.call<boolean>('isHealthy', [lab.resourceGroup]);
      if (isUp || Date.now() > until) return;
      await sleep(200);
    }
  });
}
