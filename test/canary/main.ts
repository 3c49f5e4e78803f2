/** `./ringwall test canary`: canaries on a running stamp agree with the programs, disturb nobody, and tell of holes and losses that no read-back can see. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isObject, type JsonObject } from '#base/json.ts';
import { LinkClient } from '#adapters/link/client.ts';
import { run } from '#adapters/linux/ip.ts';
import { linksOf, namespacesWith } from '#adapters/linux/netns.ts';
import { Furniture, ruleBody } from '#bench/furniture.ts';
import { type OwnStamp, withOwnStamp } from '#bench/own-stamp.ts';
import { printCounts } from '#tools/counts.ts';
import { Bypass } from '#test/canary/bypass.ts';
import { namespaceOfGuest } from '#test/kill/streams.ts';
import { Program } from '#test/opening/program.ts';

const tally = { passed: 0, failed: 0, skipped: 0 };
const guests = { left: '10.0.0.4', right: '10.0.0.5', far: '10.1.0.4' } as const;
/** The keeper grants one order a second. */
const restRounds = 20;
/** The ports that neighbours may use, of those that canaries are drawn from. */
const openPorts = [80, 443, 53] as const;
const alarmRoundsMax = 25;

type Counts = { readonly [name: string]: number };
type Alert = { readonly code: string; readonly severity: string; readonly says: string };
type Status = {
  readonly checks: { readonly canaries: Counts; readonly flows: Counts };
  readonly alerts: readonly Alert[];
};

if (process.geteuid?.() === 0) await withOwnStamp(onStamp);
else {
  console.log('  skipped: needs root');
  tally.skipped = 1;
}
console.log(printCounts(tally));
process.exit(tally.failed === 0 ? 0 : 1);

function told(isGood: boolean, says: string): void {
  tally[isGood ? 'passed' : 'failed'] += 1;
  console.log(`  ${isGood ? 'ok  ' : 'FAIL'} ${says}`);
}

type Scene = {
  readonly stamp: OwnStamp;
  readonly link: LinkClient;
  readonly status: () => Promise<Status>;
  /** One round now; answers what each canary showed. */
  readonly round: () => Promise<readonly string[]>;
};

async function onStamp(stamp: OwnStamp): Promise<void> {
  const furniture = new Furniture(stamp, 'canary');
  await furnish(furniture);
  const link = new LinkClient('stampd', `/run/ringwall/${stamp.number}/stampd/cli/socket`);
  const scene: Scene = {
    stamp,
    link,
    status: () => link.call<Status>('status', []),
    round: () => link.call<readonly string[]>('canaries', []),
  };
  try {
    await judgeSilence(scene);
    await judgeRest(scene);
    await judgeTraces(scene);
    await judgeHole(scene);
    await judgeLoss(scene, furniture);
    await judgeFlows(scene, furniture);
  } finally {
    link.close();
  }
}

/** Two neighbours behind a group that is logged, one of them also behind a load balancer, and a guest of another network. */
async function furnish(furniture: Furniture): Promise<void> {
  const { stamp } = furniture;
  const { location } = stamp;
  await furniture.makeGroup();
  const rule = (name: string, properties: JsonObject) => ({ name, properties });
  const discard = { ...ruleBody({ priority: 110, port: 9, prefix: 'VirtualNetwork' }), access: 'Deny', protocol: '*' };
  await furniture.makeGroupOfRules('guarded', [
    rule('web', ruleBody({ priority: 100, port: 80, prefix: 'Internet' })),
    rule('no-discard', discard),
    rule('no-ssh', { ...ruleBody({ priority: 120, port: 22, prefix: 'VirtualNetwork' }), access: 'Deny' }),
  ]);
  const networkSecurityGroup = { id: furniture.id('networkSecurityGroups/guarded') };
  const subnet = (addressPrefix: string) => [{ name: 'guests', properties: { addressPrefix, networkSecurityGroup } }];
  await furniture.makeVnet('near', '10.0.0.0/16', subnet('10.0.0.0/24'));
  await furniture.makeVnet('other', '10.1.0.0/16', subnet('10.1.0.0/24'));
  await furniture.makeBalancer('balancer', 80);
  for (const [name, address] of Object.entries(guests)) {
    const where =
      name !== 'left'
        ? { subnet: `${name === 'far' ? 'other' : 'near'}/subnets/guests` }
        : { subnet: 'near/subnets/guests', pool: 'balancer' };
    await furniture.makeNic(name, { ...where, address });
    await furniture.makeMachine(name, [name]);
  }
  const log = `${furniture.id('networkWatchers/watcher')}/flowLogs/log?api-version=2023-11-01`;
  const storageId = `${furniture.group}/providers/Microsoft.Storage/storageAccounts/flowlogs`;
  await stamp.arm.send('PUT', `${storageId}?api-version=2021-09-01`, {
    location,
    kind: 'StorageV2',
    sku: { name: 'Standard_LRS' },
  });
  await stamp.arm.send('PUT', `${furniture.id('networkWatchers/watcher')}?api-version=2023-11-01`, { location });
  await stamp.arm.send('PUT', log, {
    location,
    properties: {
      targetResourceId: networkSecurityGroup.id,
      storageId,
      enabled: true,
      format: { type: 'JSON', version: 2 },
    },
  });
}

/** With its firewall open, a guest's kernel drops canaries before any listener, and answers none at closed ports either. */
async function judgeSilence(scene: Scene): Promise<void> {
  const right = `--net=${namespaceOfGuest(guests.right)}`;
  await run(['nsenter', right, 'nft', 'flush', 'ruleset'], '');
  // A closed port counts nothing: so that each canary that comes is counted, there is a listener wherever one may.
  const listeners = openPorts.map((port) => new Program(['nsenter', right, 'nc', '-l', '-k', String(port)]));
  try {
    await sleep(300);
    const before = await tcpOf(right);
    const wanted = 3;
    for (let round = 0; round < alarmRoundsMax; round++) {
      await scene.round();
      if ((await refusedSince(right, before)) >= wanted) break;
    }
    const [behind, refused] = [await tcpOf(right), await refusedSince(right, before)];
    told(refused >= wanted, `${refused} canaries came to a guest with an open firewall and a listener`);
    for (const name of ['PassiveOpens', 'OutRsts', 'OutSegs'])
      told(behind[name] === before[name], `its ${name} is what it was: ${before[name]}, ${behind[name]}`);
  } finally {
    for (const listener of listeners) listener.end();
  }
}

async function refusedSince(net: string, before: Counts): Promise<number> {
  return ((await tcpOf(net))['TCPMD5Unexpected'] ?? 0) - (before['TCPMD5Unexpected'] ?? 0);
}

/** The TCP counters of a namespace: pairs of lines, names and numbers (proc(5)). */
async function tcpOf(net: string): Promise<Counts> {
  const text = await run(['nsenter', net, 'cat', '/proc/net/snmp', '/proc/net/netstat'], '');
  const lines = text.split('\n');
  return Object.fromEntries(
    lines.flatMap((line, index) => {
      const [kind, ...names] = line.split(' ');
      const [same, ...values] = (lines[index + 1] ?? '').split(' ');
      if (kind !== same || (kind !== 'Tcp:' && kind !== 'TcpExt:')) return [];
      return names.map((name, at) => [name, Number(values[at])] as const);
    }),
  );
}

/** Guests that drop all they get, and let nothing out: what is in the kernel's hands is told apart from what is theirs. */
async function judgeRest(scene: Scene): Promise<void> {
  for (const address of Object.values(guests)) {
    const drop = (hook: string) =>
      `add chain inet own ${hook} { type filter hook ${hook} priority -400; policy drop; }`;
    const rules = ['add table inet own', drop('input'), drop('output')].join('; ');
    await run(['nsenter', `--net=${namespaceOfGuest(address)}`, 'nft', rules], '');
  }
  const before = (await scene.status()).checks.canaries;
  const begun = Date.now();
  for (let round = 0; round < restRounds; round++) await scene.round();
  const { checks, alerts } = await scene.status();
  const grown = differenceOf(checks.canaries, before);
  told(grown['forbidden'] !== undefined && grown['forbidden'] > 20, `${grown['forbidden']} forbidden canaries agree`);
  told(grown['promised'] !== undefined && grown['promised'] > 20, `${grown['promised']} promised canaries agree`);
  told(grown['lost'] === 0 && grown['disagreements'] === 0 && grown['strayed'] === 0, JSON.stringify(grown));
  const about = alerts.map(({ code }) => code).join();
  told(
    about === '',
    `${Math.round((Date.now() - begun) / 1000)} s with guests that drop all: alerts ${about || 'none'}`,
  );
}

function differenceOf(now: Counts, before: Counts): Counts {
  return Object.fromEntries(Object.entries(now).map(([name, value]) => [name, value - (before[name] ?? 0)]));
}

/** No connection tracker remembers a canary, and no tenant's flow log tells of one. */
async function judgeTraces({ stamp }: Scene): Promise<void> {
  await sleep(1200);
  const spaces = namespacesWith(`rw${stamp.number}-`).filter((name) => /-(edge|v\d+h\d+)$/.test(name));
  for (const name of spaces) {
    const text = await run(['ip', 'netns', 'exec', name, 'conntrack', '-L', '-p', 'tcp'], '');
    const left = text.split('\n').filter((line) => / sport=6[1-5]\d{3} /.test(line));
    told(left.length === 0, `${name}: ${left.length} tracked canaries ${left[0] ?? ''}`);
  }
  const logged = flowsIn(join(stamp.state, 'flow-logs'));
  const canaries = logged.filter((flow) => /,6[1-5]\d{3},\d+,T,/.test(flow));
  told(logged.length > 0, `${logged.length} flows are logged`);
  told(canaries.length === 0, `of canaries ${canaries.length} ${canaries[0] ?? ''}`);
}

function flowsIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));
  return files.flatMap((name) => readFileSync(join(folder, name), 'utf8').match(/"\d+,[^"]+"/g) ?? []);
}

/** A process with root hands frames from port to port, past every filter: no rule, route or link is another than wanted. */
async function judgeHole(scene: Scene): Promise<void> {
  const { stamp, link } = scene;
  const bypass = await Bypass.between(namespacesWith(`rw${stamp.number}-v`));
  try {
    const { alert, ms } = await alarm(scene, (one) => / dropped \(/.test(one.says));
    told(
      alert?.severity === 'Critical',
      `a hole that nothing lists is told after ${ms} ms: ${alert?.says ?? 'not told'}`,
    );
    told(
      / from nic \d+ is dropped \(.*seen at nic \d+ .*Path: /.test(alert?.says ?? ''),
      'with packet, verdict, place and path',
    );
    const { changes } = await link.call<{ readonly changes: readonly JsonObject[] }>('drift', []);
    told(changes.length === 0, `the read-back sees nothing of it: ${JSON.stringify(changes).slice(0, 200)}`);
  } finally {
    bypass.close();
  }
}

/** Where the right guest's port is. */
async function routerOf({ stamp, link }: Scene, furniture: Furniture) {
  const id = furniture.id('networkInterfaces/right');
  const { mark } = (await link.call<{ readonly internal: { readonly mark: number } }>('resource', [id])).internal;
  const routers = namespacesWith(`rw${stamp.number}-v`);
  return { mark, namespace: routers.find((router) => linksOf(router).includes(`n${mark}`)) ?? '' };
}

/** The last link swallows what goes to the guest: a queueing discipline, which is no rule either. */
async function judgeLoss(scene: Scene, furniture: Furniture): Promise<void> {
  const { namespace, mark } = await routerOf(scene, furniture);
  await run(['tc', '-n', namespace, 'qdisc', 'add', 'dev', `n${mark}`, 'root', 'blackhole'], '');
  const { alert, ms } = await alarm(scene, (one) => one.says.includes('seen nowhere'));
  await run(['tc', '-n', namespace, 'qdisc', 'del', 'dev', `n${mark}`, 'root'], '');
  told(alert?.severity === 'Critical', `a loss at the last link is told after ${ms} ms: ${alert?.says ?? 'not told'}`);
  told(alert?.says.includes(`delivered to nic ${mark} `) === true, `it is the NIC ${mark} that was promised it`);
  const before = (await scene.status()).checks.canaries;
  // What was lost before is sent once more, and must arrive now.
  for (let round = 0; round < 4; round++) await scene.round();
  const grown = differenceOf((await scene.status()).checks.canaries, before);
  told(grown['lost'] === 0 && grown['disagreements'] === 0, `mended, all agree again: ${JSON.stringify(grown)}`);
}

/** A rule that lets in what the program denies, for the moment until it is healed: what the kernel logs meanwhile is told by both judges. */
async function judgeFlows(scene: Scene, furniture: Furniture): Promise<void> {
  const { namespace, mark } = await routerOf(scene, furniture);
  const left = `--net=${namespaceOfGuest(guests.left)}`;
  await run(['nsenter', left, 'nft', 'flush', 'ruleset'], '');
  const before = (await scene.status()).checks.flows;
  told(before['judged'] !== undefined && before['judged'] > 0, `flows that were judged: ${JSON.stringify(before)}`);
  told(before['disagreements'] === 0, 'and none of them was another than the program says');
  // Slower than what is logged in a second, quicker than any healing.
  const sends = `while :; do echo > /dev/udp/${guests.right}/9; sleep 0.02; done`;
  const sender = new Program(['nsenter', left, 'bash', '-c', sends]);
  try {
    await sleep(2500);
    const list = ['ip', 'netns', 'exec', namespace, 'nft'];
    const prefix = /prefix "([0-9a-f]{8}\/0110)\/D"/.exec(await run([...list, 'list', 'table', 'inet', 'rw'], ''))?.[1];
    const rule = `insert rule inet rw li_${mark} udp dport 9 log prefix "${prefix}/A" group 57 accept`;
    await run([...list, rule], '');
    const begun = Date.now();
    let now = await scene.status();
    while ((now.checks.flows['disagreements'] ?? 0) === 0 && Date.now() - begun < 10_000) {
      await sleep(100);
      now = await scene.status();
    }
    const alert = now.alerts.find(({ code }) => code === 'FlowLogDisagrees');
    told(alert?.severity === 'Critical', `told after ${Date.now() - begun} ms: ${alert?.says ?? 'nothing'}`);
    told((now.checks.flows['disagreements'] ?? 0) > 0, `by the second judge too: ${JSON.stringify(now.checks.flows)}`);
  } finally {
    sender.end();
  }
}

async function alarm(scene: Scene, isWanted: (alert: Alert) => boolean): Promise<{ alert?: Alert; ms: number }> {
  const begun = Date.now();
  for (let round = 0; round < alarmRoundsMax; round++) {
    await scene.round();
    const { alerts } = await scene.status();
    const alert = alerts.find((one) => isObject(one) && one.code === 'CanaryDisagrees' && isWanted(one));
    if (alert !== undefined) return { alert, ms: Date.now() - begun };
  }
  return { ms: Date.now() - begun };
}
