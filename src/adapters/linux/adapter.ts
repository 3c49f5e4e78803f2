/** The Linux data plane: one namespace per point, brought from what the kernel has to what the programs demand. */

import { Fault } from '#base/wrong.ts';
import type { Applied, Difference, FlowSelector, Plane, Probe, Probed } from '#engine/plane-port.ts';
import type { CanaryAnswer } from '#engine/canary/canary.ts';
import type { FlowBatch } from '#engine/flow-logs/flow.ts';
import type { ProbeResult, ProbeSpec } from '#engine/ports.ts';
import { KernelSpace, type Wanted } from '#adapters/linux/apply.ts';
import { isAttached } from '#adapters/linux/attached.ts';
import { Canaries } from '#adapters/linux/canary.ts';
import { changedPoints } from '#adapters/linux/changed-points.ts';
import { commitAll, type Work } from '#adapters/linux/commit.ts';
import { compareState, goneMarks } from '#adapters/linux/compare.ts';
import { StampFlows } from '#adapters/linux/flow-log.ts';
import { cutFlows } from '#adapters/linux/flows.ts';
import type { Held, Spent } from '#engine/containment/spent.ts';
import { cutApart, heldIn } from '#adapters/linux/apart.ts';
import { StampSpent } from '#adapters/linux/spent.ts';
import { inetNetwork } from '#adapters/linux/fabric-network.ts';
import { withGuestNamespace } from '#adapters/linux/guest-namespace.ts';
import { ipBatch, run } from '#adapters/linux/ip.ts';
import { namespaceOf, namesOf, type Names } from '#adapters/linux/names.ts';
import { hasNamespace, linksOf, namespacesWith, readSysctls, writeSysctls } from '#adapters/linux/netns.ts';
import { type ForeignChange, NftContext } from '#adapters/linux/nft.ts';
import { runProbe } from '#adapters/linux/probe.ts';
import { Prober } from '#adapters/linux/prober.ts';
import { hasPair, type Pair, peerPairs } from '#adapters/linux/peer-pairs.ts';
import { placeOf, renderPoint } from '#adapters/linux/render.ts';
import {
  fabricDown,
  fabricUp,
  peerDown,
  peerUp,
  routerDown,
  routerSysctls,
  linkSysctls,
  routerUp,
  sysctls,
} from '#adapters/linux/topology.ts';
import { Validator } from '#adapters/linux/validate.ts';
import type { Programs, RouterProgram } from '#program/program.ts';

export type PlaneOptions = {
  readonly number: number;
  readonly hosts: readonly string[];
  readonly log?: (says: string) => void;
  /** The user who makes guests' namespaces, the only ones that a NIC is moved into; this process's own when absent. */
  readonly guestOwner?: number;
};

/** Opens the data plane of a stamp. Calls are served one after another. */
export function openPlane(options: PlaneOptions): LinuxPlane {
  return new LinuxPlane(options);
}

/** Sysctls carry no notice (decision D3.8): they are looked at this often. */
const sysctlsEveryMs = 2000;

export class LinuxPlane implements Plane {
  readonly #names: Names;
  readonly #hosts: readonly string[];
  readonly #guestOwner: number;
  readonly #prober: Prober;
  readonly #canaries: Canaries;
  readonly #flows: StampFlows;
  readonly #spent = new StampSpent();
  readonly #spaces = new Map<string, KernelSpace>();
  #scratch: NftContext | undefined;
  #programs: Programs = {};
  /** Points as they were rendered of the programs that were looked at last. */
  #rendered: { readonly of: Programs; readonly points: Map<string, Wanted> } = { of: {}, points: new Map() };
  #pairs: readonly Pair[] = [];
  readonly #doubtful = new Set<string>();
  readonly #validator = new Validator();
  /** Who changed rules of a point, until it is read back. */
  readonly #blamed = new Map<string, ForeignChange>();
  #sysctlsLookedAt = 0;
  #isAdopted = false;
  #lane: Promise<unknown> = Promise.resolve();

  constructor({ number, hosts, guestOwner = process.getuid?.() ?? 0 }: PlaneOptions) {
    this.#names = namesOf(number);
    this.#hosts = hosts;
    this.#guestOwner = guestOwner;
    this.#prober = new Prober(async (probe) => await this.probe(probe));
    this.#canaries = new Canaries({ names: this.#names, programs: () => this.#programs, guestOwner });
    this.#flows = new StampFlows((sequence) => this.#canaries.isOurs(sequence));
  }

  up(): Promise<void> {
    return this.#inTurn(async () => {
      await fabricUp(this.#names, this.#hosts);
      this.#scratch ??= new NftContext(this.#names.scratch);
      const inet = new KernelSpace(this.#names.inet);
      await inet.adopt();
      await inet.commitNetwork({ ruleset: new Map(), network: inetNetwork() });
      inet.close();
    });
  }

  apply(before: Programs, after: Programs): Promise<Applied> {
    return this.#inTurn(async () => {
      if (!this.#isAdopted) await this.#removeStrangers(after);
      this.#isAdopted = true;
      return await this.#bring(after, changedPoints(before, after));
    });
  }

  /** Rendered, compared with the mirror, and compiled in the scratch namespace. Points that are new or in doubt are left to the apply. */
  prepare(before: Programs, after: Programs): Promise<void> {
    return this.#inTurn(() => {
      const scratch = this.#scratch;
      for (const point of scratch === undefined || this.#doubtful.size > 0 ? [] : changedPoints(before, after)) {
        const space = this.#spaces.get(point);
        const wanted = space === undefined ? undefined : this.#render(after, point);
        if (wanted !== undefined && scratch !== undefined) space?.prepareRules(wanted.ruleset, scratch);
      }
      return Promise.resolve();
    });
  }

  readBack(point: string): Promise<readonly Difference[]> {
    return this.#inTurn(async () => {
      const earlier = this.#spaces.get(point)?.takeForeign().at(-1) ?? this.#blamed.get(point);
      this.#blamed.delete(point);
      const found = await this.#differences(point);
      // Somebody may have spoken while the list was read.
      const by = earlier ?? (found.length === 0 ? undefined : this.#spaces.get(point)?.takeForeign().at(-1));
      if (by === undefined) return found;
      return found.map((one) => (one.kind === 'port' ? one : { ...one, by: { pid: by.pid, process: by.process } }));
    });
  }

  /** Points that somebody else changed since the last call: the kernel told of rules and of the network, sysctls are looked at every 2 s. */
  suspects(): Promise<readonly string[]> {
    return this.#inTurn(() => {
      const now = performance.now();
      const areSysctlsDue = now - this.#sysctlsLookedAt >= sysctlsEveryMs;
      if (areSysctlsDue) this.#sysctlsLookedAt = now;
      const found = [...this.#spaces].filter(([point, space]) => {
        const by = space.takeForeign().at(-1);
        if (by !== undefined) this.#blamed.set(point, by);
        const isNetwork = space.takeNetworkChanges() > 0;
        return by !== undefined || isNetwork || (areSysctlsDue && this.#sysctlDrift(point).length > 0);
      });
      return Promise.resolve(found.map(([point]) => point));
    });
  }

  /** Brings a point back to its program after drift: reads what the kernel has, and commits the difference. */
  repair(point: string): Promise<Applied> {
    return this.#inTurn(async () => {
      await this.#spaces.get(point)?.adopt();
      const namespace = namespaceOf(this.#names, point);
      if (this.#spaces.has(point)) writeSysctls(namespace, { ...sysctlsOf(point), ...linkSysctls(linksOf(namespace)) });
      const applied = await this.#bring(this.#programs, [point]);
      // Undoing one thing may cost another: with a link's last address the kernel drops its routes.
      if ((await this.#differences(point)).length === 0) return applied;
      await this.#spaces.get(point)?.adopt();
      return await this.#bring(this.#programs, [point]);
    });
  }

  /** The caller is not trusted: what it gives becomes words of a batch that root runs. */
  attach(mark: number, pid: number, name: string): Promise<void> {
    return this.#inTurn(async () => {
      if (typeof name !== 'string' || !/^eth([0-9]|[1-9][0-9])$/.test(name))
        throw new Fault('AttachRefused', 'The value of name is not accepted: eth0 to eth99 is wanted.');
      const { namespace, program, point } = this.#routerOf(mark);
      const port = Object.values(program.ports).find((one) => one.mark === mark);
      if (port === undefined) throw new Fault('NoPort', `No port has mark ${mark}.`);
      await withGuestNamespace({ pid, owner: this.#guestOwner }, async (guest) => {
        if (!linksOf(namespace).includes(`g${port.mark}`)) {
          // A guest that has its link keeps it: a control process that starts again must not cut its flows.
          if (await isAttached({ namespace, guest, name }, port)) return;
          await this.#remake(point, port.mark);
        }
        await ipBatch(namespace, [`link set g${port.mark} netns ${guest} name ${name}`]);
        const up = ['address', port.mac, 'mtu', String(port.mtu), 'up'];
        await run(['nsenter', `--net=${guest}`, 'ip', 'link', 'set', name, ...up], '');
      });
      this.#canaries.attached(mark, { pid, link: name });
    });
  }

  detach(mark: number): Promise<void> {
    return this.#inTurn(async () => {
      const { namespace, point } = this.#routerOf(mark);
      if (!linksOf(namespace).includes(`g${mark}`)) await this.#remake(point, mark);
    });
  }

  down(): Promise<void> {
    return this.#inTurn(async () => {
      this.#closeAll();
      await fabricDown(this.#names);
    });
  }

  cut(flows: FlowSelector): Promise<number> {
    return cutFlows(namespaceOf(this.#names, flows.point), flows);
  }

  probe(probe: Probe): Promise<Probed> {
    const program = Object.hasOwn(this.#programs, probe.point) ? this.#programs[probe.point] : undefined;
    // Before the programs come, nobody can tell: that is no bad probe.
    if (program === undefined) return Promise.reject(new Fault('NoRouter', `There is no router ${probe.point} yet.`));
    const ports = program?.kind === 'router' ? Object.values(program.ports) : [];
    const port = ports.find(({ addresses }) => Object.hasOwn(addresses, probe.address));
    if (port === undefined) return Promise.resolve({ state: 'down', because: `no NIC here has ${probe.address}` });
    return runProbe(namespaceOf(this.#names, probe.point), { probe, link: `n${port.mark}` });
  }

  probes(wanted: readonly ProbeSpec[]): Promise<readonly ProbeResult[]> {
    return Promise.resolve(this.#prober.follow(wanted));
  }

  /** Flows seen since the last call; only the points that this machine carries log any. */
  flows(): Promise<FlowBatch> {
    return this.#inTurn(async () => this.#flows.read(Date.now(), (point) => namespaceOf(this.#names, point)));
  }

  /** Sends canaries and tells where they came out (canary.ts); not in turn, so that no write waits for them. */
  canaries(orders: unknown): Promise<readonly CanaryAnswer[]> {
    return this.#canaries.send(orders);
  }

  /** What ports sent beyond their budgets since the last call. */
  spent(): Promise<readonly Spent[]> {
    return this.#inTurn(() => Promise.resolve(this.#spent.read(this.#programs, (at) => namespaceOf(this.#names, at))));
  }

  /** Connection states of routers and boundary. */
  held(): Promise<readonly Held[]> {
    return this.#inTurn(() => Promise.resolve(heldIn(this.#programs, (at) => namespaceOf(this.#names, at))));
  }

  close(): Promise<void> {
    this.#prober.stop();
    return this.#inTurn(async () => this.#closeAll());
  }

  async #differences(point: string): Promise<readonly Difference[]> {
    if (this.#programs[point]?.kind === 'resolver') return [];
    const wanted = this.#render(this.#programs, point);
    const space = this.#spaces.get(point);
    if (wanted === undefined || space === undefined)
      return [{ point, kind: 'table', says: `The point ${point} is not applied.` }];
    const listed = await space.list();
    const listing = { ...listed, gone: goneMarks(wanted.network, listed) };
    return [
      ...compareState(point, wanted, listed),
      ...this.#validator.differences({ programs: this.#programs, point, stamp: this.#names.stamp, listing }),
      ...this.#sysctlDrift(point),
    ];
  }

  /** Sysctls carry no trace of who changed them (decision D3.8). */
  #sysctlDrift(point: string): Difference[] {
    const namespace = namespaceOf(this.#names, point);
    const wanted = Object.entries({ ...sysctlsOf(point), ...linkSysctls(linksOf(namespace)) });
    const values = readSysctls(
      namespace,
      wanted.map(([path]) => path),
    );
    return wanted.flatMap(([path, value], index) =>
      values[index] === String(value)
        ? []
        : [{ point, kind: 'sysctl' as const, says: `${path} is ${values[index] ?? ''}, wanted ${value}.` }],
    );
  }

  #closeAll(): void {
    this.#flows.close();
    this.#spent.close();
    for (const space of this.#spaces.values()) space.close();
    this.#spaces.clear();
    this.#scratch?.close();
    this.#scratch = undefined;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#lane.then(work);
    this.#lane = next.catch(() => undefined);
    return next;
  }

  /** A change that fails half-way leaves its points in doubt: the next one reads them from the kernel and takes them along. */
  async #bring(programs: Programs, asked: readonly string[]): Promise<Applied> {
    const points = [...new Set([...asked, ...this.#doubtful])];
    for (const point of this.#doubtful) await this.#spaces.get(point)?.adopt();
    try {
      const applied = await this.#commit(programs, points);
      this.#doubtful.clear();
      return applied;
    } catch (error) {
      for (const point of points) this.#doubtful.add(point);
      throw error;
    }
  }

  async #commit(programs: Programs, points: readonly string[]): Promise<Applied> {
    const pairs = peerPairs(programs);
    await this.#makeRouters(programs, points);
    for (const pair of pairs) if (!hasPair(this.#pairs, pair)) await peerUp(this.#names, pair);
    const scratch = this.#scratch;
    if (scratch === undefined) throw new Fault('PlaneDown', 'The data plane is not up.');
    const work: Work[] = [];
    for (const point of points) {
      const wanted = this.#render(programs, point);
      if (wanted !== undefined) work.push({ point, wanted, space: await this.#space(point) });
    }
    const { ruleOperations, networkLines, waves, windowMs } = await commitAll(work, scratch);
    for (const pair of this.#pairs) if (!hasPair(pairs, pair)) await peerDown(this.#names, pair);
    this.#pairs = pairs;
    await this.#removeRouters(programs, points);
    cutApart(this.#programs, programs, (at) => namespaceOf(this.#names, at));
    this.#programs = programs;
    this.#flows.follow(programs, Date.now());
    // What the kernel told meanwhile about links and routes was our own doing.
    for (const { space } of work) space.settle();
    return { points: work.map(({ point }) => point), ruleOperations, networkLines, waves, windowMs };
  }

  #render(programs: Programs, point: string): Wanted | undefined {
    if (this.#rendered.of !== programs) this.#rendered = { of: programs, points: new Map() };
    const { points } = this.#rendered;
    const wanted = points.get(point) ?? renderPoint(programs, point, this.#names.stamp);
    if (wanted !== undefined) points.set(point, wanted);
    return wanted;
  }

  async #space(point: string): Promise<KernelSpace> {
    const known = this.#spaces.get(point);
    if (known !== undefined) return known;
    const space = new KernelSpace(namespaceOf(this.#names, point), point);
    await space.adopt();
    this.#spaces.set(point, space);
    return space;
  }

  async #makeRouters(programs: Programs, points: readonly string[]): Promise<void> {
    for (const point of points) {
      const program = programs[point];
      if (program?.kind !== 'router' || this.#spaces.has(point)) continue;
      const { underlay } = placeOf(programs, program);
      await routerUp(this.#names, { key: program.key, host: program.host, vni: program.vni, underlay });
    }
  }

  async #removeRouters(programs: Programs, points: readonly string[]): Promise<void> {
    for (const point of points) {
      const [kind, key, host] = point.split('/');
      if (kind !== 'router' || programs[point] !== undefined || key === undefined || host === undefined) continue;
      this.#spaces.get(point)?.close();
      this.#spaces.delete(point);
      await routerDown(this.#names, key, host);
    }
  }

  /** Routers that an earlier process left and that no program speaks of. */
  async #removeStrangers(programs: Programs): Promise<void> {
    for (const name of namespacesWith(`${this.#names.prefix}v`)) {
      const found = /^(v\d+)(h\d+)$/.exec(name.slice(this.#names.prefix.length));
      const [, key = '', host = ''] = found ?? [];
      if (found !== null && programs[`router/${key}/${host}`] === undefined) await routerDown(this.#names, key, host);
    }
  }

  #routerOf(mark: number): { namespace: string; program: RouterProgram; point: string } {
    for (const [point, program] of Object.entries(this.#programs)) {
      if (program.kind !== 'router' || !Object.values(program.ports).some((port) => port.mark === mark)) continue;
      const namespace = namespaceOf(this.#names, point);
      if (hasNamespace(namespace)) return { namespace, program, point };
    }
    throw new Fault('NoPort', `No port has mark ${mark}.`);
  }

  /** The guest's end is elsewhere or gone: removes the pair and makes it anew, with its routes and neighbours. */
  async #remake(point: string, mark: number): Promise<void> {
    const namespace = namespaceOf(this.#names, point);
    const wanted = this.#render(this.#programs, point);
    const link = wanted?.network.ports.get(mark);
    const space = this.#spaces.get(point);
    if (wanted === undefined || link === undefined || space === undefined)
      throw new Fault('NoPort', `No port has mark ${mark}.`);
    if (linksOf(namespace).includes(`n${mark}`)) await ipBatch(namespace, [`link del n${mark}`]);
    space.forgetPort(mark);
    await space.linksUp(wanted);
    await space.commitNetwork(wanted);
  }
}

function sysctlsOf(point: string): { readonly [path: string]: number } {
  return point.startsWith('router/') ? routerSysctls : sysctls;
}
