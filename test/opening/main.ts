/** Just-in-time access on a running stamp (`./ringwall test opening`): asked for through ARM, used by real packets, and closed by the kernel when nothing of ours runs. */

import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '#base/json.ts';
import { run } from '#adapters/linux/ip.ts';
import { ringwall } from '#bench/command.ts';
import { Furniture, ruleBody } from '#bench/furniture.ts';
import { type OwnStamp, withOwnStamp } from '#bench/own-stamp.ts';
import { printCounts } from '#tools/counts.ts';
import { namespaceOfGuest } from '#test/kill/streams.ts';
import { isRunning, processesOf } from '#test/kill/world.ts';
import { Program } from '#test/opening/program.ts';

const tally = { passed: 0, failed: 0, skipped: 0 };
const [friend, stranger] = ['203.0.113.9', '203.0.113.10'];
const inside = '10.77.0.4';
/** A management port that the guest itself does not listen at. */
const port = 3389;
/** How long the access is asked for: long enough to do all that is done while it is open. */
const openMs = 25_000;
const version = 'api-version=2020-01-01';

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
  const furniture = new Furniture(stamp, 'opening');
  const target = await furnish(furniture);
  const internet = `--net=/run/netns/rw${stamp.number}-inet`;
  const guest = `--net=${namespaceOfGuest(inside)}`;
  for (const address of [friend, stranger])
    await run(['nsenter', internet, 'ip', 'address', 'add', `${address}/32`, 'dev', 'lo'], '');
  // The guest's own firewall is the guest's: here it is open, so that what arrives is seen.
  await run(['nsenter', guest, 'nft', 'flush', 'ruleset'], '');
  const listener = new Program(['nsenter', guest, 'nc', '-l', '-k', String(port)]);
  const programs = [listener];
  const place = `${furniture.group}/providers/Microsoft.Security/locations/${stamp.location}/jitNetworkAccessPolicies/default`;
  try {
    await judgeClosed(furniture, { internet, target });
    await stamp.arm.send('PUT', `${place}?${version}`, policyOf(furniture));
    await judgeSources(furniture, place);
    const end = Date.now() + openMs;
    const asked = Date.now();
    const { status, body } = await stamp.arm.send('POST', `${place}/initiate?${version}`, requestFor(furniture, end));
    told(status === 202, `asked for port ${port} from ${friend}: ${status}`);
    told(JSON.stringify(body).includes('"Initiated"'), `the request is told as it stands: ${JSON.stringify(body)}`);
    const session = new Program(['nsenter', internet, 'nc', '-s', friend, target, String(port)]);
    programs.push(session);
    session.write('first\n');
    told(await listener.hears('first', 3000), `open after ${Date.now() - asked} ms`);
    told(!(await connects(internet, { from: stranger, target, port })), `not open from ${stranger}`);
    told(!(await connects(internet, { from: friend, target, port: 23 })), 'not open at port 23');
    await killAll(stamp);
    session.write('second\n');
    told(await listener.hears('second', 3000), 'the session goes on while nothing of ours runs');
    await sleep(Math.max(0, end - Date.now()) + 2000);
    session.write('third\n');
    told(!(await listener.hears('third', 4000)), 'after its time the session is cut, with nothing of ours running');
    told(!(await connects(internet, { from: friend, target, port })), 'and a new one does not get in');
    await stamp.up();
    told(await isExpired(stamp, place), 'once the stamp runs again the request is told as expired');
    told(!(await connects(internet, { from: friend, target, port })), 'and it stays closed');
    const events = await eventsOf(stamp);
    told(events.includes('just-in-time access is over'), 'its end is in the audit');
    told(events.includes('initiate/action'), 'and so is who asked');
  } finally {
    for (const program of programs) program.end();
  }
}

/** A guest with a public address, behind a group without any rule. Answers the public address. */
async function furnish(furniture: Furniture): Promise<string> {
  const { stamp } = furniture;
  await furniture.makeGroup();
  await furniture.makeGroupOfRules('closed', []);
  const networkSecurityGroup = { id: furniture.id('networkSecurityGroups/closed') };
  await furniture.makeVnet('vnet', '10.77.0.0/16', [
    { name: 'guests', properties: { addressPrefix: '10.77.0.0/24', networkSecurityGroup } },
  ]);
  const address = furniture.network('publicIPAddresses/own');
  const { location } = stamp;
  await stamp.arm.send('PUT', address, {
    location,
    sku: { name: 'Standard' },
    properties: { publicIPAllocationMethod: 'Static' },
  });
  const properties = {
    subnet: { id: furniture.id('virtualNetworks/vnet/subnets/guests') },
    privateIPAllocationMethod: 'Static',
    privateIPAddress: inside,
    publicIPAddress: { id: furniture.id('publicIPAddresses/own') },
  };
  await stamp.arm.send('PUT', furniture.network('networkInterfaces/one'), {
    location,
    properties: { ipConfigurations: [{ name: 'ip1', properties }] },
  });
  await furniture.makeMachine('one', ['one']);
  const { body } = await stamp.arm.send('GET', address);
  return String((body as { properties: { ipAddress?: string } }).properties.ipAddress);
}

type From = { readonly internet: string; readonly target: string };

/** Before anything is asked for: closed to everybody, and no rule may open it. */
async function judgeClosed(furniture: Furniture, { internet, target }: From): Promise<void> {
  told(!(await connects(internet, { from: friend, target, port })), `${target}:${port} is closed`);
  const rule = furniture.network('networkSecurityGroups/closed/securityRules/ssh');
  const refused = await furniture.stamp.arm
    .send('PUT', rule, { properties: ruleBody({ priority: 100, port, prefix: `${friend}/32` }) })
    .then(
      () => 'taken',
      (error: unknown) => String(error),
    );
  told(/RequestDisallowedByPolicy/.test(refused), `a rule that opens it is refused: ${refused.slice(0, 200)}`);
}

/** The operator signs for whom access may be asked at all; every signing is in the audit. */
async function judgeSources(furniture: Furniture, place: string): Promise<void> {
  const { stamp } = furniture;
  const file = `${stamp.state}/opening-policy.json`;
  const sign = async (prefix: string): Promise<unknown> => {
    writeFileSync(file, JSON.stringify({ openingSources: [prefix] }));
    return (await ringwall(['policy', 'set', file, ...stamp.flags]))['version'];
  };
  const first = await sign('198.51.100.0/24');
  const refused = await stamp.arm
    .send('POST', `${place}/initiate?${version}`, requestFor(furniture, Date.now() + openMs))
    .then(
      () => 'taken',
      (error: unknown) => String(error),
    );
  told(/RequestDisallowedByPolicy/.test(refused), `a source that the operator did not sign for is refused`);
  const second = await sign('203.0.113.0/24');
  const text = await eventsOf(stamp);
  const isThere = [first, second].every((number) => text.includes(`version ${String(number)}, SHA-256`));
  told(isThere, `both signings are in the audit: versions ${String(first)} and ${String(second)}`);
}

/** The activity log of the last minutes, as text. */
async function eventsOf({ arm, subscription }: OwnStamp): Promise<string> {
  const since = new Date(Date.now() - 600_000).toISOString();
  const log = `/subscriptions/${subscription}/providers/microsoft.insights/eventtypes/management/values`;
  const filter = encodeURIComponent(`eventTimestamp ge '${since}'`);
  const { body } = await arm.send('GET', `${log}?api-version=2015-04-01&$filter=${filter}`);
  return JSON.stringify(body);
}

function policyOf(furniture: Furniture): JsonObject {
  const ports = [
    { number: port, protocol: 'TCP', allowedSourceAddressPrefix: '203.0.113.0/24', maxRequestAccessDuration: 'PT1H' },
  ];
  return { kind: 'Basic', properties: { virtualMachines: [{ id: furniture.machine('one'), ports }] } };
}

function requestFor(furniture: Furniture, end: number): JsonObject {
  const ports = [{ number: port, allowedSourceAddressPrefix: friend, endTimeUtc: new Date(end).toISOString() }];
  return { virtualMachines: [{ id: furniture.machine('one'), ports }], justification: 'the opening suite' };
}

/** Everything of the stamp's own at once, its supervisor too. Guests go on: they are nobody's children. */
async function killAll({ number }: OwnStamp): Promise<void> {
  const { ringd, ...others } = processesOf(number);
  for (const pid of [ringd, ...Object.values(others)]) if (pid !== undefined) process.kill(pid, 'SIGKILL');
  await sleep(500);
  const left = Object.entries(others).filter(([name, pid]) => isRunning(pid, name));
  told(ringd !== undefined && left.length === 0, `killed: ringd, ${Object.keys(others).join(', ')}`);
}

async function isExpired({ arm }: OwnStamp, place: string): Promise<boolean> {
  for (const until = Date.now() + 20_000; Date.now() < until; await sleep(500)) {
    const { body } = await arm.send('GET', `${place}?${version}`);
    if (JSON.stringify(body).includes('"Expired"')) return true;
  }
  return false;
}

/** Does a connection come about within three seconds? A refusal by the guest counts: the packet arrived. */
async function connects(
  internet: string,
  { from, target, port: asked }: { readonly from: string; readonly target: string; readonly port: number },
): Promise<boolean> {
  return await run(['nsenter', internet, 'nc', '-z', '-v', '-w', '3', '-s', from, target, String(asked)], '').then(
    () => true,
    (error: unknown) => /refused/i.test(String(error)),
  );
}
