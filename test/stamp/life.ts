/** The life of the plane by packet: rules that go, targets that drain, restarts, drift, guests that come, die and come again. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPlane } from '#adapters/linux/adapter.ts';
import { run } from '#adapters/linux/ip.ts';
import { namespaceOf, namesOf } from '#adapters/linux/names.ts';
import type { Packet } from '#program/packet.ts';
import type { Programs } from '#program/program.ts';
import {
  addBalancer,
  addNic,
  addNsg,
  addPublicIp,
  addSubnet,
  addVnet,
  type Build,
  type RuleRow,
} from '#test/generate/build.ts';
import type { Harness } from '#test/stamp/harness.ts';
import { nvaStamp } from '#test/stamp/rows-route.ts';
import { follow, headerOf, programsFrom, runRow } from '#test/stamp/scenario.ts';

export type LifeTest = { readonly name: string; readonly run: (harness: Harness) => Promise<string | undefined> };

const web: RuleRow = ['web', 100, 'In', 'Allow', 'Tcp', '*', '*', '80'];
const rest: RuleRow = ['rest', 4000, 'In', 'Deny', '*', '*', '*'];

function pair(rules: readonly RuleRow[]): (build: Build) => void {
  return (build) => {
    addNsg(build, 'n', rules);
    addVnet(build, 'a', ['10.0.0.0/16']);
    addSubnet(build, 'a/s', [['10.0.0.0/24']]);
    addNic(build, 'one', { subnet: 'a/s', addresses: ['10.0.0.4'] });
    addNic(build, 'two', { subnet: 'a/s', addresses: ['10.0.0.5'], nsg: 'n', host: 'h2' });
    addNic(build, 'three', { subnet: 'a/s', addresses: ['10.0.0.6'], nsg: 'n' });
  };
}

const flow = 'tcp 10.0.0.4:51000 > 10.0.0.5:80';

function midFlow(harness: Harness, text: string): Promise<unknown> {
  const packet: Packet = { origin: { kind: 'nic', mark: 1 }, ...headerOf(text) };
  return follow(harness, { packet, nvas: [], flags: 0x10 });
}

export const lifeTests: readonly LifeTest[] = [
  {
    name: '[S1.5] an established flow survives the removal of its rule, a new one is refused, and a cut ends it',
    run: async (harness) => {
      await harness.apply(programsFrom(harness.stamp, pair([web, rest])));
      const started = await runRow(harness, [1, flow, '* nic 2']);
      if (started !== undefined) return started;
      await harness.apply(programsFrom(harness.stamp, pair([rest])), { isKeepingState: true });
      if ((await midFlow(harness, flow)) === undefined) return 'the flow did not survive';
      const fresh = await harness.send(
        { origin: { kind: 'nic', mark: 1 }, ...headerOf('tcp 10.0.0.4:51001 > 10.0.0.5:80') },
        () => true,
      );
      if (fresh.length > 0) return 'a new flow was let in';
      const cut = await harness.plane.cut({
        point: 'router/v1/h2',
        source: '10.0.0.4',
        target: '10.0.0.5',
        protocol: 'tcp',
        targetPort: 80,
      });
      if (cut !== 1) return `${cut} flows were cut`;
      return (await harness.send({ origin: { kind: 'nic', mark: 1 }, ...headerOf(flow) }, () => true, { flags: 0x10 }))
        .length === 0
        ? undefined
        : 'the flow was not cut';
    },
  },
  {
    name: 'a plane that starts anew adopts what runs: nothing is written, flows go on',
    run: async (harness) => {
      const programs = programsFrom(harness.stamp, pair([web, rest]));
      await harness.apply(programs);
      const started = await runRow(harness, [1, flow, '* nic 2']);
      if (started !== undefined) return started;
      await harness.plane.close();
      const again = openPlane({ number: harness.stamp, hosts: ['h1', 'h2'] });
      const start = performance.now();
      await again.up();
      const { ruleOperations, networkLines } = await again.apply({}, programs);
      console.log(`adoption of ${Object.keys(programs).length} points: ${Math.round(performance.now() - start)} ms`);
      harness.plane = again;
      if (ruleOperations + networkLines > 0)
        return `${ruleOperations} operations and ${networkLines} lines were written`;
      return (await midFlow(harness, flow)) === undefined ? 'the flow did not survive' : undefined;
    },
  },
  {
    name: 'a target that is drained keeps its flows and gets no new ones; without a target nothing passes',
    run: async (harness) => {
      const programs = programsFrom(harness.stamp, balanced);
      await harness.apply(programs);
      const both = new Set<string>();
      for (let port = 52_000; port < 52_016; port++) both.add((await toFrontend(harness, port)) ?? 'nothing');
      if (!(both.has('nic 1') && both.has('nic 2') && both.size === 2))
        return `new flows went to ${[...both].join(', ')}`;
      const kept = await toFrontend(harness, 52_100);
      const mark = Number(kept?.split(' ')[1]);
      const back = await harness.send(
        { origin: { kind: 'nic', mark }, ...headerOf(`tcp 10.0.0.${mark + 3}:8080 > 203.0.113.9:52100`) },
        (seen) => seen.length > 0,
        { flags: 0x12 },
      );
      if (back[0]?.at !== 'internet') return 'the answer did not come back';
      await harness.apply(withoutTarget(programs, mark), { isKeepingState: true });
      if ((await toFrontend(harness, 52_100, { flags: 0x10 })) !== kept) return 'the established flow left its target';
      for (let port = 52_200; port < 52_208; port++) {
        const place = await toFrontend(harness, port);
        if (place === undefined || place === kept) return `a new flow went to ${place ?? 'nothing'}`;
      }
      await harness.apply(withoutTarget(withoutTarget(programs, 1), 2), { isKeepingState: true });
      return (await toFrontend(harness, 52_300, { isNothing: true })) === undefined
        ? undefined
        : 'a flow passed without a target';
    },
  },
  {
    name: '[S1.7] an NVA that answers for a target does not open the way to it: the second leg never rides on the first',
    run: async (harness) => {
      for (const hosts of [
        ['h1', 'h1', 'h1'],
        ['h1', 'h2', 'h1'],
        ['h1', 'h2', 'h2'],
        ['h1', 'h1', 'h2'],
      ] as const) {
        await harness.apply(programsFrom(harness.stamp, nvaStamp(hosts)));
        const there = headerOf('udp 10.0.0.4:53000 > 10.0.1.4:22');
        const back = headerOf('udp 10.0.1.4:22 > 10.0.0.4:53000');
        const first = await harness.send({ origin: { kind: 'nic', mark: 1 }, ...there }, (seen) => seen.length > 0);
        if (first[0]?.at !== 'nic 3') return `${hosts.join()}: the first leg came to ${first[0]?.at ?? 'nothing'}`;
        const answer = await harness.send({ origin: { kind: 'nic', mark: 3 }, ...back }, (seen) => seen.length > 0);
        if (answer[0]?.at !== 'nic 1') return `${hosts.join()}: the NVA's answer came to ${answer[0]?.at ?? 'nothing'}`;
        for (let round = 0; round < 2; round++) {
          const second = await harness.send({ origin: { kind: 'nic', mark: 3 }, ...there }, () => true);
          await sleep(20);
          if ([...second, ...harness.look()].some(({ at }) => at === 'nic 2'))
            return `${hosts.join()}: the target was reached`;
        }
      }
      return undefined;
    },
  },
  {
    name: '[S2.3] drift is found with who made it, and healed',
    run: async (harness) => {
      await harness.apply(programsFrom(harness.stamp, pair([web, rest])));
      const point = 'router/v1/h2';
      if ((await harness.plane.readBack(point)).length > 0) return 'there was drift before';
      const namespace = namespaceOf(namesOf(harness.stamp), point);
      await run(['ip', 'netns', 'exec', namespace, 'nft', 'insert', 'rule', 'inet', 'rw', 'forward', 'accept'], '');
      await run(['ip', '-n', namespace, 'route', 'add', '10.0.0.77/32', 'dev', 'n2', 'proto', '157'], '');
      await run(['ip', '-n', namespace, 'neigh', 'del', '10.0.0.5', 'dev', 'n2'], '');
      const found = await harness.plane.readBack(point);
      const kinds = new Set(found.map(({ kind }) => kind));
      if (!['rule', 'route', 'neighbour'].every((kind) => kinds.has(kind as 'rule')))
        return `found only ${[...kinds].join(', ')}`;
      if (found[0]?.by?.process !== 'nft') return 'the process was not named';
      await run(['ip', 'netns', 'exec', namespace, 'sysctl', '-q', '-w', 'net.netfilter.nf_conntrack_tcp_loose=1'], '');
      if (!(await harness.plane.readBack(point)).some(({ kind }) => kind === 'sysctl'))
        return 'the sysctl was not seen';
      await harness.plane.repair(point);
      const left = await harness.plane.readBack(point);
      return left.length === 0 ? undefined : left.map(({ says }) => says).join('\n');
    },
  },
  {
    name: 'a guest of a process: attached by pid, probed over HTTP, gone with its process, attached again',
    run: async (harness) => {
      await harness.apply(programsFrom(harness.stamp, pair([web, rest])), { isKeepingGuests: true });
      for (let round = 0; round < 2; round++) {
        const guest = await startGuest();
        try {
          await harness.plane.attach(3, guest.pid ?? 0, 'eth0');
          await configure(guest.pid ?? 0);
          const probe = {
            point: 'router/v1/h1',
            address: '10.0.0.6',
            port: 80,
            protocol: 'http',
            path: '/',
            timeoutMs: 2000,
          } as const;
          const { state, because } = await harness.plane.probe(probe);
          if (state !== 'up') return `round ${round}: ${because}`;
          const closed = await harness.plane.probe({ ...probe, port: 81, protocol: 'tcp' });
          if (closed.state !== 'down') return 'a closed port was called healthy';
          const drift = await harness.plane.readBack('router/v1/h1');
          if (drift.length > 0) return drift.map(({ says }) => says).join('\n');
        } finally {
          guest.kill('SIGKILL');
          await once(guest, 'exit');
        }
        await sleep(200);
        // Its end took the port's link along, and everything on it: that is told apart from tampering.
        const gone = (await harness.plane.readBack('router/v1/h1')).map(({ kind, says }) => `${kind}: ${says}`);
        if (gone.join() !== 'port: The link n3 is gone.') return `after its end: ${gone.join(' ')}`;
      }
      return undefined;
    },
  },
];

function balanced(build: Build): void {
  addNsg(build, 'open', [['open', 100, 'In', 'Allow', '*', '*', '*']]);
  addVnet(build, 'a', ['10.0.0.0/16']);
  addSubnet(build, 'a/s', [['10.0.0.0/24'], { nsg: 'open' }]);
  addPublicIp(build, 'f', [`198.18.${build.stamp.number}.50`]);
  addBalancer(build, 'out', { publicIp: 'f', rules: [{ name: 'web', frontendPort: 80, backendPort: 8080 }] });
  addNic(build, 'one', { subnet: 'a/s', addresses: [{ address: '10.0.0.4', pools: ['out/pool'] }] });
  addNic(build, 'two', { subnet: 'a/s', addresses: [{ address: '10.0.0.5', pools: ['out/pool'] }], host: 'h2' });
}

/** Where a packet for the frontend comes out; SYN unless flags say otherwise. */
async function toFrontend(
  harness: Harness,
  port: number,
  { flags = 2, isNothing = false }: { flags?: number; isNothing?: boolean } = {},
): Promise<string | undefined> {
  const header = headerOf(`tcp 203.0.113.9:${port} > 198.18.${harness.stamp}.50:80`);
  const seen = await harness.send(
    { origin: { kind: 'internet' }, ...header },
    (arrivals) => isNothing || arrivals.length > 0,
    { flags },
  );
  return seen[0]?.at;
}

/** What a failing probe makes of the programs. */
function withoutTarget(programs: Programs, mark: number): Programs {
  const edge = programs['edge'];
  if (edge?.kind !== 'edge') return programs;
  const balances = Object.entries(edge.balances).map(([key, balance]) => {
    const targets = Object.entries(balance.targets).filter(([, target]) => target.mark !== mark);
    return [key, { ...balance, targets: Object.fromEntries(targets) }] as const;
  });
  return { ...programs, edge: { ...edge, balances: Object.fromEntries(balances) } };
}

/** A process in its own network namespace that serves HTTP on port 80. */
async function startGuest(): Promise<ChildProcess> {
  const server = "require('http').createServer((q, a) => a.end('ok')).listen(80, '0.0.0.0', () => console.log('up'))";
  const child = spawn('unshare', ['--net', process.execPath, '-e', server], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

async function configure(pid: number): Promise<void> {
  const inside = (words: readonly string[]) => run(['nsenter', `--net=/proc/${pid}/ns/net`, 'ip', ...words], '');
  await inside(['addr', 'add', '10.0.0.6/24', 'dev', 'eth0']);
  await inside(['route', 'add', 'default', 'via', '10.0.0.1']);
}
