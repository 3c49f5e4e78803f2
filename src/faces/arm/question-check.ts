/** Azure's questions that try or compare: connectivity from a machine, and what the groups at an interface say of traffic. */

import { checkHeadersMax, diagnosticProfilesMax } from '#base/limits.ts';
import type { Json, JsonObject } from '#base/json.ts';
import type { Check, CheckAnswer, CheckHop } from '#engine/questions/connectivity.ts';
import type { Profile } from '#engine/questions/diagnostic.ts';
import type { CheckQuestion, NicVerdicts } from '#engine/questions/questions.ts';
import { canonicalId, typeOfId } from '#model/arm-id.ts';
import {
  finish,
  integerOf,
  listOf,
  missing,
  note,
  objectOf,
  oneOf,
  partOf as part,
  readBody,
  type Reader,
  textOf,
  textsOf,
} from '#model/parse.ts';
import type { PortRange } from '#program/program.ts';
import { bare, shown, type Answer } from '#faces/arm/answer.ts';
import { bodyObject, groupId, partOf, type Call } from '#faces/arm/call.ts';
import { pollAddresses } from '#faces/arm/long-running.ts';

const watcherType = 'Microsoft.Network/networkWatchers';
const machineType = 'Microsoft.Compute/virtualMachines';
const nicType = 'Microsoft.Network/networkInterfaces';

/** POST `networkWatchers/{watcher}/connectivityCheck`: 200 when it is done soon, else 202 and an operation. */
export async function checkConnectivity(call: Call): Promise<Answer> {
  const watcher = `${groupId(call)}/providers/${watcherType}/${partOf(call, 'name')}`;
  const question = questionOf(readBody(bodyObject(call)));
  const ids = call.engine.context(call.apiVersion);
  const work = call.engine.questions
    .check(watcher, question, call.caller)
    .then((answer) => checkBody(answer, () => ids.newGuid()));
  const about = { resourceId: `${watcher}/connectivityCheck`, type: watcherType };
  const answered = await call.engine.answer(about, work, call.caller);
  if (answered.kind === 'settled') return shown(answered.value);
  const { async, location } = pollAddresses(answered.operation, call);
  const hasStatus = call.options.longRunning !== 'location' && call.options.longRunning !== 'poll';
  return bare(202, { 'retry-after': '1', location, ...(hasStatus ? { 'azure-asyncoperation': async } : {}) });
}

const protocols = ['Tcp', 'Http', 'Https', 'Icmp'] as const;

function questionOf(reader: Reader): CheckQuestion {
  const source = part(reader, 'source');
  const machine = textOf(source, 'resourceId', { lengthMax: 2048, required: true });
  if (machine !== undefined && typeOfId(machine) !== machineType)
    note(source, 'resourceId', 'the id of a virtual machine is wanted');
  const sourcePort = integerOf(source, 'port', [1, 65_535]);
  const target = part(reader, 'destination');
  const place = placeOf(target);
  const stated = oneOf(reader, 'protocol', protocols);
  const port = integerOf(target, 'port', [1, 65_535]) ?? place.port;
  const protocol = stated ?? place.protocol ?? (port === undefined ? 'Icmp' : 'Tcp');
  const known = port ?? { Http: 80, Https: 443, Icmp: 0, Tcp: undefined }[protocol];
  if (known === undefined) missing(target, 'port');
  const http = protocol === 'Http' ? httpOf(reader, place) : undefined;
  finish(reader);
  const check: Omit<Check, 'host'> = {
    protocol: protocol === 'Icmp' ? 'icmp' : 'tcp',
    port: protocol === 'Icmp' ? 0 : (known ?? 0),
    ...(sourcePort === undefined || protocol === 'Icmp' ? {} : { sourcePort }),
    ...(http === undefined ? {} : { http }),
  };
  return { machine: canonicalId(machine ?? ''), to: place.to, check };
}

type Place = {
  readonly to: CheckQuestion['to'];
  readonly protocol?: 'Http' | 'Https';
  readonly port?: number;
  readonly host: string;
  readonly path: string;
};

/** A resource, an address, a name, or the URI of a page. */
function placeOf(reader: Reader): Place {
  const id = textOf(reader, 'resourceId', { lengthMax: 2048 });
  const text = textOf(reader, 'address', { lengthMax: 2048 });
  if (id !== undefined && id !== '') return { to: { id: canonicalId(id) }, host: '', path: '/' };
  if (text === undefined || text === '') {
    missing(reader, 'address');
    return { to: '', host: '', path: '/' };
  }
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) {
    const { protocol, hostname, port, pathname, search } = new URL(text);
    const host = hostname.replace(/^\[|\]$/g, '');
    const word = protocol === 'https:' ? 'Https' : 'Http';
    return {
      to: host,
      host,
      path: `${pathname}${search}`,
      protocol: word,
      ...(port === '' ? {} : { port: Number(port) }),
    };
  }
  if (!/^[\w.:-]{1,253}$/.test(text)) note(reader, 'address', 'an address, a name or a URI of http or https is wanted');
  return { to: text, host: text, path: '/' };
}

/** A request as text. What would begin another line is refused: a header of the caller's must not become a second one. */
function httpOf(reader: Reader, { host, path }: Place): Check['http'] {
  const settings = objectOf(part(reader, 'protocolConfiguration'), 'HTTPConfiguration');
  const lines = [`GET ${path} HTTP/1.1`, `Host: ${host === '' ? 'check' : host}`, 'Connection: close'];
  if (settings === undefined) return { request: request(lines), statuses: [200] };
  oneOf(settings, 'method', ['Get']);
  for (const header of listOf(settings, 'headers', checkHeadersMax) ?? []) {
    const name = textOf(header, 'name', { required: true, lengthMax: 128 }) ?? 'x';
    const value = textOf(header, 'value', { required: true, lengthMax: 1024 }) ?? '';
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) note(header, 'name', 'the name of a header is wanted (RFC 9110 §5.1)');
    if (!/^[\x20-\x7e]*$/.test(value)) note(header, 'value', 'visible characters and spaces are wanted');
    lines.push(`${name}: ${value}`);
  }
  const statuses = (textsOf(settings, 'validStatusCodes', 100) ?? []).map(Number);
  if (statuses.some((status) => !(status >= 100 && status <= 599)))
    note(settings, 'validStatusCodes', 'statuses from 100 to 599 are wanted');
  return { request: request(lines), statuses: statuses.length === 0 ? [200] : statuses };
}

function request(lines: readonly string[]): string {
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** `ConnectivityInformation`, with our own word beside it. */
function checkBody({ status, hops, proof, probe, steps }: CheckAnswer, newId: () => string): Json {
  const ids = hops.map(() => newId());
  const latencies = probe.tried.flatMap(({ state, ms }) => (state === 'open' ? [ms] : []));
  const average = latencies.reduce((sum, ms) => sum + ms, 0) / latencies.length;
  const sent = probe.tried.filter(({ state }) => state !== 'untried');
  return {
    hops: hops.map((hop, index) => hopBody(hop, { ids, index })),
    connectionStatus: status,
    ...(latencies.length === 0
      ? {}
      : {
          avgLatencyInMs: Math.round(average),
          minLatencyInMs: Math.min(...latencies),
          maxLatencyInMs: Math.max(...latencies),
        }),
    probesSent: sent.length,
    probesFailed: probe.failed,
    ringwall: {
      proof,
      probe: {
        from: probe.from,
        says: probe.says,
        ...(latencies.length === 0 ? {} : { latency: 'with the time that the guest takes to start the tool' }),
      },
      path: steps as unknown as Json,
    },
  };
}

type Numbered = { readonly ids: readonly string[]; readonly index: number };

function hopBody({ kind, address, resource, issues }: CheckHop, { ids, index }: Numbered): JsonObject {
  const next = ids[index + 1];
  return {
    type: kind,
    ...(ids[index] === undefined ? {} : { id: ids[index] }),
    ...(address === undefined ? {} : { address }),
    ...(resource === undefined ? {} : { resourceId: resource }),
    nextHopIds: next === undefined ? [] : [next],
    issues: issues.map(({ origin, severity, kind: type, context }) => ({ origin, severity, type, context })),
  };
}

/** POST `networkWatchers/{watcher}/networkConfigurationDiagnostic`. */
export async function diagnoseConfiguration(call: Call): Promise<Answer> {
  const watcher = `${groupId(call)}/providers/${watcherType}/${partOf(call, 'name')}`;
  const reader = readBody(bodyObject(call));
  const target = textOf(reader, 'targetResourceId', { lengthMax: 2048, required: true });
  const type = target === undefined ? undefined : typeOfId(target);
  if (target !== undefined && type !== machineType && type !== nicType)
    note(reader, 'targetResourceId', 'the id of a virtual machine or a network interface is wanted');
  const level = oneOf(reader, 'verbosityLevel', ['Minimum', 'Normal', 'Full']) ?? 'Normal';
  const stated = listOf(reader, 'profiles', diagnosticProfilesMax);
  if (stated === undefined || stated.length === 0) missing(reader, 'profiles');
  const rows = (stated ?? []).map((each) => ({ profile: profileOf(each), shown: profileBody(each) }));
  finish(reader);
  const asked = { target: canonicalId(target ?? ''), profiles: rows.map(({ profile }) => profile) };
  const results = await call.engine.questions.diagnose(watcher, asked, call.caller);
  return shown({
    results: results.flatMap(({ nics }, index) =>
      nics.map(({ layers }) => ({
        profile: rows[index]?.shown ?? {},
        networkSecurityGroupResult: groupBody(layers, level),
      })),
    ),
  });
}

function profileOf(reader: Reader): Profile {
  const direction = oneOf(reader, 'direction', ['Inbound', 'Outbound']);
  if (direction === undefined) missing(reader, 'direction');
  const protocol = oneOf(reader, 'protocol', ['*', 'TCP', 'UDP']);
  if (protocol === undefined) missing(reader, 'protocol');
  const sides = ['source', 'destination'].map(
    (name) => textOf(reader, name, { required: true, lengthMax: 128 }) ?? '*',
  );
  return {
    direction: direction === 'Outbound' ? 'outbound' : 'inbound',
    protocol: protocol === 'TCP' ? 'tcp' : protocol === 'UDP' ? 'udp' : 'any',
    source: sides[0] ?? '*',
    target: sides[1] ?? '*',
    ports: portsOf(reader, 'destinationPort'),
  };
}

function portsOf(reader: Reader, name: string): PortRange {
  const text = textOf(reader, name, { required: true }) ?? '*';
  if (text === '*') return [0, 65_535];
  const [, from, to] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const range = [Number(from ?? -1), Number(to ?? from ?? -1)] as const;
  if (range[0] < 0 || range[1] > 65_535 || range[0] > range[1])
    note(reader, name, '"*", a port, or a range of ports as 80-100 is wanted');
  return range;
}

function profileBody(reader: Reader): JsonObject {
  const names = ['direction', 'protocol', 'source', 'destination', 'destinationPort'];
  return Object.fromEntries(names.map((name) => [name, textOf(reader, name) ?? '']));
}

/** `Minimum` tells the verdict, `Normal` the groups with the rule that matched, `Full` every rule. */
function groupBody(layers: NicVerdicts['layers'], level: 'Minimum' | 'Normal' | 'Full'): JsonObject {
  const isDenied = layers.some(({ access }) => access === 'deny');
  const groups = layers.map(({ nsg, nic, subnet, access, matched, rules, isPartial }) => {
    const appliedTo = subnet ?? nic;
    return {
      ...(nsg === undefined ? {} : { networkSecurityGroupId: nsg.id }),
      ...(appliedTo === undefined ? {} : { appliedTo }),
      matchedRule: { ...(matched === undefined ? {} : { ruleName: matched }), action: actionWord(access) },
      rulesEvaluationResult: level === 'Full' ? rules.map(matchBody) : [],
      // Some of the traffic passes: Azure has no word for it.
      ...(isPartial ? { ringwall: { partial: true } } : {}),
    };
  });
  return {
    securityRuleAccessResult: actionWord(isDenied ? 'deny' : 'allow'),
    evaluatedNetworkSecurityGroups: level === 'Minimum' ? [] : groups,
  };
}

function actionWord(access: 'allow' | 'deny'): string {
  return access === 'allow' ? 'Allow' : 'Deny';
}

function matchBody({ name, ...match }: NicVerdicts['layers'][number]['rules'][number]): JsonObject {
  return {
    name,
    protocolMatched: match.protocol,
    sourceMatched: match.source,
    sourcePortMatched: match.sourcePort,
    destinationMatched: match.target,
    destinationPortMatched: match.targetPort,
  };
}
