/** What one namespace of the kernel holds, as text that two readings can be compared by: no counters, no handles, no order where there is none. */

import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { run } from '#adapters/linux/ip.ts';

const listings = [
  ['ip', '-4', 'route', 'show', 'table', 'all'],
  ['ip', '-6', 'route', 'show', 'table', 'all'],
  ['ip', '-4', 'rule'],
  ['ip', '-6', 'rule'],
  ['ip', '-br', 'link'],
  ['ip', '-o', '-4', 'address'],
  ['sysctl', '-a', '--pattern', 'ip_forward|accept_redirects|rp_filter|accept_source_route'],
] as const;

export async function kernelOf(namespace: string): Promise<string> {
  const inside = (argv: readonly string[]) => run(['ip', 'netns', 'exec', namespace, ...argv], '');
  const ruleset = JSON.parse(await inside(['nft', '-j', '-s', 'list', 'ruleset'])) as { nftables: JsonObject[] };
  const texts: string[] = [rulesetText(ruleset.nftables)];
  for (const argv of listings)
    texts.push(
      (await inside(argv))
        .split('\n')
        .map((line) => line.trim())
        .toSorted()
        .join('\n'),
    );
  return texts.join('\n');
}

/** Everything that is no rule in any order; rules in the order of their chain. */
function rulesetText(entries: readonly JsonObject[]): string {
  const chains = new Map<string, string[]>();
  const rest: string[] = [];
  for (const entry of entries) {
    if (isObject(entry['metainfo'])) continue;
    const text = JSON.stringify(plain(ours(entry)));
    const rule = entry['rule'];
    if (!isObject(rule)) {
      rest.push(text);
      continue;
    }
    const chain = `${String(rule['family'])} ${String(rule['table'])} ${String(rule['chain'])}`;
    chains.set(chain, [...(chains.get(chain) ?? []), text]);
  }
  return [
    ...rest.toSorted(),
    ...[...chains]
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([chain, rules]) => `${chain}\n${rules.join('\n')}`),
  ].join('\n');
}

/** What packets put into a set comes and goes with them: such a set has a time for all, and JSON does not say that it is dynamic. */
function ours(entry: JsonObject): JsonObject {
  const { set } = entry;
  const isDynamic = isObject(set) && set['timeout'] !== undefined;
  return isDynamic ? { set: { ...set, elem: [] } } : entry;
}

function plain(value: Json): Json {
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !['handle', 'packets', 'bytes', 'expires', 'index'].includes(name))
      .map(([name, inner]) => [
        name,
        name === 'elem' && Array.isArray(inner)
          ? inner
              .map((one) => plain(one as Json))
              .toSorted((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1))
          : plain(inner as Json),
      ]),
  );
}
