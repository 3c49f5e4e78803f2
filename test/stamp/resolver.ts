/** The resolver with real questions: guests of two equal VNets, its program changed under load, and its end with its owner. */

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { run } from '#adapters/linux/ip.ts';
import { namesOf } from '#adapters/linux/names.ts';
import type { Programs, ResolverProgram } from '#program/program.ts';
import { addNic, addNsg, addRoutes, addSubnet, addVnet, type Build } from '#test/generate/build.ts';
import type { Harness } from '#test/stamp/harness.ts';
import type { LifeTest } from '#test/stamp/life.ts';
import { programsFrom } from '#test/stamp/scenario.ts';

/** Debian's; it runs from a copy, as in a stamp (decision 0006). */
const engine = '/usr/sbin/unbound';
const domain = 'internal.cloudapp.local.ringwall.internal';

/** Two tenants with the same addresses and the same names, one of them with no way anywhere. */
function twins(build: Build): void {
  addNsg(build, 'shut', [['out', 100, 'Out', 'Deny', '*', '*', '*']]);
  addRoutes(build, 'nowhere', [['all', '0.0.0.0/0', 'None']]);
  for (const name of ['a', 'b']) {
    addVnet(build, name, ['10.0.0.0/16', 'fd00::/48']);
    const options = name === 'a' ? { nsg: 'shut', routeTable: 'nowhere' } : {};
    addSubnet(build, `${name}/s`, [['10.0.0.0/24', 'fd00::/64'], options]);
  }
  addNic(build, 'app1', { subnet: 'a/s', addresses: ['10.0.0.4', 'fd00::4'] });
  addNic(build, 'web', { subnet: 'a/s', addresses: ['10.0.0.5'], host: 'h2' });
  addNic(build, 'app1-of-b', { subnet: 'b/s', addresses: ['10.0.0.4'], host: 'h2' });
}

/** The resolver's program with other names: `app1` is another address in each VNet. */
function named(programs: Programs, names: ResolverProgram['networks']): Programs {
  const resolver = programs['resolver'];
  return resolver?.kind === 'resolver' ? { ...programs, resolver: { ...resolver, networks: names } } : programs;
}

const names = {
  v1: { names: { app1: ['10.0.0.4', 'fd00::4'], web: ['10.0.0.5'] } },
  v2: { names: { app1: ['10.0.0.9'] } },
};

// Who asks (a NIC's mark, or the infrastructure's own namespace), the question, and the answer.
const rows: readonly (readonly [from: number | 'infra', question: string, answer: string])[] = [
  [1, 'udp app1 A', '10.0.0.4'],
  [1, `udp app1.${domain} A`, '10.0.0.4'],
  [1, `udp APP1.${domain.toUpperCase()} A`, '10.0.0.4'],
  [1, 'udp app1 AAAA', 'fd000000000000000000000000000004'],
  [1, 'udp web A', '10.0.0.5'],
  [1, 'udp web AAAA', 'nothing'],
  [1, 'tcp web A', '10.0.0.5'],
  [1, 'udp 5.0.0.10.in-addr.arpa PTR', `web.${domain}`],
  [1, 'tcp 4.0.0.10.in-addr.arpa PTR', `app1.${domain}`],
  [1, 'udp 9.0.0.10.in-addr.arpa PTR', 'NXDOMAIN'],
  [1, 'udp management.local.ringwall.internal A', '198.18.{N}.4'],
  [1, 'udp adminmanagement.local.ringwall.internal A', 'NXDOMAIN'],
  [1, 'udp db A', 'NXDOMAIN'],
  [1, 'udp example.com A', 'NXDOMAIN'],
  [2, 'udp app1 A', '10.0.0.4'],
  [2, 'udp management.local.ringwall.internal A', '198.18.{N}.4'],
  [3, 'udp app1 A', '10.0.0.9'],
  [3, `tcp app1.${domain} A`, '10.0.0.9'],
  [3, 'udp app1 AAAA', 'nothing'],
  [3, 'udp web A', 'NXDOMAIN'],
  [3, `udp web.${domain} A`, 'NXDOMAIN'],
  [3, 'udp 5.0.0.10.in-addr.arpa PTR', 'NXDOMAIN'],
  [3, 'udp 9.0.0.10.in-addr.arpa PTR', `app1.${domain}`],
  ['infra', 'udp app1 A', 'REFUSED'],
  ['infra', 'tcp management.local.ringwall.internal A', 'REFUSED'],
];

export const resolverTests: readonly LifeTest[] = [
  {
    name: 'guests learn the names of their own VNet and the public ones, and nobody learns any other',
    run: (harness) =>
      withStage(harness, async ({ ask, give, programs }) => {
        const applied = await give(programs['resolver'] as ResolverProgram);
        if (!applied.startsWith('applied')) return applied;
        for (const from of [1, 2, 3, 'infra'] as const) {
          const mine = rows.filter((row) => row[0] === from);
          const answers = await ask(
            from,
            mine.map(([, question]) => question),
          );
          for (const [index, [, question, answer]] of mine.entries()) {
            const wanted = answer.replace('{N}', String(harness.stamp));
            if (answers[index] !== wanted) return `${from}: ${question}: ${answers[index]}, wanted ${wanted}`;
          }
        }
        const drift = (await Promise.all(Object.keys(programs).map((point) => harness.plane.readBack(point)))).flat();
        return drift.length === 0 ? undefined : drift.map(({ point, says }) => `${point}: ${says}`).join('\n');
      }),
  },
  {
    name: 'other names take effect at once, and no question is lost over the change',
    run: (harness) =>
      withStage(harness, async ({ ask, give, programs }) => {
        const first = programs['resolver'] as ResolverProgram;
        await give(first);
        // As fast as one guest may ask for long.
        const asking = ask(1, Array.from({ length: 400 }, () => ['udp web A', 'pause']).flat());
        for (let round = 0; round < 5; round++) {
          const many = Object.fromEntries(
            Array.from({ length: 2000 }, (_, index) => [`m${round}-${index}`, ['10.0.9.9']]),
          );
          const says = await give({ ...first, networks: { ...names, v1: { names: { ...names.v1.names, ...many } } } });
          if (!says.startsWith('applied')) return says;
          if (round === 4) console.log(`2,000 names: ${says} ms`);
        }
        const lost = (await asking).filter((answer) => answer !== '10.0.0.5');
        if (lost.length > 0) return `${lost.length} of 400: ${lost[0] ?? ''}`;
        const [fresh] = await ask(1, ['udp m4-7 A']);
        if (fresh !== '10.0.9.9') return `a new name: ${fresh ?? ''}`;
        await give(first);
        const [gone] = await ask(1, ['udp m4-7 A']);
        return gone === 'NXDOMAIN' ? undefined : `a name that is gone: ${gone ?? ''}`;
      }),
  },
  {
    name: 'a resolver that dies is started again, and one whose owner dies goes with it',
    run: (harness) =>
      withStage(harness, async ({ ask, give, programs, child, engines }) => {
        await give(programs['resolver'] as ResolverProgram);
        const [before] = engines();
        if (before === undefined) return 'it does not run';
        process.kill(before, 'SIGKILL');
        for (let tries = 0; tries < 100 && (engines()[0] ?? before) === before; tries++) await sleep(20);
        if ((await ask(1, ['udp web A']))[0] !== '10.0.0.5') return 'it was not started again';
        child.kill('SIGKILL');
        await once(child, 'exit');
        for (let tries = 0; tries < 50 && engines().length > 0; tries++) await sleep(20);
        return engines().length === 0 ? undefined : 'it outlived its owner';
      }),
  },
];

type Stage = {
  readonly programs: Programs;
  readonly child: ChildProcess;
  /** Gives the resolver a program; answers what it says. */
  readonly give: (program: ResolverProgram) => Promise<string>;
  readonly ask: (from: number | 'infra', questions: readonly string[]) => Promise<readonly string[]>;
  /** The engine's processes. */
  readonly engines: () => readonly number[];
};

async function withStage(
  harness: Harness,
  work: (stage: Stage) => Promise<string | undefined>,
): Promise<string | undefined> {
  const programs = named(programsFrom(harness.stamp, twins), names);
  await harness.apply(programs, { isKeepingGuests: true });
  const folder = mkdtempSync(join(tmpdir(), 'ringwall-resolver-'));
  const guests = new Map<number, ChildProcess>();
  copyFileSync(engine, engineIn(folder));
  const infra = `/run/netns/${namesOf(harness.stamp).infra}`;
  const child = startResolver(infra, folder);
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  try {
    for (const [mark, address] of [
      [1, '10.0.0.4'],
      [2, '10.0.0.5'],
      [3, '10.0.0.4'],
    ] as const) {
      const guest = spawn('unshare', ['--net', 'sleep', '600'], { stdio: 'ignore' });
      guests.set(mark, guest);
      await attach(harness, { mark, address, pid: await ownNetwork(guest) });
    }
    return await work({
      programs,
      child,
      give: async (program) => {
        child.stdin?.write(`${JSON.stringify(program)}\n`);
        return String((await lines.next()).value);
      },
      ask: (from, questions) =>
        from === 'infra'
          ? askIn(infra, `10.255.${harness.stamp}.53`, questions)
          : askIn(`/proc/${guests.get(from)?.pid ?? 0}/ns/net`, '168.63.129.16', questions),
      engines: () => enginesOf(folder),
    });
  } finally {
    child.stdin?.end();
    const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    await ended;
    for (const guest of guests.values()) {
      // A link goes with its namespace some time later; here it must be gone before the next stage begins.
      await run(['nsenter', `--net=/proc/${guest.pid ?? 0}/ns/net`, 'ip', 'link', 'del', 'eth0'], '');
      guest.kill('SIGKILL');
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

function engineIn(folder: string): string {
  return join(folder, 'unbound');
}

/** In the infrastructure's namespace and without a capability, as the stamp runs it. */
function startResolver(infra: string, folder: string): ChildProcess {
  const script = join(import.meta.dirname, 'resolver-child.ts');
  const argv = [`--net=${infra}`, '--', 'setpriv', '--inh-caps=-all', '--bounding-set=-all', '--no-new-privs', '--'];
  return spawn('nsenter', [...argv, process.execPath, script, engineIn(folder), folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

/** The pid of a child once it has left our network namespace. */
async function ownNetwork({ pid = 0 }: ChildProcess): Promise<number> {
  const own = readlinkSync('/proc/self/ns/net');
  for (let tries = 0; tries < 200; tries++) {
    if (readlinkSync(`/proc/${pid}/ns/net`) !== own) return pid;
    await sleep(5);
  }
  throw new Error('The guest did not leave.');
}

type Attached = { readonly mark: number; readonly address: string; readonly pid: number };

async function attach(harness: Harness, { mark, address, pid }: Attached): Promise<void> {
  await harness.plane.attach(mark, pid, 'eth0');
  const inside = (words: readonly string[]) => run(['nsenter', `--net=/proc/${pid}/ns/net`, 'ip', ...words], '');
  await inside(['addr', 'add', `${address}/32`, 'dev', 'eth0']);
  await inside(['route', 'add', '10.0.0.1', 'dev', 'eth0', 'scope', 'link']);
  await inside(['route', 'add', 'default', 'via', '10.0.0.1']);
}

async function askIn(namespace: string, server: string, questions: readonly string[]): Promise<readonly string[]> {
  const script = join(import.meta.dirname, 'ask.ts');
  const argv = [`--net=${namespace}`, '--', process.execPath, script, server, '53', ...questions];
  const { stdout } = await promisify(execFile)('nsenter', argv);
  return JSON.parse(stdout) as string[];
}

/** Processes of unbound that read their configuration in the folder. */
function enginesOf(folder: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const [command, ...argv] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return command === engineIn(folder) && argv.some((argument) => argument.startsWith(folder));
      } catch {
        return false;
      }
    });
}
