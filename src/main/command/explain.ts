/** `ringwall explain "A -> B:port"` and `ringwall why rule RULE`: what becomes of a packet, and what stands behind a rule. */

import type { LinkClient } from '#adapters/link/client.ts';
import { tryAddress } from '#base/prefix.ts';
import { Refusal } from '#base/wrong.ts';
import type { Explanation, PacketQuestion, RuleOrigin } from '#engine/questions/explain.ts';
import type { PathStep } from '#engine/questions/path.ts';
import { rulesWithHandle } from '#main/command/why-handle.ts';
import { print } from '#main/command/options.ts';
import { withTarget, type TargetOptions } from '#main/command/target.ts';

/** `ringwall explain`: exits with 0 also when the packet is dropped; what is asked is what becomes of it. */
export async function explainFlow(words: readonly string[], options: TargetOptions): Promise<void> {
  const question = questionOf(words.join(' '));
  const found = await withTarget(options, (link) => link.call<Explanation>('explain', [question]));
  print(options, found, describe(found));
}

/** `ringwall why rule`: a number is the handle of a kernel rule (root), anything else a rule by name or by its comment. */
export async function whyRule(words: readonly string[], options: TargetOptions): Promise<void> {
  const text = words.join(' ');
  const kernel = /^\d{1,9}$/.test(text) ? rulesWithHandle(Number(text), options.stamp) : [];
  const asked = kernel.length === 0 ? [text] : kernel.map(({ comment }) => comment);
  const rules = await withTarget(options, async (link) => {
    const found = await Promise.all(asked.map((each) => behind(link, each, kernel.length > 0)));
    return found.flat();
  });
  const heads = kernel.map(({ namespace, table, chain, comment }) => `${namespace} ${table} ${chain}: ${comment}`);
  print(options, { kernel, rules }, [...heads, ...rules.map(describeRule)].join('\n'));
}

/** A kernel rule may be the stamp's own, with no security group behind it, and long comments are cut: then its comment says all there is. */
async function behind(link: LinkClient, text: string, isOfKernel: boolean): Promise<readonly RuleOrigin[]> {
  try {
    return await link.call<readonly RuleOrigin[]>('why', [text]);
  } catch (error) {
    if (isOfKernel && error instanceof Refusal && error.code === 'RuleUnknown') return [];
    throw error;
  }
}

const form = '"A -> B:port/protocol"';

/** Reads `A -> B:443`, `A -> [2001:db8::1]:53/udp`, `A -> B` (an echo request). */
export function questionOf(text: string): PacketQuestion {
  const [, from, right] = /^\s*(\S.*?)\s*->\s*(\S+)\s*$/.exec(text) ?? [];
  if (from === undefined || right === undefined) throw malformed(text);
  const [, before = '', word] = /^(.*?)(?:\/(tcp|udp|icmp))?$/i.exec(right) ?? [];
  const { to, port } = placeOf(before);
  const protocol = word?.toLowerCase() ?? (port === undefined ? 'icmp' : 'tcp');
  if (to === '' || (port !== undefined) !== (protocol !== 'icmp') || (port ?? 0) > 65_535) throw malformed(text);
  return { from, to, protocol: protocol as PacketQuestion['protocol'], port: port ?? 0 };
}

/** An IPv6 address has colons of its own: with a port it stands in brackets. */
function placeOf(text: string): { readonly to: string; readonly port: number | undefined } {
  if (tryAddress(text) !== undefined) return { to: text, port: undefined };
  const [, to = text, port] = /^(.*?)(?::(\d{1,5}))?$/.exec(text) ?? [];
  return { to: to.replace(/^\[(.*)\]$/, '$1'), port: port === undefined ? undefined : Number(port) };
}

function malformed(text: string): Refusal {
  const says = `Cannot read "${text.slice(0, 200)}"; ${form} is wanted: a machine, an interface, an address, internet or operator at each end, and tcp, udp or icmp (which has no port).`;
  return new Refusal('FlowMalformed', says, { target: 'flow' });
}

function describe({ verdict, because, legs, delivered }: Explanation): string {
  const lines = legs.flatMap(({ packet, nic, isTranslated, steps }) => {
    const service = `${packet.protocol}${packet.targetPort === 0 ? '' : `/${packet.targetPort}`}`;
    const own = isTranslated === true ? ', as its own if its guest translates' : '';
    const head = `${packet.source} -> ${packet.target} ${service} from ${nic ?? packet.origin.kind}${own}`;
    return [head, ...steps.map(stepLine)];
  });
  const end = verdict === 'deliver' ? `delivered to ${delivered.join(', ')}` : `dropped: ${because}`;
  return [...lines, end].join('\n');
}

function stepLine({ point, layer, verdict, because, direction, resource, rule }: PathStep): string {
  const way = direction === undefined ? '' : ` ${direction}`;
  const behind = resource === undefined ? '' : `  [${resource}${rule === undefined ? '' : ` ${rule}`}]`;
  return `  ${verdict === 'allow' ? 'pass' : 'DROP'}  ${point}  ${layer}${way}: ${because}${behind}`;
}

function describeRule({ because, name, nsg, resource, points, nics, rule }: RuleOrigin): string {
  return [
    `${because} (${name}, ${rule.access})`,
    `  group: ${nsg ?? 'none: the stamp keeps Standard addresses closed'}`,
    `  resource: ${resource ?? "none of its own: one of Azure's default rules"}`,
    `  in force at: ${points.join(', ')}`,
    `  judges: ${nics.length === 0 ? 'no interface now' : nics.join(', ')}`,
  ].join('\n');
}
