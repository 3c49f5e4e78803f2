/** Routes and translations of the kernel, changed by hand: the plane tells where packets go now, and where they should go. */

import { run } from '#adapters/linux/ip.ts';
import { namesOf, namespaceOf } from '#adapters/linux/names.ts';
import { NftContext } from '#adapters/linux/nft.ts';
import { addBalancer, addNic, addPublicIp, addSubnet, addVnet, type Build } from '#test/generate/build.ts';
import type { Harness } from '#test/stamp/harness.ts';
import { programsFrom } from '#test/stamp/scenario.ts';

function ground(build: Build): void {
  const pool = `198.18.${build.stamp.number}`;
  addVnet(build, 'a', ['10.0.0.0/16', 'fd00::/48']);
  addSubnet(build, 'a/s', [['10.0.0.0/24', 'fd00::/64']]);
  addPublicIp(build, 'p', [`${pool}.40`]);
  addBalancer(build, 'l', { subnet: 'a/s', address: '10.0.0.200', rules: [{ frontendPort: 80, backendPort: 80 }] });
  for (const host of [4, 5])
    addNic(build, `n${host}`, {
      subnet: 'a/s',
      addresses: [
        { address: `10.0.0.${host}`, pools: ['l/pool'], ...(host === 4 ? { publicIp: 'p' } : {}) },
        `fd00::${host}`,
      ],
    });
}

type Change = {
  readonly name: string;
  readonly point: 'edge' | 'router';
  /** Words of `ip`, or a text for `nft`. */
  readonly change: readonly string[] | ((stamp: number) => string);
  readonly says: RegExp;
};

const changes: readonly Change[] = [
  {
    name: 'a NIC’s route leads to another port',
    point: 'router',
    change: 'route replace 10.0.0.5/32 dev n1 proto 157'.split(' '),
    says: /^Routes of n1: the packet to 10\.0\.0\.5 is "n1 .*" in the kernel and "n2 /,
  },
  {
    name: 'the main table is asked before a NIC’s own',
    point: 'router',
    change: '-6 rule add pref 10 lookup 254'.split(' '),
    says: /^Routes of n1: the packet to \S*:\S* is "drop" in the kernel and "uplink /,
  },
  {
    name: 'a neighbour is somebody else',
    point: 'router',
    change: 'neigh replace 10.0.0.5 lladdr 02:00:00:00:00:99 dev n2 nud permanent'.split(' '),
    says: /^Routes .* to 10\.0\.0\.5 is "n2 02:00:00:00:00:99" in the kernel/,
  },
  {
    name: 'a label stands for another NIC',
    point: 'router',
    change: (stamp) =>
      `delete element inet rw to_private4 { 100.${64 + stamp}.0.1 }\nadd element inet rw to_private4 { 100.${64 + stamp}.0.1 : 10.0.0.5 }\n`,
    says: /^Targets: .* is "target 10\.0\.0\.5" in the kernel and "target 10\.0\.0\.4" in the program/,
  },
  {
    name: 'questions to the resolver are redirected',
    point: 'router',
    change: () => 'insert rule inet rw dnat_in udp dport 53 dnat ip to 203.0.113.53\n',
    says: /^Targets: .* is "target 203\.0\.113\.53" in the kernel/,
  },
  {
    name: 'a rule says what nobody told of',
    point: 'router',
    change: () => 'insert rule inet rw snat_out oifname "uplink" masquerade\n',
    says: /^UnknownExpression: .*"masquerade"/,
  },
  {
    name: 'a public address is taken away',
    point: 'edge',
    change: (stamp) => `delete element inet rw public_to4 { 198.18.${stamp}.40 }\n`,
    says: /^Targets: .* to 198\.18\.\d+\.40.* is "drop" in the kernel and "target 100\./,
  },
  {
    name: 'a NIC leaves as another address',
    point: 'edge',
    change: (stamp) => `insert rule inet rw snat_out ip saddr 100.${64 + stamp}.0.2 snat ip to 198.18.${stamp}.40\n`,
    says: /^Sources: .* from 100\.\d+\.0\.2 is "source 198\.18\.\d+\.40" in the kernel/,
  },
];

async function tried(harness: Harness, { point: kind, change, says }: Change): Promise<string | undefined> {
  const point = Object.keys(harness.programs).find((one) => one.startsWith(kind)) ?? '';
  const namespace = namespaceOf(namesOf(harness.stamp), point);
  if (typeof change === 'function') {
    const context = new NftContext(namespace);
    context.run(change(harness.stamp));
    context.close();
  } else await run(['ip', '-n', namespace, ...change], '');
  const found = await harness.plane.readBack(point);
  if (!found.some((one) => says.test(one.says))) return found.map((one) => one.says).join('\n') || 'nothing was told';
  await harness.plane.repair(point);
  return (await harness.plane.readBack(point)).map((one) => one.says).join('\n') || undefined;
}

export const waysTests = changes.map((change) => ({
  name: `told with a packet and healed: ${change.name}`,
  run: async (harness: Harness): Promise<string | undefined> => {
    await harness.apply(programsFrom(harness.stamp, ground));
    return await tried(harness, change);
  },
}));
