/** What forged packets have in common: from web1 to app1, to a port that is closed and one that is open. */

import { type Field, nic } from '#test/attack/field.ts';
import { tagBytes } from '#test/attack/forge.ts';
import type { Attempt } from '#test/attack/row.ts';

export type Make = (tag: Buffer) => Buffer | readonly Buffer[];
export type Named = readonly [name: string, make: Make];

export const [web, app] = [
  { source: '10.0.0.4', target: '10.0.1.4' },
  { source: 'fd00::4', target: 'fd00:0:0:1::4' },
] as const;
export const ssh = { from: 50_100, to: 22 } as const;
export const allowed = { from: 50_100, to: 443 } as const;

export function vanish(field: Field, name: string, make: Make): Attempt {
  return {
    name: `forged: ${name}`,
    run: async () => {
      field.forget();
      const tag = field.tag();
      const packets = make(tagBytes(tag));
      for (const packet of Buffer.isBuffer(packets) ? [packets] : packets) field.putPacket(nic.web1, packet as Buffer);
      return await field.nothing(tag, nic.web1);
    },
  };
}

export function vanishFrames(field: Field, name: string, make: Make): Attempt {
  return {
    name: `frame: ${name}`,
    run: async () => {
      field.forget();
      const tag = field.tag();
      const frames = make(tagBytes(tag));
      for (const frame of Buffer.isBuffer(frames) ? [frames] : frames) field.put(nic.web1, frame as Buffer);
      return await field.nothing(tag, nic.web1);
    },
  };
}
