/** Commands about the kernel's drift: what others changed and was healed, and trusting a host again. */

import { isObject, type JsonObject } from '#base/json.ts';
import { print } from '#main/command/options.ts';
import { withTarget, type TargetOptions } from '#main/command/target.ts';

type Drift = { readonly changes: readonly JsonObject[]; readonly untrustedHosts: readonly string[] };

/** `ringwall show drift`: exits with 1 while a host is not trusted. */
export async function showDrift(options: TargetOptions): Promise<void> {
  const drift = await withTarget(options, (link) => link.call<Drift>('drift', []));
  const untrusted = drift.untrustedHosts.map((host) => `${host} is not trusted: no guest is placed there.`);
  const changes = drift.changes.flatMap(changeLines);
  const lines = [...untrusted, ...changes];
  print(options, drift, lines.length === 0 ? 'Nobody else changed what Ringwall set up.' : lines.join('\n'));
  if (untrusted.length > 0) process.exitCode = 1;
}

/** `ringwall trust HOST` */
export async function trustHost(host: string, options: TargetOptions): Promise<void> {
  const answer = await withTarget(options, (link) => link.call<JsonObject>('trust', [host]));
  print(options, answer, `${host} is trusted again.`);
}

function changeLines({ at, healedAt, point, differences }: JsonObject): string[] {
  const list = Array.isArray(differences) ? differences.filter(isObject) : [];
  return [
    `${String(at)}  ${String(point)}  ${healedAt === undefined ? 'not healed yet' : `healed ${String(healedAt)}`}`,
    ...list.map(({ says, by }) => {
      const who = isObject(by) ? ` (by process ${String(by['pid'])}, ${String(by['process'])})` : '';
      return `  ${String(says)}${who}`;
    }),
  ];
}
