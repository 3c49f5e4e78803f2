/** What planning and drawing a deployment asks of an engine: reads and rights, no writes. A template can be drawn where no stamp is. */

import type { EngineParts, StampEngine } from '#engine/stamp-engine.ts';

/** The engine itself, or something that only reads. */
export type Planner = Pick<StampEngine, 'view' | 'context' | 'show' | 'authorize' | 'may' | 'access' | 'use'> & {
  readonly parts: Pick<EngineParts, 'view' | 'nouns'>;
};
