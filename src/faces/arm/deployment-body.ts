/** A deployment as GET, its list, and the end of its operation show it. */

import type { JsonObject } from '#base/json.ts';
import type { DeploymentRecord } from '#engine/engine.ts';

/** The ARM body of a deployment. */
export function deploymentBody({ id, name, location, properties }: DeploymentRecord): JsonObject {
  const type = 'Microsoft.Resources/deployments';
  return { id, name, type, ...(location === undefined ? {} : { location }), properties };
}
