/** What a question about a flow answers, beside what the kernel does with that very flow: from NIC to NIC of one network. */

import { setTimeout as sleep } from 'node:timers/promises';
import { flowVerdict } from '#compile/answer/flow.ts';
import { portOfNic, type Placed } from '#compile/answer/port.ts';
import { nextHopOf } from '#compile/answer/way.ts';
import type { Packet } from '#program/packet.ts';
import type { Programs } from '#program/program.ts';
import { addNic, addNsg, addSubnet, addVnet, type Build, type RuleRow } from '#test/generate/build.ts';
import { packetPool } from '#test/generate/packet.ts';
import { type Random, randomFrom } from '#test/generate/random.ts';
import { randomRule } from '#test/generate/stamp.ts';
import type { Harness } from '#test/stamp/harness.ts';
import type { LifeTest } from '#test/stamp/life.ts';
import { programsFrom } from '#test/stamp/scenario.ts';

const packetsWanted = 60;
const stampsMax = 40;
/** How long a packet that should not arrive may take to do so: fifty times what one takes that does. */
const quietMs = 5;

type Asked = { readonly packet: Packet; readonly target: Placed; readonly access: 'allow' | 'deny' };

/** The tests of the group `asked`. */
export const askedTests: readonly LifeTest[] = [
  {
    name: 'a flow question at both NICs says what the kernel does, for random flows and rules',
    run: askAndSend,
  },
];

async function askAndSend(harness: Harness): Promise<string | undefined> {
  const seed = Math.floor(Math.random() * 1_000_000);
  const random = randomFrom(seed);
  const seen = { allow: 0, deny: 0 };
  for (let stamp = 0; stamp < stampsMax && seen.allow + seen.deny < packetsWanted; stamp += 1) {
    const programs = programsFrom(harness.stamp, networkOf(random));
    await harness.apply(programs);
    for (const asked of flowsOf(programs, random)) {
      const { packet, target, access } = asked;
      harness.newFlow([packet]);
      const isThere = (at: string): boolean => at === `nic ${target.port.mark}`;
      const arrivals = await harness.send(packet, (all) => access === 'deny' || all.some(({ at }) => isThere(at)));
      if (access === 'deny') await sleep(quietMs).then(() => arrivals.push(...harness.look()));
      const got = arrivals.some((each) => isThere(each.at) && each.seen.tag !== undefined) ? 'allow' : 'deny';
      const says = `${packet.protocol} ${packet.source}:${packet.sourcePort} > ${packet.target}:${packet.targetPort}`;
      if (got !== access) return `seed ${seed} ${says}: the question says ${access}, the kernel ${got}`;
      seen[access] += 1;
    }
  }
  const enough = seen.allow >= 10 && seen.deny >= 10;
  return enough ? undefined : `seed ${seed}: only ${seen.allow} allowed and ${seen.deny} denied flows were asked about`;
}

/** One network: two subnets, NICs on both hosts, random rules at a subnet and at NICs. */
function networkOf(random: Random): (build: Build) => void {
  const rules = (): readonly RuleRow[] => [
    ...Array.from({ length: 6 }, (_, index) => randomRule(random, 100 + index)),
    ['rest', 4000, random.pick(['In', 'Out']), random.pick(['Allow', 'Deny']), '*', '*', '*'],
  ];
  return (build) => {
    for (const nsg of ['subnet', 'nic']) addNsg(build, nsg, rules());
    addVnet(build, 'a', ['10.0.0.0/16', 'fd00::/48']);
    addSubnet(build, 'a/one', [['10.0.0.0/24', 'fd00::/64']]);
    addSubnet(build, 'a/two', [['10.0.1.0/24', 'fd00:0:0:1::/64'], { nsg: 'subnet' }]);
    for (const [index, subnet] of ['a/one', 'a/one', 'a/two', 'a/two'].entries()) {
      const [four, six] = subnet === 'a/one' ? ['10.0.0', 'fd00::'] : ['10.0.1', 'fd00:0:0:1::'];
      const groups = [random.pick(['g0', 'g1'])];
      addNic(build, `n${index}`, {
        subnet,
        addresses: [{ address: `${four}.${4 + index}`, groups }, `${six}${4 + index}`],
        host: random.pick(['h1', 'h2']),
        ...(random.chance(0.5) ? { nsg: 'nic' } : {}),
      });
    }
  };
}

/** Flows between NICs whose route is the network's own, asked about at the sender and at the receiver: a few allowed, more denied, as there are. */
function flowsOf(programs: Programs, random: Random): readonly Asked[] {
  const { ports, services } = packetPool(programs);
  const placed = Object.values(programs)
    .flatMap((router) => (router.kind === 'router' ? Object.values(router.ports) : []))
    .flatMap(({ nic }) => portOfNic(programs, nic) ?? []);
  if (ports.length < 2) return [];
  const all = Array.from({ length: 300 }).flatMap((): Asked | readonly [] => {
    const [source, target] = [random.pick(placed), random.pick(placed)];
    if (source.router.key !== target.router.key || source.port === target.port) return [];
    const from = random.pick(Object.keys(source.port.addresses));
    const fitting = Object.keys(target.port.addresses).filter((each) => each.includes(':') === from.includes(':'));
    const [to] = fitting;
    if (to === undefined || nextHopOf(source, to).hop.kind !== 'local') return [];
    const protocol = random.pick(['tcp', 'udp'] as const);
    const [sourcePort, targetPort] = [random.pick([1024, 40_000, 50_000, 60_001]), random.pick(services)];
    const [near, far] = [
      { address: from, port: sourcePort },
      { address: to, port: targetPort },
    ];
    const out = flowVerdict(programs, source, { direction: 'outbound', protocol, local: near, remote: far });
    const into = flowVerdict(programs, target, { direction: 'inbound', protocol, local: far, remote: near });
    const access = out.kind === 'allow' && into.kind === 'allow' ? 'allow' : 'deny';
    const origin = { kind: 'nic', mark: source.port.mark } as const;
    return { packet: { origin, protocol, source: from, target: to, sourcePort, targetPort }, target, access };
  });
  const [allowed, denied] = (['allow', 'deny'] as const).map((access) => all.filter((each) => each.access === access));
  return [...(allowed ?? []).slice(0, 3), ...(denied ?? []).slice(0, 6)];
}
