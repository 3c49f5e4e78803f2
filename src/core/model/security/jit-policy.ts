/** Just-in-time access policies: which ports of which machines may be asked open, by whom from where, and for how long at most. */

import type { JsonObject } from '#base/json.ts';
import { jitMachinesMax, jitPortsMax, openingLongestMs } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { canonicalId, tryId, typeOfId } from '#model/arm-id.ts';
import { keepPlain, openJob, tidy, type Job } from '#model/job.ts';
import type { Noun } from '#model/noun.ts';
import { finish, integerOf, listOf, member, note, oneOf, shorten, textOf, textsOf, type Reader } from '#model/parse.ts';
import { checkOpenings } from '#model/security/jit-bounds.ts';
import { initiate } from '#model/security/jit-request.ts';
import {
  durationMs,
  jitPolicyType,
  machineIn,
  portIn,
  requestsOf,
  revoked,
  sourceFault,
  type JitMachine,
} from '#model/security/jit.ts';

const machineType = 'Microsoft.Compute/virtualMachines';

export const jitPolicy: Noun = {
  type: jitPolicyType,

  write(write, draft, context) {
    const job = openJob(jitPolicyType, write, { draft, context });
    checkPlace(job);
    oneOf(job.body, 'kind', ['Basic']);
    // `requests` of the body are not read: what was asked for is the stamp's own record, and a client sends back what it was shown.
    const virtualMachines = machinesOf(job);
    finish(job.body);
    for (const { id } of virtualMachines) {
      if (draft.get(id) !== undefined) continue;
      const says = `The virtual machine ${id} that the policy names was not found.`;
      throw new Refusal('InvalidResourceReference', says, { target: '/properties/virtualMachines' });
    }
    const isAllowed = (machine: string, number: number): boolean =>
      portIn(machineIn(virtualMachines, machine), number) !== undefined;
    const requests = job.before === undefined ? [] : requestsOf(job.before);
    // A port that can no longer be asked for does not stay open.
    const kept = revoked(requests, (machine, port) => !isAllowed(machine, port.number), 'UserRequested');
    const properties = { virtualMachines, requests: kept } as unknown as JsonObject;
    const policy = keepPlain(job, { kind: 'Basic', properties });
    // A port that is asked of by another protocol now opens more.
    checkOpenings(policy, draft, context.now);
    return policy;
  },

  remove: (resource, draft) => draft.delete(resource.id),

  show: ({ id, type, name, kind, properties }, _, { stamp }) =>
    tidy({
      kind: kind ?? 'Basic',
      properties: { ...properties, provisioningState: 'Succeeded' },
      id,
      name,
      type,
      location: stamp.location,
    }),

  actions: { initiate: { method: 'POST', run: initiate } },
};

function checkPlace({ id, context }: Job): void {
  const [, place = ''] = /\/locations\/([^/]+)\//i.exec(id) ?? [];
  if (place.toLowerCase() === context.stamp.location.toLowerCase()) return;
  const says = `The location '${shorten(place)}' is not one of this stamp; it has '${context.stamp.location}'.`;
  throw new Refusal('LocationNotAvailableForResourceType', says, { target: '/id' });
}

function machinesOf(job: Job): readonly JitMachine[] {
  const listed = listOf(job.properties, 'virtualMachines', jitMachinesMax);
  if (listed === undefined || listed.length === 0)
    note(job.properties, 'virtualMachines', 'a list of at least one machine with its ports is wanted');
  const seen = new Set<string>();
  return (listed ?? []).flatMap((one) => {
    const stated = textOf(one, 'id', { required: true, lengthMax: 2048 });
    textOf(one, 'publicIpAddress', { lengthMax: 64 });
    const ports = portsOf(one);
    if (stated === undefined) return [];
    const isOwn = tryId(stated)?.subscription?.toLowerCase() === tryId(job.id)?.subscription?.toLowerCase();
    if (typeOfId(stated) !== machineType || !isOwn) {
      note(one, 'id', `the id of a virtual machine of the same subscription is wanted, not "${shorten(stated)}"`);
      return [];
    }
    const id = canonicalId(stated);
    if (seen.has(id.toLowerCase())) note(one, 'id', 'the machine is stated twice');
    seen.add(id.toLowerCase());
    return [{ id, ports }];
  });
}

function portsOf(machine: Reader): JitMachine['ports'] {
  const listed = listOf(machine, 'ports', jitPortsMax);
  if (listed === undefined || listed.length === 0) note(machine, 'ports', 'a list of at least one port is wanted');
  const seen = new Set<number>();
  return (listed ?? []).flatMap((one) => {
    const number = integerOf(one, 'number', [1, 65_535]);
    if (member(one, 'number') === undefined) note(one, 'number', 'a port from 1 to 65535 is wanted');
    const protocol = oneOf(one, 'protocol', ['TCP', 'UDP', '*']) ?? '*';
    const single = textOf(one, 'allowedSourceAddressPrefix', { lengthMax: 64 });
    const many = textsOf(one, 'allowedSourceAddressPrefixes', jitPortsMax);
    for (const prefix of [single, ...(many ?? [])]) if (prefix !== undefined && prefix !== '*') notePrefix(one, prefix);
    const maxRequestAccessDuration = durationOf(one);
    if (number === undefined) return [];
    if (seen.has(number)) note(one, 'number', 'the port is stated twice');
    seen.add(number);
    const sources =
      many === undefined || many.length === 0
        ? { allowedSourceAddressPrefix: single ?? '*' }
        : { allowedSourceAddressPrefixes: many };
    return [{ number, protocol, ...sources, maxRequestAccessDuration }];
  });
}

function notePrefix(port: Reader, prefix: string): void {
  const fault = sourceFault(prefix);
  if (fault !== undefined) note(port, 'allowedSourceAddressPrefix', fault);
}

/** ISO 8601: hours and minutes, at most what the stamp lets stay open (decision D3.6). */
function durationOf(port: Reader): string {
  const hours = openingLongestMs / 3_600_000;
  const stated = textOf(port, 'maxRequestAccessDuration', { lengthMax: 32 }) ?? `PT${hours}H`;
  const ms = durationMs(stated);
  if (ms === undefined || ms < 60_000 || ms > openingLongestMs)
    note(port, 'maxRequestAccessDuration', `a time from PT1M to PT${hours}H is wanted, not "${shorten(stated)}"`);
  return stated;
}
