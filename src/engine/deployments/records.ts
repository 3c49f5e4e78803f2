/** The records of deployments: in memory as they run, in the store when they begin and when they end. */

import type { Json, JsonObject } from '#base/json.ts';
import { deploymentsKeptMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import { canonicalType } from '#model/types.ts';
import type { DeploymentRecord } from '#engine/engine.ts';
import type { OperationNote } from '#engine/deployments/run.ts';
import type { Clock, Dice } from '#engine/ports.ts';
import type { Store } from '#engine/store/store.ts';
import { subscriptionOf } from '#engine/subscription.ts';

const table = 'deployments';
const ended: ReadonlySet<string> = new Set(['Succeeded', 'Failed', 'Canceled']);
const interrupted = {
  code: 'DeploymentInterrupted',
  message: 'The stamp restarted while the deployment ran. Deploy again: what is there already stays as it is.',
};

export type RecordParts = { readonly store: Store; readonly clock: Clock; readonly dice: Dice };

/** Deployments by id, newest last. */
export class DeploymentRecords {
  readonly #parts: RecordParts;
  readonly #records = new Map<string, DeploymentRecord>();

  constructor(parts: RecordParts) {
    this.#parts = parts;
    const saved = [...parts.store.rows(table)].map(({ value }) => value as unknown as DeploymentRecord);
    // The store lists by key; lists go by the time of the deployment.
    saved.sort((left, right) =>
      String(left.properties['timestamp']) < String(right.properties['timestamp']) ? -1 : 1,
    );
    for (const record of saved) this.#records.set(record.id.toLowerCase(), isRunning(record) ? cutOff(record) : record);
  }

  get(id: string): DeploymentRecord | undefined {
    return this.#records.get(id.toLowerCase());
  }

  /** Those of a scope, newest first. */
  list(scope: string): DeploymentRecord[] {
    const wanted = scope.toLowerCase();
    return [...this.#records.values()].filter((record) => record.scope.toLowerCase() === wanted).toReversed();
  }

  /** Makes a record durable. One whose group was deleted meanwhile is not brought back: `isNew` begins one. */
  async keep(record: DeploymentRecord, { isNew }: { readonly isNew: boolean }): Promise<void> {
    const key = record.id.toLowerCase();
    if (!isNew && !this.#records.has(key)) return;
    const before = this.#records.get(key);
    this.#records.delete(key);
    this.#records.set(key, record);
    const gone = this.#tidy(record.scope);
    try {
      await this.#parts.store.append({
        subscription: subscriptionOf(record.id),
        kind: 'deployment',
        payload: { id: record.id, provisioningState: record.properties['provisioningState'] ?? null },
        puts: [{ table, key, value: record as unknown as JsonObject }],
        deletes: gone.map((old) => ({ table, key: old })),
      });
    } catch (error) {
      // One that never began is not shown as running; what has ended has ended, whether the disk heard of it or not.
      if (isNew && before === undefined) this.#records.delete(key);
      else if (isNew && before !== undefined) this.#records.set(key, before);
      throw error;
    }
  }

  /** Changes properties in memory; undefined when the record is gone. */
  update(id: string, change: JsonObject): DeploymentRecord | undefined {
    const record = this.get(id);
    if (record === undefined) return undefined;
    const next = { ...record, properties: { ...record.properties, ...change } };
    this.#records.set(id.toLowerCase(), next);
    return next;
  }

  /** Notes how one of its resources stands. */
  note(id: string, note: OperationNote): void {
    const record = this.get(id);
    if (record === undefined) return;
    const known = record.operations.find((operation) => targetOf(operation) === note.target.id);
    const operations = [...record.operations.filter((one) => one !== known), this.#operationOf(record, note, known)];
    this.#records.set(id.toLowerCase(), { ...record, operations });
  }

  async remove(record: DeploymentRecord): Promise<void> {
    const key = record.id.toLowerCase();
    const payload = { removed: record.id };
    await this.#parts.store.append({
      subscription: subscriptionOf(key),
      kind: 'deployment',
      payload,
      deletes: [{ table, key }],
    });
    this.#records.delete(key);
  }

  /** The rows of a scope's deployments. */
  rowsOf(scope: string): { readonly table: string; readonly key: string }[] {
    return this.list(scope).map(({ id }) => ({ table, key: id.toLowerCase() }));
  }

  /** Drops the records of a scope that is gone; their rows went with it. */
  forget(scope: string): void {
    for (const { id } of this.list(scope)) this.#records.delete(id.toLowerCase());
  }

  #operationOf(
    record: DeploymentRecord,
    { target, state, error, statusCode }: OperationNote,
    known: JsonObject | undefined,
  ): JsonObject {
    const { clock, dice } = this.#parts;
    const operationId = known?.['operationId'] ?? dice.guid().replaceAll('-', '').slice(0, 16).toUpperCase();
    return {
      id: `${record.id}/operations/${String(operationId)}`,
      operationId,
      properties: {
        provisioningOperation: 'Create',
        provisioningState: state,
        timestamp: new Date(clock.now()).toISOString(),
        statusCode,
        ...(error === undefined ? {} : { statusMessage: { error: error as unknown as Json } }),
        targetResource: { id: target.id, resourceType: canonicalType(target.type), resourceName: target.name },
      },
    };
  }

  /** The oldest ended ones of a scope go when there are too many. */
  #tidy(scope: string): string[] {
    const inScope = this.list(scope).toReversed();
    const gone = inScope
      .slice(0, Math.max(0, inScope.length - deploymentsKeptMax))
      .filter((record) => !isRunning(record));
    for (const record of gone) this.#records.delete(record.id.toLowerCase());
    return gone.map((record) => record.id.toLowerCase());
  }
}

/** Has the deployment not ended yet? */
export function isRunning(record: DeploymentRecord): boolean {
  return !ended.has(String(record.properties['provisioningState']));
}

/** 404 for a deployment. */
export function deploymentNotFound(id: string): Refusal {
  return new Refusal('DeploymentNotFound', `Deployment '${id.split('/').at(-1) ?? ''}' could not be found.`, {
    status: 404,
  });
}

function targetOf(operation: JsonObject): Json | undefined {
  const properties = operation['properties'] as { targetResource?: { id?: string } } | undefined;
  return properties?.targetResource?.id;
}

function cutOff(record: DeploymentRecord): DeploymentRecord {
  return { ...record, properties: { ...record.properties, provisioningState: 'Failed', error: interrupted } };
}
