/** `ringwall suggest`: least privilege for a network security group, from the flows that were seen. */

import type { JsonObject } from '#base/json.ts';
import type { Suggestion } from '#engine/flow-logs/suggest.ts';
import { print } from '#main/command/options.ts';
import { withTarget, type TargetOptions } from '#main/command/target.ts';

/** Prints the rules; with `--json` they are security rules as ARM takes them. */
export async function suggestRules(nsg: string, options: TargetOptions & { readonly days: number }): Promise<void> {
  const found = await withTarget(options, (link) => link.call<Suggestion>('suggest', [nsg, options.days]));
  print(options, found as unknown as JsonObject, suggestionText(found));
}

/** One line a rule, then what stands behind them. */
export function suggestionText({ rules, flows, notLogged, proof }: Suggestion): string {
  const lines = rules.map(({ name, properties }) => {
    const { priority, direction, access, protocol } = properties;
    const list = (many: readonly string[] | undefined, one: string | undefined) => many?.join(',') ?? one ?? '*';
    const source = list(properties.sourceAddressPrefixes, properties.sourceAddressPrefix);
    const target = list(properties.destinationAddressPrefixes, properties.destinationAddressPrefix);
    const ports = list(properties.destinationPortRanges, properties.destinationPortRange);
    return `${priority} ${direction} ${access} ${protocol} from ${source} to ${target} ports ${ports}  ${name}`;
  });
  const missing = notLogged === 0 ? '' : ` ${notLogged} more flows went over the log's rate: look before you close.`;
  return [...lines, `From ${flows} different flows.${missing}`, proof].join('\n');
}
