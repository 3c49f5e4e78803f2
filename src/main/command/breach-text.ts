/** A broken invariant in words for a terminal. */

import type { Findings } from '#engine/ports.ts';
import type { ToldBreach, ToldFix, ToldHop } from '#engine/proof/told.ts';

/** A breach with its path and its ways out, a line each. */
export function breachText({ effect, says, invariant, path, fixes }: ToldBreach): string {
  const head = `${effect === 'deny' ? 'broken' : 'noted'}: ${says} (${invariant.id})`;
  return [head, ...path.map(hopText), ...fixes.map(fixText)].join('\n');
}

/** All that stands broken, and how many more there are than are told. */
export function findingsText({ told, more }: Findings): string {
  if (told.length + more === 0) return 'Nothing stands broken.';
  return [...told.map(breachText), ...(more === 0 ? [] : [`and ${more} more`])].join('\n');
}

function hopText({ layer, resource, rule, verdict }: ToldHop): string {
  const words = [verdict === 'allow' ? 'pass' : 'DROP', layer, resource, rule];
  return `    ${words.filter((word) => word !== undefined).join(' ')}`;
}

function fixText({ says }: ToldFix): string {
  return `    accepted would be: ${says}`;
}
