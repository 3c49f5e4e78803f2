/** Brings flows from the kernel into the files of the flow logs that ask for them, and raises the alarm when a verdict is not the program's. */

import type { JsonObject } from '#base/json.ts';
import { flowLogTickMs } from '#base/limits.ts';
import { filterKey } from '#compile/sdn/nsg.ts';
import { openAlert } from '#engine/alerts/alerts.ts';
import type { FlowChecker, FlowDisagreement } from '#engine/flow-logs/flow-checker.ts';
import type { FlowFiles } from '#engine/flow-logs/files.ts';
import type { Disagreement, Flow, FlowBatch, FlowSource } from '#engine/flow-logs/flow.ts';
import { flowRecord } from '#engine/flow-logs/record.ts';
import type { Clock } from '#engine/ports.ts';
import type { Store } from '#engine/store/store.ts';
import { typeOfId } from '#model/arm-id.ts';
import { flowLogType } from '#model/network/flow-log.ts';
import { partsAt } from '#compile/read.ts';
import type { Resource, View } from '#model/resource.ts';

export type CollectorParts = {
  readonly source: FlowSource;
  readonly view: () => View;
  readonly files: FlowFiles;
  readonly store: Store;
  readonly clock: Clock;
  /** Holds flows against the programs once more, apart from the keeper; absent: the keeper's own comparison is all there is. */
  readonly checker?: FlowChecker;
  /** Told when flows could not be read or written; it goes on at the next round. */
  readonly onTrouble: (what: string, error: unknown) => void;
};

/** Old hours are looked for at every so many rounds. */
const retainEvery = 60;

export class FlowCollector {
  readonly #parts: CollectorParts;
  #isStopped = false;
  #wasWanted = false;
  #rounds = 0;
  #compared = 0;

  constructor(parts: CollectorParts) {
    this.#parts = parts;
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** How many of the kernel's verdicts were compared with the programs since the start. */
  get compared(): number {
    return this.#compared;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        await this.round();
      } catch (error) {
        if (!this.#isStopped) this.#parts.onTrouble('flow logs', error);
      }
      await this.#parts.clock.sleep(flowLogTickMs);
    }
  }

  /** One round: takes what was seen, writes it, and removes what is too old. */
  async round(): Promise<void> {
    const { source, view, files, clock } = this.#parts;
    const logs = [...view().ofType(flowLogType)];
    if (this.#rounds++ % retainEvery === 0)
      for (const log of logs) files.retain(targetOf(log), retentionDays(log), clock.now());
    const enabled = logs.filter(({ properties }) => properties['enabled'] !== false);
    // Asked once more after the last log went, so that the kernel's keeper lets go of what it opened.
    const isWanted = enabled.length > 0;
    if (!isWanted && !this.#wasWanted) return;
    this.#wasWanted = isWanted;
    const askedAt = clock.now();
    const batch = await source.flows();
    this.#compared += batch.compared;
    for (const says of batch.troubles) this.#parts.onTrouble('flow logs', says);
    this.#write(enabled, batch);
    for (const one of batch.disagreements) await this.#alarm(keeperWords(one));
    for (const one of (await this.#parts.checker?.check(batch, askedAt)) ?? []) await this.#alarm(one);
  }

  #write(logs: readonly Resource[], batch: FlowBatch): void {
    const { files, view, clock } = this.#parts;
    // Nobody knows whose they were: each log says so once.
    const lost = new Map(logs.map((log) => [log, batch.notLogged[''] ?? 0]));
    const byNic = Map.groupBy(batch.flows, ({ nic }) => nic);
    for (const nic of Object.keys(batch.notLogged)) if (nic !== '' && !byNic.has(nic)) byNic.set(nic, []);
    for (const [nic, flows] of byNic) {
      const known = view().get(nic);
      const mac = flows[0]?.mac ?? String(known?.internal?.['mac'] ?? '');
      if (mac === '') continue;
      for (const log of logs) {
        const target = targetOf(log);
        const mine = flows.filter((flow) => isOf(target, flow, known));
        const isPlace = typeOfId(target) !== groupType && known !== undefined && placesOf(known).has(target);
        const over = mine.length > 0 || isPlace ? (batch.notLogged[nic] ?? 0) : 0;
        const notLogged = over + (mine.length > 0 ? (lost.get(log) ?? 0) : 0);
        const head = { target, mac, version: versionOf(log), notLogged, at: clock.now() };
        const record = flowRecord(head, mine);
        if (record === undefined) continue;
        files.append(head, [record]);
        if (mine.length > 0) lost.set(log, 0);
      }
    }
  }

  /** The evidence is the packet and both verdicts: anybody can ask the oracle about it. */
  async #alarm({ flow, says: wanted }: FlowDisagreement): Promise<void> {
    const { store, clock } = this.#parts;
    const { direction, protocol, source, sourcePort, target, targetPort, access, rule, filter } = flow;
    const says =
      `The kernel said ${access} by ${filter}/${rule || 'no rule'} of ${protocol} ${source}:${sourcePort} > ${target}:${targetPort}, ` +
      `${direction} at ${flow.nic}; the program in force says ${wanted}.`;
    const condition = { code: 'FlowLogDisagrees', resource: flow.nic, severity: 'Critical', says } as const;
    await openAlert(store, condition, { at: clock.now() });
  }
}

function keeperWords({ flow, wanted }: Disagreement): FlowDisagreement {
  return { flow, says: `${wanted.access} by ${wanted.rule || 'no rule'}` };
}

const groupType = 'Microsoft.Network/networkSecurityGroups';

/** Is the flow one that a log of the target tells of? */
function isOf(target: string, flow: Flow, nic: Resource | undefined): boolean {
  if (typeOfId(target) === groupType) return filterKey(target, flow.direction) === flow.filter;
  return flow.nic.toLowerCase() === target || (nic !== undefined && placesOf(nic).has(target));
}

/** A NIC, its subnet and its network, in lower case. */
function placesOf(nic: Resource): ReadonlySet<string> {
  const [first] = partsAt(nic, 'ipConfigurations');
  const held = first?.properties['subnet'] as JsonObject | undefined;
  const subnet = String(held?.['id'] ?? '').toLowerCase();
  return new Set([nic.id.toLowerCase(), subnet, subnet.replace(/\/subnets\/[^/]+$/, '')]);
}

function targetOf({ properties }: Resource): string {
  return String(properties['targetResourceId']).toLowerCase();
}

/** Days that a log's files are kept; 0: as long as there is room. */
function retentionDays({ properties }: Resource): number {
  const { days, enabled } = (properties['retentionPolicy'] ?? {}) as { days?: number; enabled?: boolean };
  return enabled === true ? (days ?? 0) : 0;
}

function versionOf({ properties }: Resource): number {
  return (properties['format'] as { version?: number } | undefined)?.version ?? 1;
}
