/** Port blocks of the boundary, with the labels and protocols that their keys stand for (program.ts, `EdgeProgram.blocks`). */

import type { EdgeProgram } from '#program/program.ts';

export const blockKinds = ['tcp', 'udp', 'any'] as const;

/** Blocks of labels without a public address of their own, with the protocols that they are for. */
export function sharedBlocks(program: EdgeProgram) {
  return Object.entries(program.blocks).flatMap(([key, { address, ports, idleMinutes }]) => {
    const [label = '', protocol] = key.split('/');
    const kind = protocol === 'tcp' || protocol === 'udp' ? protocol : ('any' as const);
    return Object.hasOwn(program.ones, label) ? [] : [{ label, kind, address, ports, idleMinutes }];
  });
}
