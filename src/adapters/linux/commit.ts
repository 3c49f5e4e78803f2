/** Commits a change to all its namespaces: in one wave when every mix of old and new is harmless, else in two. */

import type { KernelSpace, Wanted } from '#adapters/linux/apply.ts';
import type { NftContext } from '#adapters/linux/nft.ts';
import { type Direction, directionOf, held, narrowed } from '#adapters/linux/waves.ts';

/** One namespace's share of a change. */
export type Work = { readonly point: string; readonly space: KernelSpace; readonly wanted: Wanted };

type Done = {
  readonly ruleOperations: number;
  readonly networkLines: number;
  readonly waves: 1 | 2;
  readonly windowMs: number;
};

/** Links first, then rules and routes in waves; answers what it did. */
export async function commitAll(work: readonly Work[], scratch: NftContext): Promise<Done> {
  if (work.length === 1) {
    const [{ space, wanted }] = work as [Work];
    await space.linksUp(wanted);
    return { ...(await oneWave(work, scratch)), windowMs: 0 };
  }
  const changes = work
    .map((one) => ({ ...one, direction: directionOf(one.space.state, one.wanted) }))
    .filter(({ direction }) => direction.removes || direction.adds);
  await Promise.all(work.map(({ space, wanted }) => space.linksUp(wanted)));
  const start = performance.now();
  const isMixed =
    changes.length > 1 &&
    changes.some(({ direction }) => direction.removes) &&
    changes.some(({ direction }) => direction.adds);
  const isFilterOnly = changes.every(({ direction }) => direction.isFilterOnly);
  const done = !isMixed
    ? await oneWave(work, scratch)
    : isFilterOnly
      ? await narrowFirst(work, scratch)
      : await holdBetween(changes, { rest: work, scratch });
  return { ...done, windowMs: changes.length > 1 ? performance.now() - start : 0 };
}

async function oneWave(work: readonly Work[], scratch: NftContext): Promise<Omit<Done, 'windowMs'>> {
  let ruleOperations = 0;
  for (const { space, wanted } of work) ruleOperations += space.commitRules(wanted.ruleset, scratch);
  return { ruleOperations, networkLines: await networks(work), waves: 1 };
}

/** Filters' rules alone: the first wave only denies more, the second only allows more. */
async function narrowFirst(work: readonly Work[], scratch: NftContext): Promise<Omit<Done, 'windowMs'>> {
  let ruleOperations = 0;
  for (const { space, wanted } of work)
    ruleOperations += space.commitRules(narrowed(space.state, wanted.ruleset), scratch);
  for (const { space, wanted } of work) ruleOperations += space.commitRules(wanted.ruleset, scratch);
  return { ruleOperations, networkLines: await networks(work), waves: 2 };
}

/** Routes, addresses or translations too: new flows of the touched routers' ports are dropped (and counted) until all is in place. */
async function holdBetween(
  changes: readonly (Work & { readonly direction: Direction })[],
  { rest, scratch }: { rest: readonly Work[]; scratch: NftContext },
): Promise<Omit<Done, 'windowMs'>> {
  let ruleOperations = 0;
  const marks = ({ space, wanted }: Work) =>
    new Set([...space.state.network.ports.keys(), ...wanted.network.ports.keys()]);
  const holding = changes
    .filter(({ wanted }) => wanted.network.ports.size > 0)
    .map((one) => ({ ...one, marks: marks(one) }));
  for (const { space, marks: ports } of holding) {
    if (space.state.applied.size > 0) ruleOperations += space.commitRules(held(space.state.applied, ports), scratch);
  }
  for (const { space, wanted } of rest) {
    const ports = holding.find((one) => one.space === space)?.marks;
    ruleOperations += space.commitRules(ports === undefined ? wanted.ruleset : held(wanted.ruleset, ports), scratch);
  }
  const networkLines = await networks(rest);
  for (const { space, wanted } of holding) ruleOperations += space.commitRules(wanted.ruleset, scratch);
  return { ruleOperations, networkLines, waves: 2 };
}

async function networks(work: readonly Work[]): Promise<number> {
  const lines = await Promise.all(work.map(({ space, wanted }) => space.commitNetwork(wanted)));
  return lines.reduce((sum, count) => sum + count, 0);
}
