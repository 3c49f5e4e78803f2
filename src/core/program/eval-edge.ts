/** The oracle's steps outside the VNets: boundary, switch, hosts and the stamp's own endpoints. */

import { type Header, isIn } from '#program/filter.ts';
import { balanceFor, fromUplink, isFrontend, rewritten } from '#program/eval-router.ts';
import type { EdgeProgram } from '#program/program.ts';
import {
  deliver,
  drop,
  goOn,
  judge,
  own,
  passSwitch,
  type Place,
  programAt,
  type Step,
  switched,
  type Walk,
} from '#program/walk.ts';

const point = 'edge';

/** A packet comes from the internet or over the operator's link. */
export function atBoundary(walk: Walk, from: 'internet' | 'operator', packet: Header): Step {
  const edge = programAt(walk, point, 'edge');
  if (edge === undefined) return drop(walk, { point, step: 'boundary', because: 'edge: no program' });
  if (from === 'internet' && isIn(edge.bogons, packet.source)) {
    return drop(walk, { point, step: 'boundary', because: `bogon: ${packet.source} never comes from the internet` });
  }
  if (from === 'operator' && !isIn(edge.operator, packet.source)) {
    return drop(walk, { point, step: 'boundary', because: `operator: ${packet.source} is not on the operator's link` });
  }
  walk.hops.push({ point, step: 'boundary', because: from });
  return inward(walk, edge, { packet });
}

/** A packet of a guest reaches the boundary with its label as source. */
export function atUplink(walk: Walk, packet: Header): Step {
  const refused = passSwitch(walk, packet);
  if (refused !== undefined) return refused;
  const edge = programAt(walk, point, 'edge');
  if (edge === undefined) return drop(walk, { point, step: 'boundary', because: 'edge: no program' });
  const outward = translated(edge, packet);
  if (typeof outward === 'string') return drop(walk, { point, step: 'translate', because: outward });
  walk.hops.push({ point, step: 'translate', because: outward.because });
  if (isIn(edge.pool, packet.target)) return inward(walk, edge, { packet: outward.packet, sent: packet });
  if (isIn(edge.bogons, packet.target)) {
    return drop(walk, { point, step: 'boundary', because: `bogon: ${packet.target} is not on the internet` });
  }
  return deliver(
    walk,
    { point, step: 'deliver', because: 'internet' },
    { at: { kind: 'internet' }, packet: outward.packet },
  );
}

function translated(edge: EdgeProgram, packet: Header): { packet: Header; because: string } | string {
  const one = own(edge.ones, packet.source);
  if (one !== undefined) return { packet: { ...packet, source: one.address }, because: one.because };
  const block = own(edge.blocks, `${packet.source}/${packet.protocol}`) ?? own(edge.blocks, packet.source);
  if (block === undefined) return `translate: ${packet.source} has no way out`;
  switch (packet.protocol) {
    case 'tcp':
    case 'udp':
      return { packet: { ...packet, source: block.address, sourcePort: block.ports[0] }, because: block.because };
    case 'icmp':
      return { packet: { ...packet, source: block.address }, because: block.because };
    default:
      return `${block.because}: only TCP, UDP and ICMP share an address`;
  }
}

/** What is published, balanced or translated, in this order; all else ends here. `sent`: a guest's packet that turns back. */
function inward(
  walk: Walk,
  edge: EdgeProgram,
  { packet, sent }: { readonly packet: Header; readonly sent?: Header },
): Step {
  const endpoint = published(edge, packet);
  if (endpoint !== undefined) {
    if (!isIn(endpoint.sources, packet.source)) {
      return drop(walk, { point, step: 'publish', because: `${endpoint.because}: ${packet.source} may not connect` });
    }
    walk.hops.push({ point, step: 'publish', because: endpoint.because });
    return goOn({ kind: 'infra' }, { ...packet, target: endpoint.target, targetPort: endpoint.targetPort });
  }
  const balance = balanceFor(edge.balances, packet);
  if (balance !== undefined) {
    const labels = Object.keys(balance.targets).sort();
    if (labels.length === 0)
      return drop(walk, { point, step: 'balance', because: `${balance.because}: no healthy target` });
    walk.hops.push({ point, step: 'balance', because: balance.because });
    return {
      kind: 'on',
      to: labels.map((label) => ({
        place: labelPlace(sent),
        packet: towardsGuests(edge, rewritten(balance, packet, label)),
      })),
    };
  }
  const one = own(edge.publics, packet.target);
  if (one !== undefined) {
    walk.hops.push({ point, step: 'translate', because: one.because });
    return goOn(labelPlace(sent), towardsGuests(edge, { ...packet, target: one.label }));
  }
  const because = isFrontend(edge.balances, packet.target) ? 'has no rule for this' : 'is nobody';
  return drop(walk, { point, step: 'boundary', because: `boundary: ${packet.target} ${because}` });
}

function labelPlace(sent: Header | undefined): Place {
  return sent === undefined ? { kind: 'label' } : { kind: 'label', sent };
}

/** Guests see the operator's connections come from an address that they may answer. */
function towardsGuests(edge: EdgeProgram, packet: Header): Header {
  return isIn(edge.operator, packet.source) ? { ...packet, source: edge.operatorSource } : packet;
}

function published(edge: EdgeProgram, packet: Header) {
  return Object.values(edge.published).find(
    ({ address, protocol, port }) =>
      address === packet.target && protocol === packet.protocol && port === packet.targetPort,
  );
}

/** A packet for a label: switch, host, router. */
export function atLabel(walk: Walk, packet: Header, sent?: Header): Step {
  const refused = passSwitch(walk, packet);
  if (refused !== undefined) return refused;
  const host = switched(walk, packet.target);
  const program = host === undefined ? undefined : programAt(walk, host, 'host');
  if (host === undefined || program === undefined) {
    return drop(walk, { point: 'switch', step: 'route', because: `switch: ${packet.target} is nowhere` });
  }
  const router = own(program.routes, packet.target);
  if (router === undefined) {
    return drop(walk, { point: host, step: 'route', because: `${host}: ${packet.target} has no router` });
  }
  walk.hops.push({ point: host, step: 'route', because: `${host}: ${router}` });
  return fromUplink(walk, router, { packet, sent });
}

/** A packet for an endpoint of the stamp: switch, then the namespace's own firewall. */
export function atInfra(walk: Walk, packet: Header): Step {
  const refused = passSwitch(walk, packet);
  if (refused !== undefined) return refused;
  const infra = switched(walk, packet.target) === 'infra' ? programAt(walk, 'infra', 'infra') : undefined;
  if (infra === undefined || !infra.addresses.includes(packet.target)) {
    return drop(walk, { point: 'switch', step: 'route', because: `switch: ${packet.target} is nowhere` });
  }
  const denied = judge(walk, { point: 'infra', filter: infra.filter }, packet);
  if (denied !== undefined) return denied;
  return deliver(walk, { point: 'infra', step: 'deliver', because: 'infra' }, { at: { kind: 'infra' }, packet });
}
