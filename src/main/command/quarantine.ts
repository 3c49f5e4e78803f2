/** Commands about containment: NICs in quarantine with their evidence, letting one go, and what subscriptions use of the data plane. */

import type { BudgetUse } from '#engine/containment/use.ts';
import { print } from '#main/command/options.ts';
import { withTarget, type TargetOptions } from '#main/command/target.ts';
import type { Quarantine } from '#model/security/quarantine.ts';

type Listed = { readonly nic: string; readonly quarantine: Quarantine };

/** `ringwall quarantine list` */
export async function listQuarantines(options: TargetOptions): Promise<void> {
  const found = await withTarget(options, (link) =>
    link.call<{ readonly quarantines: readonly Listed[] }>('quarantines', []),
  );
  const lines = found.quarantines.map(
    ({ nic, quarantine: { since, says, appeal } }) =>
      `${since}  ${nic}\n  ${says}${appeal === undefined ? '' : `\n  appeal of ${appeal.by}, ${appeal.at}: ${appeal.text}`}`,
  );
  print(options, found, lines.length === 0 ? 'No NIC is in quarantine.' : lines.join('\n'));
}

/** `ringwall quarantine show NIC` */
export async function showQuarantine(nic: string, options: TargetOptions): Promise<void> {
  const found = await withTarget(options, (link) => link.call<Listed>('quarantine', [nic]));
  const { since, says, rule, dropped, budget, packets, flows, appeal } = found.quarantine;
  const listed = (values: { readonly [name: string]: number }) =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ');
  const lines = [
    found.nic,
    `  since    ${since}`,
    `  why      ${says}`,
    `  rule     ${rule}`,
    `  dropped  ${listed(dropped)}`,
    `  budget   ${listed(budget)}`,
    ...packets.map((packet) => `  packet   ${packet}`),
    ...flows.map((flow) => `  flow     ${flow}`),
    ...(appeal === undefined ? [] : [`  appeal   ${appeal.by}, ${appeal.at}: ${appeal.text}`]),
  ];
  print(options, found, lines.join('\n'));
}

/** `ringwall quarantine release NIC` */
export async function releaseQuarantine(nic: string, options: TargetOptions): Promise<void> {
  const answer = await withTarget(options, (link) => link.call<{ readonly released: string }>('release', [nic]));
  print(options, answer, `${answer.released} is released.`);
}

type Used = { readonly subscriptions: readonly { subscription: string; budgets: readonly BudgetUse[] }[] };

/** `ringwall show budgets [SUBSCRIPTION]` */
export async function showBudgets(subscription: string | undefined, options: TargetOptions): Promise<void> {
  const wanted = subscription === undefined ? [] : [subscription];
  const found = await withTarget(options, (link) => link.call<Used>('budgets', wanted));
  const lines = found.subscriptions.flatMap(({ subscription: id, budgets }) => [
    id,
    ...budgets.map(({ name, used, limit }) => `  ${name}: ${used ?? 'a rate'} of ${limit ?? 'no limit'}`),
  ]);
  print(options, found, lines.join('\n'));
}
