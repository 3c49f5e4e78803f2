/** Cutting established flows: conntrack entries by tuple and zone (decision D2.2). */

import { run } from '#adapters/linux/ip.ts';
import { Fault } from '#base/wrong.ts';
import type { FlowSelector } from '#engine/plane-port.ts';

const protocols: { readonly [name: string]: { readonly 4: string; readonly 6: string } } = {
  tcp: { 4: 'tcp', 6: 'tcp' },
  udp: { 4: 'udp', 6: 'udp' },
  icmp: { 4: 'icmp', 6: 'icmpv6' },
  esp: { 4: '50', 6: '50' },
  ah: { 4: '51', 6: '51' },
};

/** Deletes the matching entries of a namespace and answers how many there were. */
export async function cutFlows(namespace: string, flows: FlowSelector): Promise<number> {
  const named = flows.source ?? flows.target;
  const families = named === undefined ? ([4, 6] as const) : ([named.includes(':') ? 6 : 4] as const);
  let count = 0;
  for (const family of families) count += await cutFamily(namespace, flows, family);
  return count;
}

async function cutFamily(namespace: string, flows: FlowSelector, family: 4 | 6): Promise<number> {
  const words = ['-D', '-f', family === 4 ? 'ipv4' : 'ipv6'];
  if (flows.protocol !== undefined) words.push('-p', protocols[flows.protocol]?.[family] ?? flows.protocol);
  if (flows.source !== undefined) words.push('-s', flows.source);
  if (flows.target !== undefined) words.push('-d', flows.target);
  if (flows.targetPort !== undefined && (flows.protocol === 'tcp' || flows.protocol === 'udp'))
    words.push('--dport', String(flows.targetPort));
  if (flows.zone !== undefined) words.push('-w', String(flows.zone));
  try {
    const output = await run(['ip', 'netns', 'exec', namespace, 'conntrack', ...words], '');
    return output.split('\n').filter((line) => line.trim() !== '').length;
  } catch (error) {
    // conntrack ends with 1 when nothing matched.
    if (error instanceof Fault && / 0 flow entries/.test(error.message)) return 0;
    throw error;
  }
}
