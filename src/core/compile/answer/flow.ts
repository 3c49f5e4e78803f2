/** May this flow pass at this NIC? The verdict of the port's filters, with the layer and the rule that decide (Azure: IP flow verify). */

import { flowPortsMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import type { Placed } from '#compile/answer/port.ts';
import { evaluate } from '#program/eval.ts';
import { filterVerdict, type Header, isIn } from '#program/filter.ts';
import { martians, platformAddress } from '#program/martian.ts';
import type { Filter, Programs, Rule, RouterProgram } from '#program/program.ts';

/** A flow as seen from the NIC's guest: it is `local`. The port of the sender may be left open. */
export type Flow = {
  readonly direction: 'inbound' | 'outbound';
  readonly protocol: 'tcp' | 'udp';
  readonly local: FlowEnd;
  readonly remote: FlowEnd;
};

export type FlowEnd = { readonly address: string; readonly port: number | 'any' };

/**
 * The verdict. `filter` and `rule` (its key): what decided, the first layer that denies or the last that allows; absent when
 * no filter judged. `depends`: the port that was left open makes the difference; `ports` names one of either kind.
 */
export type FlowVerdict =
  | { readonly kind: 'allow' | 'deny'; readonly filter?: string; readonly rule?: string }
  | { readonly kind: 'depends'; readonly ports: { readonly allow: number; readonly deny: number } };

/** Asks the filters of the port that the oracle asks, in its order. What no filter judges (the platform's address, martians) the oracle answers. */
export function flowVerdict(programs: Programs, { router, port }: Placed, flow: Flow): FlowVerdict {
  const [from, to] = flow.direction === 'inbound' ? [flow.remote, flow.local] : [flow.local, flow.remote];
  const targetPort = to.port === 'any' ? 0 : to.port;
  const packetFrom = (sourcePort: number): Header => ({
    source: from.address,
    target: to.address,
    protocol: flow.protocol,
    sourcePort,
    targetPort,
  });
  const names = flow.direction === 'inbound' ? port.inbound : port.outbound;
  if (from.port !== 'any') return verdictOf(packetFrom(from.port));
  const ports = portClasses(router, names, packetFrom(0));
  const verdicts = ports.map((number) => ({ number, verdict: verdictOf(packetFrom(number)) }));
  const allowed = verdicts.find(({ verdict }) => verdict.kind === 'allow');
  const denied = verdicts.find(({ verdict }) => verdict.kind === 'deny');
  if (allowed !== undefined && denied !== undefined)
    return { kind: 'depends', ports: { allow: allowed.number, deny: denied.number } };
  return verdictOf(packetFrom(ephemeralPort));

  function verdictOf(packet: Header): FlowVerdict {
    if (flow.direction === 'outbound' && isUnjudged(router, packet)) {
      const fate = evaluate(programs, { ...packet, origin: { kind: 'nic', mark: port.mark } });
      return { kind: fate.verdict === 'deliver' ? 'allow' : 'deny' };
    }
    return judged(router, names, packet);
  }
}

/** What a guest's own stack sends from when it is not told: stands for all ports when they do not differ (RFC 6335 §6). */
const ephemeralPort = 49_152;

function isUnjudged(router: RouterProgram, { target }: Header): boolean {
  return target === platformAddress || router.gateways.includes(target) || isIn(martians, target);
}

function judged(router: RouterProgram, names: readonly string[], packet: Header): FlowVerdict {
  let last: FlowVerdict = { kind: 'allow' };
  for (const filter of names) {
    const program = filterOf(router, filter);
    if (program === undefined) return { kind: 'deny', filter };
    const { verdict, rule } = filterVerdict(program, router.sets, packet);
    last = { kind: verdict, filter, ...(rule === undefined ? {} : { rule }) };
    if (verdict === 'deny') return last;
  }
  return last;
}

function filterOf(router: RouterProgram, name: string): Filter | undefined {
  return Object.hasOwn(router.filters, name) ? router.filters[name] : undefined;
}

/**
 * One source port of each class that the rules tell apart: only rules that speak of the packet otherwise count, and none
 * behind the first that takes every source port. Too many classes: the answer would not be worth its work.
 */
function portClasses(router: RouterProgram, names: readonly string[], packet: Header): readonly number[] {
  const starts = new Set([0, ephemeralPort]);
  for (const name of names) {
    const filter = filterOf(router, name);
    for (const key of Object.keys(filter?.rules ?? {}).sort()) {
      const rule = filter?.rules[key];
      if (rule === undefined || !speaksOf(rule, router, packet)) continue;
      if (rule.sourcePorts.length === 0) break;
      for (const [first, last] of rule.sourcePorts) starts.add(first).add(Math.min(last + 1, 65_535));
      if (starts.size > flowPortsMax) throw tooManyPorts();
    }
  }
  return [...starts].toSorted((left, right) => left - right);
}

function tooManyPorts(): Refusal {
  const says = `The rules tell more than ${flowPortsMax} ranges of the sender's port apart; state the port instead of "*".`;
  return new Refusal('InvalidParameter', says);
}

function speaksOf(rule: Rule, router: RouterProgram, packet: Header): boolean {
  const open: Rule = { ...rule, sourcePorts: [] };
  return filterVerdict({ rules: { one: open } }, router.sets, packet).rule !== undefined;
}
