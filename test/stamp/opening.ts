/** Just-in-time openings by packet: who gets in, what ends by itself with nobody at work, what a revocation cuts, and drift. */

import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '#adapters/linux/ip.ts';
import { namespaceOf, namesOf } from '#adapters/linux/names.ts';
import { deepFreeze } from '#base/json.ts';
import type { Opening, Programs } from '#program/program.ts';
import { addNic, addNsg, addPublicIp, addSubnet, addVnet, type Build } from '#test/generate/build.ts';
import type { Harness } from '#test/stamp/harness.ts';
import type { LifeTest } from '#test/stamp/life.ts';
import { follow, headerOf, programsFrom, type Row, runRow } from '#test/stamp/scenario.ts';

const point = 'router/v1/h1';

function closedStamp(stamp: number): (build: Build) => void {
  return (build) => {
    addNsg(build, 'closed', [['none', 100, 'In', 'Deny', '*', '*', '*']]);
    addPublicIp(build, 'own', [`198.18.${stamp}.60`]);
    addPublicIp(build, 'other', [`198.18.${stamp}.61`]);
    addPublicIp(build, 'six', [`2001:db8:${stamp.toString(16)}::60`]);
    addVnet(build, 'a', ['10.0.0.0/16', 'fd00::/48']);
    addSubnet(build, 'a/s', [['10.0.0.0/24', 'fd00::/64'], { nsg: 'closed' }]);
    addNic(build, 'one', {
      subnet: 'a/s',
      addresses: [
        { address: '10.0.0.4', publicIp: 'own' },
        { address: 'fd00::4', publicIp: 'six' },
      ],
    });
    addNic(build, 'two', { subnet: 'a/s', addresses: [{ address: '10.0.0.5', publicIp: 'other' }] });
  };
}

function openingOf(part: Partial<Opening>): Opening {
  return {
    mark: 1,
    address: '10.0.0.4',
    protocol: 'tcp',
    port: 22,
    source: '203.0.113.8/30',
    until: Date.now() + 600_000,
    because: 'jit/test',
    ...part,
  };
}

function opened(programs: Programs, ...openings: readonly Opening[]): Programs {
  const router = programs[point];
  if (router?.kind !== 'router') throw new Error(`There is no ${point}.`);
  const named = Object.fromEntries(openings.map((opening, index) => [`o${index}`, opening]));
  return deepFreeze({ ...programs, [point]: { ...router, openings: named } });
}

const ssh = 'tcp 203.0.113.9:50100 > 198.18.{N}.60:22';
const sshRow: Row = ['internet', ssh, '* nic 1 as tcp 203.0.113.9:50100 > 10.0.0.4:22'];

const rows: readonly Row[] = [
  sshRow,
  ['internet', 'tcp 203.0.113.12 > 198.18.{N}.60:22', 'nothing'],
  ['internet', 'tcp 203.0.113.9 > 198.18.{N}.60:23', 'nothing'],
  ['internet', 'udp 203.0.113.9 > 198.18.{N}.60:22', 'nothing'],
  ['internet', 'tcp 203.0.113.9 > 198.18.{N}.61:22', 'nothing'],
  [2, 'tcp 10.0.0.5 > 10.0.0.4:22', 'nothing'],
  ['internet', 'udp 2001:db8:ffff::9 > [2001:db8:{X}::60]:53', '* nic 1 as udp 2001:db8:ffff::9 > [fd00::4]:53'],
  ['internet', 'udp 2001:db8:fffe::9 > [2001:db8:{X}::60]:53', 'nothing'],
];

/** Does the established flow go on, from its start (`internet`) and back? */
async function goesOn(harness: Harness): Promise<{ readonly there: boolean; readonly back: boolean }> {
  const there = headerOf(ssh.replaceAll('{N}', String(harness.stamp)));
  const back = headerOf('tcp 10.0.0.4:22 > 203.0.113.9:50100');
  const options = { nvas: [], flags: 0x10 };
  return {
    there: (await follow(harness, { packet: { origin: { kind: 'internet' }, ...there }, ...options })) !== undefined,
    back: (await follow(harness, { packet: { origin: { kind: 'nic', mark: 1 }, ...back }, ...options })) !== undefined,
  };
}

async function flowProblem(harness: Harness, isWanted: boolean): Promise<string | undefined> {
  const { there, back } = await goesOn(harness);
  return there === isWanted && back === isWanted
    ? undefined
    : `the established flow passes there: ${there}, back: ${back}`;
}

async function driftOf(harness: Harness): Promise<string | undefined> {
  const found = await harness.plane.readBack(point);
  return found.length === 0 ? undefined : found.map(({ says }) => says).join('\n');
}

async function nft(harness: Harness, ...words: readonly string[]): Promise<void> {
  const namespace = namespaceOf(namesOf(harness.stamp), point);
  await run(['ip', 'netns', 'exec', namespace, 'nft', ...words], '');
}

export const openingTests: readonly LifeTest[] = [
  {
    name: 'an opening admits its source to its address and port, and nothing else',
    run: async (harness) => {
      const closed = programsFrom(harness.stamp, closedStamp(harness.stamp));
      await harness.apply(closed);
      if ((await runRow(harness, ['internet', ssh, 'nothing'])) !== undefined) return 'it was open before';
      const six = { address: 'fd00::4', protocol: 'udp', port: 53, source: '2001:db8:ffff::/64' } as const;
      // One source lies in another with the same service: both stand until the longer one ends.
      const inner = openingOf({ source: '203.0.113.9/32', until: Date.now() + 300_000 });
      await harness.apply(opened(closed, inner, openingOf({}), openingOf(six)));
      for (const row of rows) {
        const problem = await runRow(harness, row);
        if (problem !== undefined) return `${row[1]}: ${problem}`;
      }
      return await driftOf(harness);
    },
  },
  {
    name: 'an opening ends by itself in the kernel: the established flow is cut both ways, and this is no drift',
    run: async (harness) => {
      const closed = programsFrom(harness.stamp, closedStamp(harness.stamp));
      await harness.apply(closed);
      const until = Date.now() + 4000;
      await harness.apply(opened(closed, openingOf({ until }), openingOf({ port: 23 })), { isKeepingState: true });
      const started = (await runRow(harness, sshRow)) ?? (await flowProblem(harness, true));
      if (started !== undefined) return started;
      // Nothing of ours does anything until then.
      await sleep(until - Date.now() + 100);
      const ended = (await flowProblem(harness, false)) ?? (await driftOf(harness));
      if (ended !== undefined) return ended;
      const late = await runRow(harness, ['internet', 'tcp 203.0.113.9:50101 > 198.18.{N}.60:22', 'nothing']);
      if (late !== undefined) return `a new flow: ${late}`;
      // Written again after its end, with the other one changed: it stays closed.
      await harness.apply(opened(closed, openingOf({ until }), openingOf({ port: 24 })), { isKeepingState: true });
      return (await flowProblem(harness, false)) ?? (await driftOf(harness));
    },
  },
  {
    name: 'an opening that is taken back cuts its flow; one that is extended keeps it',
    run: async (harness) => {
      const closed = programsFrom(harness.stamp, closedStamp(harness.stamp));
      await harness.apply(closed);
      await harness.apply(opened(closed, openingOf({ until: Date.now() + 3000 })), { isKeepingState: true });
      const started = await runRow(harness, sshRow);
      if (started !== undefined) return started;
      await harness.apply(opened(closed, openingOf({})), { isKeepingState: true });
      await sleep(3200);
      const extended = await flowProblem(harness, true);
      if (extended !== undefined) return `extended: ${extended}`;
      await harness.apply(closed, { isKeepingState: true });
      return (await flowProblem(harness, false)) ?? (await driftOf(harness));
    },
  },
  {
    name: 'elements that somebody else put among the openings are drift, and healed',
    run: async (harness) => {
      const closed = programsFrom(harness.stamp, closedStamp(harness.stamp));
      await harness.apply(opened(closed, openingOf({})));
      for (const [address, timeout] of [
        ['10.0.0.5', []],
        ['10.0.0.5', ['timeout', '1h']],
      ] as const) {
        const element = ['{', address, '.', 'tcp', '.', '22', '.', '203.0.113.9', ...timeout, '}'];
        await nft(harness, 'add', 'element', 'inet', 'rw', 'open4', ...element);
        if ((await driftOf(harness)) === undefined) return `not seen: ${element.join(' ')}`;
        await harness.plane.repair(point);
        const left = await driftOf(harness);
        if (left !== undefined) return left;
      }
      return await runRow(harness, sshRow);
    },
  },
];
