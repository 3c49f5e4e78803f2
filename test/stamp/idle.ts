/** How long the boundary keeps idle flows, read from the kernel's own table: public addresses, outbound rules, balances. */

import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '#adapters/linux/ip.ts';
import { namesOf } from '#adapters/linux/names.ts';
import {
  addBalancer,
  addNatGateway,
  addNic,
  addPublicIp,
  addSubnet,
  addVnet,
  type Build,
} from '#test/generate/build.ts';
import type { Harness } from '#test/stamp/harness.ts';
import type { LifeTest } from '#test/stamp/life.ts';
import { follow, headerOf, programsFrom, type Row, runRow } from '#test/stamp/scenario.ts';

function idleStamp(stamp: number): (build: Build) => void {
  return (build) => {
    addPublicIp(build, 'own', [`198.18.${stamp}.60`, 'Basic', { idleTimeoutInMinutes: 7 }]);
    addPublicIp(build, 'lb', [`198.18.${stamp}.61`]);
    addPublicIp(build, 'gw', [`198.18.${stamp}.62`, 'Standard']);
    addPublicIp(build, 'six', [`2001:db8:${stamp.toString(16)}::60`, 'Basic', { idleTimeoutInMinutes: 30 }]);
    addNatGateway(build, 'gw', [['gw'], { idleTimeoutInMinutes: 60 }]);
    addVnet(build, 'a', ['10.0.0.0/16', 'fd00::/48']);
    addSubnet(build, 'a/s', [['10.0.0.0/24', 'fd00::/64']]);
    addSubnet(build, 'a/gw', [['10.0.1.0/24'], { natGateway: 'gw' }]);
    addBalancer(build, 'lb', {
      publicIp: 'lb',
      rules: [
        { frontendPort: 80, backendPort: 80, idleTimeoutInMinutes: 15 },
        { frontendPort: 53, backendPort: 53, protocol: 'Udp', idleTimeoutInMinutes: 9, disableOutboundSnat: true },
      ],
    });
    addNic(build, 'own', {
      subnet: 'a/s',
      addresses: [
        { address: '10.0.0.4', publicIp: 'own' },
        { address: 'fd00::4', publicIp: 'six' },
      ],
    });
    addNic(build, 'member', { subnet: 'a/s', addresses: [{ address: '10.0.0.5', pools: ['lb/pool'] }] });
    addNic(build, 'gateway', { subnet: 'a/gw', addresses: ['10.0.1.4'], host: 'h2' });
    addNic(build, 'default', { subnet: 'a/s', addresses: ['10.0.0.6'] });
  };
}

// A conversation, and the minutes after which the boundary forgets it.
const rows: readonly (readonly [Row, number])[] = [
  [[1, 'tcp 10.0.0.4 > 203.0.113.9:443', '* internet as tcp 198.18.{N}.60 > 203.0.113.9:443'], 7],
  [['internet', 'tcp 203.0.113.9 > 198.18.{N}.60:443', '* nic 1 as tcp 203.0.113.9 > 10.0.0.4:443'], 7],
  [['internet', 'udp 203.0.113.9 > 198.18.{N}.60:53', '* nic 1 as udp 203.0.113.9 > 10.0.0.4:53'], 7],
  [[1, 'tcp fd00::4 > 2001:db8:ffff::9', '* internet as tcp 2001:db8:{X}::60 > 2001:db8:ffff::9'], 30],
  [['internet', 'tcp 203.0.113.9 > 198.18.{N}.61:80', '* nic 2 as tcp 203.0.113.9 > 10.0.0.5:80'], 15],
  [['internet', 'udp 203.0.113.9 > 198.18.{N}.61:53', '* nic 2 as udp 203.0.113.9 > 10.0.0.5:53'], 9],
  [[2, 'tcp 10.0.0.5 > 203.0.113.9:443', '* internet as tcp 198.18.{N}.61:* > 203.0.113.9:443'], 15],
  [[3, 'tcp 10.0.1.4 > 203.0.113.9:443', '* internet as tcp 198.18.{N}.62:* > 203.0.113.9:443'], 60],
  [[4, 'tcp 10.0.0.6 > 203.0.113.9:443', '* internet as tcp 198.18.{N}.16:* > 203.0.113.9:443'], 4],
  // A guest calls a balance: how long the flow may be idle is the balance's.
  [[4, 'tcp 10.0.0.6 > 198.18.{N}.61:80', '* nic 2 as tcp 198.18.{N}.16:* > 10.0.0.5:80'], 15],
];

export const idleTests: readonly LifeTest[] = [
  {
    name: 'the boundary keeps an idle flow as long as its address or rule says',
    run: async (harness) => {
      await harness.apply(programsFrom(harness.stamp, idleStamp(harness.stamp)));
      const wrong: string[] = [];
      for (const [row, minutes] of rows) {
        harness.forget();
        const problem = (await runRow(harness, row)) ?? (await goOn(harness, row)) ?? (await leftOf(harness, minutes));
        if (problem !== undefined) wrong.push(`${row[0]} ${row[1]}: ${problem}`);
      }
      return wrong.length === 0 ? undefined : wrong.join('\n     ');
    },
  },
];

/** The kernel believes in a UDP flow, and gives it its time, once it has gone on for two seconds (nf_conntrack_proto_udp.c). */
async function goOn(harness: Harness, [, flow]: Row): Promise<string | undefined> {
  if (!flow.startsWith('udp ')) return undefined;
  await sleep(2100);
  const header = headerOf(flow.replaceAll('{N}', String(harness.stamp)));
  const arrival = await follow(harness, { packet: { origin: { kind: 'internet' }, ...header }, nvas: [], flags: 0 });
  return arrival === undefined ? 'the flow did not go on' : undefined;
}

/** The one flow of the boundary has these minutes left, but for the seconds since its last packet. */
async function leftOf(harness: Harness, minutes: number): Promise<string | undefined> {
  const edge = namesOf(harness.stamp).edge;
  const listings = await Promise.all(
    ['ipv4', 'ipv6'].map((family) => run(['ip', 'netns', 'exec', edge, 'conntrack', '-L', '-f', family], '')),
  );
  const lines = listings.flatMap((text) => text.split('\n')).filter((line) => /^(tcp|udp) /.test(line));
  const left = lines.map((line) => Number(line.split(/\s+/)[2]));
  const [seconds = 0] = left;
  return lines.length === 1 && seconds <= minutes * 60 && seconds > minutes * 60 - 10
    ? undefined
    : `wanted ${minutes} minutes: ${lines.join('; ') || 'no flow'}`;
}
