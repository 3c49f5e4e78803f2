/** The resolver by unbound: a program becomes its configuration, and what it then has is read back. */

import { renameSync, writeFileSync } from 'node:fs';
import { Fault } from '#base/wrong.ts';
import type { Resolver } from '#engine/ports.ts';
import { Engine } from '#adapters/unbound/engine.ts';
import { differenceOf, readRecords } from '#adapters/unbound/read.ts';
import { type AllRecords, type Records, recordsOf } from '#adapters/unbound/records.ts';
import { filesIn, renderUnbound } from '#adapters/unbound/render.ts';
import type { ResolverProgram } from '#program/program.ts';

export type ResolverOptions = {
  /** The program file of unbound. */
  readonly command: string;
  /** A folder that only this process's user can enter: configuration and control socket lie there. */
  readonly folder: string;
  readonly log: (says: string) => void;
};

/** Opens a resolver; it starts with its first program. Calls must come one after another. */
export function openResolver({ command, folder, log }: ResolverOptions): Resolver {
  const files = filesIn(folder);
  const engine = new Engine({ command, files, log });
  return {
    async apply(program: ResolverProgram): Promise<void> {
      const { text, identity } = renderUnbound(program, folder);
      writeFileSync(`${files.configuration}.new`, text, { mode: 0o600 });
      renameSync(`${files.configuration}.new`, files.configuration);
      await engine.read();
      const wanted = recordsOf(program);
      const named = (await engine.ask('get_option identity')).trim();
      const difference =
        named === identity ? differenceOf(wanted, await listed(engine, wanted)) : 'it has another configuration';
      if (difference !== undefined)
        throw new Fault('ResolverUnconfirmed', `The resolver does not have its program: ${difference}.`);
    },
    close: () => engine.stop(),
  };
}

async function listed(engine: Engine, { views }: AllRecords): Promise<AllRecords> {
  const shared = readRecords(await engine.ask('list_local_data'));
  const found = new Map<string, Records>();
  for (const key of views.keys()) found.set(key, readRecords(await engine.ask(`view_list_local_data ${key}`)));
  return { shared, views: found };
}
