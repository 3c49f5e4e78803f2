/** What the operator asks of packets and rules: the way of one packet with all that decides, and what stands behind a rule of a program. */

import { Refusal } from '#base/wrong.ts';
import { ruleName } from '#compile/answer/rule.ts';
import { familyOf } from '#compile/read.ts';
import type { Packet } from '#program/packet.ts';
import type { Rule, RouterProgram } from '#program/program.ts';
import { endOf, type EndsWorld, originOf, targetsOf } from '#engine/questions/ends.ts';
import { type Leg, pathOf } from '#engine/questions/path.ts';

/** `from` and `to` as people name them (`endOf`). `port` is 0 where the protocol has none. */
export type PacketQuestion = {
  readonly from: string;
  readonly to: string;
  readonly protocol: 'tcp' | 'udp' | 'icmp';
  readonly port: number;
};

export type Explanation = {
  readonly from: string;
  readonly to: string;
  readonly verdict: 'deliver' | 'drop';
  readonly because: string;
  readonly legs: readonly Omit<Leg, 'fate'>[];
  /** ARM ids of the NICs that get it, or `internet`, `infra`, `router`. */
  readonly delivered: readonly string[];
};

/** The port that a guest's own stack would send from (RFC 6335 §6). */
const senderPort = 49_152;

/** The way of the first packet of a flow, by the programs in force. */
export function explainPacket(question: PacketQuestion, world: EndsWorld): Explanation {
  const packet = packetOf(question, world);
  const { legs, verdict, because, to } = pathOf(world, packet);
  const marks = new Map(
    routersOf(world).flatMap(({ ports }) => Object.values(ports).map(({ mark, nic }) => [mark, nic])),
  );
  const delivered = to.map(({ at }) => (at.kind === 'nic' ? (marks.get(at.mark) ?? 'nic') : at.kind));
  return {
    from: question.from,
    to: question.to,
    verdict,
    because: because ?? legs.at(-1)?.steps.at(-1)?.because ?? 'delivered',
    legs: legs.map(legTold),
    delivered,
  };
}

/** A leg without its fate, which its steps tell. */
function legTold({ packet, nic, isTranslated, steps }: Leg): Omit<Leg, 'fate'> {
  return {
    packet,
    ...(nic === undefined ? {} : { nic }),
    ...(isTranslated === undefined ? {} : { isTranslated }),
    steps,
  };
}

function packetOf({ from, to, protocol, port }: PacketQuestion, world: EndsWorld): Packet {
  const [sender, receiver] = [endOf(from, world), endOf(to, world)];
  const hasPorts = protocol !== 'icmp';
  for (const target of targetsOf(receiver, { from: sender, port, world })) {
    const source = sender.addresses.find((address) => familyOf(address) === familyOf(target));
    if (source === undefined) continue;
    const ports = { sourcePort: hasPorts ? senderPort : 0, targetPort: hasPorts ? port : 0 };
    return { origin: originOf(sender), source, target, protocol, ...ports };
  }
  throw new Refusal('FamiliesDiffer', `"${from}" and "${to}" have no addresses of one family, IPv4 or IPv6.`);
}

/** A rule as the programs have it, and the resource that it comes from. */
export type RuleOrigin = {
  readonly because: string;
  readonly filter: string;
  readonly key: string;
  readonly name: string;
  readonly points: readonly string[];
  /** The security group, and its rule; Azure's own rules have no resource of their own. */
  readonly nsg?: string;
  readonly resource?: string;
  readonly rule: Rule;
  /** The NICs whose packets it judges. */
  readonly nics: readonly string[];
};

/**
 * What stands behind `nsg/rule` (with or without the word `nsg/` before it), or behind the words that a kernel rule has in its comment
 * (`0100/web nsg/guard/web`). Rules of one name in groups of one name are all told.
 */
export function whyRule(text: string, world: EndsWorld): readonly RuleOrigin[] {
  const words = text.trim().split(/\s+/).at(-1) ?? '';
  const because = words.startsWith('nsg/') ? words : `nsg/${words}`;
  const found = new Map<string, RuleOrigin>();
  for (const router of routersOf(world)) {
    for (const [filter, { rules }] of Object.entries(router.filters)) {
      for (const [key, rule] of Object.entries(rules)) {
        if (rule.because.toLowerCase() !== because.toLowerCase()) continue;
        const id = `${router.vnet.split('/')[2]?.toLowerCase()} ${filter} ${key}`;
        found.set(id, originOfRule({ router, filter, key, rule, before: found.get(id) }, world));
      }
    }
  }
  if (found.size > 0) return [...found.values()];
  const says = `No rule in force is "${because.slice(0, 200)}". "show programs" lists them all with their reasons.`;
  throw new Refusal('RuleUnknown', says, { status: 404 });
}

type Found = {
  readonly router: RouterProgram;
  readonly filter: string;
  readonly key: string;
  readonly rule: Rule;
  readonly before: RuleOrigin | undefined;
};

function originOfRule({ router, filter, key, rule, before }: Found, { view }: EndsWorld): RuleOrigin {
  const [, group = '', name = ''] = filter.split('/');
  const base = `/subscriptions/${router.vnet.split('/')[2]}/resourceGroups/${group}/providers/Microsoft.Network`;
  const nsg = view.get(`${base}/networkSecurityGroups/${name}`);
  const resource =
    nsg === undefined ? undefined : view.get(`${nsg.id}/securityRules/${key.slice(key.indexOf('/') + 1)}`);
  const mine = Object.values(router.ports).filter(({ inbound, outbound }) =>
    [...inbound, ...outbound].includes(filter),
  );
  return {
    because: rule.because,
    filter,
    key,
    name: ruleName(filter, key),
    points: [...(before?.points ?? []), `router/${router.key}/${router.host}`],
    ...(nsg === undefined ? {} : { nsg: nsg.id }),
    ...(resource === undefined ? {} : { resource: resource.id }),
    rule,
    nics: [...(before?.nics ?? []), ...mine.map(({ nic }) => nic)],
  };
}

function routersOf({ programs }: EndsWorld): readonly RouterProgram[] {
  return Object.values(programs).filter((program) => program.kind === 'router');
}
