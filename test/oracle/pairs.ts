/** The verifier against Z3: are two filters the same for every packet? Both must say so, or both not; a packet that Z3 finds is judged by the oracle. */

import type { Family } from '#base/prefix.ts';
import { printAddress } from '#base/prefix.ts';
import { filterVerdict, type Header } from '#program/filter.ts';
import { sameFilter } from '#verify/equivalence.ts';
import type { Policy } from '#verify/filter-set.ts';
import { type FilterStyle, randomFilter, rewritten, turned } from '#test/generate/filter.ts';
import { type Random, randomFrom } from '#test/generate/random.ts';
import { type PartEnd, type PartOrder, saysOf } from '#test/oracle/part.ts';
import { filterSmt, packetSmt, smtProtocols } from '#test/oracle/smt.ts';
import { Solver } from '#test/oracle/solver.ts';

const styles: readonly FilterStyle[] = ['mixed', 'mixed', 'mixed', 'access', 'firewall'];
const rulesMax = 20;

/** Asks both about `count` pairs. */
export async function pairsPart({ seed, count, onProgress }: PartOrder): Promise<PartEnd> {
  const disagreements: string[] = [];
  const kinds = { same: 0, differs: 0 };
  let solver = new Solver();
  try {
    for (let at = seed; at < seed + count; at++) {
      try {
        const [left, right] = pairOf(randomFrom(at));
        const { kind } = sameFilter(left, right);
        kinds[kind] += 1;
        const other = await z3Verdict(solver, left, right);
        if (kind !== other) disagreements.push(`seed ${at}: the verifier says ${kind}, z3 ${other}`);
      } catch (error) {
        disagreements.push(`seed ${at}: ${saysOf(error)}`);
        // Wherever that one stopped: the next question starts afresh.
        solver.close();
        solver = new Solver();
      }
      onProgress((at - seed + 1) / count);
    }
  } finally {
    solver.close();
  }
  if (count >= 200 && Math.min(kinds.same, kinds.differs) < count / 10)
    disagreements.push(`the pairs are too much of one kind: ${JSON.stringify(kinds)}`);
  return { checked: count, says: `${kinds.same} the same, ${kinds.differs} not`, disagreements };
}

/** A filter and another: written otherwise, with one rule turned or left out, two exchanged, or with one prefix in two halves. */
function pairOf(random: Random): readonly [Policy, Policy] {
  const policy = randomFilter(random, random.pick(styles), 1 + random.below(rulesMax));
  const keys = Object.keys(policy.filter.rules);
  const at = random.below(keys.length);
  const kind = random.pick(['rewritten', 'turned', 'shorter', 'exchanged'] as const);
  switch (kind) {
    case 'rewritten':
      return [policy, { ...policy, filter: rewritten(policy.filter) }];
    case 'turned':
      return [policy, { ...policy, filter: turned(policy.filter, at) }];
    case 'shorter': {
      const rules = Object.fromEntries(Object.entries(policy.filter.rules).filter(([key]) => key !== keys[at]));
      return [policy, { ...policy, filter: { rules } }];
    }
    case 'exchanged': {
      const [here = '', there = ''] = [keys[at], keys[Math.max(0, at - 1)]];
      const { [here]: first, [there]: second } = policy.filter.rules;
      if (first === undefined || second === undefined) return [policy, policy];
      return [policy, { ...policy, filter: { rules: { ...policy.filter.rules, [here]: second, [there]: first } } }];
    }
  }
}

/** What Z3 says of two filters, over both families. Throws when it finds a packet that the oracle does not see treated otherwise. */
export async function z3Verdict(solver: Solver, left: Policy, right: Policy): Promise<'same' | 'differs' | 'unknown'> {
  for (const family of [4, 6] as const) {
    solver.tell(
      ['(push 1)', packetSmt(family), filterSmt('left', left, family), filterSmt('right', right, family)].join('\n'),
    );
    solver.tell('(assert (xor left right))');
    const answer = await solver.ask('(check-sat)');
    if (answer === 'sat') judgePacket(await packetOf(solver, family), left, right);
    solver.tell('(pop 1)');
    if (answer === 'sat') return 'differs';
    if (answer !== 'unsat') return 'unknown';
  }
  return 'same';
}

function judgePacket(packet: Header, left: Policy, right: Policy): void {
  const [one, other] = [left, right].map(({ filter, sets }) => filterVerdict(filter, sets, packet).verdict);
  if (one === other) throw new Error(`z3's packet is treated alike by the oracle: ${JSON.stringify(packet)}`);
}

async function packetOf(solver: Solver, family: Family): Promise<Header> {
  const numbers: bigint[] = [];
  for (const field of ['s', 't', 'p', 'sp', 'tp']) {
    const line = await solver.ask(`(eval ${field} :completion true)`);
    numbers.push(BigInt(line.replace('#', '0')));
  }
  const [source = 0n, target = 0n, protocol = 0n, sourcePort = 0n, targetPort = 0n] = numbers;
  return {
    source: printAddress({ family, value: source }),
    target: printAddress({ family, value: target }),
    protocol: smtProtocols[Number(protocol)] ?? 'tcp',
    sourcePort: Number(sourcePort),
    targetPort: Number(targetPort),
  };
}
