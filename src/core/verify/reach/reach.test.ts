/** Sets against the oracle: on random stamps, what the sets say of packets is what `evaluate` does with them, in both directions. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import type { Programs } from '#program/program.ts';
import { addressDigits } from '#verify/halves.ts';
import { PacketSets } from '#verify/packet-sets.ts';
import { fromInternet, fromOperator } from '#verify/reach/inward.ts';
import { toInternet } from '#verify/reach/outward.ts';
import { endsOf, Reach, reachParts } from '#verify/reach/reach.ts';
import {
  addBalancer,
  addNic,
  addNsg,
  addRoutes,
  addSubnet,
  addVnet,
  type Build,
  labStamp,
  newBuild,
  type RouteRow,
  viewOf,
} from '#test/generate/build.ts';
import { randomEdits } from '#test/generate/edit.ts';
import { packetPool, randomPacket } from '#test/generate/packet.ts';
import { randomFrom } from '#test/generate/random.ts';
import { randomStamp } from '#test/generate/stamp.ts';
import { packetsPart } from '#test/oracle/packets.ts';
import { holds, judgePacket } from '#test/oracle/sets.ts';

const count = 21_000;
const firstSeed = 1000;

test('sets and oracle agree on random packets over random stamps', () => {
  const { checked, disagreements } = packetsPart({ seed: firstSeed, count, onProgress: () => undefined });
  assert.deepEqual([checked, disagreements.slice(0, 3)], [count, []]);
});

/** A sender that may ask a frontend alone, with two targets behind it. */
function balancedBuild(routes: readonly RouteRow[]): Build {
  const build = newBuild();
  addNsg(build, 'asks', [
    ['front', 100, 'Out', 'Allow', 'Tcp', '*', '10.0.5.200', '80'],
    ['none', 200, 'Out', 'Deny', '*', '*', '*'],
  ]);
  addVnet(build, 'a', ['10.0.0.0/16']);
  addRoutes(build, 't', routes);
  addSubnet(build, 'a/web', [['10.0.0.0/24'], { nsg: 'asks', routeTable: 't' }]);
  for (const [name, third] of [
    ['back', 1],
    ['front', 5],
    ['hub', 9],
  ] as const)
    addSubnet(build, `a/${name}`, [[`10.0.${third}.0/24`]]);
  addBalancer(build, 'lb', {
    subnet: 'a/front',
    address: '10.0.5.200',
    rules: [{ frontendPort: 80, backendPort: 8080 }],
  });
  addNic(build, 'x', { subnet: 'a/web', addresses: ['10.0.0.4'] });
  addNic(build, 'y', { subnet: 'a/back', addresses: [{ address: '10.0.1.4', pools: ['lb/pool'] }] });
  addNic(build, 'z', { subnet: 'a/back', addresses: [{ address: '10.0.1.5', pools: ['lb/pool'] }] });
  addNic(build, 'nva', { subnet: 'a/hub', addresses: ['10.0.9.4'], forwarding: true });
  return build;
}

test('what is asked of an inner balance reaches those that it chooses, at their port, and nobody else', () => {
  const plain = compileStamp(viewOf(balancedBuild([])), labStamp, new CompileMemo());
  const router = plain['router/v1/h1'];
  assert.ok(router?.kind === 'router');
  const [[key, one] = assert.fail()] = Object.entries(router.balances);
  const first = { ...one, targetPort: 22, targets: Object.fromEntries(Object.entries(one.targets).slice(0, 1)) };
  const behind: RouteRow = ['y', '10.0.1.4/32', 'VirtualAppliance', '10.0.9.4'];
  // The programs, and whom a packet to the frontend gets to.
  const rows: [Programs, string[]][] = [
    [plain, ['2 10.0.1.4:8080', '3 10.0.1.5:8080']],
    [compileStamp(viewOf(balancedBuild([behind])), labStamp, new CompileMemo()), ['4 10.0.1.4:8080']],
    [{ ...plain, 'router/v1/h1': { ...router, balances: { '!first': first, [key]: one } } }, ['2 10.0.1.4:22']],
  ];
  for (const [programs, wanted] of rows) {
    const reach = new Reach(programs, reachParts(new PacketSets()));
    const packet = { origin: { kind: 'nic', mark: 1 }, source: '10.0.0.4', sourcePort: 50_000 } as const;
    for (const target of ['10.0.5.200', '10.0.1.4', '10.0.1.5']) {
      for (const targetPort of [22, 80, 8080]) {
        const fate = judgePacket(reach, { ...packet, protocol: 'tcp', target, targetPort }, `${target}:${targetPort}`);
        const to = fate.verdict === 'deliver' ? fate.to : [];
        const seen = to.map(
          ({ at, packet: { target: at_, targetPort: port } }) =>
            `${at.kind === 'nic' ? at.mark : at.kind} ${at_}:${port}`,
        );
        assert.deepEqual(seen, target === '10.0.5.200' && targetPort === 80 ? wanted : []);
      }
    }
  }
});

/** The numbers of all ways in and out of every address, in order of marks: equal sets of one store have equal numbers. */
function numbersOf(reach: Reach): readonly string[] {
  const places = [...reach.places.marks.values()].toSorted((left, right) => left.port.mark - right.port.mark);
  return places.flatMap((place) =>
    endsOf(place).map((end) => {
      const ways = [...fromInternet(reach, end), ...fromOperator(reach, end)].map(({ set }) => set);
      const exits = toInternet(reach, end).map(({ through, set }) => `${through ?? ''}:${set}`);
      return `${end.mark} ${end.address} ${ways.join()} ${exits.join()}`;
    }),
  );
}

test('step by step gives the same sets as afresh, also after going back', () => {
  for (let seed = firstSeed; seed < firstSeed + 12; seed++) {
    const random = randomFrom(seed);
    const view = viewOf(randomStamp(seed));
    const memo = new CompileMemo();
    const store = new PacketSets({ memoBits: 4 });
    const parts = reachParts(store);
    let reach = new Reach(compileStamp(view, labStamp, memo), parts);
    numbersOf(reach);
    for (let step = 0; step < 10; step++) {
      const edits = randomEdits(random, view);
      const before = edits.map(({ id }) => ({ id, after: view.get(id) }));
      view.commit(edits);
      const mark = store.mark();
      const next = new Reach(compileStamp(view, labStamp, memo), parts, reach);
      const numbers = numbersOf(next);
      assert.deepEqual(numbers, numbersOf(new Reach(next.programs, parts)), `seed ${seed}, step ${step}`);
      if (random.chance(0.5)) {
        store.rollback(mark);
        view.commit(before.map(({ id, after }) => ({ id, before: view.get(id), after })).toReversed());
        reach = new Reach(compileStamp(view, labStamp, memo), parts, reach);
        checkAfresh(reach, `seed ${seed}, step ${step}, back`);
      } else {
        store.commit();
        reach = next;
        checkAfresh(reach, `seed ${seed}, step ${step}`);
      }
    }
  }
});

/** A store of its own has other numbers; the packets must be the same ones. */
function checkAfresh(reach: Reach, says: string): void {
  const fresh = new Reach(reach.programs as Programs, reachParts(new PacketSets()));
  const random = randomFrom(7);
  const pool = packetPool(reach.programs);
  for (let index = 0; index < 20; index++) {
    const { origin: _, ...header } = randomPacket(random, pool);
    for (const place of reach.places.marks.values()) {
      for (const end of endsOf(place)) {
        if (addressDigits(end.address).family !== addressDigits(header.source).family) continue;
        const [left, right] = [reach, fresh].map((one) =>
          fromInternet(one, end).some(({ set }) => holds(one, set, { ...header, target: end.address }, 'target')),
        );
        assert.equal(left, right, says);
      }
    }
  }
}
