/** Puts a control plane together: store, directory, engine and faces. `stampd` gives it the world; model mode gives it none. */

import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Secret } from '#base/secret.ts';
import { Fault } from '#base/wrong.ts';
import { deepFreeze, type JsonObject } from '#base/json.ts';
import { appendAudit } from '#engine/audit/audit.ts';
import { auditTrail } from '#engine/audit/trail.ts';
import { startDeployments } from '#engine/deployments/deployments.ts';
import type { Operation } from '#engine/engine.ts';
import { openDirectory, principalOf, type Directory } from '#engine/identity/directory.ts';
import { importTokenKeys, type StoredTokenKeys } from '#engine/identity/token-keys.ts';
import { createUser } from '#engine/identity/users.ts';
import { tokenVerifier } from '#engine/identity/verify-token.ts';
import type { Prover } from '#engine/ports.ts';
import { RefusalBudget } from '#engine/gate/refusal-budget.ts';
import { StampEngine, type World } from '#engine/stamp-engine.ts';
import { openStore, type Store } from '#engine/store/store.ts';
import { watchedStore } from '#engine/store/watched.ts';
import { apiVersionsOf } from '#faces/arm/catalog.ts';
import { armFace } from '#faces/arm/face.ts';
import { identityFace, issuerOf } from '#faces/identity/face.ts';
import { MemoryView } from '#model/memory.ts';
import { nouns } from '#model/nouns.ts';
import type { Resource, StampFacts } from '#model/resource.ts';
import { owner } from '#access/roles.ts';
import { elevation } from '#main/boot/elevate.ts';
import type { Boot } from '#main/boot/boot.ts';
import { directoryRows } from '#main/boot/directory-rows.ts';
import { placesOf } from '#main/boot/places.ts';
import { clock, dice, type Frame } from '#main/boot/process.ts';
import type { LongRunning } from '#main/boot/settings.ts';

/** The stamp's endpoints as clients see them: scheme, host, port. */
export type Endpoints = {
  readonly management: string;
  readonly adminManagement: string;
  readonly adfs: string;
  readonly portal: string;
  readonly graph: string;
};

export type AssemblyParts = {
  readonly boot: Boot & { readonly secret: (name: string) => Secret };
  readonly frame: Pick<Frame, 'log' | 'onStop'>;
  /** The store has stopped for good: the process must end and start afresh. */
  readonly onStoreStopped?: (cause: unknown) => void;
  readonly facts: StampFacts;
  readonly endpoints: Endpoints;
  readonly prover: Prover;
  /** Builds the world on the engine's view; called once. */
  readonly world: (view: MemoryView) => World;
  readonly longRunning: LongRunning;
  /** Hosts on which no guest is placed, because they were tampered with. */
  readonly untrusted?: () => readonly string[];
};

export type Assembly = {
  readonly engine: StampEngine;
  readonly directory: Directory;
  readonly store: Store;
  readonly handlers: {
    readonly arm: (request: IncomingMessage, response: ServerResponse) => void;
    readonly identity: (request: IncomingMessage, response: ServerResponse) => void;
  };
};

/** Opens the store, rebuilds the model from it, and puts engine and faces on it. */
export async function assemble(parts: AssemblyParts): Promise<Assembly> {
  const { boot, frame, facts } = parts;
  const file = placesOf(boot.settings).database;
  const opened = openStore({ file, key: boot.secret('store'), create: true, clock, random: randomBytes });
  const store = watchedStore(opened, (cause) => parts.onStoreStopped?.(cause));
  frame.onStop(() => Promise.resolve(store.close()));
  const view = new MemoryView(resourcesOf(store));
  const revision = revisionOf(store);
  await parts.prover.load(revision, [...view.all()]);
  const directory = await openDirectory({
    tenantId: facts.tenantId,
    domain: facts.zone,
    store: directoryRows(store),
    now: () => clock.now(),
  });
  const engine = new StampEngine({
    store,
    prover: parts.prover,
    view,
    revision,
    operations: [...store.rows('operations')].map((row) => row.value as unknown as Operation),
    clock,
    dice,
    stamp: facts,
    nouns,
    world: parts.world(view),
    deployments: startDeployments,
    auditTrail: auditTrail(store),
    principalExists: (oid, tid) =>
      tid === directory.tenantId && (principalOf(directory, oid) !== undefined || directory.groups.has(oid)),
    apiVersionsOf,
    environment: templateEnvironment(parts.endpoints, facts.zone),
    untrusted: parts.untrusted,
    onBug: (error) => frame.log.error({ err: error }, error instanceof Fault ? 'a fault' : 'a bug in the engine'),
    ...(parts.longRunning === 'auto' ? {} : { inlineMs: 0 }),
  });
  await firstResources(engine, directory, boot);
  return { engine, directory, store, handlers: await handlersOf(parts, { engine, directory, store }) };
}

/** The resources in their order of creation, as lists show them; the store gives rows by key. */
function resourcesOf(store: Store): Resource[] {
  const resources = [...store.rows('resources')].map((row) => deepFreeze(row.value) as unknown as Resource);
  return resources.toSorted((left, right) =>
    left.createdAt < right.createdAt ? -1 : left.createdAt > right.createdAt ? 1 : 0,
  );
}

function revisionOf(store: Store): number {
  const row = store.row('stamp', 'revision') as { revision?: number } | undefined;
  return row?.revision ?? 0;
}

/** The first administrator, the first subscription, and that the one owns the other: made once, kept in the store. */
async function firstResources(engine: StampEngine, directory: Directory, boot: AssemblyParts['boot']): Promise<void> {
  const subscriptionId = boot.secret('subscriptionId').reveal();
  const id = `/subscriptions/${subscriptionId}`;
  if (directory.users.size === 0) {
    await createUser(directory, {
      upn: `admin@${directory.domain}`,
      displayName: 'First administrator',
      password: boot.secret('firstPassword'),
      mustChangePassword: true,
    });
  }
  if (engine.view().get(id) !== undefined) return;
  const administrator = [...directory.users.values()][0];
  if (administrator === undefined) throw new Error('The directory has no user after its first start.');
  const context = engine.context('2020-09-01');
  const common = { etag: `W/"${dice.guid()}"`, createdAt: context.now, changedAt: context.now };
  await engine.gate.change((draft) => {
    draft.put({
      id,
      type: 'Microsoft.Resources/subscriptions',
      name: subscriptionId,
      properties: { displayName: 'Default Provider Subscription', state: 'Enabled' },
      ...common,
    });
    draft.put(roleAssignment({ scope: id, principalId: administrator.id, role: owner.id, type: 'User' }, common));
    return { value: undefined, about: { subscription: '' } };
  });
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

async function handlersOf(
  { boot, frame, facts, endpoints, longRunning }: AssemblyParts,
  { engine, directory, store }: Pick<Assembly, 'engine' | 'directory' | 'store'>,
): Promise<Assembly['handlers']> {
  const keys = await importTokenKeys(JSON.parse(boot.secret('tokens').reveal()) as StoredTokenKeys);
  const audience = `${endpoints.management}/`;
  const audiences = [
    audience,
    endpoints.management,
    endpoints.adminManagement,
    `${endpoints.adminManagement}/`,
    endpoints.graph,
    `${endpoints.graph}/`,
  ];
  const onBug = (error: unknown): void => {
    frame.log.error({ err: error }, 'a request met a bug');
  };
  const note = signInNote({ frame, store, tenantId: facts.tenantId, onBug });
  const identity = identityFace({
    base: endpoints.adfs,
    directory,
    keys,
    audiences,
    now: () => clock.now(),
    note,
    onBug,
  });
  const verify = tokenVerifier({
    issuer: issuerOf(endpoints.adfs),
    tenantId: facts.tenantId,
    audiences: audiences.slice(0, 4),
    keys,
    now: () => clock.now(),
    principalOf: (oid) => principalOf(directory, oid),
  });
  const arm = armFace({
    engine,
    verify,
    endpoints: {
      management: endpoints.management,
      adminManagement: endpoints.adminManagement,
      login: `${endpoints.adfs}/adfs`,
      portal: endpoints.portal,
      graph: endpoints.graph,
      audience,
      zone: facts.zone,
    },
    tenantId: facts.tenantId,
    location: facts.location,
    enforcing: facts.enforcing,
    elevate: elevation({ engine, directory, first: boot.secret('subscriptionId').reveal(), make: roleAssignment }),
    longRunning,
    now: () => clock.now(),
    newGuid: () => dice.guid(),
    onBug,
  });
  return { arm, identity };
}

type Noting = {
  readonly frame: AssemblyParts['frame'];
  readonly store: Store;
  readonly tenantId: string;
  readonly onBug: (error: unknown) => void;
};

/** Logs and audits sign-ins; a flood of failing ones from one source is counted, not written line by line. */
function signInNote({ frame, store, tenantId, onBug }: Noting): (event: SignIn) => void {
  const refusals = new RefusalBudget();
  return (event) => {
    if (event.outcome !== 'signed-in' && refusals.judge(event.source, clock.now()).verdict === 'leave out') return;
    frame.log.info({ event }, 'sign-in');
    appendAudit(store, '', signInAudit(event, tenantId)).catch(onBug);
  };
}

type SignIn = Parameters<Parameters<typeof identityFace>[0]['note']>[0];

function signInAudit(event: SignIn, tenant: string) {
  const id = dice.guid();
  return {
    at: clock.now(),
    who: {
      ...(event.oid === undefined ? {} : { oid: event.oid }),
      ...(event.name === undefined ? {} : { upn: event.name }),
      tenant,
    },
    from: event.source,
    operation: `Microsoft.Identity/signIns/${event.flow}/action`,
    resource: '/',
    outcome: event.outcome === 'signed-in' ? ('Succeeded' as const) : ('Refused' as const),
    says: event.because,
    correlationId: id,
  };
}

/** `environment()` of templates (Azure docs, deployment functions): the endpoints of this cloud. */
function templateEnvironment({ management, adfs, portal, graph }: Endpoints, zone: string): JsonObject {
  return {
    name: 'Ringwall',
    gallery: `${portal}/`,
    graph: `${graph}/`,
    graphAudience: `${graph}/`,
    portal,
    resourceManager: `${management}/`,
    authentication: {
      loginEndpoint: `${adfs}/`,
      audiences: [`${management}/`],
      tenant: 'adfs',
      identityProvider: 'ADFS',
    },
    suffixes: {
      storage: zone,
      keyvaultDns: `.vault.${zone}`,
    },
  };
}
