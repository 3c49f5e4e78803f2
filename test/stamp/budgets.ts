/** Budgets and quarantine by packet: what goes over is dropped, of its NIC alone, and the kernel lists what was rendered. */

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '#adapters/linux/ip.ts';
import { namespaceOf, namesOf } from '#adapters/linux/names.ts';
import type { Resource } from '#model/resource.ts';
import type { Header } from '#program/filter.ts';
import { addBudgeted } from '#test/generate/budgeted.ts';
import type { Harness } from '#test/stamp/harness.ts';
import type { LifeTest } from '#test/stamp/life.ts';
import { programsFrom } from '#test/stamp/scenario.ts';

const router = 'router/v1/h1';
const outside = '203.0.113.9';
const settleMs = 300;

async function applied(harness: Harness, numbers: Resource['properties'], isApart = false): Promise<void> {
  await harness.apply(programsFrom(harness.stamp, (build) => addBudgeted(build, numbers, isApart)));
  harness.look();
}

type Flow = Partial<Omit<Header, 'source'>>;

/** Sends first packets of these flows out of a NIC; answers how many arrived anywhere. */
async function arrived(harness: Harness, mark: 1 | 2, flows: readonly Flow[]): Promise<number> {
  const source = mark === 1 ? '10.0.0.4' : '10.0.0.5';
  for (const [index, flow] of flows.entries()) {
    const header: Header = {
      source,
      target: outside,
      protocol: 'udp',
      sourcePort: 20_000 + index,
      targetPort: 9,
      ...flow,
    };
    harness.put({ origin: { kind: 'nic', mark }, ...header });
  }
  await sleep(settleMs);
  return harness.look().length;
}

const many = (count: number, flow: (index: number) => Flow): readonly Flow[] =>
  Array.from({ length: count }, (_, index) => flow(index));

/** Says what is not as wanted; each figure is `[what, seen, wanted]`. */
function wrong(figures: readonly (readonly [string, number, number])[]): string | undefined {
  const bad = figures.filter(([, seen, wanted]) => seen !== wanted);
  return bad.length === 0
    ? undefined
    : bad.map(([what, seen, wanted]) => `${what}: ${seen}, wanted ${wanted}`).join('; ');
}

async function drift(harness: Harness): Promise<string | undefined> {
  for (const point of [router, 'edge']) {
    const [first] = await harness.plane.readBack(point);
    if (first !== undefined) return `${point}: ${first.says}`;
  }
  return undefined;
}

export const budgetTests: readonly LifeTest[] = [
  {
    name: 'the kernel lists budgets, shares and a quarantine as they were rendered',
    run: async (harness) => {
      await applied(harness, {}, true);
      return await drift(harness);
    },
  },
  {
    name: 'new flows, mail and targets beyond the budget are dropped, of that NIC alone',
    run: async (harness) => {
      await applied(harness, {
        maxNewConnectionsPerSecondPerNic: 1000,
        maxMailConnectionsPerMinutePerNic: 5,
        maxTargetsPerMinutePerNic: 40,
      });
      const mail = many(12, () => ({ protocol: 'tcp', targetPort: 25 }));
      const scan = many(60, (index) => ({ targetPort: 1000 + index }));
      return wrong([
        ['mail', await arrived(harness, 1, mail), 5],
        [
          'mail inside the network',
          await arrived(
            harness,
            1,
            mail.map((flow) => ({ ...flow, target: '10.0.0.5' })),
          ),
          12,
        ],
        ['targets, two known', await arrived(harness, 1, scan), 38],
        ['known ones again', await arrived(harness, 1, scan.slice(0, 30)), 30],
        ['targets of the other NIC', await arrived(harness, 2, scan.slice(0, 30)), 30],
      ]);
    },
  },
  {
    name: 'what nobody answers is one flow, however much of it there is, and no more packets than the budget',
    run: async (harness) => {
      await applied(harness, { maxNewConnectionsPerSecondPerNic: 3, maxPacketsPerSecondPerNic: 50 });
      const same = many(40, () => ({ sourcePort: 7000 }));
      const one = await arrived(harness, 1, same);
      await sleep(1200);
      const burst = await arrived(
        harness,
        1,
        many(200, () => ({ sourcePort: 7000 })),
      );
      // While it is sent, a little comes on top.
      return wrong([
        ['one flow', one, 40],
        ['a burst', burst >= 50 && burst < 100 ? 50 : burst, 50],
      ]);
    },
  },
  {
    name: 'a subscription holds no more states at the boundary than its share',
    run: async (harness) => {
      // Each state of the boundary is one of the router as well: what goes on inside the network is held apart.
      await applied(harness, { maxConnectionsPerSubscription: 60 });
      const states = () =>
        harness.inside('edge', () => Number(readFileSync('/proc/sys/net/netfilter/nf_conntrack_count', 'latin1')));
      const seen = await arrived(
        harness,
        1,
        many(150, (index) => ({ targetPort: 100 + index })),
      );
      return wrong([
        ['arrived', seen, 60],
        ['states', states(), 60],
        ['the other NIC of the same subscription', await arrived(harness, 2, [{}]), 0],
        ['inside the network', await arrived(harness, 2, [{ target: '10.0.0.4' }]), 0],
      ]);
    },
  },
  {
    name: 'a subscription carries no more packets over the boundary than its share',
    run: async (harness) => {
      await applied(harness, { maxPacketsPerSecondPerSubscription: 40, maxMegabitsPerSecondPerSubscription: 128 });
      const carried = await arrived(
        harness,
        1,
        many(150, () => ({ sourcePort: 7000 })),
      );
      const others = await arrived(harness, 1, [{ target: '10.0.0.5' }]);
      return (
        wrong([
          ['over the boundary', carried >= 40 && carried < 80 ? 40 : carried, 40],
          ['inside the network', others, 1],
        ]) ?? (await drift(harness))
      );
    },
  },
  {
    name: 'a quarantine cuts established flows, and a release lets them begin again',
    run: async (harness) => {
      await applied(harness, {});
      const flow: Flow = { sourcePort: 9000, targetPort: 9001 };
      const before = await arrived(harness, 2, [flow]);
      const inside = await arrived(harness, 1, [{ ...flow, target: '10.0.0.5' }]);
      const keep = { isKeepingState: true, isKeepingGuests: true };
      await harness.apply(
        programsFrom(harness.stamp, (build) => addBudgeted(build, {}, true)),
        keep,
      );
      const during = await arrived(harness, 2, [flow, { sourcePort: 9009 }, { ...flow, target: '10.0.0.4' }]);
      const towards = await arrived(harness, 1, [{ ...flow, target: '10.0.0.5' }]);
      await harness.apply(
        programsFrom(harness.stamp, (build) => addBudgeted(build, {}, false)),
        keep,
      );
      return wrong([
        ['before', before + inside, 2],
        ['out of quarantine', during, 0],
        ['into quarantine', towards, 0],
        ['after', await arrived(harness, 2, [flow]), 1],
      ]);
    },
  },
  {
    name: 'a target that somebody else let a NIC know for long is told and healed',
    run: async (harness) => {
      await applied(harness, {});
      await arrived(harness, 1, [{ targetPort: 4000 }]);
      const quiet = await drift(harness);
      if (quiet !== undefined) return `at rest: ${quiet}`;
      const namespace = namespaceOf(namesOf(harness.stamp), router);
      const element = `{ "n1" . 203.0.113.77 . tcp . 80 timeout 1d }`;
      await run(['ip', 'netns', 'exec', namespace, 'nft', 'add', 'element', 'inet', 'rw', 'seen4', element], '');
      const told = await drift(harness);
      if (told === undefined) return 'nothing was told';
      await harness.plane.repair(router);
      return await drift(harness);
    },
  },
];
