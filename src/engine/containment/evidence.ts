/** What the flow logs have of a NIC: its last flows, for who looks at a quarantine. */

import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { evidenceFlowsMax } from '#base/limits.ts';
import { parentId, partsAt, idAt } from '#compile/read.ts';
import type { FlowFiles } from '#engine/flow-logs/files.ts';
import { flowLogType } from '#model/network/flow-log.ts';
import type { Resource, View } from '#model/resource.ts';

/** How far back it is looked. */
const backMs = 10 * 60_000;

/** The last flows of the NIC in the logs of itself, its subnet or its network, as their tuples stand there; newest last. */
export function lastFlows(
  nic: Resource,
  { view, files, now }: { readonly view: View; readonly files: Pick<FlowFiles, 'records'>; readonly now: number },
): readonly string[] {
  const [first] = partsAt(nic, 'ipConfigurations');
  const subnet = idAt(first?.properties, 'subnet') ?? '';
  const places = new Set([nic.id.toLowerCase(), subnet, parentId(subnet)]);
  const mac = String(nic.internal?.['mac'] ?? '')
    .replaceAll(':', '')
    .toUpperCase();
  let found: string[] = [];
  for (const { properties } of view.ofType(flowLogType)) {
    const target = String(properties['targetResourceId']).toLowerCase();
    if (properties['enabled'] === false || !places.has(target)) continue;
    for (const record of files.records(target, now - backMs)) {
      const groups = listOf(isObject(record['properties']) ? record['properties']['flows'] : undefined);
      const mine = groups.flatMap((group) => listOf(group['flows'])).filter((one) => one['mac'] === mac);
      const tuples = mine.flatMap(({ flowTuples }) => (Array.isArray(flowTuples) ? flowTuples.map(String) : []));
      found = [...found, ...tuples].slice(-evidenceFlowsMax);
    }
  }
  return found;
}

function listOf(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
