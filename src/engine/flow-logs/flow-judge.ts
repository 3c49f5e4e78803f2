/** Whether a flow that the kernel tells of is what a router's program says: the oracle's steps at the port, asked for exactly this packet. */

import type { Flow } from '#engine/flow-logs/flow.ts';
import { martians, platformAddress } from '#program/martian.ts';
import { openingFor } from '#program/opening.ts';
import { filterVerdict, isIn } from '#program/filter.ts';
import type { Filter, Port, RouterProgram } from '#program/program.ts';

/** `agrees`: the program says the same by the same rule. `unspoken`: it cannot be told from here. `differs`: with what the program says instead. */
export type FlowJudgement =
  | { readonly kind: 'agrees' | 'unspoken' }
  | { readonly kind: 'differs'; readonly says: string };

const agrees: FlowJudgement = { kind: 'agrees' };

/**
 * The first packet of a flow has met a filter of a port: so it was not spoofed, is judged by this filter at this port in this
 * direction, no filter before it denied it, and this one's first matching rule is the one that the kernel names. The program is
 * the one that was in force when the flow began.
 */
export function judgeFlow(router: RouterProgram, flow: Flow): FlowJudgement {
  const port = Object.values(router.ports).find(({ nic }) => nic === flow.nic);
  if (port === undefined) return differs('that this router has no port of the NIC');
  // Time is not looked at in a program: whether the kernel still held an opening cannot be told.
  if (flow.direction === 'inbound' && openingFor(router, port, flow) !== undefined) return { kind: 'unspoken' };
  const spoofed = flow.direction === 'outbound' ? spoofedBy(router, port, flow) : undefined;
  if (spoofed !== undefined) return differs(spoofed);
  const names = port[flow.direction];
  const place = names.indexOf(flow.filter);
  if (place < 0) return differs(`that ${flow.filter} does not judge what is ${flow.direction} there`);
  for (const name of names.slice(0, place)) {
    const { verdict, because } = verdictOf(router, name, flow);
    if (verdict === 'deny') return differs(`deny by ${name} (${because}), before ${flow.filter}`);
  }
  const { verdict, because, rule = '' } = verdictOf(router, flow.filter, flow);
  if (verdict === flow.access && rule === flow.rule) return agrees;
  return differs(`${verdict} by ${flow.filter}/${rule || 'no rule'} (${because})`);
}

function differs(says: string): FlowJudgement {
  return { kind: 'differs', says };
}

function verdictOf(router: RouterProgram, name: string, flow: Flow): ReturnType<typeof filterVerdict> {
  const filter: Filter | undefined = Object.hasOwn(router.filters, name) ? router.filters[name] : undefined;
  if (filter === undefined) return { verdict: 'deny', because: 'no such filter' };
  return filterVerdict(filter, router.sets, flow);
}

/** As the oracle has it (program/eval-router.ts, `spoofed` and `answered`): what is dropped or answered before any filter. */
function spoofedBy(router: RouterProgram, port: Port, { source, target }: Flow): string | undefined {
  const isPlatform = (address: string) => address === platformAddress || router.gateways.includes(address);
  if (!Object.hasOwn(port.addresses, source)) {
    if (!port.forwarding) return `that ${source} is not an address of the NIC`;
    if (isIn(martians, source) || isPlatform(source)) return `that ${source} may not be forwarded`;
  }
  if (isIn(martians, target)) return `that ${target} is no unicast target`;
  return isPlatform(target) ? `that ${target} is the platform's, before any filter` : undefined;
}
