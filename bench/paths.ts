/** Three paths between two guests on one host: the real data plane with a large group, the same without one, and plain routing without any rules. */

import { spawn, type ChildProcess } from 'node:child_process';
import { readlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '#base/wrong.ts';
import { openPlane, type LinuxPlane } from '#adapters/linux/adapter.ts';
import { ipBatch, run } from '#adapters/linux/ip.ts';
import { inNamespaceAt, namespacePath } from '#adapters/linux/netns.ts';
import { compileStamp, CompileMemo } from '#compile/stamp.ts';
import { budgetMax } from '#base/limits.ts';
import type { StampFacts } from '#model/resource.ts';
import type { Budget, Programs } from '#program/program.ts';
import { addNic, addNsg, addSubnet, addVnet, labStamp, newBuild, viewOf, type RuleRow } from '#test/generate/build.ts';

/** One path: where its two ends live, and their addresses. */
export type Path = {
  readonly name: string;
  readonly left: string;
  readonly right: string;
  readonly from: string;
  readonly to: string;
};

export type Paths = { readonly paths: readonly Path[]; readonly close: () => Promise<void> };

/** The port that the last rule of the group allows; all rules before it are looked at first. */
export const servedPort = 7777;

/** Builds the paths on a stamp number of their own, through the real adapter. */
export async function buildPaths(number: number, rules: number): Promise<Paths> {
  const guests: Guest[] = [];
  const plane = openPlane({ number, hosts: ['h1'] });
  const plain = `rw${number}-plain`;
  const close = async () => {
    for (const guest of guests) await endGuest(guest);
    await plane.down();
    await plane.close();
  };
  try {
    await plane.up();
    const { programs, marks } = stampOf(number, rules);
    await plane.apply({}, programs);
    const newGuest = async () => {
      const guest = await startGuest();
      guests.push(guest);
      return guest;
    };
    const paths: Path[] = [];
    for (const [index, name] of (['group', 'none'] as const).entries()) {
      const [from, to] = [`10.${index}.1.4`, `10.${index}.1.5`];
      const left = await attached(plane, await newGuest(), { mark: marks[index * 2] ?? 0, address: from });
      const right = await attached(plane, await newGuest(), { mark: marks[index * 2 + 1] ?? 0, address: to });
      paths.push({ name, left, right, from, to });
    }
    paths.push(await plainPath(plain, await newGuest(), await newGuest()));
    return { paths, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The same with budgets that the bench does not use up: they are looked at all the same. */
function wide(programs: Programs): Programs {
  const budget: Budget = {
    newPerSecond: budgetMax,
    mailPerMinute: budgetMax,
    targetsPerMinute: budgetMax,
    packetsPerSecond: budgetMax,
    forgedPerMinute: budgetMax,
  };
  const entries = Object.entries(programs).map(([point, program]) => {
    if (program.kind !== 'router') return [point, program] as const;
    const budgets = Object.fromEntries(Object.keys(program.budgets ?? {}).map((key) => [key, budget]));
    return [point, { ...program, budgets }] as const;
  });
  return Object.fromEntries(entries);
}

/** VNet 0 has the group on its subnet, VNet 1 none; all four NICs are on one host. */
function stampOf(number: number, rules: number) {
  const stamp: StampFacts = { ...labStamp, number, hosts: ['h1'], publicPools: [`198.18.${number}.0/24`] };
  const build = newBuild(stamp);
  const misses = Array.from(
    { length: rules - 1 },
    (_, index): RuleRow => [
      `r${index}`,
      100 + index,
      'In',
      'Allow',
      'Tcp',
      `203.0.113.${index % 256}`,
      '*',
      String(1000 + index),
    ],
  );
  addNsg(build, 'large', [
    ...misses,
    ['last', 100 + rules, 'In', 'Allow', 'Udp', '10.0.0.0/16', '*', String(servedPort)],
  ]);
  const marks: number[] = [];
  for (let vnet = 0; vnet < 2; vnet++) {
    addVnet(build, `v${vnet}`, [`10.${vnet}.0.0/16`]);
    addSubnet(build, `v${vnet}/s`, [[`10.${vnet}.0.0/16`], vnet === 0 ? { nsg: 'large' } : {}]);
    for (const last of [4, 5])
      marks.push(addNic(build, `v${vnet}n${last}`, { subnet: `v${vnet}/s`, addresses: [`10.${vnet}.1.${last}`] }));
  }
  return { programs: wide(compileStamp(viewOf(build), stamp, new CompileMemo())), marks };
}

type Guest = { readonly child: ChildProcess; readonly pid: number };

/** A process that holds a network namespace of its own; it ends with its input. */
async function startGuest(): Promise<Guest> {
  const child = spawn('unshare', ['--net', '--', 'cat'], { stdio: ['pipe', 'ignore', 'inherit'] });
  const { pid } = child;
  if (pid === undefined) throw new Fault('GuestFailed', 'Cannot start a process in a network namespace of its own.');
  for (let tries = 0; tries < 200 && isHome(pid); tries++) await sleep(5);
  if (isHome(pid)) throw new Fault('GuestFailed', 'The process did not get a network namespace of its own.');
  return { child, pid };
}

function isHome(pid: number): boolean {
  return readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync('/proc/self/ns/net');
}

async function endGuest({ child }: Guest): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

async function attached(
  plane: LinuxPlane,
  { pid }: Guest,
  { mark, address }: { mark: number; address: string },
): Promise<string> {
  await plane.attach(mark, pid, 'eth0');
  await settle(pid, address);
  return `/proc/${pid}/ns/net`;
}

async function settle(pid: number, address: string): Promise<void> {
  const lines = ['link set lo up', `addr add ${address}/32 dev eth0`, 'link set eth0 up', 'route add default dev eth0'];
  await run(['nsenter', `--net=/proc/${pid}/ns/net`, 'ip', '-batch', '-'], `${lines.join('\n')}\n`);
}

/** As a router of ours is wired, with neither rules nor connection tracking. */
async function plainPath(router: string, left: Guest, right: Guest): Promise<Path> {
  const [from, to] = ['10.9.1.4', '10.9.1.5'];
  await ipBatch(undefined, [`netns add ${router}`]);
  const ends = [
    { guest: left, name: 'n1', address: from },
    { guest: right, name: 'n2', address: to },
  ];
  for (const { guest, name, address } of ends) {
    await ipBatch(router, [
      `link add ${name} mtu 1500 type veth peer name eth0 netns ${guest.pid} mtu 1500`,
      `link set ${name} up`,
      `route add ${address}/32 dev ${name}`,
    ]);
    await settle(guest.pid, address);
  }
  inNamespaceAt(namespacePath(router), () => {
    for (const path of ['ip_forward', 'conf/all/proxy_arp', 'conf/n1/proxy_arp', 'conf/n2/proxy_arp'])
      writeFileSync(`/proc/sys/net/ipv4/${path}`, '1');
    for (const name of ['n1', 'n2']) writeFileSync(`/proc/sys/net/ipv4/neigh/${name}/proxy_delay`, '0');
  });
  return { name: 'plain', left: `/proc/${left.pid}/ns/net`, right: `/proc/${right.pid}/ns/net`, from, to };
}
