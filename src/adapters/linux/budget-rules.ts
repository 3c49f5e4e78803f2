/** Budgets in a router's nftables: what a port sends beyond them is counted, told of in samples, and dropped; and what a quarantine leaves. */

import { apartPerSecond, spentLoggedPerSecond, targetsSeenMax } from '#base/limits.ts';
import { both, families, quoted, type TableBuilder } from '#adapters/linux/builder.ts';
import { comment, prefixSetName } from '#adapters/linux/filter.ts';
import { portName } from '#adapters/linux/names.ts';
import { portsOf } from '#adapters/linux/router-place.ts';
import { platformAddress, probeSources } from '#program/martian.ts';
import { apartFilterKey, type Budget, type Port, type RouterProgram } from '#program/program.ts';

/** The number under which a router's kernel tells of packets over a budget (nfnetlink_log). */
export const spentGroup = 58;

/** What stands in the kernel's messages before the name of the budget. */
export const spentPrefix = 'spent/';

/** First of all for tracked packets: how many a port may send, and that one set apart sends nothing. */
export const paceRule = 'iifname vmap @pace';

/** The first packet of a flow alone: what is not answered stays new for the tracker, however much of it there is. */
export const spendRule = 'ct status ! confirmed iifname vmap @spend';

/** A source that is not the port's own. */
export const forgedRule = 'iifname vmap @forged';

/** Ports of mail from one server to another, and of mail that is handed in (RFC 5321, RFC 8314, RFC 6409). */
const mailPorts = ['25', '465', '587'];

const overs = {
  new: 'budget: new flows',
  mail: 'budget: mail to outside the network',
  targets: 'budget: targets not spoken to lately',
  packets: 'budget: packets',
  forged: 'budget: forged sources',
} as const;

/** The chains of one port, by the kind of budget. */
export function spendChain(mark: number): string {
  return `spend_${mark}`;
}
export function mailChain(mark: number): string {
  return `mail_${mark}`;
}
export function paceChain(mark: number): string {
  return `pace_${mark}`;
}
export function forgedChain(mark: number): string {
  return `forged_${mark}`;
}

/** What is left to those set apart is no way to flood the platform. */
const apartRate = `limit rate ${apartPerSecond}/second burst ${apartPerSecond} packets`;

/** Is the port quarantined? */
function isApart({ outbound }: Port): boolean {
  return outbound.includes(apartFilterKey);
}

type Spender = { readonly port: Port; readonly budget: Budget };

function spendersOf(program: RouterProgram): readonly Spender[] {
  const { budgets = {}, spenders = {} } = program;
  return portsOf(program).flatMap((port) => {
    const budget = budgets[spenders[portName(port.mark)] ?? ''];
    return budget === undefined || isApart(port) ? [] : [{ port, budget }];
  });
}

/** The sets that the chains of budgets speak of. */
export function budgetSets(builder: TableBuilder, program: RouterProgram): void {
  const spenders = spendersOf(program);
  const jumps = (name: (mark: number) => string, word: 'jump' | 'goto') =>
    spenders.map(({ port }) => `${quoted(portName(port.mark))} : ${word} ${name(port.mark)}`);
  const apart = portsOf(program).filter(isApart);
  const parted = apart.map(({ mark }) => `${quoted(portName(mark))} : goto apart`);
  builder.map('pace', ['type ifname : verdict'], [...jumps(paceChain, 'jump'), ...parted]);
  builder.map('spend', ['type ifname : verdict'], jumps(spendChain, 'jump'));
  builder.map('forged', ['type ifname : verdict'], jumps(forgedChain, 'goto'));
  builder.set(
    'apart',
    ['type ifname'],
    apart.map(({ mark }) => quoted(portName(mark))),
  );
  builder.set('mail', ['type inet_service'], mailPorts);
  for (const family of families)
    builder.set(
      `seen${family}`,
      [
        `type ifname . ipv${family}_addr . inet_proto . inet_service`,
        `size ${targetsSeenMax}`,
        'flags dynamic,timeout',
        'timeout 1m',
      ],
      [],
    );
}

/** A rule that takes what goes over a rate; of nothing, all goes over. */
function over(count: number, per: 'second' | 'minute', then: string): string {
  return count === 0 ? `counter ${then}` : `limit rate over ${count}/${per} burst ${count} packets counter ${then}`;
}

/** The chains of every port with a budget, and those that all share. */
export function budgetChains(builder: TableBuilder, program: RouterProgram): void {
  for (const { port, budget } of spendersOf(program)) {
    builder.chain(spendChain(port.mark), [
      over(budget.newPerSecond, 'second', 'goto over_new'),
      `tcp dport @mail jump ${mailChain(port.mark)}`,
      ...both((word, family) => `iifname . ${word} daddr . meta l4proto . th dport @seen${family} return`),
      over(budget.targetsPerMinute, 'minute', 'goto over_targets'),
      ...both((word, family) => `add @seen${family} { iifname . ${word} daddr . meta l4proto . th dport }`),
    ]);
    builder.chain(mailChain(port.mark), [
      ...(Object.hasOwn(program.sets, 'vnet')
        ? both((word, family) => `${word} daddr @${prefixSetName('vnet', family)} return`)
        : []),
      over(budget.mailPerMinute, 'minute', 'goto over_mail'),
    ]);
    builder.chain(paceChain(port.mark), [
      `ct direction original ${over(budget.packetsPerSecond, 'second', 'goto over_packets')}`,
      // Who answers is as often the victim: what is too much is dropped, and nobody is set apart for it.
      `ct direction reply ${over(budget.packetsPerSecond, 'second', 'drop')}${comment('budget: packets of answers')}`,
    ]);
    builder.chain(forgedChain(port.mark), [
      over(budget.forgedPerMinute, 'minute', 'goto over_forged'),
      `counter drop${comment('spoof: not an address of the NIC')}`,
    ]);
  }
  for (const [name, says] of Object.entries(overs))
    builder.chain(`over_${name}`, [
      `limit rate ${spentLoggedPerSecond}/second burst ${spentLoggedPerSecond} packets log prefix "${spentPrefix}${name}" group ${spentGroup}`,
      `counter drop${comment(says)}`,
    ]);
  builder.chain('apart', [
    'ct state untracked accept',
    ...both((word, family) => `${word} daddr @gateways${family} ${apartRate} accept`),
    `ip6 daddr ${probeSources[6]} ${apartRate} accept`,
    `counter drop${comment(`${apartFilterKey}: set apart`)}`,
  ]);
  builder.chain('apart_in', [
    `ip saddr ${platformAddress} return`,
    `counter drop${comment(`${apartFilterKey}: set apart`)}`,
  ]);
}

/** Before established flows go on; nothing where nobody is set apart. */
export function apartForward(program: RouterProgram): readonly string[] {
  return portsOf(program).some(isApart) ? ['oifname @apart jump apart_in'] : [];
}
