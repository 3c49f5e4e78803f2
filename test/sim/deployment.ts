/** Deployments for tests in few words: templates of network groups, run to their end in an engine without faults. */

import assert from 'node:assert/strict';
import type { Json, JsonObject } from '#base/json.ts';
import type { DeploymentInput, DeploymentRecord } from '#engine/engine.ts';
import {
  base,
  callerOf,
  location,
  ownerOid,
  testEngine,
  type TestEngine,
  type TestEngineOptions,
} from '#test/sim/engine.ts';

/** The group that tests deploy to. */
export const scope = `${base}/resourceGroups/red`;
/** The subscription's owner. */
export const owner = callerOf(ownerOid);

export function input(name: string, template: JsonObject, more: JsonObject = {}): DeploymentInput {
  const properties = {
    mode: 'Incremental',
    template: {
      $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
      contentVersion: '1.0.0.0',
      resources: [],
      ...template,
    },
    ...more,
  };
  return { id: `${scope}/providers/Microsoft.Resources/deployments/${name}`, name, scope, properties };
}

export function resource(type: string, name: string, more: JsonObject = {}): JsonObject {
  return { type: `Microsoft.Network/${type}`, apiVersion: '2021-04-01', name, location, ...more };
}

export const nsg = (name: string, more: JsonObject = {}): JsonObject => resource('networkSecurityGroups', name, more);
export const after = (name: string): JsonObject => ({
  dependsOn: [`[resourceId('Microsoft.Network/networkSecurityGroups', '${name}')]`],
});
/** A virtual network that cannot be: its prefix has host bits. */
export const broken = (name: string): JsonObject =>
  resource('virtualNetworks', name, { properties: { addressSpace: { addressPrefixes: ['10.0.0.1/8'] } } });

export async function deploy(stamp: TestEngine, wanted: DeploymentInput): Promise<DeploymentRecord> {
  const { operation } = await stamp.settle(stamp.engine.deployments.start(wanted, owner));
  await stamp.settle(stamp.engine.operations.ended(operation));
  const record = stamp.engine.deployments.get(wanted.id);
  assert.ok(record);
  return record;
}

export const stateOf = (record: DeploymentRecord | undefined): unknown => record?.properties['provisioningState'];
export const operationsOf = (record: DeploymentRecord): [string, unknown][] =>
  record.operations.map(({ properties }) => {
    const { targetResource, provisioningState } = properties as {
      targetResource: { resourceName: string };
      provisioningState: Json;
    };
    return [targetResource.resourceName, provisioningState];
  });

/** An engine whose writes are noted in order of their commits. */
export async function noted(options: TestEngineOptions = {}): Promise<{ stamp: TestEngine; order: string[] }> {
  const order: string[] = [];
  const world = {
    onProved: () => undefined,
    onCommit: ({ edits }: { edits: readonly { id: string }[] }) =>
      void order.push(...edits.map(({ id }) => id.split('/').at(-1) ?? '')),
    follow: () => Promise.resolve(),
  };
  const stamp = await testEngine({ world, ...options });
  order.length = 0;
  return { stamp, order };
}

/** Orders rows by their text. */
export function byText(left: unknown, right: unknown): number {
  return JSON.stringify(left) < JSON.stringify(right) ? -1 : 1;
}
