/** Rows under a configuration of their own: signed in afresh, or as an earlier row has signed in. */

import { az, refused, type AzWanted } from '#test/peers/az.ts';
import type { AzContext } from '#test/peers/context.ts';
import type { Row } from '#test/peers/row.ts';

/** A command under a configuration that knows the cloud and has no sign-in yet. */
export function fresh(name: string, command: string, wanted: AzWanted): Row<AzContext> {
  const row = wanted.isRefused === true ? refused(command, ...(wanted.says ?? [])) : az(command, wanted.shows, wanted);
  return {
    ...row,
    attempt: async (context) => {
      context.az.copyConfiguration(context.configuration, name);
      return await row.attempt({ ...context, configuration: name });
    },
  };
}

/** A command under a configuration that an earlier row has signed in. */
export function as(name: string, command: string, wanted: AzWanted): Row<AzContext> {
  const row = wanted.isRefused === true ? refused(command, ...(wanted.says ?? [])) : az(command, wanted.shows, wanted);
  return {
    ...row,
    name: `${row.name} (as ${name})`,
    attempt: (context) => row.attempt({ ...context, configuration: name }),
  };
}
