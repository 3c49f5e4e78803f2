/** What an operation says of its resource while it is under way, and after it was cut off. */

import { Refusal } from '#base/wrong.ts';
import type { Resource } from '#model/resource.ts';
import type { Operation } from '#engine/engine.ts';

/** The provisioning state that a resource's newest operation gives it; undefined: its own. A failure holds until the next write. */
export function stateOf({ status, kind, existed, startTime }: Operation, resource: Resource): string | undefined {
  if (status === 'InProgress') return kind === 'delete' ? 'Deleting' : existed ? 'Updating' : 'Creating';
  return status === 'Failed' && resource.changedAt <= startTime ? 'Failed' : undefined;
}

/** What becomes of an operation that a restart cut off and that is not run again. */
export function interrupted(type: string): Refusal {
  const says = `The stamp restarted while this ran; it may have been done in part. Send the request for the ${type} again.`;
  return new Refusal('OperationInterrupted', says, { status: 409 });
}
