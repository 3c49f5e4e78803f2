/** May this flow pass at this NIC? The verdict of the port's filters, with the layer and the rule that decide (Azure: IP flow verify). */

import { flowPortsMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import type { Placed } from '#compile/answer/port.ts';
import { evaluate } from '#program/eval.ts';
import { type AddressNumber, FilterLookup, lookupOf, numberOf } from '#program/filter-lookup.ts';
import { filterVerdict, type Header } from '#program/filter.ts';
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
export function flowVerdict(programs: Programs, placed: Placed, flow: Flow): FlowVerdict {
  const { direction, local, remote } = flow;
  const sender = direction === 'inbound' ? remote : local;
  if (sender.port !== 'any') return verdictFrom(programs, placed, { flow, sourcePort: sender.port });
  const names = direction === 'inbound' ? placed.port.inbound : placed.port.outbound;
  const ports = portClasses(placed.router, names, headerFrom(flow, 0));
  const verdicts = ports.map((sourcePort) => ({
    sourcePort,
    verdict: verdictFrom(programs, placed, { flow, sourcePort }),
  }));
  const allowed = verdicts.find(({ verdict }) => verdict.kind === 'allow');
  const denied = verdicts.find(({ verdict }) => verdict.kind === 'deny');
  if (allowed !== undefined && denied !== undefined)
    return { kind: 'depends', ports: { allow: allowed.sourcePort, deny: denied.sourcePort } };
  return verdictFrom(programs, placed, { flow, sourcePort: ephemeralPort });
}

/** A flow whose sender's port is known. */
type WholeFlow = { readonly flow: Flow; readonly sourcePort: number };

function verdictFrom(programs: Programs, { router, port }: Placed, { flow, sourcePort }: WholeFlow): FlowVerdict {
  const header = headerFrom(flow, sourcePort);
  const packet = { header, source: numberOf(header.source), target: numberOf(header.target) };
  if (flow.direction === 'inbound') return judged(router, port.inbound, packet);
  if (!isUnjudged(router, packet)) return judged(router, port.outbound, packet);
  const fate = evaluate(programs, { ...header, origin: { kind: 'nic', mark: port.mark } });
  return { kind: fate.verdict === 'deliver' ? 'allow' : 'deny' };
}

function headerFrom({ direction, protocol, local, remote }: Flow, sourcePort: number): Header {
  const [from, to] = direction === 'inbound' ? [remote, local] : [local, remote];
  const targetPort = to.port === 'any' ? 0 : to.port;
  return { source: from.address, target: to.address, protocol, sourcePort, targetPort };
}

/** What a guest's own stack sends from when it is not told: stands for all ports when they do not differ (RFC 6335 §6). */
const ephemeralPort = 49_152;

/** A packet whose addresses are read: several filters judge it. */
type Read = { readonly header: Header; readonly source: AddressNumber; readonly target: AddressNumber };

const toMartians: Rule = {
  access: 'deny',
  protocol: 'any',
  source: 'any',
  target: { prefixes: martians, sets: [] },
  sourcePorts: [],
  targetPorts: [],
  because: 'martian',
};
const martianTargets = new FilterLookup({ rules: { martians: toMartians } }, {});

function isUnjudged(router: RouterProgram, { header, source, target }: Read): boolean {
  const isNear = header.target === platformAddress || router.gateways.includes(header.target);
  return isNear || martianTargets.verdictOf(header, source, target).rule !== undefined;
}

function judged(router: RouterProgram, names: readonly string[], { header, source, target }: Read): FlowVerdict {
  let last: FlowVerdict = { kind: 'allow' };
  for (const { filter, lookup } of layersOf(router, names)) {
    if (lookup === undefined) return { kind: 'deny', filter };
    const { verdict, rule } = lookup.verdictOf(header, source, target);
    last = rule === undefined ? { kind: verdict, filter } : { kind: verdict, filter, rule };
    if (verdict === 'deny') return last;
  }
  return last;
}

type Layer = { readonly filter: string; readonly lookup: FilterLookup | undefined };
type Layers = { readonly router: RouterProgram; readonly layers: readonly Layer[] };
const knownLayers = new WeakMap<readonly string[], Layers>();

/** The filters of a port in order, ready to judge; kept until its router's program is another. */
function layersOf(router: RouterProgram, names: readonly string[]): readonly Layer[] {
  const before = knownLayers.get(names);
  if (before?.router === router) return before.layers;
  const layers = names.map((filter) => {
    const program = filterOf(router, filter);
    return { filter, lookup: program === undefined ? undefined : lookupOf(program, router.sets) };
  });
  if (Object.isFrozen(names) && Object.isFrozen(router)) knownLayers.set(names, { router, layers });
  return layers;
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
