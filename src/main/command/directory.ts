/** The command `ringwall directory`: the directories of a stamp, over the operator's socket. */

import type { JsonObject } from '#base/json.ts';
import { print } from '#main/command/options.ts';
import { withTarget, type TargetOptions } from '#main/command/target.ts';

export type AddOptions = TargetOptions & { readonly domain?: string; readonly displayName?: string };

type Shown = JsonObject & { readonly tenantId: string; readonly displayName: string; readonly domains: string[] };
type Made = Shown & { readonly administrator: string; readonly password: string };

/** `ringwall directory add NAME`: the first administrator's password is shown here and nowhere else. */
export async function addDirectory(name: string, options: AddOptions): Promise<void> {
  const { domain, displayName } = options;
  const wanted = {
    name,
    ...(domain === undefined ? {} : { domain }),
    ...(displayName === undefined ? {} : { displayName }),
  };
  const made = await withTarget(options, (link) => link.call<Made>('directoryAdd', [wanted]));
  const says = [
    line(made),
    `administrator: ${made.administrator}`,
    `password: ${made.password} (shown once, to be replaced at the first sign-in)`,
  ];
  print(options, made, says.join('\n'));
}

/** `ringwall directory invite NAME USER`: a user of another directory becomes a guest of this one. */
export async function inviteUser(name: string, user: string, options: TargetOptions): Promise<void> {
  const made = await withTarget(options, (link) =>
    link.call<JsonObject & { readonly guest: string }>('directoryInvite', [name, user]),
  );
  print(options, made, `${user} signs in there as ${made.guest}`);
}

/** `ringwall directory list` */
export async function listDirectories(options: TargetOptions): Promise<void> {
  const all = await withTarget(options, (link) => link.call<Shown[]>('directoryList', []));
  print(options, { directories: all }, all.map(line).join('\n'));
}

/** `ringwall directory remove NAME`: with all users, programs, groups and sign-ins. */
export async function removeDirectory(name: string, options: TargetOptions): Promise<void> {
  const gone = await withTarget(options, (link) => link.call<Shown>('directoryRemove', [name]));
  print(options, { removed: gone.tenantId }, `removed: ${line(gone)}`);
}

function line({ tenantId, displayName, domains }: Shown): string {
  return `${tenantId}  ${displayName}  ${domains.join(', ')}`;
}
