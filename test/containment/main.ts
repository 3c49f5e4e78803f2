/** The containment drill (`./ringwall test containment`, claim S1.21): a tenant's guest attacks in four ways; how soon it is set apart, and what another tenant feels of it. */

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '#base/json.ts';
import { run } from '#adapters/linux/ip.ts';
import { inNamespace } from '#adapters/linux/netns.ts';
import { ringwall } from '#bench/command.ts';
import { Furniture } from '#bench/furniture.ts';
import { type OwnStamp, withOwnStamp } from '#bench/own-stamp.ts';
import { printCounts } from '#tools/counts.ts';
import type { AttackOrder } from '#test/containment/attack.ts';
import { Child } from '#test/containment/child.ts';
import type { Attack } from '#test/containment/frames.ts';
import type { NeighbourReport } from '#test/containment/neighbour.ts';
import { namespaceOfGuest } from '#test/kill/streams.ts';

const tally = { passed: 0, failed: 0, skipped: 0 };
const isQuick = process.argv.includes('--quick');
const [attacker, near, far] = ['10.78.0.4', '10.77.0.4', '10.77.0.5'];
/** Bounds of claim S1.21. */
const apartMs = 5000;
const throughputMin = 0.99;
const restMs = isQuick ? 3000 : 5000;
const attackMs = 6000;
/** A scan stays below the budget of new flows: what is too much of it are its targets. */
const scanPerSecond = 450;

const attacks: readonly { readonly attack: Attack; readonly says: string; readonly abuse: string }[] = [
  { attack: 'scan', says: `a scan of ${scanPerSecond} targets a second`, abuse: 'targets' },
  { attack: 'syn', says: 'a SYN flood', abuse: 'new' },
  { attack: 'states', says: '120,000 NAT states, as fast as they go', abuse: 'new' },
  { attack: 'spoof', says: 'a flood of forged sources', abuse: 'forged' },
];

if (process.getuid?.() !== 0) {
  console.log('  skipped: needs root');
  tally.skipped = 1;
} else await withOwnStamp(onStamp);
console.log(printCounts(tally));
process.exit(tally.failed === 0 ? 0 : 1);

function told(isGood: boolean, says: string): void {
  if (isGood) tally.passed += 1;
  else tally.failed += 1;
  console.log(`  ${isGood ? 'ok  ' : 'FAIL'} ${says}`);
}

async function onStamp(stamp: OwnStamp): Promise<void> {
  const furniture = new Furniture(stamp, 'drill');
  await furniture.makeGroup();
  for (const [vnet, prefix] of [
    ['good', '10.77.0.0/16'],
    ['bad', '10.78.0.0/16'],
  ] as const)
    await furniture.makeVnet(vnet, prefix, [
      { name: 's', properties: { addressPrefix: prefix.replace('/16', '/24') } },
    ]);
  for (const [name, vnet, address] of [
    ['near', 'good', near],
    ['far', 'good', far],
    ['attacker', 'bad', attacker],
  ] as const) {
    await furniture.makeNic(name, { subnet: `${vnet}/subnets/s`, address });
    await furniture.makeMachine(name, [name]);
  }
  const [left, right] = [namespaceOfGuest(near), namespaceOfGuest(far)];
  for (const guest of [left, right]) await run(['nsenter', `--net=${guest}`, 'nft', 'flush', 'ruleset'], '');
  const neighbour = new Child('neighbour.ts', { left, right, from: near, to: far, port: 5000 });
  try {
    await sleep(1000);
    await neighbour.ask();
    await sleep(restMs);
    const rest = await neighbour.ask<NeighbourReport>();
    console.log(`       another tenant at rest: ${feltOf(rest)}`);
    for (const each of isQuick ? attacks.slice(1, 2) : attacks) await drill(furniture, each, neighbour);
    await judgeRights(furniture);
  } finally {
    neighbour.end();
  }
}

function feltOf({ due, answered, p50Us, p99Us }: NeighbourReport): string {
  const part = ((100 * answered) / due).toFixed(2);
  return `${answered} of ${Math.round(due)} echoes (${part} %), p50 ${p50Us} µs, p99 ${p99Us} µs`;
}

type Drilled = (typeof attacks)[number];

async function drill(furniture: Furniture, { attack, says, abuse }: Drilled, neighbour: Child): Promise<void> {
  const { number, arm, flags } = furniture.stamp;
  const nic = furniture.id('networkInterfaces/attacker');
  const { mac, router } = await placeOfAttacker(furniture);
  const order: AttackOrder = {
    path: namespaceOfGuest(attacker),
    link: 'eth0',
    attack,
    perSecond: attack === 'scan' ? scanPerSecond : 0,
    mac,
    gateway: '12:34:56:78:9a:bc',
    address: attacker,
  };
  const before = statesOf(`rw${number}-edge`);
  await neighbour.ask();
  const child = new Child('attack.ts', order);
  try {
    const { started } = await child.line<{ started: number }>();
    const end = started + attackMs;
    let states = before;
    let enforced: number | undefined;
    for (; Date.now() < end; await sleep(50)) {
      states = Math.max(states, statesOf(`rw${number}-edge`));
      enforced ??= (await isApart(router)) ? Date.now() : undefined;
    }
    const during = await neighbour.ask<NeighbourReport>();
    child.end();
    const { sent, ms } = await child.line<{ sent: number; ms: number }>();
    const { body } = await arm.send('GET', `${nic}/quarantine?api-version=2018-11-01`);
    if (attack === 'syn') await judgeAppeal(furniture);
    const shown = body as { state?: string; since?: string; abuse?: string; packets?: readonly string[] };
    const detected = shown.since === undefined ? undefined : Date.parse(shown.since) - started;
    const apart = enforced === undefined ? undefined : enforced - started;
    told(
      detected !== undefined && apart !== undefined && apart <= apartMs,
      `${says} (${sent} packets in ${ms} ms): noticed after ${detected ?? 'never'} ms, set apart in the kernel after ${apart ?? 'never'} ms (bound ${apartMs})`,
    );
    told(
      shown.abuse === abuse && (shown.packets?.length ?? 0) > 0,
      `its evidence says "${String(shown.abuse)}", with ${shown.packets?.length ?? 0} packets`,
    );
    told(
      during.answered / during.due >= throughputMin,
      `another tenant meanwhile: ${feltOf(during)} (bound ${throughputMin * 100} %)`,
    );
    // Each router holds its own flows; what reaches the boundary is bounded by the budget of new flows.
    told(states - before <= 6000, `states at the boundary: ${before} before, ${states} at most (bound +6000)`);
  } finally {
    child.end();
  }
  await ringwall(['quarantine', 'release', 'attacker', ...flags]).catch((error: unknown) => told(false, String(error)));
  for (let tries = 0; tries < 50 && (await isApart(router)); tries++) await sleep(100);
  told(!(await isApart(router)), 'released by the operator, and the kernel lets it send again');
}

/** The tenant's word reaches the operator, and nothing that the tenant does lets the NIC go. */
async function judgeAppeal(furniture: Furniture): Promise<void> {
  const { arm, flags } = furniture.stamp;
  const nic = furniture.id('networkInterfaces/attacker');
  const { status } = await arm.send('POST', `${nic}/appeal?api-version=2018-11-01`, { text: 'a backup ran wild' });
  const shown = JSON.stringify(await ringwall(['quarantine', 'show', 'attacker', ...flags]));
  told(status === 200 && shown.includes('a backup ran wild'), 'the appeal of the tenant is shown to the operator');
  await furniture.makeNic('attacker', { subnet: 'bad/subnets/s', address: attacker });
  const listed = JSON.stringify(await ringwall(['quarantine', 'list', ...flags]));
  told(listed.includes('networkInterfaces/attacker'), 'the tenant writes the NIC again, and it stays in quarantine');
  const used = JSON.stringify(await ringwall(['show', 'budgets', ...flags]));
  told(/"maxConnectionsPerSubscription","used":\d/.test(used), 'what is held of each budget is shown');
}

/** What is refused, and what the log has. */
async function judgeRights(furniture: Furniture): Promise<void> {
  const { arm } = furniture.stamp;
  const nic = furniture.id('networkInterfaces/attacker');
  const refused = await arm.send('POST', `${nic}/appeal?api-version=2018-11-01`, { text: 'it was a test' }).then(
    () => 'taken',
    (error: unknown) => String(error),
  );
  told(/NotQuarantined/.test(refused), 'nobody appeals against what is not: refused');
  const since = encodeURIComponent(`eventTimestamp ge '${new Date(Date.now() - 600_000).toISOString()}'`);
  const log = `/subscriptions/${furniture.stamp.subscription}/providers/microsoft.insights/eventtypes/management/values`;
  const { body } = await arm.send('GET', `${log}?api-version=2015-04-01&$filter=${since}`);
  const events = JSON.stringify(body);
  told(
    events.includes('It is quarantined.') && events.includes('released from quarantine'),
    "both are in the tenant's activity log",
  );
}

async function placeOfAttacker({ stamp }: Furniture): Promise<{ readonly mac: string; readonly router: string }> {
  const programs = await ringwall(['show', 'programs', ...stamp.flags]);
  for (const [point, program] of Object.entries(programs as { [point: string]: JsonObject })) {
    const ports = Object.values((program['ports'] ?? {}) as { [name: string]: JsonObject });
    const port = ports.find(({ addresses }) => Object.hasOwn((addresses ?? {}) as JsonObject, attacker));
    const [, key = '', host = ''] = point.split('/');
    if (port !== undefined) return { mac: String(port['mac']), router: `rw${stamp.number}-${key}${host}` };
  }
  throw new Error('The attacker has no port.');
}

async function isApart(router: string): Promise<boolean> {
  return (await run(['ip', 'netns', 'exec', router, 'nft', 'list', 'set', 'inet', 'rw', 'apart'], '')).includes('"n');
}

function statesOf(namespace: string): number {
  return Number(inNamespace(namespace, () => readFileSync('/proc/sys/net/netfilter/nf_conntrack_count', 'latin1')));
}
