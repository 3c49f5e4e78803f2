/** Two guests behind a churned group and a load balancer, and the packet streams that run through them. */

import { setTimeout as sleep } from 'node:timers/promises';
import { type Furniture, ruleBody } from '#bench/furniture.ts';
import type { OwnStamp } from '#bench/own-stamp.ts';
import { namespaceOfGuest, startEcho, startVisits, type Stream } from '#test/kill/streams.ts';
import { churnedGroup } from '#test/kill/writers.ts';

export const guestAddresses = { left: '10.0.0.4', right: '10.0.0.5' } as const;
const echoPort = 7000;

/** Two guests that speak to each other behind a churned group, both behind a load balancer with a public address. Answers its URL. */
export async function furnish(furniture: Furniture): Promise<string> {
  await furniture.makeGroup();
  const open = (priority: number, [protocol, prefix, port]: readonly [string, string, string]) => ({
    name: `open${priority}`,
    properties: {
      ...ruleBody({ priority, port: 1 }),
      protocol,
      sourceAddressPrefix: prefix,
      destinationPortRange: port,
    },
  });
  await furniture.makeGroupOfRules(churnedGroup, [
    open(100, ['Udp', 'VirtualNetwork', String(echoPort)]),
    open(110, ['Tcp', 'Internet', '80']),
  ]);
  const nsg = { id: furniture.id(`networkSecurityGroups/${churnedGroup}`) };
  await furniture.makeVnet('vnet0', '10.0.0.0/16', [
    { name: 'guests', properties: { addressPrefix: '10.0.0.0/24', networkSecurityGroup: nsg } },
    { name: 'loose', properties: { addressPrefix: '10.0.1.0/24' } },
  ]);
  await furniture.makeVnet('vnet1', '10.1.0.0/16', [{ name: 'first', properties: { addressPrefix: '10.1.200.0/24' } }]);
  const address = await furniture.makeBalancer('balancer', 80);
  for (const [name, own] of Object.entries(guestAddresses)) {
    await furniture.makeNic(name, { subnet: 'vnet0/subnets/guests', address: own, pool: 'balancer' });
    await furniture.makeMachine(name, [name]);
  }
  return `http://${address}/`;
}

export function startStreams(stamp: OwnStamp, url: string): Stream[] {
  const { left: from, right: to } = guestAddresses;
  const echo = startEcho({ left: namespaceOfGuest(from), right: namespaceOfGuest(to), from, to, port: echoPort });
  return [echo, startVisits(`rw${stamp.number}-inet`, url)];
}

/** Until the first probes found the backends, and neighbours are known, losses are no wonder. */
export async function untilFlowing(streams: readonly Stream[]): Promise<void> {
  const until = Date.now() + 60_000;
  for (;;) {
    await sleep(2000);
    const reports = await Promise.all(streams.map((stream) => stream.report()));
    if (reports.every(({ lost, longestGapMs }) => lost === 0 && longestGapMs < 500)) return;
    if (Date.now() > until)
      throw new Error(`The streams do not flow before anything was done to the stamp: ${JSON.stringify(reports)}`);
  }
}
