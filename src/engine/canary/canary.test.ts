/** Canaries without a kernel: what is drawn and foretold, how a sighting is judged, and when an alarm is raised and when not. */

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { listAlerts } from '#engine/alerts/alerts.ts';
import type { CanaryAnswer, CanaryOrder, CanarySighting } from '#engine/canary/canary.ts';
import { canaryDeckOf, drawCanary } from '#engine/canary/draw.ts';
import { foretell, type Foretold, judgeCanary } from '#engine/canary/judge.ts';
import { CanaryRounds } from '#engine/canary/rounds.ts';
import { throwsFrom } from '#engine/checker/dice.ts';
import { openAt, scratch } from '#engine/store/scratch.ts';
import { evaluate } from '#program/eval.ts';
import type { Programs } from '#program/program.ts';
import {
  addNic,
  addNsg,
  addPublicIp,
  addSubnet,
  addVnet,
  idOf,
  labStamp,
  newBuild,
  viewOf,
} from '#test/generate/build.ts';

/** Two networks: one with two NICs, of which one has a public address, one with one. */
function programsOf(webIs: 'Allow' | 'Deny' = 'Allow'): Programs {
  const build = newBuild();
  addNsg(build, 'g', [
    ['web', 100, 'In', webIs, 'Tcp', '*', '*', '80'],
    ['no-ssh', 110, 'In', 'Deny', 'Tcp', '*', '*', '22'],
  ]);
  addVnet(build, 'a', ['10.0.0.0/16']);
  addSubnet(build, 'a/s', [['10.0.0.0/24'], { nsg: 'g' }]);
  addVnet(build, 'b', ['10.1.0.0/16']);
  addSubnet(build, 'b/s', [['10.1.0.0/24'], { nsg: 'g' }]);
  addPublicIp(build, 'p', ['198.18.0.40']);
  addNic(build, 'one', { subnet: 'a/s', addresses: [{ address: '10.0.0.4', publicIp: 'p' }] });
  addNic(build, 'two', { subnet: 'a/s', addresses: ['10.0.0.5'] });
  addNic(build, 'three', { subnet: 'b/s', addresses: ['10.1.0.4'] });
  return compileStamp(viewOf(build), labStamp, new CompileMemo());
}

const programs = programsOf();
const running = new Set(['one', 'two', 'three'].map((name) => idOf(`networkInterfaces/${name}`).toLowerCase()));
const deck = canaryDeckOf(programs, (nic) => running.has(nic.toLowerCase()));

test('what is drawn are packets of every class, forbidden and promised, as the oracle says', () => {
  const dice = throwsFrom(7);
  const seen = new Map<string, Set<string>>();
  for (let count = 0; count < 3000; count++) {
    const drawn = drawCanary(deck, dice);
    const one = drawn === undefined ? undefined : foretell(programs, drawn);
    if (drawn === undefined || one === undefined) continue;
    equal(one.fate.verdict, evaluate(programs, drawn.packet).verdict);
    const verdicts = seen.get(drawn.about) ?? new Set<string>();
    seen.set(drawn.about, verdicts.add(one.fate.verdict));
  }
  const shown = [...seen].map(([about, verdicts]) => `${about}: ${[...verdicts].sort().join()}`).sort();
  deepEqual(shown, [
    'a NIC of another network: drop',
    'a label address: drop',
    'a management port from the internet: drop',
    'a neighbour in the network: deliver,drop',
    'a private source from the internet: drop',
    'a service from the internet: deliver,drop',
    'a source that is not the NIC’s own: drop',
    'an endpoint of the stamp from a guest: deliver,drop',
    'the internet from a guest: deliver',
  ]);
});

test('NICs without a machine neither send nor are looked at', () => {
  const none = canaryDeckOf(programs, () => false);
  const dice = throwsFrom(7);
  for (let count = 0; count < 200; count++) equal(drawCanary(none, dice), undefined);
});

const nic = (mark: number) => ({ kind: 'nic', mark }) as const;

/** A canary between the two NICs of the first network. */
function neighbour(targetPort: number, all = programs): Foretold {
  const ends = { source: '10.0.0.4', target: '10.0.0.5', sourcePort: 61_000, targetPort, protocol: 'tcp' } as const;
  const drawn = { about: 'a neighbour', origin: nic(1), watch: [nic(2)], packet: { origin: nic(1), ...ends } };
  const one = foretell(all, drawn);
  ok(one !== undefined);
  return one;
}

const sighting = (change: Partial<CanarySighting> = {}): CanarySighting => {
  return { at: nic(2), source: '10.0.0.4', target: '10.0.0.5', sourcePort: 61_000, targetPort: 80, ...change };
};
const sent = (...seen: CanarySighting[]): CanaryAnswer => ({ state: 'sent', seen });

test('[S2.3] a canary is judged by what the oracle says of exactly this packet', () => {
  const ssh = sighting({ targetPort: 22 });
  const rows: readonly (readonly [number, CanaryAnswer, string])[] = [
    [80, sent(sighting()), 'agrees'],
    [80, sent(sighting(), sighting()), 'agrees'],
    [80, sent(), 'lost'],
    [80, sent(sighting({ target: '10.0.0.6' })), 'altered'],
    [80, sent(sighting({ targetPort: 8080 })), 'altered'],
    // As promised, and something else with its mark: its sender is a guest, and knows it.
    [80, sent(sighting(), sighting({ targetPort: 8080 })), 'strayed'],
    [80, sent(sighting({ source: '198.18.0.40' })), 'altered'],
    [80, { state: 'untried', because: 'no carrier' }, 'untried'],
    [22, sent(), 'agrees'],
    [22, sent(ssh), 'leaked'],
    // As its public address, or under its label: still nobody else's.
    [22, sent({ ...ssh, source: '198.18.0.40' }), 'leaked'],
    [22, sent({ ...ssh, source: '10.0.0.9' }), 'strayed'],
  ];
  for (const [port, answer, wanted] of rows)
    equal(judgeCanary(neighbour(port), answer, programs), wanted, `${port} ${JSON.stringify(answer)}`);
});

test('what a just-in-time opening lets in is not foretold: only the kernel knows whether its time is over', () => {
  const [point, router] =
    Object.entries(programs).find(([, one]) => one.kind === 'router' && '10.0.0.0/16' === one.space[0]) ?? [];
  ok(router?.kind === 'router' && point !== undefined);
  const opening = { mark: 2, address: '10.0.0.5', protocol: 'tcp', port: 22, source: '10.0.0.4/32', until: 9 } as const;
  const opened = { ...programs };
  for (const [name, one] of Object.entries(programs))
    if (one.kind === 'router' && one.key === router.key)
      opened[name] = { ...one, openings: { o: { ...opening, because: 'jit' } } };
  const { drawn } = neighbour(22);
  equal(foretell(opened, drawn), undefined);
  equal(foretell(opened, { ...drawn, packet: { ...drawn.packet, targetPort: 23 } })?.fate.verdict, 'deliver');
});

/** Rounds with a keeper that is told what to answer, and programs that are changed by hand. */
function rounds(answerOf: (order: CanaryOrder, by: Programs) => CanaryAnswer) {
  const { folder, remove } = scratch();
  const store = openAt(join(folder, 'stamp.db'));
  const state = {
    programs,
    revision: 1,
    confirmed: 1 as number | undefined,
    at: 1_000_000,
    orders: [] as CanaryOrder[],
  };
  const during = { run: (): void => undefined };
  const troubles: string[] = [];
  const made = new CanaryRounds({
    keeper: {
      canaries: (orders) => {
        state.orders.push(...orders);
        const answers = orders.map((order) => answerOf(order, state.programs));
        during.run();
        return Promise.resolve(answers);
      },
    },
    revision: () => state.revision,
    confirmed: () => state.confirmed,
    programs: () => Promise.resolve(state.programs),
    running: () => running,
    store,
    clock: { now: () => (state.at += 5000), sleep: () => Promise.resolve() },
    onTrouble: (what) => void troubles.push(what),
  });
  const end = (): void => {
    store.close();
    remove();
  };
  const alerts = () => listAlerts(store).map(({ code, severity }) => `${code} ${severity}`);
  return { made, state, during, store, alerts, troubles, end };
}

/** What a kernel does that is as the programs say. */
function faithful(order: CanaryOrder, by: Programs): CanaryAnswer {
  const { origin, source, target, sourcePort, targetPort } = order;
  const fate = evaluate(by, { origin, source, target, sourcePort, targetPort, protocol: 'tcp' });
  if (fate.verdict === 'drop') return sent();
  const seen = fate.to.map(({ at, packet }): CanarySighting => {
    const place = at.kind === 'nic' ? nic(at.mark) : ({ kind: at.kind === 'infra' ? 'infra' : 'internet' } as const);
    return { at: place, ...packet };
  });
  return sent(...seen);
}

test('a kernel that does as the programs say is left in peace, and the canaries are few and counted', async () => {
  const { made, state, alerts, troubles, end } = rounds(faithful);
  for (let round = 0; round < 50; round++) {
    const verdicts = await made.round();
    ok(verdicts.length <= 6 && verdicts.every((one) => one === 'agrees'), verdicts.join());
  }
  const { forbidden, promised, ...rest } = made.counts;
  ok(forbidden > 100 && promised > 50, `${forbidden} ${promised}`);
  deepEqual(rest, { untried: 0, passedOver: 0, lost: 0, strayed: 0, disagreements: 0 });
  ok(state.orders.every(({ sourcePort }) => sourcePort >= 61_000));
  deepEqual([alerts(), troubles], [[], []]);
  end();
});

test('[S2.3] a forbidden canary that arrives alarms at once, with packet and path', async () => {
  const hole = (order: CanaryOrder, by: Programs): CanaryAnswer => {
    const answer = faithful(order, by);
    const [at] = order.watch;
    return answer.state === 'sent' && answer.seen.length === 0 && at !== undefined ? sent({ ...order, at }) : answer;
  };
  const { made, alerts, store, end } = rounds(hole);
  const verdicts = await made.round();
  ok(verdicts.includes('leaked'), verdicts.join());
  ok(alerts().includes('CanaryDisagrees Critical'));
  match(listAlerts(store)[0]?.resource ?? '', /^canary\/forbidden\/(nic \d|infra)$/);
  match(listAlerts(store)[0]?.says ?? '', /tcp .* from .* is dropped \(.*\) .*seen at .*Path: /);
  end();
});

test('[S2.3] a promised canary that is lost is sent once more as another flow; lost twice it alarms, once it is only counted', async () => {
  const losing = { left: Number.POSITIVE_INFINITY };
  const lossy = (order: CanaryOrder, by: Programs): CanaryAnswer => {
    const answer = faithful(order, by);
    return answer.state === 'sent' && answer.seen.length > 0 && losing.left-- > 0 ? sent() : answer;
  };
  const bad = rounds(lossy);
  await bad.made.round();
  deepEqual(bad.alerts(), []);
  const first = bad.state.orders.length;
  await bad.made.round();
  ok(bad.alerts().length > 0);
  const again = bad.state.orders[first];
  const before = bad.state.orders
    .slice(0, first)
    .find((one) => one.target === again?.target && one.source === again.source);
  ok(before !== undefined && again !== undefined && before.sourcePort !== again.sourcePort);
  bad.end();
  losing.left = 1;
  const once = rounds(lossy);
  for (let round = 0; round < 20; round++) await once.made.round();
  deepEqual([once.made.counts.lost, once.made.counts.disagreements, once.alerts()], [1, 0, []]);
  once.end();
});

test('what flew while its programs changed, or were on their way to the kernel, is not judged', async () => {
  const broken = (order: CanaryOrder): CanaryAnswer => sent(...order.watch.map((at) => ({ ...order, at })));
  const { made, state, during, alerts, end } = rounds(broken);
  state.confirmed = undefined;
  deepEqual(await made.round(), []);
  equal(state.orders.length, 0);
  state.confirmed = 1;
  during.run = () => void Object.assign(state, { revision: 2, confirmed: undefined });
  deepEqual(await made.round(), []);
  Object.assign(state, { revision: 2, confirmed: 2 });
  during.run = () => void Object.assign(state, { revision: 3, confirmed: 3, programs: programsOf('Deny') });
  deepEqual(await made.round(), []);
  ok(state.orders.length > 0 && made.counts.passedOver === state.orders.length);
  deepEqual(alerts(), []);
  end();
});

test('a keeper that does not answer is told of once, and again after it did', async () => {
  const state = { isDown: true };
  const { made, troubles, end } = rounds((order, by) => {
    if (state.isDown) throw new Error('gone');
    return faithful(order, by);
  });
  for (let round = 0; round < 3; round++) await made.round();
  deepEqual(troubles, ['canaries']);
  state.isDown = false;
  await made.round();
  state.isDown = true;
  await made.round();
  equal(troubles.length, 2);
  end();
});
