/** The actions that say what a machine shall be: running, stopped or deallocated; the engine's followers make it so. */

import { Refusal } from '#base/wrong.ts';
import { amend } from '#model/job.ts';
import type { Noun, NounAction } from '#model/noun.ts';

type Power = 'running' | 'stopped' | 'deallocated';

/** Sets the power; a machine that has it already is left alone. */
function becomes(power: Power): NounAction {
  return {
    method: 'POST',
    run(...[machine, , draft, context]) {
      if (machine.internal?.['power'] !== power)
        amend(machine, { internal: { ...machine.internal, power } }, { draft, context });
      return undefined;
    },
  };
}

/** A start anew is told by the count of them: whoever follows restarts the guest when it has grown. */
const anew: NounAction = {
  method: 'POST',
  run(...[machine, , draft, context]) {
    if (machine.internal?.['power'] !== 'running') {
      throw new Refusal('OperationNotAllowed', `The machine '${machine.name}' does not run; start it instead.`, {
        status: 409,
        target: machine.id,
      });
    }
    const restarts = Number(machine.internal['restarts'] ?? 0) + 1;
    amend(machine, { internal: { ...machine.internal, restarts } }, { draft, context });
    return undefined;
  },
};

export const powerActions: NonNullable<Noun['actions']> = {
  start: becomes('running'),
  powerOff: becomes('stopped'),
  deallocate: becomes('deallocated'),
  restart: anew,
  redeploy: anew,
  reapply: { method: 'POST', run: () => undefined },
};
