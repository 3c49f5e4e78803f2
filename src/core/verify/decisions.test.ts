/** Decisions by fields: what diagrams say is what the rules say one after another, and diagrams are equal exactly when they do the same. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { Refusal } from '#base/wrong.ts';
import { type Act, Decisions, type Span } from '#verify/decisions.ts';
import { Budget } from '#verify/budget.ts';
import { type Random, randomFrom } from '#test/generate/random.ts';

const last = 7;
const fields = [0, 1, 2] as const;
type Step = { readonly spans: readonly (readonly Span[])[]; readonly act: Act };

function randomSteps(random: Random): readonly Step[] {
  return Array.from({ length: random.below(6) }, () => ({
    spans: fields.map(() => {
      const spans = Array.from({ length: 1 + random.below(2) }, (): Span => {
        const from = random.below(last + 1);
        return [BigInt(from), BigInt(from + random.below(last + 1 - from))];
      });
      return random.chance(0.4) ? [[0n, BigInt(last)]] : spans;
    }),
    act: {
      isEnd: random.chance(0.6),
      mark: random.chance(0.4) ? BigInt(random.below(2)) : undefined,
      says: random.chance(0.5) ? 'a' : 'b',
    },
  }));
}

function diagramOf(store: Decisions, steps: readonly Step[]): number {
  return store.inOrder(
    steps.map(({ spans, act }) => {
      const condition = spans.map((list, level) => store.isIn(level, list)).reduce((one, two) => store.and(one, two));
      return store.when(condition, store.act(act.isEnd ? act : { ...act, says: '' }));
    }),
  );
}

/** One step after another, as the words say. */
function slowly(steps: readonly Step[], packet: readonly bigint[]): Act {
  let mark: bigint | undefined;
  for (const { spans, act } of steps) {
    const isMet = spans.every((list, level) =>
      list.some(([from, to]) => (packet[level] ?? 0n) >= from && (packet[level] ?? 0n) <= to),
    );
    if (!isMet) continue;
    mark = act.mark ?? mark;
    if (act.isEnd) return { isEnd: true, mark, says: act.says };
  }
  return { isEnd: false, mark, says: '' };
}

const values = Array.from({ length: last + 1 }, (_, index) => BigInt(index));
const packets = values.flatMap((one) => values.flatMap((two) => values.map((three) => [one, two, three] as const)));
const shown = ({ isEnd, mark, says }: Act) => `${isEnd} ${mark ?? ''} ${says}`;

test('a diagram does with every packet what the steps do one after another', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const steps = randomSteps(randomFrom(seed));
    const store = new Decisions(fields.map(() => BigInt(last)));
    const diagram = diagramOf(store, steps);
    for (const packet of packets) {
      const act = store.at(diagram, new Map(packet.map((value, level) => [level, value])));
      assert.equal(shown(act), shown(slowly(steps, packet)), `seed ${seed}, ${packet.join()}`);
    }
  }
});

test('two diagrams are one number when they do the same, and else a packet tells them apart', () => {
  let [same, unlike] = [0, 0];
  for (let seed = 1; seed <= 150; seed++) {
    const random = randomFrom(seed);
    const store = new Decisions(fields.map(() => BigInt(last)));
    const steps = randomSteps(random);
    // Half of the time the same in other words: a step that is met only where an earlier one ends.
    const others = random.chance(0.5)
      ? steps.flatMap((step) => (step.act.isEnd ? [step, { ...step, act: { ...step.act, says: 'c' } }] : [step]))
      : randomSteps(random);
    const [left, right] = [diagramOf(store, steps), diagramOf(store, others)];
    const acts = (diagram: number) =>
      packets.map((packet) => {
        const { isEnd, mark, says } = store.at(diagram, new Map(packet.map((value, level) => [level, value])));
        return `${isEnd} ${mark ?? ''} ${says}`;
      });
    const areSame = acts(left).every((act, index) => act === acts(right)[index]);
    assert.equal(left === right, areSame, `seed ${seed}`);
    const apart = store.apart(left, right);
    assert.equal(apart === undefined, areSame);
    if (apart === undefined) same += 1;
    else {
      unlike += 1;
      assert.deepEqual(store.at(left, apart.values), apart.left);
      assert.deepEqual(store.at(right, apart.values), apart.right);
      assert.notEqual(apart.left, apart.right);
    }
    if (seed >= 40 && same > 5 && unlike > 5) break;
  }
  assert.ok(same > 5 && unlike > 5, `${same} same, ${unlike} unlike`);
});

test('a field that chance chooses is joined into one act', () => {
  const store = new Decisions([7n, 7n]);
  const first = store.when(store.isIn(1, [[0n, 0n]]), store.end('a'));
  const diagram = store.when(store.isIn(0, [[3n, 5n]]), store.inOrder([first, store.end('b')]));
  const join = (acts: readonly Act[]): Act => ({
    isEnd: true,
    mark: undefined,
    says: acts.map(({ says }) => says).join(''),
  });
  const joined = store.collapsed(diagram, { level: 1, count: 3 }, join);
  assert.equal(store.at(joined, new Map([[0, 4n]])).says, 'abb');
  assert.equal(store.at(joined, new Map([[0, 6n]])).says, '');
});

test('what would cost more than the budget is refused', () => {
  for (const limits of [
    { rows: 20, steps: 100_000 },
    { rows: 100_000, steps: 20 },
  ]) {
    const store = new Decisions([1000n, 1000n, 1000n], new Budget(limits));
    const build = () =>
      store.inOrder(
        Array.from({ length: 60 }, (_, index) =>
          store.when(
            store.and(store.isIn(0, [[BigInt(index), BigInt(index * 3)]]), store.isIn(1, [[BigInt(index * 2), 900n]])),
            store.end(`act ${index}`),
          ),
        ),
      );
    assert.throws(build, (error) => error instanceof Refusal && error.code === 'ProofBudgetExceeded');
  }
});
