/** Which points a change of the programs concerns. */

import type { Programs } from '#program/program.ts';

/** The points that differ, and those whose rendering looks at one of them. */
export function changedPoints(before: Programs, after: Programs): string[] {
  const points = new Set(
    [...Object.keys(before), ...Object.keys(after)].filter((point) => before[point] !== after[point]),
  );
  for (const point of [...points]) for (const other of neighbours(before, after, point)) points.add(other);
  return [...points];
}

/** Points whose rendering looks at another point: a router that comes or goes concerns its host, its peers, and the switch; a resolver that does, all routers. */
function neighbours(before: Programs, after: Programs, point: string): string[] {
  const [kind, , host] = point.split('/');
  const isNew = (before[point] === undefined) !== (after[point] === undefined);
  if (kind === 'resolver') return isNew ? Object.keys(after).filter((name) => name.startsWith('router/')) : [];
  if (kind === 'host') return ['switch'].filter((name) => after[name] !== undefined);
  if (kind !== 'router' || host === undefined) return [];
  const programs = [before[point], after[point]].filter((program) => program?.kind === 'router');
  const peers = programs.flatMap((program) => Object.keys(program.peers)).map((key) => `router/${key}/${host}`);
  return [...(isNew ? [`host/${host}`] : []), ...peers].filter((name) => after[name] !== undefined);
}
