/** What just-in-time policies and the requests in them are made of, and what sources they may name. */

import { tryAddress, tryPrefix } from '#base/prefix.ts';
import { shorten } from '#model/parse.ts';
import type { Resource } from '#model/resource.ts';

/** Azure's type; the place in its ids is no resource. */
export const jitPolicyType = 'Microsoft.Security/locations/jitNetworkAccessPolicies';

/** A machine and the ports that may be asked open. */
export type JitMachine = { readonly id: string; readonly ports: readonly JitPort[] };

/** A port; sources are addresses, prefixes, or `*` for whichever is asked for. Durations are ISO 8601. */
export type JitPort = {
  readonly number: number;
  readonly protocol: 'TCP' | 'UDP' | '*';
  readonly allowedSourceAddressPrefix?: string;
  readonly allowedSourceAddressPrefixes?: readonly string[];
  readonly maxRequestAccessDuration: string;
};

/** One request, as it is shown. */
export type JitRequest = {
  readonly requestor: string;
  readonly justification?: string;
  readonly startTimeUtc: string;
  readonly virtualMachines: readonly { readonly id: string; readonly ports: readonly AskedPort[] }[];
};

/** A port that was asked for. `Initiated`: it is open until its time. */
export type AskedPort = {
  readonly number: number;
  readonly allowedSourceAddressPrefix?: string;
  readonly allowedSourceAddressPrefixes?: readonly string[];
  readonly endTimeUtc: string;
  readonly status: 'Initiated' | 'Revoked';
  readonly statusReason: 'UserRequested' | 'Expired' | 'NewerRequestInitiated';
};

/** The machines of a policy. */
export function machinesIn({ properties }: Resource): readonly JitMachine[] {
  return (properties['virtualMachines'] ?? []) as unknown as readonly JitMachine[];
}

/** The requests of a policy, oldest first. */
export function requestsOf({ properties }: Resource): readonly JitRequest[] {
  return (properties['requests'] ?? []) as unknown as readonly JitRequest[];
}

export function machineIn(machines: readonly JitMachine[], id: string): JitMachine | undefined {
  return machines.find((one) => one.id.toLowerCase() === id.toLowerCase());
}

export function portIn(machine: JitMachine | undefined, number: number): JitPort | undefined {
  return machine?.ports.find((port) => port.number === number);
}

/** The same requests with open ports ended where `isOver` says so. */
export function revoked(
  requests: readonly JitRequest[],
  isOver: (machine: string, port: AskedPort) => boolean,
  statusReason: AskedPort['statusReason'],
): readonly JitRequest[] {
  return requests.map((request) => ({
    ...request,
    virtualMachines: request.virtualMachines.map(({ id, ports }) => ({
      id,
      ports: ports.map((port) =>
        port.status === 'Initiated' && isOver(id, port) ? { ...port, status: 'Revoked' as const, statusReason } : port,
      ),
    })),
  }));
}

/** Sources of a port, as prefixes. */
export function sourcesOf({
  allowedSourceAddressPrefix: single,
  allowedSourceAddressPrefixes: many,
}: Pick<JitPort, 'allowedSourceAddressPrefix' | 'allowedSourceAddressPrefixes'>): readonly string[] {
  return many ?? (single === undefined ? [] : [single]);
}

/** The shortest prefixes that an opening is for: it is bound to a place, never to everybody (decision D3.6). */
const shortest = { 4: 16, 6: 32 } as const;

/** An address or prefix as a prefix; undefined when it is neither. */
export function prefixOfSource(text: string): ReturnType<typeof tryPrefix> {
  const address = text.includes('/') ? undefined : tryAddress(text);
  return tryPrefix(address === undefined ? text : `${text}/${address.family === 4 ? 32 : 128}`);
}

/** What is wrong with a source; undefined: nothing. */
export function sourceFault(text: string): string | undefined {
  const prefix = prefixOfSource(text);
  if (prefix !== undefined && prefix.length >= shortest[prefix.family]) return undefined;
  return `an address, or a prefix of at least /${shortest[4]} (IPv6: /${shortest[6]}), is wanted, not "${shorten(text)}"`;
}

/** Milliseconds of `PT#H#M`; undefined: it is none. */
export function durationMs(text: string): number | undefined {
  const found = /^PT(?:(\d{1,3})H)?(?:(\d{1,4})M)?$/i.exec(text);
  if (found === null || (found[1] === undefined && found[2] === undefined)) return undefined;
  return (Number(found[1] ?? 0) * 60 + Number(found[2] ?? 0)) * 60_000;
}

/** What a port is opened for; `*` is both (Azure: any, of which these two have ports). */
export function protocolsOf({ protocol }: JitPort): readonly ('tcp' | 'udp')[] {
  return protocol === '*' ? ['tcp', 'udp'] : [protocol === 'TCP' ? 'tcp' : 'udp'];
}
