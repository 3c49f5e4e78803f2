/** Commands that ask for the prover's word on the stamp that stands: findings, exposure, who reaches whom, and one invariant. */

import type { Exposed, Findings, ProofQuestions } from '#engine/ports.ts';
import { findingsText } from '#main/command/breach-text.ts';
import { print } from '#main/command/options.ts';
import { withTarget, type TargetOptions } from '#main/command/target.ts';
import type { Reaching } from '#verify/proof/verdict.ts';

/** `ringwall show findings`: exits with 1 when anything stands broken. */
export async function showFindings(options: TargetOptions): Promise<void> {
  const { told: findings, more } = await withTarget(options, (link) => link.call<Findings>('findings', []));
  print(options, { findings, more }, findingsText({ told: findings, more }));
  if (findings.length > 0) process.exitCode = 1;
}

/** `ringwall show exposure` */
export async function showExposure(options: TargetOptions): Promise<void> {
  const exposed = await withTarget(options, (link) => link.call<readonly Exposed[]>('exposure', []));
  const lines = exposed.map(
    ({ address, because, services, nics }) =>
      `${address}  ${services.length === 0 ? 'closed' : services.join(' ')}  ${because}  -> ${nics.join(', ') || 'nothing'}`,
  );
  print(options, { exposed }, lines.length === 0 ? 'There is no public address.' : lines.join('\n'));
}

/** `ringwall show reach [SCOPE]` */
export async function showReach(scope: string | undefined, options: TargetOptions): Promise<void> {
  const { rows, more } = await withTarget(options, (link) =>
    link.call<{ readonly rows: readonly Reaching[]; readonly more: number }>(
      'matrix',
      scope === undefined ? [] : [scope],
    ),
  );
  const lines = rows.map(({ from, to, services }) => `${sideText(from)} -> ${sideText(to)}: ${services.join(' ')}`);
  print(options, { rows, more }, [...lines, ...(more === 0 ? [] : [`and ${more} more`])].join('\n'));
}

/** `ringwall prove INVARIANT`: exits with 1 when it is broken. */
export async function proveInvariant(id: string, options: TargetOptions): Promise<void> {
  const proof = await withTarget(options, (link) =>
    link.call<Awaited<ReturnType<ProofQuestions['prove']>>>('prove', [id]),
  );
  print(
    options,
    proof,
    proof.holds ? `${id} holds for every packet.` : findingsText({ told: proof.broken, more: proof.more }),
  );
  if (!proof.holds) process.exitCode = 1;
}

function sideText({ name, nics }: Reaching['from']): string {
  return nics > 1 ? `${name} (${nics} interfaces)` : name;
}
