/** Puts a control plane together: store, directory, engine and faces. `stampd` gives it the world; model mode gives it none. */

import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Secret } from '#base/secret.ts';
import { Fault } from '#base/wrong.ts';
import { deepFreeze, type JsonObject } from '#base/json.ts';
import { auditTrail } from '#engine/audit/trail.ts';
import { startDeployments } from '#engine/deployments/deployments.ts';
import type { Operation } from '#engine/engine.ts';
import { beginMeters } from '#engine/metering.ts';
import { openDirectory, principalOf, type Directories, type Directory } from '#engine/identity/directory.ts';
import { directoriesAsGuest } from '#engine/identity/guests.ts';
import { importTokenKeys, type StoredTokenKeys } from '#engine/identity/token-keys.ts';
import { tokenVerifier } from '#engine/identity/verify-token.ts';
import type { Prover } from '#engine/ports.ts';
import { StampEngine, type World } from '#engine/stamp-engine.ts';
import { openStore, type Store } from '#engine/store/store.ts';
import { watchedStore } from '#engine/store/watched.ts';
import { apiVersionsOf } from '#faces/arm/catalog.ts';
import { armFace } from '#faces/arm/face.ts';
import { identityFace, issuerOf } from '#faces/identity/face.ts';
import type { IdentityOptions } from '#faces/identity/identity.ts';
import { isNetworkBound } from '#engine/identity/network.ts';
import { MemoryView } from '#model/memory.ts';
import { nouns } from '#model/nouns.ts';
import type { Plane } from '#model/plans/plane.ts';
import type { Resource, StampFacts } from '#model/resource.ts';
import type { Boot } from '#main/boot/boot.ts';
import { directoryRows } from '#main/boot/directory-rows.ts';
import { elevation } from '#main/boot/elevate.ts';
import { graphHandler } from '#main/boot/graph.ts';
import { firstResources, roleAssignment } from '#main/boot/first-resources.ts';
import { peopleOf } from '#main/boot/people.ts';
import { placesOf } from '#main/boot/places.ts';
import { clock, dice, type Frame } from '#main/boot/process.ts';
import { refusedTokenNote, signInNote } from '#main/boot/sign-in-notes.ts';
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
  /** Whether the tenants' plane takes only tokens that are bound to a key or a certificate. */
  readonly wantsBound?: boolean | undefined;
  /** Whether tokens of a principal stay in the network that they were issued to; absent: where a plan or offer of its subscriptions says so. */
  readonly networkBound?: IdentityOptions['networkBound'];
  /** Hosts on which no guest is placed, because they were tampered with. */
  readonly untrusted?: () => readonly string[];
};

export type Assembly = {
  readonly engine: StampEngine;
  readonly directory: Directory;
  readonly store: Store;
  readonly handlers: {
    readonly arm: (request: IncomingMessage, response: ServerResponse) => void;
    /** ARM on the plane of administration. */
    readonly admin: (request: IncomingMessage, response: ServerResponse) => void;
    readonly identity: (request: IncomingMessage, response: ServerResponse) => void;
    readonly graph: (request: IncomingMessage, response: ServerResponse) => void;
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
    people: peopleOf(directory),
    world: parts.world(view),
    deployments: startDeployments,
    auditTrail: auditTrail(store),
    principalNow: ({ oid, tenantId }) => rulesOf(directory).principalOf(oid, tenantId),
    principalExists: (oid, tid) =>
      rulesOf(directory).principalOf(oid, tid) !== undefined ||
      directory.directories.all.get(tid)?.groups.has(oid.toLowerCase()) === true,
    apiVersionsOf,
    environment: templateEnvironment(parts.endpoints, facts.zone),
    untrusted: parts.untrusted,
    onBug: (error) => frame.log.error({ err: error }, error instanceof Fault ? 'a fault' : 'a bug in the engine'),
    ...(parts.longRunning === 'auto' ? {} : { inlineMs: 0 }),
  });
  await firstResources(engine, directory, boot);
  await beginMeters(store, view.all(), clock.now());
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

/** An audience with and without the slash: clients ask for either. */
const audiencesOf = (base: string): [string, string] => [`${base}/`, base];

async function handlersOf(
  { boot, frame, facts, endpoints, longRunning, wantsBound = false, networkBound }: AssemblyParts,
  { engine, directory, store }: Pick<Assembly, 'engine' | 'directory' | 'store'>,
): Promise<Assembly['handlers']> {
  const keys = await importTokenKeys(JSON.parse(boot.secret('tokens').reveal()) as StoredTokenKeys);
  const onBug = (error: unknown): void => frame.log.error({ err: error }, 'a request met a bug');
  const noting = { log: frame.log, store, tenantId: facts.tenantId, onBug };
  const identity = identityFace({
    base: endpoints.adfs,
    directory,
    keys,
    audiences: [endpoints.management, endpoints.adminManagement, endpoints.graph].flatMap(audiencesOf),
    now: () => clock.now(),
    networkBound: networkBound ?? ((who) => isNetworkBound(engine.view(), who)),
    note: signInNote(noting),
    onBug,
  });
  const now = (): number => clock.now();
  const verifier = (accepted: readonly string[]) =>
    tokenVerifier({ issuer: issuerOf(endpoints.adfs), audiences: accepted, keys, now, ...rulesOf(directory) });
  const faceOf = (plane: Plane, base: string, portal: string) =>
    armFace({
      plane,
      engine,
      people: peopleOf(directory),
      // A token for one plane is none for the other.
      verify: verifier(audiencesOf(base)),
      endpoints: {
        resourceManager: base,
        login: `${endpoints.adfs}/adfs`,
        portal,
        graph: endpoints.graph,
        audience: audiencesOf(base)[0],
        zone: facts.zone,
      },
      tenantId: facts.tenantId,
      tenantsOf: ({ oid, tenantId }) => tenantsOf(directory.directories, { oid, tenantId }),
      location: facts.location,
      enforcing: facts.enforcing,
      elevate: elevation({ engine, directory, make: roleAssignment }),
      longRunning,
      now,
      newGuid: () => dice.guid(),
      onBug,
      // The operator's plane takes bound tokens only, whatever is said of the tenants'.
      ...(plane === 'tenant' ? { wantsBound } : {}),
      noteRefused: refusedTokenNote(noting),
    });
  return {
    arm: faceOf('tenant', endpoints.management, endpoints.portal),
    admin: faceOf('admin', endpoints.adminManagement, `https://adminportal.${facts.zone}`),
    identity,
    graph: graphHandler(
      { directory, store, base: endpoints.graph, note: refusedTokenNote(noting), onBug },
      verifier(audiencesOf(endpoints.graph)),
    ),
  };
}

/** What every face asks of the directories when it checks a token. */
function rulesOf({ directories: { all }, tenantId }: Directory) {
  return {
    tenantId,
    stands: (tid: string) => all.has(tid),
    principalOf: (oid: string, tid: string) => {
      const named = all.get(tid);
      return named === undefined ? undefined : principalOf(named, oid);
    },
  };
}

/** The directory that the caller's token is of, and those in which the caller is a guest. */
function tenantsOf(directories: Directories, { oid, tenantId }: { readonly oid: string; readonly tenantId: string }) {
  const own = directories.all.get(tenantId);
  const found = [...(own === undefined ? [] : [own]), ...directoriesAsGuest(directories, oid)];
  return found.map(({ tenantId: id, record: { displayName, domains } }) => ({ tenantId: id, displayName, domains }));
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
