/** What a stamp has before anybody asks for anything: the first administrator, a subscription on each plane, and that the one owns the others. */

import { owner } from '#access/roles.ts';
import type { JsonObject } from '#base/json.ts';
import type { Secret } from '#base/secret.ts';
import { setAdministrator } from '#engine/identity/administrators.ts';
import type { Directory } from '#engine/identity/directory.ts';
import { createUser } from '#engine/identity/users.ts';
import type { StampEngine } from '#engine/stamp-engine.ts';
import { subscriptionType } from '#model/plans/plane.ts';
import { defaultQuotas } from '#model/plans/quota.ts';
import type { Resource } from '#model/resource.ts';
import { dice } from '#main/boot/process.ts';

type Boot = { readonly secret: (name: string) => Secret };

/** Made once and kept in the store; a store of an earlier version gets what it lacks. */
export async function firstResources(engine: StampEngine, directory: Directory, boot: Boot): Promise<void> {
  if (directory.users.size === 0) {
    await createUser(directory, {
      upn: `admin@${directory.domain}`,
      displayName: 'First administrator',
      password: boot.secret('firstPassword'),
      mustChangePassword: true,
    });
  }
  // Stores of earlier versions know of no administrators: the first user that was made is the first of them.
  const administrator = firstAdministrator(directory);
  if (directory.record.administrators.length === 0) await setAdministrator(directory, administrator.id, true);
  const tenant = boot.secret('subscriptionId').reveal();
  const provider = boot.secret('providerSubscriptionId').reveal();
  const { location } = engine.parts.stamp;
  await firstSubscription(engine, directory, {
    id: tenant,
    properties: { displayName: 'Operator Subscription', state: 'Enabled' },
  });
  await firstSubscription(engine, directory, {
    id: provider,
    properties: {
      displayName: 'Default Provider Subscription',
      state: 'Enabled',
      routingResourceManagerType: 'Admin',
      delegatedProviderSubscriptionId: provider,
    },
    more: [...defaultQuotas(provider, location), systemGroup(provider, location)],
  });
}

/** A resource without what all that are made together have in common. */
type Made = Omit<Resource, 'etag' | 'createdAt' | 'changedAt'>;

type First = {
  readonly id: string;
  readonly properties: JsonObject;
  readonly more?: readonly Made[];
};

async function firstSubscription(
  engine: StampEngine,
  directory: Directory,
  { id: name, properties, more = [] }: First,
): Promise<void> {
  const id = `/subscriptions/${name}`;
  if (engine.view().get(id) !== undefined) return;
  const administrator = firstAdministrator(directory);
  const { now } = engine.context('2020-09-01');
  const common = { etag: `W/"${dice.guid()}"`, createdAt: now, changedAt: now };
  const about = { owner: administrator.upn, ownerId: administrator.id, tenantId: directory.tenantId };
  await engine.gate.change((draft) => {
    draft.put({ id, type: subscriptionType, name, properties: { ...properties, ...about }, ...common });
    draft.put(roleAssignment({ scope: id, principalId: administrator.id, role: owner.id, type: 'User' }, common));
    for (const resource of more) draft.put({ ...resource, ...common });
    return { value: undefined, about: { subscription: '' } };
  });
}

/** The group in which Azure Stack's clients look for what is the stamp's own (`System.{region}`). */
function systemGroup(provider: string, location: string): Made {
  const name = `System.${location}`;
  const id = `/subscriptions/${provider}/resourceGroups/${name}`;
  return { id, type: 'Microsoft.Resources/resourceGroups', name, location, properties: {} };
}

/** The user that the stamp was made with; where it was removed since, the one who has been there longest. */
function firstAdministrator({ users, domain }: Directory): { readonly id: string; readonly upn: string } {
  const byAge = [...users.values()].toSorted((left, right) => left.createdMs - right.createdMs);
  const found = byAge.find(({ upn }) => upn.toLowerCase() === `admin@${domain}`.toLowerCase()) ?? byAge[0];
  if (found === undefined) throw new Error('The directory has no user after its first start.');
  return found;
}

/** A role assignment as a resource. */
export function roleAssignment(
  wanted: {
    readonly scope: string;
    readonly principalId: string;
    readonly role: string;
    readonly type: 'User' | 'ServicePrincipal';
  },
  common: Pick<Resource, 'etag' | 'createdAt' | 'changedAt'>,
): Resource {
  const name = dice.guid();
  return {
    id: `${wanted.scope}/providers/Microsoft.Authorization/roleAssignments/${name}`,
    type: 'Microsoft.Authorization/roleAssignments',
    name,
    properties: {
      roleDefinitionId: `${wanted.scope}/providers/Microsoft.Authorization/roleDefinitions/${wanted.role}`,
      principalId: wanted.principalId,
      principalType: wanted.type,
      scope: wanted.scope === '' ? '/' : wanted.scope,
    },
    ...common,
  };
}
