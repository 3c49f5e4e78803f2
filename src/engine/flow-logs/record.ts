/** Flow records in Azure's schema (doc "Flow logging for network security groups", versions 1 and 2), with the id of our rule beside its name. */

import type { JsonObject } from '#base/json.ts';
import type { Flow } from '#engine/flow-logs/flow.ts';

/** What stands over the flows of one record. `version` 1 has neither states nor counts. */
export type RecordHead = {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly target: string;
  readonly mac: string;
  readonly version: number;
  /** Flows that went over the rate since the record before. */
  readonly notLogged: number;
};

/** One record: the flows of one interface under one target, by rule in order of their first flow. Undefined when there is nothing to tell. */
export function flowRecord(head: RecordHead, flows: readonly Flow[]): JsonObject | undefined {
  const told = head.version >= 2 ? flows : flows.filter(({ carried }) => carried === undefined);
  if (told.length === 0 && head.notLogged === 0) return undefined;
  const mac = macText(head.mac);
  const byRule = Map.groupBy(told, ({ filter, rule }) => `${filter}\0${rule}`);
  return {
    time: new Date(head.at).toISOString(),
    macAddress: mac,
    category: 'NetworkSecurityGroupFlowEvent',
    resourceId: head.target.toUpperCase(),
    operationName: 'NetworkSecurityGroupFlowEvents',
    properties: {
      Version: head.version,
      flows: [...byRule.values()].map((group) => ({
        rule: ruleName(group[0]),
        ruleId: group[0]?.because ?? '',
        flows: [{ mac, flowTuples: group.map((flow) => flowTuple(flow, head.version)) }],
      })),
      ...(head.notLogged > 0 && { flowsNotLogged: head.notLogged }),
    },
  };
}

/** `0A1B2C3D4E5F`, as Azure names interfaces in its logs. */
function macText(mac: string): string {
  return mac.replaceAll(':', '').toUpperCase();
}

/** Azure marks its default rules and the user's; the default ones have the last priorities. */
function ruleName(flow: Flow | undefined): string {
  const [priority = '', ...name] = (flow?.rule ?? '').split('/');
  if (name.length === 0) return 'DefaultRule_NoRuleMatched';
  return `${Number(priority) >= 65_000 ? 'DefaultRule' : 'UserRule'}_${name.join('/')}`;
}

// Azure knows T and U alone; the others are ours.
const letters = { tcp: 'T', udp: 'U', icmp: 'I', esp: 'E', ah: 'H' } as const;
const protocols: { readonly [letter: string]: Flow['protocol'] } = Object.fromEntries(
  Object.entries(letters).map(([protocol, letter]) => [letter, protocol as Flow['protocol']]),
);

/** `time,source,target,source port,target port,T|U,I|O,A|D` and, from version 2, `B|C|E` and packets and bytes both ways. */
export function flowTuple(flow: Flow, version: number): string {
  const parts = [
    Math.floor(flow.at / 1000),
    flow.source,
    flow.target,
    flow.sourcePort,
    flow.targetPort,
    letters[flow.protocol],
    flow.direction === 'inbound' ? 'I' : 'O',
    flow.access === 'allow' ? 'A' : 'D',
  ];
  if (version < 2) return parts.join(',');
  const { sent, received } = flow.carried ?? {};
  const counts = [sent?.packets, sent?.bytes, received?.packets, received?.bytes].map((count) => count ?? '');
  const state = flow.carried === undefined ? 'B' : flow.carried.isEnded ? 'E' : 'C';
  return [...parts, state, ...counts].join(',');
}

/** A flow read back from a tuple: what a suggestion needs of it. */
export type SeenFlow = Pick<
  Flow,
  'source' | 'target' | 'sourcePort' | 'targetPort' | 'protocol' | 'direction' | 'access'
>;

/** Reads a tuple of either version; undefined for text that is none. */
export function readTuple(text: string): SeenFlow | undefined {
  const [time, source, target, sourcePort, targetPort, letter = '', direction, access] = text.split(',');
  const protocol = Object.hasOwn(protocols, letter) ? protocols[letter] : undefined;
  if (protocol === undefined || source === undefined || target === undefined) return undefined;
  if (![time, sourcePort, targetPort].every((number) => /^\d{1,12}$/.test(number ?? ''))) return undefined;
  if (!['I', 'O'].includes(direction ?? '') || !['A', 'D'].includes(access ?? '')) return undefined;
  return {
    source,
    target,
    sourcePort: Number(sourcePort),
    targetPort: Number(targetPort),
    protocol,
    direction: direction === 'I' ? 'inbound' : 'outbound',
    access: access === 'A' ? 'allow' : 'deny',
  };
}
