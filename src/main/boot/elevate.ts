/** Raising the operator's own access (Azure doc "Elevate access to manage all Azure subscriptions"): who may, and what it does. */

import type { AuditEntry } from '#engine/audit/entry.ts';
import type { Caller } from '#engine/engine.ts';
import { isAdministrator } from '#engine/identity/administrators.ts';
import type { Directory } from '#engine/identity/directory.ts';
import type { StampEngine } from '#engine/stamp-engine.ts';
import { builtInRoleId } from '#model/authorization/built-in-role-ids.ts';
import { roleAssignmentType, roleIdOf } from '#model/authorization/role-definition.ts';
import { scopeOfExtension } from '#engine/gate/access-index.ts';
import type { Resource } from '#model/resource.ts';
import type { roleAssignment } from '#main/boot/first-resources.ts';
import { clock } from '#main/boot/process.ts';

/** An administrator of the stamp's own directory, on the operator's plane: there a copied token is worth nothing. */
function isOperator({ oid, kind, tenantId, plane }: Caller, directory: Directory): boolean {
  return plane === 'admin' && kind === 'user' && tenantId === directory.tenantId && isAdministrator(directory, oid);
}

type Elevating = {
  readonly engine: StampEngine;
  readonly directory: Directory;
  readonly make: typeof roleAssignment;
};

/** What the ARM face is given: raises the access of one who may, and says whether it did. */
export function elevation({ engine, directory, make }: Elevating): (caller: Caller) => Promise<boolean> {
  return async (caller) => {
    if (!isOperator(caller, directory)) return false;
    await elevate(engine, caller, make);
    return true;
  };
}

/** Gives the caller User Access Administrator at `/`, once; audited under the caller's name like any other assignment. */
async function elevate(engine: StampEngine, caller: Caller, make: typeof roleAssignment): Promise<void> {
  const role = builtInRoleId.userAccessAdministrator;
  const wanted = { scope: '', principalId: caller.oid, role, type: 'User' } as const;
  const context = engine.context('2022-04-01');
  await engine.gate.change((draft) => {
    const made = make(wanted, { etag: `W/"${context.newGuid()}"`, createdAt: context.now, changedAt: context.now });
    const has = [...draft.ofType(roleAssignmentType)].some(
      ({ id, properties }) =>
        scopeOfExtension(id) === '/' && properties['principalId'] === caller.oid && roleIdOf(properties) === role,
    );
    if (!has) draft.put(made);
    return { value: undefined, about: { subscription: '', audit: entryOf(caller, made) } };
  });
}

function entryOf(caller: Caller, { id }: Resource): AuditEntry {
  return {
    at: clock.now(),
    who: {
      oid: caller.oid,
      ...(caller.upn === undefined ? {} : { upn: caller.upn }),
      ...(caller.appId === undefined ? {} : { appid: caller.appId }),
      tenant: caller.tenantId,
    },
    from: caller.from,
    operation: 'Microsoft.Authorization/elevateAccess/action',
    resource: id,
    outcome: 'Succeeded',
    correlationId: caller.correlationId,
    requestId: caller.requestId,
  };
}
