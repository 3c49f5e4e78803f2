/** Azure's questions about what is in force: effective rules and routes of an interface, and what a network watcher is asked. */

import type { JsonObject } from '#base/json.ts';
import { printAddress, tryAddress } from '#base/prefix.ts';
import { Refusal } from '#base/wrong.ts';
import type { Flow, FlowEnd } from '#compile/answer/flow.ts';
import type { TopologyScope } from '#compile/answer/topology.ts';
import type { HopAnswer, Target } from '#engine/questions/questions.ts';
import { canonicalId, typeOfId } from '#model/arm-id.ts';
import { finish, missing, note, objectOf, oneOf, readBody, textOf, type Reader } from '#model/parse.ts';
import { shown, type Answer } from '#faces/arm/answer.ts';
import { bodyObject, groupId, partOf, type Call, type Handler } from '#faces/arm/call.ts';
import { layerBody, nicRulesBody, hopType, routeBody, topologyBody } from '#faces/arm/question-body.ts';

/** Hands a question on, for who may ask it there: that goes before what is wrong with its body. */
export async function asked(
  call: Call,
  { type, name, handler }: { readonly type: string; readonly name: string; readonly handler: Handler },
): Promise<Answer> {
  const id = `${groupId(call)}/providers/${type}/${partOf(call, 'name')}`;
  call.engine.authorize(call.caller, `${type}/${name}/action`, id);
  return await handler(call);
}

/** POST `networkInterfaces/{nic}/effectiveNetworkSecurityGroups`. */
export async function effectiveGroups(call: Call): Promise<Answer> {
  const layers = await call.engine.questions.rules(idOf(call, 'networkInterfaces'), call.caller);
  return shown({ value: layers.map(layerBody) });
}

/** POST `networkInterfaces/{nic}/effectiveRouteTable`. */
export async function effectiveRouteTable(call: Call): Promise<Answer> {
  const routes = await call.engine.questions.routes(idOf(call, 'networkInterfaces'), call.caller);
  return shown({ value: routes.map(routeBody) });
}

/** POST `networkWatchers/{watcher}/ipFlowVerify`. */
export async function verifyFlow(call: Call): Promise<Answer> {
  const watcher = idOf(call, 'networkWatchers');
  const reader = readBody(bodyObject(call));
  const direction = wordOf(reader, 'direction', ['Inbound', 'Outbound']);
  const protocol = wordOf(reader, 'protocol', ['TCP', 'UDP']);
  const isInbound = direction === 'Inbound';
  const local = endOf(reader, 'local', !isInbound);
  const remote = endOf(reader, 'remote', isInbound);
  if (families(local.address, remote.address) > 1)
    note(reader, 'remoteIPAddress', 'both addresses must be of one family, IPv4 or IPv6');
  const target = targetOf(reader);
  finish(reader);
  const flow: Flow = {
    direction: isInbound ? 'inbound' : 'outbound',
    protocol: protocol === 'UDP' ? 'udp' : 'tcp',
    local,
    remote,
  };
  const { access, ruleName } = await call.engine.questions.flow(watcher, { target, flow }, call.caller);
  return shown({ access: access === 'allow' ? 'Allow' : 'Deny', ...(ruleName === undefined ? {} : { ruleName }) });
}

/** POST `networkWatchers/{watcher}/nextHop`. */
export async function nextHop(call: Call): Promise<Answer> {
  const watcher = idOf(call, 'networkWatchers');
  const reader = readBody(bodyObject(call));
  const source = addressOf(reader, 'sourceIPAddress');
  const address = addressOf(reader, 'destinationIPAddress');
  if (families(source, address) > 1)
    note(reader, 'destinationIPAddress', 'both addresses must be of one family, IPv4 or IPv6');
  const target = targetOf(reader);
  finish(reader);
  return shown(hopBody(await call.engine.questions.hop(watcher, { target, source, address }, call.caller)));
}

function hopBody({ hop, table }: HopAnswer): JsonObject {
  return {
    nextHopType: hopType(hop),
    ...(hop.kind === 'appliance' ? { nextHopIpAddress: hop.address } : {}),
    ...(table === 'hidden' ? {} : { routeTableId: table === 'system' ? 'System Route' : table.id }),
  };
}

/** POST `networkWatchers/{watcher}/securityGroupView`. */
export async function securityGroupView(call: Call): Promise<Answer> {
  const watcher = idOf(call, 'networkWatchers');
  const reader = readBody(bodyObject(call));
  const { machine } = targetOf(reader);
  finish(reader);
  const nics = await call.engine.questions.groups(watcher, machine, call.caller);
  return shown({ networkInterfaces: nics.map((rules) => nicRulesBody(call, rules)) });
}

/** POST `networkWatchers/{watcher}/topology`. */
export function topology(call: Call): Answer {
  const watcher = idOf(call, 'networkWatchers');
  const reader = readBody(bodyObject(call));
  const scope = scopeOf(call, reader);
  finish(reader);
  const entries = call.engine.questions.topology(watcher, scope ?? { kind: 'group', id: '' }, call.caller);
  const { now, newGuid } = call.engine.context(call.apiVersion);
  return shown(topologyBody(entries, { now, id: newGuid() }));
}

/** What a network watcher is asked in Azure and this version does not answer: those need a real probe, or a log of packets. */
export function refuseLater(call: Call): Answer {
  const says = `This version of the stamp does not answer '${call.asked.segments.at(-1) ?? ''}' of a network watcher; a later one will.`;
  throw new Refusal('InvalidResourceOperation', says, { status: 404 });
}

function idOf(call: Call, type: string): string {
  return `${groupId(call)}/providers/Microsoft.Network/${type}/${partOf(call, 'name')}`;
}

function targetOf(reader: Reader): Target {
  const machine = textOf(reader, 'targetResourceId', { lengthMax: 2048, required: true });
  const nic = textOf(reader, 'targetNicResourceId', { lengthMax: 2048 });
  if (machine !== undefined && typeOfId(machine) !== 'Microsoft.Compute/virtualMachines')
    note(reader, 'targetResourceId', 'the id of a virtual machine is wanted');
  return { machine: canonicalId(machine ?? ''), nic: nic === undefined || nic === '' ? undefined : canonicalId(nic) };
}

/** One of the words; a member that is not there is noted as missing. */
function wordOf<T extends string>(reader: Reader, name: string, words: readonly T[]): T | undefined {
  if (!reader.members.has(name.toLowerCase())) missing(reader, name);
  return oneOf(reader, name, words);
}

/** One end of a flow. Only the sender's port may be left open, as in Azure. */
function endOf(reader: Reader, side: 'local' | 'remote', isSender: boolean): FlowEnd {
  const name = `${side}Port`;
  const address = addressOf(reader, `${side}IPAddress`);
  const text = textOf(reader, name, { required: true });
  if (text === undefined || (text === '*' && isSender)) return { address, port: 'any' };
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  if (port < 0 || port > 65_535)
    note(reader, name, `a port between 0 and 65535${isSender ? ', or "*",' : ''} is wanted`);
  return { address, port };
}

function addressOf(reader: Reader, name: string): string {
  const text = textOf(reader, name, { required: true });
  const address = text === undefined ? undefined : tryAddress(text);
  if (text !== undefined && address === undefined) note(reader, name, 'an IPv4 or IPv6 address is wanted');
  return address === undefined ? '' : printAddress(address);
}

function families(...texts: readonly string[]): number {
  return new Set(texts.flatMap((text) => tryAddress(text)?.family ?? [])).size;
}

/** A group by name, or a virtual network or subnet by reference. */
function scopeOf(call: Call, reader: Reader): TopologyScope | undefined {
  const group = textOf(reader, 'targetResourceGroupName', { lengthMax: 90 });
  const wanted = [
    ['subnet', 'targetSubnet', 'Microsoft.Network/virtualNetworks/subnets'],
    ['network', 'targetVirtualNetwork', 'Microsoft.Network/virtualNetworks'],
  ] as const;
  for (const [kind, name, type] of wanted) {
    const held = objectOf(reader, name);
    const id = held === undefined ? undefined : textOf(held, 'id', { lengthMax: 2048 });
    if (id === undefined) continue;
    if (typeOfId(id) !== type) note(reader, name, `the id of a ${type} is wanted`);
    return { kind, id: canonicalId(id) };
  }
  if (group === undefined || group.includes('/')) {
    note(reader, 'targetResourceGroupName', 'the name of a resource group, a virtual network or a subnet is wanted');
    return undefined;
  }
  return { kind: 'group', id: groupId({ ...call, parts: { ...call.parts, group } }) };
}
