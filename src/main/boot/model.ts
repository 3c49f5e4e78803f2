/** Model mode: the same control plane in one process without root, over a prover and a world in this process. NOTHING IS ENFORCED. */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Server } from 'node:https';
import pino from 'pino';
import { serve } from '#adapters/link/server.ts';
import { Refusal } from '#base/wrong.ts';
import { ProofDesk } from '#engine/gate/proof-desk.ts';
import { demandsOf } from '#engine/proof/invariants.ts';
import { readPrivateKey } from '#engine/gate/record.ts';
import { openBundle } from '#main/boot/operator-bundle.ts';
import { keepHouse } from '#main/boot/housekeeping.ts';
import { ProbeFollower } from '#engine/reconcile/probe-follower.ts';
import type { PlaneLink } from '#engine/ports.ts';
import { assemble, type Assembly, type AssemblyParts, type Endpoints } from '#main/boot/assembly.ts';
import { bootWith } from '#main/boot/boot.ts';
import { prepare, type Prepared } from '#main/boot/init.ts';
import { closeTls, listenTls, type Handler } from '#main/boot/listeners.ts';
import { operatorMethods } from '#main/boot/operator.ts';
import type { Places } from '#main/boot/places.ts';
import { boundLogs } from '#main/boot/log-file.ts';
import { clock, logOptions } from '#main/boot/process.ts';
import { stampFacts, type Settings } from '#main/boot/settings.ts';

/** What every surface of model mode says. */
export const notice =
  'NOTHING IS ENFORCED: this is a model of a stamp. No network, no guest and no kernel stands behind it.';

export type ModelOptions = {
  readonly settings: Settings;
  /** Fixed ports; without them those of the last start, when they are free, else any. */
  readonly ports?: Ports;
  /** The faces take only tokens that are bound to a key or a certificate. */
  readonly wantsBound?: boolean;
  /** As `AssemblyParts.networkBound`. */
  readonly networkBound?: AssemblyParts['networkBound'];
};

export type ModelStamp = {
  readonly endpoints: Endpoints;
  readonly assembly: Assembly;
  readonly prepared: Prepared;
  readonly caPem: string;
  readonly operator: ReturnType<typeof operatorMethods>;
  readonly close: () => Promise<void>;
};

const loopback = '127.0.0.1';

/** Starts a model. It listens on loopback only: a port for each plane of ARM, one for the identity provider, and one for Graph. */
export async function startModel({ settings, ports, wantsBound, networkBound }: ModelOptions): Promise<ModelStamp> {
  refuseLongPath(settings);
  const prepared = await prepare(settings, { owned: false, addresses: [loopback] });
  const { places, tenantId, boots } = prepared;
  const log = pino(
    logOptions('model'),
    pino.destination({ dest: join(places.logs, 'model.log'), sync: true, mode: 0o600 }),
  );
  const stopLooking = boundLogs(places.logs, (error) => log.warn({ err: error }, 'a log could not be cut'));
  const stops: (() => Promise<void>)[] = [() => Promise.resolve(stopLooking())];
  const close = async (): Promise<void> => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  };
  try {
    const listening = await listen(prepared, ports ?? portsBefore(places), stops);
    const facts = stampFacts(settings, { tenantId, enforcing: false });
    const endpoints = endpointsOf(settings, listening.ports);
    const proofd = bootWith(boots.proofd);
    const assembly = await assemble({
      boot: bootWith(boots.stampd),
      frame: { log, onStop: (work) => stops.push(work) },
      facts,
      endpoints,
      prover: new ProofDesk(
        facts,
        readPrivateKey(proofd.secret('prover').reveal()),
        demandsOf(openBundle(proofd).signed.demands),
      ),
      longRunning: settings.longRunning,
      wantsBound,
      networkBound,
      world: () => ({ onProved: () => undefined, onCommit: () => undefined, follow: () => Promise.resolve() }),
    });
    assembly.engine.resume();
    const stopHousekeeping = keepHouse(assembly.engine, (what, error) => log.warn({ err: error }, what));
    stops.push(() => Promise.resolve(stopHousekeeping()));
    stops.push(probeAll(assembly, (what, error) => log.warn({ err: error }, what)));
    const { subscriptionId, providerSubscriptionId } = prepared;
    const operator = operatorMethods(assembly, { facts, endpoints, subscriptionId, providerSubscriptionId });
    stops.push(await serveOperator(places, operator, (error) => log.warn({ err: error }, 'a call failed')));
    listening.serve(assembly.handlers);
    log.warn({ endpoints }, notice);
    return { endpoints, assembly, prepared, caPem: readFileSync(places.certificateAuthority, 'utf8'), operator, close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Ports = { readonly arm: number; readonly admin: number; readonly identity: number; readonly graph?: number };
type Listening = { readonly ports: Required<Ports>; readonly serve: (handlers: Assembly['handlers']) => void };

/** Opens all ports first: the endpoints' names carry them. Until the faces are there, nobody is served. */
async function listen({ places, boots }: Prepared, wanted: Ports, stops: (() => Promise<void>)[]): Promise<Listening> {
  let handlers: Assembly['handlers'] | undefined;
  const stampd = bootWith(boots.stampd);
  const open = async (port: number, of: (all: Assembly['handlers']) => Handler): Promise<number> => {
    const handlerOf = (hostname: string): Handler | undefined => {
      // A page elsewhere that points its own name at loopback gets nothing.
      const isOurs = hostname === loopback || hostname === 'localhost';
      return isOurs && handlers !== undefined ? of(handlers) : undefined;
    };
    const certificate = stampd.secret('tlsCertificate').reveal();
    const opened = await listenOr({ host: loopback, port, key: stampd.secret('tlsKey'), certificate, handlerOf });
    stops.push(() => closeTls(opened.server));
    return opened.port;
  };
  const arm = await open(wanted.arm, (all) => all.arm);
  const admin = await open(wanted.admin, (all) => all.admin);
  const identity = await open(wanted.identity, (all) => all.identity);
  const graph = await open(wanted.graph ?? 0, (all) => all.graph);
  writeFileSync(portsFile(places), JSON.stringify({ arm, admin, identity, graph }), { mode: 0o600 });
  return {
    ports: { arm, admin, identity, graph },
    serve: (all) => {
      handlers = all;
    },
  };
}

/** The wanted port, or any when another process has it. */
async function listenOr(options: Parameters<typeof listenTls>[0]): Promise<{ server: Server; port: number }> {
  try {
    return await listenTls(options);
  } catch (error) {
    if (options.port === 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    return await listenTls({ ...options, port: 0 });
  }
}

function portsFile({ state }: Pick<Places, 'state'>): string {
  return join(state, 'model-ports.json');
}

/** Did a model ever start on this state directory? */
export function isModelState(state: string): boolean {
  return existsSync(portsFile({ state }));
}

/** The socket that a running model keeps for its user's commands. */
export function modelSocket(state: string): string {
  return join(state, 'cli', 'socket');
}

/** sockaddr_un holds 107 bytes of a path (unix(7)); a longer one would be cut without a word. */
const socketPathMax = 107;

function refuseLongPath({ state }: Settings): void {
  const path = modelSocket(state);
  if (Buffer.byteLength(path) <= socketPathMax) return;
  const says = `The path of the model's socket, ${path}, is longer than ${socketPathMax} bytes; name a shorter --state.`;
  throw new Refusal('StatePathTooLong', says, { target: '--state' });
}

/** Serves the operator's methods to the model's own user: nobody else can enter the folder. */
async function serveOperator(
  { state }: Places,
  methods: ModelStamp['operator'],
  onFault: (error: unknown) => void,
): Promise<() => Promise<void>> {
  const path = modelSocket(state);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const server = await serve({ path, methods, onFault });
  return () => {
    server.close();
    rmSync(path, { force: true });
    return Promise.resolve();
  };
}

/** The ports of the last start: what clients have registered goes on working. */
function portsBefore(places: Places): Ports {
  try {
    const before = JSON.parse(readFileSync(portsFile(places), 'utf8')) as Partial<Ports>;
    const { arm, admin = 0, identity, graph = 0 } = before;
    if (arm !== undefined && identity !== undefined && [arm, admin, identity, graph].every(Number.isInteger))
      return { arm, admin, identity, graph };
  } catch {
    // No start before, or a file cut short: any port will do.
  }
  return { arm: 0, admin: 0, identity: 0 };
}

/** The names of what is not served here stay names: nothing answers under them. */
function endpointsOf({ zone }: Settings, { arm, admin, identity, graph }: Required<Ports>): Endpoints {
  return {
    management: `https://${loopback}:${arm}`,
    adminManagement: `https://${loopback}:${admin}`,
    adfs: `https://${loopback}:${identity}`,
    portal: `https://portal.${zone}`,
    graph: `https://${loopback}:${graph}`,
  };
}

/** No probe runs here: every member of a load balancer counts as up, so that the oracle judges the rules and not the absence of guests. */
function probeAll({ engine }: Assembly, onTrouble: (what: string, error: unknown) => void): () => Promise<void> {
  const plane: Pick<PlaneLink, 'probes'> = {
    probes: (wanted) => Promise.resolve(wanted.map(({ key }) => ({ key, state: 'up' as const }))),
  };
  const probes = new ProbeFollower({
    gate: engine.gate,
    view: () => engine.view(),
    plane: plane as PlaneLink,
    clock,
    onTrouble,
  });
  probes.start();
  return () => {
    probes.stop();
    return Promise.resolve();
  };
}

/** Makes the state directory of a model private to its user. */
export function makeModelState(state: string): void {
  mkdirSync(state, { recursive: true, mode: 0o700 });
}
