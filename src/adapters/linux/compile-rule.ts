/** Turns rule texts into the kernel's own bytes: libnftables commits them to an empty scratch table, and the kernel's notice carries them back. */

import { Fault } from '#base/wrong.ts';
import { tableName } from '#adapters/linux/names.ts';
import type { NftContext } from '#adapters/linux/nft.ts';
import type { NftTable } from '#adapters/linux/ruleset.ts';

/**
 * Compiles rules of one family. Why the detour: libnftables reads every rule of the table before it can place one by
 * handle (16 ms at 1,000 rules), and our own encoder would be a second compiler to trust. The scratch table holds only
 * what the texts refer to, so the cost does not grow with the group.
 */
export function compileRules(
  scratch: NftContext,
  { family, table }: { family: string; table: NftTable },
  texts: readonly string[],
): Buffer[] {
  const objects = new Map<string, string>();
  const chains = new Set<string>();
  for (const text of texts) {
    for (const [, name = ''] of text.matchAll(/ (?:@|ct timeout set ")([A-Za-z_]\w*)(?!,)/g)) {
      const set = table.sets.get(name);
      if (set !== undefined)
        objects.set(
          name,
          `add ${set.kind} ${family} ${tableName} ${name} { ${set.spec.map((line) => `${line} ;`).join(' ')} }`,
        );
    }
    for (const [, name = ''] of text.matchAll(/ (?:jump|goto) ([A-Za-z_]\w*)/g)) chains.add(name);
  }
  const target = 'compile_here';
  const lines = [`add table ${family} ${tableName}`, ...objects.values()];
  for (const chain of chains) lines.push(`add chain ${family} ${tableName} ${chain}`);
  lines.push(`add chain ${family} ${tableName} ${target}`);
  for (const text of texts) lines.push(`add rule ${family} ${tableName} ${target} ${text}`);
  try {
    const { rules } = scratch.commit(`${lines.join('\n')}\n`);
    if (rules.length !== texts.length)
      throw new Fault('NftUnconfirmed', `${rules.length} of ${texts.length} rules came back compiled.`);
    return rules.map(({ body }) => body);
  } finally {
    scratch.commit(`delete table ${family} ${tableName}\n`);
  }
}
