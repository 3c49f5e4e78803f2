/** Long-running operations as ARM clients poll them: kept in memory, those that outlive a request also in the store. */

import { errorBody, Fault, Refusal } from '#base/wrong.ts';
import { operationKeptMs, operationsKeptMax, operationsUnderWayMax } from '#base/limits.ts';
import type { Json, JsonObject } from '#base/json.ts';
import type { Operation } from '#engine/engine.ts';
import type { Clock, Dice } from '#engine/ports.ts';

export type NewOperation = Omit<Operation, 'id' | 'status' | 'startTime'>;
export type OperationEnd = { readonly value?: Json; readonly error?: unknown; readonly canceled?: boolean };

export type OperationsParts = {
  readonly clock: Clock;
  readonly dice: Dice;
  /** Makes an operation durable and removes those that are no longer kept; called when one begins and when it ends. */
  readonly save: (operation: Operation, gone: readonly string[]) => Promise<void>;
};

/** The operations of a stamp, in order of their beginning; the oldest ended ones go when there are too many or they are too old. */
export class Operations {
  readonly #parts: OperationsParts;
  readonly #known = new Map<string, Operation>();
  /** The newest operation of each resource. */
  readonly #newest = new Map<string, string>();
  readonly #waiters = new Map<string, Set<() => void>>();
  #underWay = 0;
  #changes = 0;

  constructor(parts: OperationsParts, saved: Iterable<Operation> = []) {
    this.#parts = parts;
    // The store lists by key; the order of beginning is what everything here goes by.
    for (const operation of [...saved].sort((left, right) => (left.startTime < right.startTime ? -1 : 1)))
      this.#add(operation);
  }

  /** How many times an operation began, ended or was forgotten so far. */
  get changes(): number {
    return this.#changes;
  }

  get(id: string): Operation | undefined {
    return this.#known.get(id.toLowerCase());
  }

  /** Operations still under way: after a restart they are taken up again. */
  underWay(): Operation[] {
    return [...this.#known.values()].filter((operation) => operation.status === 'InProgress');
  }

  /** Refuses further work when too much is under way already. */
  checkRoom(): void {
    if (this.#underWay < operationsUnderWayMax) return;
    const says = `${this.#underWay} operations are under way; try again when some have ended.`;
    throw new Refusal('TooManyRequests', says, { status: 429, retryAfterS: 10 });
  }

  /** The newest operation of a resource, ended or not. */
  of(resourceId: string): Operation | undefined {
    const id = this.#newest.get(resourceId.toLowerCase());
    return id === undefined ? undefined : this.#known.get(id);
  }

  /** Begins an operation; it is durable when this resolves. */
  async begin(about: NewOperation): Promise<Operation> {
    const operation: Operation = {
      ...about,
      id: this.#parts.dice.guid(),
      status: 'InProgress',
      startTime: this.#time(),
    };
    this.#add(operation);
    try {
      await this.#parts.save(operation, this.#tidy());
    } catch (error) {
      this.#drop(operation);
      throw error;
    }
    return operation;
  }

  /** Ends an operation; a second end changes nothing. A Refusal or other error makes it Failed with a code and a message. */
  async end(id: string, outcome: OperationEnd = {}): Promise<void> {
    const operation = this.get(id);
    if (operation === undefined || operation.status !== 'InProgress') return;
    const status = outcome.canceled === true ? 'Canceled' : outcome.error === undefined ? 'Succeeded' : 'Failed';
    const ended: Operation = {
      ...operation,
      status,
      endTime: this.#time(),
      ...(outcome.error === undefined ? {} : { error: asDetail(outcome.error) }),
      ...(outcome.value === undefined ? {} : { value: outcome.value }),
    };
    this.#known.set(operation.id, ended);
    this.#changes += 1;
    this.#underWay -= 1;
    const waiters = this.#waiters.get(operation.id) ?? [];
    this.#waiters.delete(operation.id);
    try {
      // Durable before anyone is told: a restart must not take back an end that a client has seen.
      await this.#parts.save(ended, []);
    } finally {
      for (const wake of waiters) wake();
    }
  }

  /** Waits for the end, at most so long. */
  async settled(id: string, timeoutMs: number): Promise<Operation | undefined> {
    const operation = this.get(id);
    if (operation === undefined || operation.status !== 'InProgress') return operation;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wait(operation.id, resolve);
    await Promise.race([promise, this.#parts.clock.sleep(timeoutMs)]);
    // Whoever asks again and again must not leave a waiter each time.
    this.#waiters.get(operation.id)?.delete(resolve);
    return this.get(id);
  }

  /** Waits for the end, however long; the operation's followers have limits of their own. */
  async ended(operation: Operation): Promise<Operation> {
    if (this.get(operation.id)?.status !== 'InProgress') return this.get(operation.id) ?? operation;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wait(operation.id, resolve);
    await promise;
    return this.get(operation.id) ?? operation;
  }

  #wait(id: string, wake: () => void): void {
    const waiters = this.#waiters.get(id) ?? new Set();
    this.#waiters.set(id, waiters.add(wake));
  }

  #time(): string {
    return new Date(this.#parts.clock.now()).toISOString();
  }

  #add(operation: Operation): void {
    this.#changes += 1;
    this.#known.set(operation.id, operation);
    this.#newest.set(operation.resourceId.toLowerCase(), operation.id);
    if (operation.status === 'InProgress') this.#underWay += 1;
  }

  #drop(operation: Operation): void {
    this.#changes += 1;
    this.#known.delete(operation.id);
    if (operation.status === 'InProgress') this.#underWay -= 1;
    const resource = operation.resourceId.toLowerCase();
    if (this.#newest.get(resource) === operation.id) this.#newest.delete(resource);
  }

  /** Forgets ended operations that are too old or too many; answers their ids. */
  #tidy(): string[] {
    const oldest = this.#parts.clock.now() - operationKeptMs;
    const gone: Operation[] = [];
    let excess = this.#known.size - operationsKeptMax;
    for (const operation of this.#known.values()) {
      if (excess <= 0 && Date.parse(operation.startTime) >= oldest) break;
      if (gone.length >= tidiedMax) break;
      if (operation.status === 'InProgress') continue;
      if (excess <= 0 && Date.parse(operation.endTime ?? operation.startTime) >= oldest) continue;
      gone.push(operation);
      excess -= 1;
    }
    for (const operation of gone) this.#drop(operation);
    return gone.map(({ id }) => id);
  }
}

/** Operations forgotten with one begin: its entry in the store stays small. */
const tidiedMax = 100;

/** The error object that an operation's status carries: a Refusal or a Fault as it says, anything else without its inner workings. */
export function asDetail(error: unknown): NonNullable<Operation['error']> {
  if (error instanceof Refusal) return errorBody(error);
  if (error instanceof Fault) return { code: error.code, message: error.message };
  return { code: 'InternalServerError', message: 'The stamp met a fault of its own; its log has the details.' };
}

/** An operation as a row of the store. */
export function operationRow(operation: Operation): JsonObject {
  return operation as unknown as JsonObject;
}
