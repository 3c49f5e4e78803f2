/** Flow logs by packet: what the kernel allowed and denied is told with the rule that decided, spoofed packets never, floods in measure. */

import { setTimeout as sleep } from 'node:timers/promises';
import { flowContinuesMs, flowLogRate } from '#base/limits.ts';
import { StampFlows } from '#adapters/linux/flow-log.ts';
import { namesOf, namespaceOf } from '#adapters/linux/names.ts';
import type { Flow, FlowBatch } from '#engine/flow-logs/flow.ts';
import type { Packet } from '#program/packet.ts';
import type { Programs } from '#program/program.ts';
import { addNic, addNsg, addSubnet, addVnet, type Build, idOf, resourceOf } from '#test/generate/build.ts';
import type { Harness } from '#test/stamp/harness.ts';
import type { LifeTest } from '#test/stamp/life.ts';
import { programsFrom, type Row, runRow } from '#test/stamp/scenario.ts';

function loggedStamp(target: string | undefined): (build: Build) => void {
  return (build) => {
    addNsg(build, 'g', [
      ['web', 100, 'In', 'Allow', 'Tcp', '10.0.0.5/32', '*', '80'],
      ['no-ssh', 110, 'In', 'Deny', 'Tcp', '*', '*', '22'],
    ]);
    addVnet(build, 'a', ['10.0.0.0/16', 'fd00::/48']);
    addSubnet(build, 'a/s', [['10.0.0.0/24', 'fd00::/64'], { nsg: 'g' }]);
    addNic(build, 'one', { subnet: 'a/s', addresses: ['10.0.0.4', 'fd00::4'] });
    addNic(build, 'two', { subnet: 'a/s', addresses: ['10.0.0.5', 'fd00::5'] });
    if (target === undefined) return;
    const log = resourceOf({
      path: 'networkWatchers/w/flowLogs/f',
      properties: { targetResourceId: idOf(target), enabled: true },
    });
    build.resources.set(log.id.toLowerCase(), log);
  };
}

/** A packet and the words of all that is told of it, sorted. */
const rows: readonly (readonly [Row, readonly string[]])[] = [
  [
    [2, 'tcp 10.0.0.5 > 10.0.0.4:80', '* nic 1'],
    ['inbound one 0100/web allow tcp 10.0.0.4:80', 'outbound two 65000/AllowVnetOutBound allow tcp 10.0.0.4:80'],
  ],
  [
    [2, 'tcp [fd00::5] > [fd00::4]:22', 'nothing'],
    ['inbound one 0110/no-ssh deny tcp fd00::4:22', 'outbound two 65000/AllowVnetOutBound allow tcp fd00::4:22'],
  ],
  [
    [1, 'udp 10.0.0.4 > 203.0.113.9:53', 'internet as udp 198.18.{N}.16:* > 203.0.113.9:53'],
    ['outbound one 65001/AllowInternetOutBound allow udp 203.0.113.9:53'],
  ],
  [
    [2, 'icmp 10.0.0.5 > 10.0.0.4', '* nic 1'],
    [
      'inbound one 65000/AllowVnetInBound allow icmp 10.0.0.4:0',
      'outbound two 65000/AllowVnetOutBound allow icmp 10.0.0.4:0',
    ],
  ],
  // Not its own address: dropped before any filter, so it is no flow of anybody.
  [[2, 'tcp 10.0.0.77 > 10.0.0.4:80', 'nothing'], []],
];

export const flowLogTests: readonly LifeTest[] = [
  { name: 'flow logs name each flow, its verdict and rule, and what it carried', run: eachFlow },
  { name: 'a flow log of one interface tells of that one alone', run: oneNic },
  { name: 'a flood is logged in measure, counted, and judged the same', run: flood },
  { name: 'a flow that goes on is told of again with what it carried since', run: goesOn },
  { name: 'a verdict that is not the program’s is told with the packet', run: disagrees },
  { name: 'without a flow log the kernel has no rule of it', run: noLog },
];

async function eachFlow(harness: Harness): Promise<string | undefined> {
  await harness.apply(programsFrom(harness.stamp, loggedStamp('networkSecurityGroups/g')));
  await harness.plane.flows();
  for (const [row, wanted] of rows) {
    harness.forget();
    await gathered(harness);
    const problem = await runRow(harness, row);
    if (problem !== undefined) return `${row[1]}: ${problem}`;
    const begun = await gathered(harness);
    const words = begun.flows.map(wordsOf).sort();
    if (words.join('\n') !== wanted.join('\n')) return `${row[1]}: told ${words.join('; ') || 'nothing'}`;
    if (begun.disagreements.length > 0) return JSON.stringify(begun.disagreements);
    harness.forget();
    const ended = (await gathered(harness)).flows;
    const allowed = wanted.filter((text) => text.includes(' allow ') && !wanted.some((one) => one.includes(' deny ')));
    if (ended.map(wordsOf).sort().join('\n') !== allowed.join('\n'))
      return `${row[1]}: ended ${ended.map(wordsOf).join('; ') || 'nothing'}`;
    if (ended.some((flow) => (flow.carried?.sent.packets ?? 0) < 1)) return `${row[1]}: no counts`;
  }
  return await drifted(harness);
}

async function oneNic(harness: Harness): Promise<string | undefined> {
  await harness.apply(programsFrom(harness.stamp, loggedStamp('networkInterfaces/one')));
  await gathered(harness);
  harness.forget();
  await gathered(harness);
  const problem = await runRow(harness, [2, 'tcp 10.0.0.5 > 10.0.0.4:80', 'nic 1']);
  const told = (await gathered(harness)).flows.map(wordsOf);
  const wanted = 'inbound one 0100/web allow tcp 10.0.0.4:80';
  return problem ?? (told.join() === wanted ? await drifted(harness) : `told ${told.join('; ')}`);
}

async function flood(harness: Harness): Promise<string | undefined> {
  await harness.apply(programsFrom(harness.stamp, loggedStamp('networkSecurityGroups/g')));
  await gathered(harness);
  const count = flowLogRate * 5;
  const header = { source: '10.0.0.5', target: '10.0.0.4', protocol: 'tcp', targetPort: 22 } as const;
  const began = Date.now();
  for (let port = 0; port < count; port++) {
    const packet: Packet = { origin: { kind: 'nic', mark: 2 }, ...header, sourcePort: 20_000 + port };
    harness.put(packet);
  }
  const seconds = (Date.now() - began) / 1000;
  let [told, over] = [0, 0];
  // The counters are read at every tenth reading.
  for (let reading = 0; reading < 11; reading++) {
    const { flows, notLogged } = await gathered(harness, 20);
    told += flows.filter(({ direction }) => direction === 'outbound').length;
    over += notLogged[harness.port(2)?.nic ?? ''] ?? 0;
  }
  const arrived = harness.look().filter(({ at }) => at === 'nic 1').length;
  if (arrived > 0) return `${arrived} denied packets arrived`;
  const most = flowLogRate * (2 + seconds) + 1;
  if (told < 1 || told > most) return `${told} of ${count} were told in ${seconds} s`;
  return told + over === count ? undefined : `${told} told and ${over} counted of ${count}`;
}

async function goesOn(harness: Harness): Promise<string | undefined> {
  await harness.apply(programsFrom(harness.stamp, loggedStamp(undefined)));
  await gathered(harness);
  await harness.apply(programsFrom(harness.stamp, loggedStamp('networkInterfaces/one')));
  // The same reader as the plane's, with the test's own time.
  const flows = new StampFlows();
  const read = (ms: number) => flows.read(ms, (point) => namespaceOf(namesOf(harness.stamp), point)).flows;
  try {
    flows.follow(harness.programs, 0);
    read(0);
    const problem = await runRow(harness, [2, 'tcp 10.0.0.5 > 10.0.0.4:80', 'nic 1']);
    await sleep(250);
    const told: (readonly Flow[])[] = [read(1000), read(flowContinuesMs - 1), read(flowContinuesMs + 1)];
    harness.forget();
    await sleep(50);
    told.push(read(flowContinuesMs + 2));
    const words = told.map((list) =>
      list.map(({ carried }) =>
        carried === undefined ? 'begun' : `${carried.isEnded ? 'E' : 'C'}${carried.sent.packets}`,
      ),
    );
    return problem ?? (JSON.stringify(words) === '[["begun"],[],["C1"],["E0"]]' ? undefined : JSON.stringify(words));
  } finally {
    flows.close();
  }
}

/** The kernel holds a rule that says otherwise than the program that the reader is given. */
async function disagrees(harness: Harness): Promise<string | undefined> {
  await harness.apply(programsFrom(harness.stamp, loggedStamp(undefined)));
  await gathered(harness);
  await harness.apply(programsFrom(harness.stamp, loggedStamp('networkSecurityGroups/g')));
  const text = JSON.stringify(harness.programs);
  const other = text.replace('"access":"deny","protocol":"tcp"', '"access":"allow","protocol":"tcp"');
  if (other === text) return 'no rule was turned';
  const flows = new StampFlows();
  const read = () => flows.read(0, (point) => namespaceOf(namesOf(harness.stamp), point));
  try {
    flows.follow(JSON.parse(other) as Programs, 0);
    read();
    const problem = await runRow(harness, [2, 'tcp 10.0.0.5 > 10.0.0.4:22', 'nothing']);
    await sleep(250);
    const { disagreements, compared } = read();
    const words = disagreements.map(({ flow, wanted }) => `${wordsOf(flow)} wanted ${wanted.access} ${wanted.rule}`);
    const wanted = 'inbound one 0110/no-ssh deny tcp 10.0.0.4:22 wanted allow 0110/no-ssh';
    return problem ?? (words.join() === wanted && compared === 2 ? undefined : `${compared}: ${words.join('; ')}`);
  } finally {
    flows.close();
  }
}

async function noLog(harness: Harness): Promise<string | undefined> {
  await harness.apply(programsFrom(harness.stamp, loggedStamp(undefined)));
  const { flows } = await gathered(harness);
  const router = harness.programs['router/v1/h1'];
  if (router !== undefined && 'flowLogs' in router) return 'the program speaks of flow logs';
  return flows.length === 0 ? await drifted(harness) : `told ${flows.map(wordsOf).join('; ')}`;
}

async function drifted(harness: Harness): Promise<string | undefined> {
  const found = await harness.plane.readBack('router/v1/h1');
  return found.length === 0 ? undefined : found.map(({ says }) => says).join('; ');
}

/** The kernel hands its batch over within a tenth of a second. */
async function gathered(harness: Harness, ms = 250): Promise<FlowBatch> {
  await sleep(ms);
  return await harness.plane.flows();
}

function wordsOf({ direction, nic, rule, access, protocol, target, targetPort }: Flow): string {
  return `${direction} ${nic.split('/').at(-1)} ${rule} ${access} ${protocol} ${target}:${targetPort}`;
}
