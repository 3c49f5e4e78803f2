/** A request for just-in-time access: checked against its policy, kept in it, and open from then on until its time. */

import { contains } from '#base/prefix.ts';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { jitMachinesMax, jitPortsMax, jitRequestsKeptMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { amend, tidy } from '#model/job.ts';
import type { NounAction } from '#model/noun.ts';
import { checkOpenings } from '#model/security/jit-bounds.ts';
import {
  finish,
  integerOf,
  listOf,
  member,
  note,
  readBody,
  shorten,
  textOf,
  textsOf,
  type Reader,
} from '#model/parse.ts';
import type { Context, Resource } from '#model/resource.ts';
import {
  durationMs,
  machineIn,
  machinesIn,
  portIn,
  prefixOfSource,
  requestsOf,
  revoked,
  sourceFault,
  sourcesOf,
  type AskedPort,
  type JitMachine,
  type JitPort,
  type JitRequest,
} from '#model/security/jit.ts';

/** `POST …/initiate` (Microsoft.Security 2020-01-01). */
export const initiate: NounAction['run'] = (...[policy, { body }, draft, context]) => {
  const reader = readBody(isObject(body) ? body : {});
  const asked = machinesAsked(reader, machinesIn(policy), context);
  const justification = textOf(reader, 'justification', { lengthMax: 512 });
  finish(reader);
  const request: JitRequest = {
    requestor: context.caller ?? 'unknown',
    ...(justification === undefined ? {} : { justification }),
    startTimeUtc: context.now,
    virtualMachines: asked,
  };
  const isAgain = (machine: string, port: AskedPort): boolean =>
    asked.some(
      ({ id, ports }) =>
        id.toLowerCase() === machine.toLowerCase() && ports.some(({ number }) => number === port.number),
    );
  const requests = [...revoked(requestsOf(policy), isAgain, 'NewerRequestInitiated'), request];
  const properties = { ...policy.properties, requests: bounded(requests) as unknown as Json };
  checkOpenings(amend(policy, { properties }, { draft, context }), draft, context.now);
  return tidy(request as unknown as JsonObject);
};

/** What is over goes first, the oldest before the others. What is open is never forgotten. */
function bounded(requests: readonly JitRequest[]): readonly JitRequest[] {
  const excess = Math.max(0, requests.length - jitRequestsKeptMax);
  const gone = new Set(requests.filter((request) => !isOpen(request)).slice(0, excess));
  if (gone.size === excess) return requests.filter((request) => !gone.has(request));
  const says = `${jitRequestsKeptMax} requests of this policy are open; one more is accepted when one of them is over.`;
  throw new Refusal('JitRequestLimitReached', says, { status: 409 });
}

function isOpen({ virtualMachines }: JitRequest): boolean {
  return virtualMachines.some(({ ports }) => ports.some(({ status }) => status === 'Initiated'));
}

function machinesAsked(
  reader: Reader,
  machines: readonly JitMachine[],
  context: Context,
): JitRequest['virtualMachines'] {
  const listed = listOf(reader, 'virtualMachines', jitMachinesMax);
  if (listed === undefined || listed.length === 0)
    note(reader, 'virtualMachines', 'a list of at least one machine with its ports is wanted');
  return (listed ?? []).flatMap((one) => {
    const id = textOf(one, 'id', { required: true, lengthMax: 2048 });
    if (id === undefined) return [];
    const machine = machineIn(machines, id);
    if (machine === undefined) {
      note(
        one,
        'id',
        `"${shorten(id)}" is no machine of this policy; it has ${machines.map((each) => each.id).join(', ')}`,
      );
      return [];
    }
    return [{ id: machine.id, ports: portsAsked(one, machine, context) }];
  });
}

function portsAsked(reader: Reader, machine: JitMachine, context: Context): readonly AskedPort[] {
  const listed = listOf(reader, 'ports', jitPortsMax);
  if (listed === undefined || listed.length === 0) note(reader, 'ports', 'a list of at least one port is wanted');
  return (listed ?? []).flatMap((one): AskedPort[] => {
    const number = integerOf(one, 'number', [1, 65_535]);
    if (member(one, 'number') === undefined) note(one, 'number', 'a port from 1 to 65535 is wanted');
    const port = number === undefined ? undefined : portIn(machine, number);
    if (number === undefined) return [];
    if (port === undefined) {
      const known = machine.ports.map((each) => each.number).join(', ');
      note(one, 'number', `the policy has no port ${number} of this machine; it has ${known}`);
      return [];
    }
    const sources = sourcesAsked(one, port);
    const endTimeUtc = endOf(one, port, context);
    return [{ number, ...sources, endTimeUtc, status: 'Initiated', statusReason: 'UserRequested' }];
  });
}

type Sources = Pick<AskedPort, 'allowedSourceAddressPrefix' | 'allowedSourceAddressPrefixes'>;

function sourcesAsked(reader: Reader, port: JitPort): Sources {
  const single = textOf(reader, 'allowedSourceAddressPrefix', { lengthMax: 64 });
  const many = textsOf(reader, 'allowedSourceAddressPrefixes', jitPortsMax) ?? [];
  const asked = many.length > 0 ? many : single === undefined ? [] : [single];
  const name = many.length > 0 ? 'allowedSourceAddressPrefixes' : 'allowedSourceAddressPrefix';
  if (asked.length === 0) note(reader, name, 'the address or prefix is wanted that will use the access');
  for (const text of asked) {
    const fault = sourceFault(text);
    if (fault !== undefined) note(reader, name, fault);
    else if (!isAllowed(text, port))
      note(reader, name, `"${shorten(text)}" is not within what the policy allows: ${sourcesOf(port).join(', ')}`);
  }
  return many.length > 0 ? { allowedSourceAddressPrefixes: many } : { allowedSourceAddressPrefix: single ?? '' };
}

function isAllowed(text: string, port: JitPort): boolean {
  const prefix = prefixOfSource(text);
  return sourcesOf(port).some((allowed) => {
    if (allowed === '*') return true;
    const outer = prefixOfSource(allowed);
    return prefix !== undefined && outer !== undefined && contains(outer, prefix);
  });
}

function endOf(reader: Reader, port: JitPort, { now }: Context): string {
  const stated = textOf(reader, 'endTimeUtc', { required: true, lengthMax: 64 });
  const longest = durationMs(port.maxRequestAccessDuration) ?? 0;
  const [start, end] = [Date.parse(now), Date.parse(utc(stated ?? ''))];
  if (stated === undefined) return now;
  if (Number.isNaN(end))
    note(reader, 'endTimeUtc', `a time such as 2027-01-31T12:00:00Z is wanted, not "${shorten(stated)}"`);
  else if (end <= start) note(reader, 'endTimeUtc', `"${shorten(stated)}" has passed already; a later time is wanted`);
  else if (end > start + longest)
    note(
      reader,
      'endTimeUtc',
      `"${shorten(stated)}" is more than ${port.maxRequestAccessDuration} away; a time until ${new Date(start + longest).toISOString()} is accepted`,
    );
  return Number.isNaN(end) ? now : new Date(end).toISOString();
}

/** A time without a zone is UTC, as the member's name says. */
function utc(text: string): string {
  return /T/i.test(text) && !/(?:Z|[+-]\d{2}:?\d{2})$/i.test(text) ? `${text}Z` : text;
}

/** The policy with all openings that are over at a time marked as expired; undefined: none is. */
export function withoutExpired(policy: Resource, now: number): Resource | undefined {
  const isOver = (_: string, { endTimeUtc }: AskedPort): boolean => Date.parse(endTimeUtc) <= now;
  const open = requestsOf(policy).flatMap(({ virtualMachines }) => virtualMachines.flatMap(({ ports }) => ports));
  if (!open.some((port) => port.status === 'Initiated' && isOver('', port))) return undefined;
  const requests = revoked(requestsOf(policy), isOver, 'Expired') as unknown as Json;
  return { ...policy, properties: { ...policy.properties, requests } };
}
