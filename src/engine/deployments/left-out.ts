/** Complete mode: removes what a template left out, in as many rounds as dependencies among it need. */

import { errorBody, Refusal, type Detail } from '#base/wrong.ts';
import { typeOfId } from '#model/arm-id.ts';
import type { Caller } from '#engine/engine.ts';
import type { StampEngine } from '#engine/stamp-engine.ts';

/** Deletes each id through the gate. Answers what could not be removed, with the reason; nothing else is rolled back, as in ARM. */
export async function removeLeftOut(
  ids: readonly string[],
  caller: Caller,
  engine: StampEngine,
): Promise<readonly Detail[]> {
  let left = ids;
  while (left.length > 0) {
    const refused = new Map<string, Detail>();
    for (const id of left) {
      const refusal = await removeOne(id, caller, engine);
      if (refusal !== undefined) refused.set(id, { ...errorBody(refusal), target: id });
    }
    if (refused.size === left.length) return [...refused.values()];
    left = [...refused.keys()];
  }
  return [];
}

async function removeOne(id: string, caller: Caller, engine: StampEngine): Promise<Refusal | undefined> {
  const type = typeOfId(id);
  if (type === undefined) return undefined;
  try {
    const outcome = await engine.submit({ request: { kind: 'delete', id, type }, apiVersion: '2021-04-01' }, caller);
    if (outcome.kind !== 'running') return undefined;
    const { error } = await engine.operations.ended(outcome.operation);
    return error && new Refusal(error.code, error.message, { status: 409, ...error });
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}
