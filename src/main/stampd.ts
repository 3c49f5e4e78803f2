/** `stampd`: the control plane. It parses, authorises and stores; what the kernel may do is proved elsewhere (decision D1). */

import { LinkClient } from '#adapters/link/client.ts';
import { canaryLink } from '#adapters/link/canary-link.ts';
import { edgeLink } from '#adapters/link/edge-link.ts';
import { flowLink } from '#adapters/link/flow-link.ts';
import { guestLink } from '#adapters/link/guest-link.ts';
import { planeLink } from '#adapters/link/plane-link.ts';
import { proverLink } from '#adapters/link/prover-link.ts';
import { spentLink } from '#adapters/link/spent-link.ts';
import { serve } from '#adapters/link/server.ts';
import { CanaryRounds } from '#engine/canary/rounds.ts';
import { FlowChecker } from '#engine/flow-logs/flow-checker.ts';
import { FlowCollector } from '#engine/flow-logs/collector.ts';
import { FlowFiles } from '#engine/flow-logs/files.ts';
import { machineNics } from '#engine/canary/running.ts';
import { guestKnocker } from '#engine/questions/guest-knock.ts';
import { guestMaker } from '#engine/reconcile/guest-spec.ts';
import { CheckerRounds } from '#engine/checker/rounds.ts';
import { containAbuse } from '#main/boot/containment.ts';
import { keepHouse } from '#main/boot/housekeeping.ts';
import { DriftFollower } from '#engine/reconcile/drift-follower.ts';
import { ProbeFollower } from '#engine/reconcile/probe-follower.ts';
import { ResolverFollower } from '#engine/reconcile/resolver-follower.ts';
import { RealWorld } from '#engine/reconcile/world.ts';
import { assemble, type Endpoints } from '#main/boot/assembly.ts';
import { programsBytesMax } from '#base/limits.ts';
import { publishedEndpoints } from '#model/infra.ts';
import { readBoot } from '#main/boot/boot.ts';
import { compactHeapWhenQuiet } from '#main/boot/heap.ts';
import { closeTls, type Handler, listenTls } from '#main/boot/listeners.ts';
import { operatorMethods } from '#main/boot/operator.ts';
import { guestUidFirst, placesOf } from '#main/boot/places.ts';
import { clock, frame } from '#main/boot/process.ts';
import { stampFacts } from '#main/boot/settings.ts';

const own = frame('stampd');
const { log, onStop } = own;
const boot = readBoot();
const { settings } = boot;
const places = placesOf(settings);
const facts = stampFacts(settings, { tenantId: boot.tenantId, enforcing: true });
const name = (host: string): string => `https://${host}.${settings.zone}`;
const endpoints: Endpoints = {
  management: name('management'),
  adminManagement: name('adminmanagement'),
  adfs: name('adfs'),
  portal: name('portal'),
  graph: name('graph'),
};

const links = {
  proofd: new LinkClient('proofd', places.socket('proofd', 'stampd'), programsBytesMax),
  netd: new LinkClient('netd', places.socket('netd', 'stampd'), programsBytesMax),
  guestd: new LinkClient('guestd', places.socket('guestd', 'stampd')),
  edged: new LinkClient('edged', places.socket('edged', 'stampd')),
};
const [prover, plane, guests] = [proverLink(links.proofd), planeLink(links.netd), guestLink(links.guestd)];
const onTrouble = (what: string, error: unknown): void => log.warn({ err: error }, what);
let world: RealWorld | undefined;
let names: ResolverFollower | undefined;
/** What comes to be only once the assembly stands. */
const later: { drift?: DriftFollower } = {};

const assembly = await assemble({
  boot,
  frame: own,
  onStoreStopped: own.die,
  facts,
  endpoints,
  prover,
  longRunning: settings.longRunning,
  untrusted: () => later.drift?.untrusted() ?? [],
  world: (view) => {
    const wantedOf = guestMaker({
      stamp: facts,
      resolver: '168.63.129.16',
      uidFirst: (slot) => guestUidFirst(settings.number, slot),
    });
    const kernel = new RealWorld({ view, plane, guests, clock, wantedOf, onTrouble, remoteHosts: facts.remoteHosts });
    const resolving = new ResolverFollower({
      edge: edgeLink(links.edged),
      standing: () => assembly.engine.gate.standing(),
      clock,
      onTrouble: ({ says, over }) => onTrouble(over ? 'the resolver follows' : 'the resolver does not follow', says),
    });
    [world, names] = [kernel, resolving];
    return {
      onProved: (step) => kernel.onProved(step),
      onCommit: (commit) => {
        kernel.onCommit(commit);
        resolving.push(commit);
      },
      follow: (revision, edits) => kernel.follow(revision, edits),
      knocker: guestKnocker({ guests, clock }),
    };
  },
});
if (world === undefined || names === undefined) throw new Error('The assembly built no world.');
const real: RealWorld = world;
links.netd.onConnect(() => real.plane.lost());
links.netd.onLoss(() => real.plane.lost());
const resolver: ResolverFollower = names;
links.edged.onLoss(() => resolver.lost());
resolver.start();
await real.start(assembly.engine.gate);
assembly.engine.resume();
const probes = new ProbeFollower({
  gate: assembly.engine.gate,
  view: () => assembly.engine.view(),
  plane,
  clock,
  onTrouble,
});
probes.start();
const flowFiles = new FlowFiles(places.flowLogs);
const { engine } = assembly;
const standing = {
  revision: () => engine.gate.revision,
  confirmed: () => real.plane.confirmed,
  programs: engine.programs,
  clock,
};
const flowChecker = new FlowChecker(standing);
const flows = new FlowCollector({
  source: flowLink(links.netd),
  view: () => assembly.engine.view(),
  files: flowFiles,
  store: assembly.store,
  clock,
  checker: flowChecker,
  onTrouble,
});
flows.start();
const containment = { source: spentLink(links.netd), flowFiles };
const stopContaining = containAbuse(assembly, containment, onTrouble);
const checker = new CheckerRounds({
  gate: assembly.engine.gate,
  nics: () => [...assembly.engine.view().ofType('Microsoft.Network/networkInterfaces')].length,
  store: assembly.store,
  clock,
  onTrouble,
});
checker.start();
const canaries = new CanaryRounds({
  ...standing,
  keeper: canaryLink(links.netd),
  running: () => machineNics(engine.view()),
  store: assembly.store,
  onTrouble,
});
if (settings.canaries === 'on') canaries.start();
const drift = new DriftFollower({ plane, store: assembly.store, clock, onTrouble });
later.drift = drift;
drift.start();
const stopHousekeeping = keepHouse(assembly.engine, onTrouble);
onStop(() => {
  stopHousekeeping();
  stopContaining();
  drift.stop();
  checker.stop();
  canaries.stop();
  flows.stop();
  probes.stop();
  real.stop();
  resolver.stop();
  for (const link of Object.values(links)) link.close();
  return Promise.resolve();
});

const { arm, admin, identity, graph } = assembly.handlers;
const faces = new Map([
  ['management', arm],
  ['adminmanagement', admin],
  ['adfs', identity],
  ['graph', graph],
]);
/** A face by its name and its own address: what is published to few is not served where everyone may connect. */
const served: ReadonlyMap<string, Handler> = new Map(
  publishedEndpoints(facts).flatMap(({ name, target }) => {
    const face = faces.get(name);
    return face === undefined ? [] : [[`${name}.${settings.zone} ${target}`, face] as const];
  }),
);
const { server } = await listenTls({
  host: '0.0.0.0',
  port: 443,
  key: boot.secret('tlsKey'),
  certificate: boot.secret('tlsCertificate').reveal(),
  handlerOf: (hostname, address) => served.get(`${hostname} ${address}`),
});
onStop(() => closeTls(server));
await serve({
  path: places.socket('stampd', 'cli'),
  onFault: (error) => log.warn({ err: error }, 'a call failed'),
  methods: operatorMethods(assembly, {
    facts,
    endpoints,
    guests,
    flowFiles,
    containment,
    drift,
    ...(settings.canaries === 'on' ? { canaries: () => canaries.round() } : {}),
    checks: () => ({
      proof: { packets: checker.packets, disagreements: checker.disagreements },
      flows: { compared: flows.compared, ...flowChecker.counts },
      canaries: settings.canaries === 'on' ? canaries.counts : 'off',
    }),
    subscriptionId: boot.secret('subscriptionId').reveal(),
    providerSubscriptionId: boot.secret('providerSubscriptionId').reveal(),
  }),
});
log.info('ready');
compactHeapWhenQuiet();
