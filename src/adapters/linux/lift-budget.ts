/** The kernel's own list of budgets, read back and compared with the program's. It shares nothing with what writes rules, and knows no other form. */

import type { Difference } from '#engine/plane-port.ts';
import { prefixSetName } from '#adapters/linux/filter.ts';
import { portName } from '#adapters/linux/names.ts';
import { elementsOf, rateOf, rulesOf, verdictOf } from '#adapters/linux/lift-rates.ts';
import { unlikeHold, unlikeShares } from '#adapters/linux/lift-shares.ts';
import type { ActualTable } from '#adapters/linux/ruleset.ts';
import { apartFilterKey, type Budget, type Program, type RouterProgram } from '#program/program.ts';

/** How the kernel's budgets differ from the program's, the first of each port or subscription. */
export function unlikeBudgets(point: string, program: Program, table: ActualTable): readonly Difference[] {
  const found =
    program.kind === 'router'
      ? routerFound(program, table)
      : program.kind === 'edge'
        ? unlikeShares(program, table)
        : [];
  return found.map((says) => ({ point, kind: 'rule', says }));
}

function routerFound(program: RouterProgram, table: ActualTable): readonly string[] {
  const { budgets = {}, spenders = {} } = program;
  const ports = Object.values(program.ports).filter(({ mark }) => Object.hasOwn(spenders, portName(mark)));
  const isApart = ({ outbound }: (typeof ports)[number]) => outbound.includes(apartFilterKey);
  const held = unlikeHold(program, table);
  if (ports.length === 0) return held;
  const sameForAll = [...held, ...orderFound(table, ports.some(isApart)), ...oversFound(table)];
  return ports.reduce<string[]>((found, port) => {
    const name = portName(port.mark);
    const says = isApart(port)
      ? apartSays(table, name)
      : budgetSays(budgetOf(program, table, name), budgets[spenders[name] ?? '']);
    return says === undefined ? found : [...found, `${name}: ${says}`];
  }, sameForAll);
}

/** Budgets are asked before filters, and a port set apart before everything. */
function orderFound(table: ActualTable, isAnyApart: boolean): readonly string[] {
  const mangle = rulesOf(table, 'mangle');
  const [spend, filters] = ['ct status ! confirmed iifname vmap @spend', 'ip daddr @gateways4 accept'].map((text) =>
    mangle.indexOf(text),
  );
  const found: string[] = [];
  if (mangle[0] !== 'iifname vmap @pace') found.push('The packets of ports are not counted first.');
  if (spend === undefined || filters === undefined || spend < 0 || spend > filters)
    found.push('New flows of ports are not counted before they are judged.');
  if (isAnyApart && rulesOf(table, 'forward')[0] !== 'oifname @apart jump apart_in')
    found.push('What is for a port set apart is not dropped first.');
  return found;
}

const platform = '168.63.129.16';

/** What goes over is told of in samples and dropped, all of it; of one set apart nothing passes but what is the platform's. */
function oversFound(table: ActualTable): readonly string[] {
  const forms: { readonly [chain: string]: readonly string[] } = {
    apart: [
      'ct state untracked accept',
      'ip daddr @gateways4 limit rate 100/second burst 100 packets accept',
      'ip6 daddr @gateways6 limit rate 100/second burst 100 packets accept',
      'ip6 daddr fe80::1234:5678:9abc limit rate 100/second burst 100 packets accept',
      'counter drop',
    ],
    apart_in: [`ip saddr ${platform} return`, 'counter drop'],
  };
  for (const name of ['new', 'mail', 'targets', 'packets', 'forged']) {
    const [log = '', drop, ...more] = rulesOf(table, `over_${name}`);
    const isLog = new RegExp(`^limit rate \\d+/second burst \\d+ packets log prefix "spent/${name}" group \\d+$`).test(
      log,
    );
    if (!isLog || drop !== 'counter drop' || more.length > 0)
      return [`What goes over the budget "${name}" is not dropped.`];
  }
  return Object.entries(forms).flatMap(([chain, form]) =>
    rulesOf(table, chain).join('\n') === form.join('\n') ? [] : [`The chain ${chain} does not do what quarantine is.`],
  );
}

function apartSays(table: ActualTable, name: string): string | undefined {
  const isOut = verdictOf(table, 'pace', `"${name}"`) === 'goto apart';
  return isOut && elementsOf(table, 'apart').has(`"${name}"`) ? undefined : 'it is not set apart in the kernel.';
}

function budgetSays(kernel: Budget | string, program: Budget | undefined): string | undefined {
  if (typeof kernel === 'string') return kernel;
  const differ = Object.entries(kernel).filter(([field, value]) => program?.[field as keyof Budget] !== value);
  const [first] = differ;
  return first === undefined
    ? undefined
    : `${first[0]} is ${first[1]} in the kernel and ${program?.[first[0] as keyof Budget] ?? 'nothing'} in the program.`;
}

/** The budget that the kernel has for a port, or why it has none that can be read. */
function budgetOf(program: RouterProgram, table: ActualTable, name: string): Budget | string {
  const chainOf = (map: string, word: 'jump' | 'goto'): readonly string[] => {
    const verdict = verdictOf(table, map, `"${name}"`);
    return verdict?.startsWith(`${word} `) === true ? rulesOf(table, verdict.slice(word.length + 1)) : [];
  };
  const [flows, mail = '', seenFour, seenSix, targets, addFour, addSix, ...more] = chainOf('spend', 'jump');
  const seen = (family: 4 | 6) => `iifname . ${family === 4 ? 'ip' : 'ip6'} daddr . meta l4proto . th dport`;
  const areSeen =
    seenFour === `${seen(4)} @seen4 return` &&
    seenSix === `${seen(6)} @seen6 return` &&
    addFour === `add @seen4 { ${seen(4)} }` &&
    addSix === `add @seen6 { ${seen(6)} }`;
  if (!areSeen || more.length > 0) return 'its targets are not counted as they should be.';
  const [original = '', reply = '', ...others] = chainOf('pace', 'jump');
  const [forged, rest, ...left] = chainOf('forged', 'goto');
  if (others.length > 0 || left.length > 0 || rest !== 'counter drop')
    return 'its packets are not counted as they should be.';
  const pace = rateOf(original.replace(/^ct direction original /, ''), 'second', 'goto over_packets');
  if (pace !== rateOf(reply.replace(/^ct direction reply /, ''), 'second', 'drop'))
    return 'packets of answers have another budget.';
  const numbers = {
    newPerSecond: rateOf(flows, 'second', 'goto over_new'),
    mailPerMinute: mailOf(program, table, mail),
    targetsPerMinute: rateOf(targets, 'minute', 'goto over_targets'),
    packetsPerSecond: pace,
    forgedPerMinute: rateOf(forged, 'minute', 'goto over_forged'),
  };
  const [unread] = Object.entries(numbers).filter(([, value]) => value === undefined);
  return unread === undefined ? (numbers as Budget) : `its budget ${unread[0]} cannot be read from the kernel's rules.`;
}

/** Mail to outside the network: what is for the inside returns, in both families. */
function mailOf(program: RouterProgram, table: ActualTable, rule: string): number | undefined {
  const chain = /^tcp dport @mail jump (\w+)$/.exec(rule)?.[1];
  const areMail = [...elementsOf(table, 'mail')].sort().join() === '25,465,587';
  if (chain === undefined || !areMail) return undefined;
  const rules = rulesOf(table, chain);
  const inside = Object.hasOwn(program.sets, 'vnet')
    ? [`ip daddr @${prefixSetName('vnet', 4)} return`, `ip6 daddr @${prefixSetName('vnet', 6)} return`]
    : [];
  const isWhole = rules.length === inside.length + 1 && inside.every((text, index) => rules[index] === text);
  return isWhole ? rateOf(rules.at(-1), 'minute', 'goto over_mail') : undefined;
}
