/** The verifier's sets against the oracle: random packets on random stamps, in all directions. */

import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { PacketSets } from '#verify/packet-sets.ts';
import { Reach, reachParts } from '#verify/reach/reach.ts';
import { labStamp, viewOf } from '#test/generate/build.ts';
import { withBalances } from '#test/generate/balance.ts';
import { withOpenings } from '#test/generate/opening.ts';
import { aimed, packetPool, randomPacket } from '#test/generate/packet.ts';
import { randomFrom } from '#test/generate/random.ts';
import { randomStamp } from '#test/generate/stamp.ts';
import { withDenial } from '#test/generate/switch.ts';
import { type PartEnd, type PartOrder, saysOf } from '#test/oracle/part.ts';
import { judgePacket } from '#test/oracle/sets.ts';

const packetsPerStamp = 400;

/** Asks both of `count` packets. */
export function packetsPart({ seed, count, onProgress }: PartOrder): PartEnd {
  const disagreements: string[] = [];
  let [asked, delivered] = [0, 0];
  for (let at = seed; asked < count; at++) {
    const random = randomFrom(at);
    const compiled = compileStamp(viewOf(randomStamp(at)), labStamp, new CompileMemo());
    const opened = at % 2 === 0 ? withOpenings(random, compiled, 0) : compiled;
    const denied = at % 3 === 0 ? withDenial(random, opened) : opened;
    const programs = at % 4 === 1 ? withBalances(random, denied) : denied;
    const reach = new Reach(programs, reachParts(new PacketSets()));
    const pool = packetPool(programs);
    for (let index = 0; index < packetsPerStamp && asked < count; index++) {
      const any = randomPacket(random, pool);
      const packet = random.chance(0.5) ? aimed(random, programs, any) : any;
      asked += 1;
      try {
        const fate = judgePacket(reach, packet, `seed ${at}, packet ${JSON.stringify(packet)}`);
        if (fate.verdict === 'deliver') delivered += 1;
      } catch (error) {
        disagreements.push(saysOf(error));
      }
    }
    onProgress(asked / count);
  }
  return { checked: asked, says: `${delivered} of them delivered`, disagreements };
}
