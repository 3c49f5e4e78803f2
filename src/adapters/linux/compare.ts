/** Kernel against programs: every set, chain, rule, route, neighbour and link that differs, in words. */

import type { Difference } from '#engine/plane-port.ts';
import type { Listed, Wanted } from '#adapters/linux/apply.ts';
import { type Network, withoutPorts } from '#adapters/linux/network.ts';
import type { ActualTable, NftSet, NftTable } from '#adapters/linux/ruleset.ts';

/** How much earlier than we think the kernel may end an element, in ms. */
const endTolerance = 1000;

/** All differences of one point, in the order: foreign tables, rules, network, ports whose link is gone. */
export function compareState(point: string, wanted: Wanted, listed: Listed): Difference[] {
  const found: Difference[] = [
    ...listed.foreign.map(({ family, name }) => ({
      point,
      kind: 'table' as const,
      says: `The table ${family} ${name} is not ours.`,
    })),
    ...listed.strange.map((says) => ({ point, kind: 'link' as const, says })),
  ];
  for (const family of listed.ruleset.keys()) {
    if (!wanted.ruleset.has(family))
      found.push({ point, kind: 'table', says: `The table ${family} rw is not wanted.` });
  }
  for (const [family, table] of wanted.ruleset) {
    const actual = listed.ruleset.get(family);
    if (actual === undefined) found.push({ point, kind: 'table', says: `The table ${family} rw is missing.` });
    else compareTable({ point, family, found }, table, actual);
  }
  const gone = goneMarks(wanted.network, listed);
  compareNetwork(point, {
    wanted: withoutPorts(wanted.network, gone),
    actual: withoutPorts(listed.network, gone),
    found,
  });
  for (const mark of gone) found.push({ point, kind: 'port', says: `The link n${mark} is gone.` });
  return found;
}

/** A guest that ends takes its end of the pair along, and with it the router's: that says nothing of the router. */
export function goneMarks(wanted: Network, { network, links }: Pick<Listed, 'network' | 'links'>): ReadonlySet<number> {
  return new Set([...wanted.ports.keys()].filter((mark) => !network.ports.has(mark) || !links.has(`n${mark}`)));
}

type Into = { readonly point: string; readonly family: string; readonly found: Difference[] };

function compareTable({ point, family, found }: Into, wanted: NftTable, actual: ActualTable): void {
  for (const text of actual.strange ?? [])
    found.push({ point, kind: 'table', says: `The table ${family} rw has "${text}", which is not ours.` });
  for (const name of actual.sets.keys())
    if (!wanted.sets.has(name)) found.push({ point, kind: 'set', says: `${family} ${name} is not wanted.` });
  for (const [name, set] of wanted.sets) {
    const known = actual.sets.get(name);
    if (known === undefined) found.push({ point, kind: 'set', says: `${family} ${name} is missing.` });
    else {
      if (known.spec.join('; ') !== set.spec.join('; '))
        found.push({
          point,
          kind: 'set',
          says: `${family} ${name} is declared as "${known.spec.join('; ')}", wanted "${set.spec.join('; ')}".`,
        });
      compareTexts(withoutEnded(set, known), known.elements, (says) =>
        found.push({ point, kind: 'set', says: `${family} ${name}: ${says}` }),
      );
    }
  }
  for (const name of actual.chains.keys())
    if (!wanted.chains.has(name)) found.push({ point, kind: 'chain', says: `${family} ${name} is not wanted.` });
  for (const [name, chain] of wanted.chains) {
    const known = actual.chains.get(name);
    if (known === undefined) found.push({ point, kind: 'chain', says: `${family} ${name} is missing.` });
    else if (known.hook !== chain.hook)
      found.push({
        point,
        kind: 'chain',
        says: `${family} ${name} hooks "${known.hook ?? 'nowhere'}", wanted "${chain.hook ?? 'nowhere'}".`,
      });
    else
      compareRules(
        { point, family, found },
        { name, wanted: chain.rules, actual: known.rules.map(({ text }) => text) },
      );
  }
}

/** The kernel closes an opening by itself: its element may be gone from a moment before its end (clocks tick apart) on. */
function withoutEnded({ elements, ends }: NftSet, known: NftSet): ReadonlySet<string> {
  if (ends === undefined) return elements;
  const soon = Date.now() + endTolerance;
  return new Set([...elements].filter((element) => (ends.get(element) ?? 0) > soon || known.elements.has(element)));
}

function compareRules(
  { point, family, found }: Into,
  { name, wanted, actual }: { name: string; wanted: readonly string[]; actual: readonly string[] },
): void {
  const length = Math.max(wanted.length, actual.length);
  for (let index = 0; index < length; index++) {
    if (wanted[index] === actual[index]) continue;
    found.push({
      point,
      kind: 'rule',
      says: `${family} ${name} #${index + 1}: "${actual[index] ?? 'nothing'}", wanted "${wanted[index] ?? 'nothing'}".`,
    });
    return;
  }
}

function compareTexts(wanted: ReadonlySet<string>, actual: ReadonlySet<string>, note: (says: string) => void): void {
  for (const text of wanted) if (!actual.has(text)) note(`"${text}" is missing.`);
  for (const text of actual) if (!wanted.has(text)) note(`"${text}" is not wanted.`);
}

function compareNetwork(
  point: string,
  { wanted, actual, found }: { wanted: Network; actual: Network; found: Difference[] },
): void {
  const marks = (network: Network) =>
    new Set(
      [...network.ports.values()].map(
        ({ mark, mtu, isForwarding }) => `n${mark} mtu ${mtu} rp_filter ${isForwarding ? 0 : 1}`,
      ),
    );
  const parts = [
    ['link', marks(wanted), marks(actual)],
    ['address', wanted.addresses, actual.addresses],
    ['route', wanted.routes, actual.routes],
    ['route', wanted.rules, actual.rules],
    ['neighbour', wanted.neighbours, actual.neighbours],
    ['neighbour', wanted.forwarding, actual.forwarding],
  ] as const;
  for (const [kind, left, right] of parts) compareTexts(left, right, (says) => found.push({ point, kind, says }));
}
