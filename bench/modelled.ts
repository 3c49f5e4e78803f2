/** Ten thousand NICs in a stamp's model, on a host that another machine carries: what no bench could wait for through ARM. */

import type { OwnStamp } from '#bench/own-stamp.ts';
import { progress } from '#bench/progress.ts';
import { largeStamp, proofStamp } from '#bench/proof-stamp.ts';
import { seedResources } from '#bench/seed.ts';

/** Numbers of modelled NICs and networks begin here: far beyond those that the stamp gives out for a few. */
const modelledFirst = 20_000;

/** Puts 10,000 NICs with subnets, routes and NSGs into the model, with the stamp down meanwhile; answers how many. Its settings need a remote host. */
export async function modelNics(stamp: OwnStamp): Promise<number> {
  progress('Putting 10,000 NICs into the model.');
  const size = { ...largeStamp, bareOfTen: 10 };
  const { build } = proofStamp({ size, number: stamp.number, first: modelledFirst, host: 'h3' });
  const resources = [...build.resources.values()].map((one) =>
    one.type === 'Microsoft.Compute/virtualMachines'
      ? { ...one, internal: { ...one.internal, power: 'deallocated' } }
      : one,
  );
  await stamp.down({ keep: true });
  await seedResources(stamp.state, resources);
  await stamp.up();
  return resources.filter(({ type }) => type === 'Microsoft.Network/networkInterfaces').length;
}
