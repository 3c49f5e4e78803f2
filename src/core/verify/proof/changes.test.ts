/** Step by step finds what from scratch finds, for the kinds that name NICs on both sides: who sends, who forwards, and who is meant may change. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import type { MemoryView } from '#model/memory.ts';
import type { Edit } from '#model/resource.ts';
import { nothing } from '#verify/diagrams.ts';
import type { Invariant, Parties } from '#verify/invariant/invariant.ts';
import { PacketSets } from '#verify/packet-sets.ts';
import { type Changed, changedBetween } from '#verify/proof/changed.ts';
import { kindOf } from '#verify/proof/kinds.ts';
import { Proof } from '#verify/proof/proof.ts';
import type { World } from '#verify/proof/standing.ts';
import { endsIn, type Judged } from '#verify/proof/world.ts';
import { Reach, reachParts } from '#verify/reach/reach.ts';
import {
  addBalancer,
  addNic,
  addNsg,
  addPeering,
  addPublicIp,
  addRoutes,
  addSubnet,
  addVnet,
  type Build,
  idOf,
  labStamp,
  newBuild,
  type RuleRow,
  viewOf,
} from '#test/generate/build.ts';
import { randomEdits } from '#test/generate/edit.ts';
import { testEstate } from '#test/generate/estate.ts';
import { randomFrom } from '#test/generate/random.ts';
import { randomStamp } from '#test/generate/stamp.ts';

const about = { title: 'it holds', effect: 'deny', owner: 'operator', exclude: [] } as const;
const internet: Parties = { kind: 'internet' };
const scope = (...paths: string[]): Parties => ({ kind: 'scope', ids: paths.map((path) => idOf(path).toLowerCase()) });
const all: RuleRow = ['all', 100, 'In', 'Allow', '*', '*', '*'];
const none: RuleRow = ['none', 100, 'In', 'Deny', '*', '*', '*'];

/** What is kept from one world to the next, so that what did not change is the same objects: that alone is not looked at again. */
class Memos {
  readonly programs = new CompileMemo();
  readonly estates = new CompileMemo();
}

function worldOf(view: MemoryView, invariants: readonly Invariant[], memos = new Memos()): World {
  const programs = compileStamp(view, labStamp, memos.programs);
  return { programs, estate: testEstate(view, labStamp, memos.estates), invariants };
}

function found(proof: Proof): readonly string[] {
  return proof
    .standing()
    .map(({ invariant, subject }) => `${invariant.id} ${JSON.stringify(subject)}`)
    .sort();
}

/** Goes to what was built, by the resources that differ: the others stay the same objects. */
function goTo(view: MemoryView, { resources }: Build, from: Build): void {
  const edits: Edit[] = [];
  for (const id of new Set([...from.resources.keys(), ...resources.keys()])) {
    const [old, now] = [view.get(id), resources.get(id)];
    if (isDeepStrictEqual({ ...old, etag: '' }, { ...now, etag: '' })) continue;
    edits.push({ id: (now ?? old)?.id ?? id, ...(old && { before: old }), ...(now && { after: now }) });
  }
  view.commit(edits);
}

/** Loads the first, goes to the second: what is refused, and that what stands then is what from scratch finds. */
function refusedBy(invariant: Invariant, before: Build, after: Build): readonly number[] {
  const [proof, memo, view] = [new Proof(), new Memos(), viewOf(before)];
  proof.load(worldOf(view, [invariant], memo));
  goTo(view, after, before);
  const next = worldOf(view, [invariant], memo);
  const marks = proof.propose(next).refused.flatMap(({ subject }) => (subject.kind === 'nic' ? [subject.mark] : []));
  proof.keep();
  const afresh = new Proof();
  afresh.load(next);
  assert.deepEqual(found(proof), found(afresh));
  return [...new Set(marks)].toSorted((left, right) => left - right);
}

/** Three networks in a row, `a` – `b` – `c`, with an appliance in each of the first two. */
function rowOf(nva: RuleRow, more: (build: Build) => void = () => undefined): Build {
  const build = newBuild();
  addNsg(build, 'g', [nva, ['out', 100, 'Out', 'Allow', '*', '*', '*']]);
  for (const [index, key] of ['a', 'b', 'c'].entries()) {
    addVnet(build, key, [`10.${index}.0.0/16`]);
    addRoutes(build, key, []);
    addSubnet(build, `${key}/s`, [[`10.${index}.0.0/24`], { routeTable: key }]);
  }
  for (const pair of [
    ['a', 'b'],
    ['b', 'a'],
    ['b', 'c'],
    ['c', 'b'],
  ] as const) {
    addPeering(build, pair, { allowForwardedTraffic: true });
  }
  addPublicIp(build, 'p', ['198.18.0.40', 'Standard']);
  addSubnet(build, 'a/n', [['10.0.9.0/24'], { nsg: 'g' }]);
  addNic(build, 'n1', { subnet: 'a/n', addresses: [{ address: '10.0.9.4', publicIp: 'p' }], forwarding: true });
  addNic(build, 'n2', { subnet: 'b/s', addresses: ['10.1.0.9'], forwarding: true });
  addNic(build, 'deep', { subnet: 'c/s', addresses: ['10.2.0.4'] });
  addNic(build, 'user', { subnet: 'a/s', addresses: ['10.0.0.4'] });
  more(build);
  return build;
}

const shells: Invariant = {
  ...about,
  id: 'shells',
  kind: 'never',
  from: [internet],
  to: [{ kind: 'nics' }],
  services: [{ protocol: 'tcp', ports: [[22, 22]] }],
  exceptFrom: [],
  exceptTo: [],
};

test('what an appliance passes to another reaches networks that the first knows nothing of', () => {
  const afar = { ...shells, to: [scope('virtualNetworks/c')] };
  assert.deepEqual(refusedBy(afar, rowOf(none), rowOf(all)), [3]);
  assert.deepEqual(refusedBy(afar, rowOf(all), rowOf(none)), []);
});

test('an appliance that takes what it did not take is an exit of those that send to it', () => {
  const routed = (build: Build): void => addRoutes(build, 'a', [['out', '0.0.0.0/0', 'VirtualAppliance', '10.0.9.4']]);
  const users = [scope('virtualNetworks/a/subnets/s')];
  const via: Invariant = { ...about, id: 'v', kind: 'via', from: users, to: [internet], through: [] };
  assert.deepEqual(refusedBy(via, rowOf(none, routed), rowOf(all, routed)), [4]);
  assert.deepEqual(refusedBy({ ...shells, from: users, to: [internet] }, rowOf(none, routed), rowOf(all, routed)), [4]);
});

test('a sender that is gone, or no more meant, is forgotten; one that takes its place is new', () => {
  const sender = (build: Build): void => {
    addNic(build, 'sender', { subnet: 'b/s', addresses: ['10.1.0.4'] });
  };
  const apart: Invariant = {
    ...shells,
    from: [scope('networkInterfaces/sender')],
    to: [scope('networkInterfaces/n2')],
  };
  assert.deepEqual(refusedBy(apart, rowOf(all), rowOf(all, sender)), [2]);
  assert.deepEqual(refusedBy(apart, rowOf(all, sender), rowOf(all)), []);
  const [full, bare] = [rowOf(all, sender), rowOf(all)];
  const [proof, memo, view] = [new Proof(), new Memos(), viewOf(full)];
  proof.load(worldOf(view, [apart], memo));
  goTo(view, bare, full);
  proof.propose(worldOf(view, [apart], memo));
  proof.keep();
  assert.deepEqual(found(proof), []);
  goTo(view, full, bare);
  assert.equal(proof.propose(worldOf(view, [apart], memo)).refused.length, 1);
});

test('a stranger that comes over public addresses is a stranger', () => {
  const pair = (source: string) => {
    const build = newBuild();
    addVnet(build, 'a', ['10.0.0.0/16']);
    addVnet(build, 'b', ['10.1.0.0/16']);
    addNsg(build, 'in', [
      ['far', 100, 'In', 'Allow', 'Tcp', source, '*', '443'],
      ['none', 200, 'In', 'Deny', '*', '*', '*'],
    ]);
    addNsg(build, 'out', [['none', 200, 'Out', 'Deny', '*', '*', '*']]);
    addSubnet(build, 'a/s', [['10.0.0.0/24'], { nsg: 'in' }]);
    addSubnet(build, 'b/s', [['10.1.0.0/24']]);
    addPublicIp(build, 'p', ['198.18.0.40', 'Standard']);
    addPublicIp(build, 'q', ['198.18.0.41', 'Standard']);
    addNic(build, 'x', { subnet: 'a/s', addresses: [{ address: '10.0.0.4', publicIp: 'p' }], nsg: 'in' });
    addNic(build, 'y', { subnet: 'b/s', addresses: [{ address: '10.1.0.4', publicIp: 'q' }] });
    return build;
  };
  const [near, far] = [pair('10.0.0.0/16'), pair('198.18.0.41')];
  const here = [scope('virtualNetworks/a')];
  const only: Invariant = { ...about, id: 'o', kind: 'only', to: here, from: here, services: [] };
  assert.deepEqual(refusedBy(only, near, far), [1]);
  const isolated: Invariant = { ...about, id: 'i', kind: 'isolated', inside: here, except: [] };
  assert.deepEqual(refusedBy(isolated, near, far), [1]);
  // What it sends to public addresses of others leaves as well.
  const outward: Invariant = { ...isolated, inside: [scope('virtualNetworks/b')] };
  assert.deepEqual(refusedBy(outward, near, far), [2]);
  const unchanged: Invariant = { ...about, id: 'u', kind: 'unchanged', declared: [] };
  assert.deepEqual(refusedBy(unchanged, near, far), [1]);
});

test('a peering that comes, and a member that joins a group, are judged at everybody whom they let in', () => {
  const two = (peered: boolean, member: boolean): Build => {
    const build = newBuild();
    addNsg(build, 'group', [
      ['members', 100, 'In', 'Allow', '*', 'asg:g', '*'],
      ['none', 200, 'In', 'Deny', '*', '*', '*'],
    ]);
    addVnet(build, 'a', ['10.0.0.0/16']);
    addVnet(build, 'b', ['10.1.0.0/16']);
    addSubnet(build, 'a/s', [['10.0.0.0/24']]);
    addSubnet(build, 'b/s', [['10.1.0.0/24']]);
    addNic(build, 'x', { subnet: 'a/s', addresses: ['10.0.0.4'] });
    addNic(build, 'y', { subnet: 'b/s', addresses: ['10.1.0.4'] });
    addNic(build, 'w', { subnet: 'a/s', addresses: [{ address: '10.0.0.5', groups: member ? ['g'] : [] }] });
    addNic(build, 'v', { subnet: 'a/s', addresses: ['10.0.0.6'], nsg: 'group' });
    if (!peered) return build;
    addPeering(build, ['a', 'b']);
    addPeering(build, ['b', 'a']);
    return build;
  };
  const between: Invariant = { ...shells, from: [scope('virtualNetworks/a')], to: [scope('virtualNetworks/b')] };
  assert.deepEqual(refusedBy(between, two(false, false), two(true, false)), [2]);
  const joined: Invariant = { ...shells, from: [scope('networkInterfaces/w')], to: [scope('networkInterfaces/v')] };
  assert.deepEqual(refusedBy(joined, two(false, false), two(false, true)), [4]);
  const unchanged: Invariant = { ...about, id: 'u', kind: 'unchanged', declared: [] };
  assert.deepEqual(refusedBy(unchanged, two(false, false), two(false, true)), [4]);
  assert.ok(refusedBy(unchanged, two(false, false), two(true, false)).includes(2));
});

test('a target of an inner balance that comes up is judged at it, though nothing of its own changed', () => {
  const balanced = (health: string): Build => {
    const build = newBuild();
    addNsg(build, 'asks', [
      ['front', 100, 'Out', 'Allow', 'Tcp', '*', '10.0.0.200', '22'],
      ['none', 200, 'Out', 'Deny', '*', '*', '*'],
    ]);
    addVnet(build, 'a', ['10.0.0.0/16']);
    addSubnet(build, 'a/s', [['10.0.0.0/24']]);
    addBalancer(build, 'lb', {
      subnet: 'a/s',
      address: '10.0.0.200',
      rules: [{ frontendPort: 22, backendPort: 22, probe: { id: 'loadBalancers/lb/probes/p' } }],
      health: { p: { '10.0.0.5': 'up', '10.0.0.6': health } },
    });
    addNic(build, 'x', { subnet: 'a/s', addresses: ['10.0.0.4'], nsg: 'asks' });
    addNic(build, 'y', { subnet: 'a/s', addresses: [{ address: '10.0.0.5', pools: ['lb/pool'] }] });
    addNic(build, 'z', { subnet: 'a/s', addresses: [{ address: '10.0.0.6', pools: ['lb/pool'] }] });
    return build;
  };
  const apart: Invariant = { ...shells, from: [scope('networkInterfaces/x')], to: [scope('networkInterfaces/z')] };
  assert.deepEqual(refusedBy(apart, balanced('down'), balanced('up')), [3]);
  assert.deepEqual(refusedBy(apart, balanced('up'), balanced('down')), []);
});

const firstSeed = 900;

test('random changes: kinds that name NICs on both sides find step by step what from scratch finds', () => {
  for (let seed = firstSeed; seed < firstSeed + 12; seed++) {
    const random = randomFrom(seed);
    const view = viewOf(randomStamp(seed));
    const ids = view.ofType('Microsoft.Network/networkInterfaces').map(({ id }) => id.toLowerCase());
    const some: Parties = { kind: 'scope', ids: ids.filter(() => random.chance(0.4)) };
    const rest: Parties = { kind: 'scope', ids: ids.filter(() => random.chance(0.4)) };
    const services = [{ protocol: 'tcp', ports: [[22, 443]] }] as const;
    const demands: readonly Invariant[] = [
      { ...shells, from: [some], to: [rest, internet] },
      { ...about, id: 'only', kind: 'only', from: [some, internet], to: [rest], services },
      { ...about, id: 'via', kind: 'via', from: [some], to: [rest, internet], through: [rest] },
      { ...about, id: 'isolated', kind: 'isolated', inside: [some], except: [internet] },
      { ...about, id: 'always', kind: 'always', from: [some], to: [rest], services },
    ];
    const memo = new Memos();
    const proof = new Proof();
    proof.load(worldOf(view, demands, memo));
    for (let step = 0; step < 6; step++) {
      view.commit(randomEdits(random, view));
      proof.propose(worldOf(view, demands, memo));
      proof.keep();
      const afresh = new Proof();
      afresh.load(worldOf(view, demands));
      assert.deepEqual(found(proof), found(afresh), `seed ${seed}, step ${step}`);
    }
  }
});

test('no end is passed over whose verdict changed: kinds that name NICs on both sides, and what must stay as it is', () => {
  let steps = 0;
  let changes = 0;
  for (let seed = 5000; seed < 5000 + 20; seed++) {
    const random = randomFrom(seed);
    const view = viewOf(randomStamp(seed));
    const ids = view.ofType('Microsoft.Network/networkInterfaces').map(({ id }) => id.toLowerCase());
    const some: Parties = { kind: 'scope', ids: ids.filter(() => random.chance(0.4)) };
    const demands: readonly Invariant[] = [
      { ...about, id: 'only', kind: 'only', from: [some, internet], to: [{ kind: 'nics' }], services: shells.services },
      { ...about, id: 'isolated', kind: 'isolated', inside: [some], except: [] },
      { ...about, id: 'unchanged', kind: 'unchanged', declared: [] },
      { ...shells, from: [some], to: [{ kind: 'nics' }, internet] },
      { ...about, id: 'via', kind: 'via', from: [some], to: [{ kind: 'nics' }, internet], through: [] },
    ];
    const [memos, parts] = [new Memos(), reachParts(new PacketSets())];
    const make = (old?: Reach): Judged => ({
      reach: new Reach(compileStamp(view, labStamp, memos.programs), parts, old),
      estate: testEstate(view, labStamp, memos.estates),
    });
    let before = make();
    for (let step = 0; step < 6; step++) {
      view.commit(randomEdits(random, view));
      const now = make(before.reach);
      const after = { ...now, before };
      const changed = changedBetween(before, after);
      steps += 1;
      for (const invariant of demands)
        changes += judgeAll(invariant, { before, after, changed, says: `seed ${seed}, step ${step}` });
      before = now;
    }
  }
  assert.ok(steps === 120 && changes > 30, `${changes} changes in ${steps} steps`);
});

type Between = { readonly before: Judged; readonly after: Judged; readonly changed: Changed; readonly says: string };

/** Looks at every end there is: those that are not told to be looked at must be judged as before. Answers how many are judged otherwise. */
function judgeAll<I extends Invariant>(invariant: I, { before, after, changed, says }: Between): number {
  const kind = kindOf(invariant);
  assert.ok(kind.form === 'sets');
  const told = new Set(kind.ends(invariant, after, changed).map(({ mark, address }) => `${mark} ${address}`));
  const ends =
    invariant.kind === 'unchanged'
      ? endsIn(after, after.reach.places.marks.keys())
      : kind.ends(invariant, after, undefined);
  let count = 0;
  for (const end of ends) {
    const isOld = before.reach.places.marks.get(end.mark)?.port.addresses[end.address] !== undefined;
    // What judges changes alone has nothing against a state without one.
    const was = invariant.kind === 'unchanged' || !isOld ? nothing : kind.bad(invariant, end, before);
    if (kind.bad(invariant, end, after) === was) continue;
    count += 1;
    assert.ok(
      told.has(`${end.mark} ${end.address}`),
      `${says}: ${invariant.id} passes over ${end.mark} ${end.address}`,
    );
  }
  return count;
}
