/** The NICs of machines: only at these is there a guest from which a canary can be sent, or towards which one can be seen to go. */

import { idsAt, objectAt } from '#compile/read.ts';
import type { View } from '#model/resource.ts';

/** ARM ids in lower case. A machine that is stopped counts too: its link has no carrier then, and the keeper says so. */
export function machineNics(view: View): ReadonlySet<string> {
  const machines = [...view.ofType('Microsoft.Compute/virtualMachines')];
  return new Set(
    machines.flatMap(({ properties }) => idsAt(objectAt(properties, 'networkProfile'), 'networkInterfaces')),
  );
}
