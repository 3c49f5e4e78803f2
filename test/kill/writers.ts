/** Clients that write without pause: rules, NICs and subnets over HTTPS, each resource by one client only, every answer noted in the ledger. */

import type { JsonObject } from '#base/json.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Furniture, ruleBody } from '#bench/furniture.ts';
import type { Ledger, Value } from '#test/kill/ledger.ts';

/** One resource that a client writes over and over. */
type Target = {
  readonly path: string;
  /** The body that carries a value. */
  readonly body: (value: string) => JsonObject;
  /** The value in an answer. */
  readonly valueIn: (body: JsonObject) => string | undefined;
  readonly values: (turn: number) => string;
};

export type Writers = {
  /** Lets the clients run, or waits until every request under way has ended. */
  readonly run: () => void;
  readonly pause: () => Promise<void>;
  readonly stop: () => Promise<void>;
  /** The value that a resource has now, by asking for it. */
  readonly look: (path: string) => Promise<Value>;
  /** Statuses that were neither success nor refusal, counted. */
  readonly strange: ReadonlyMap<string, number>;
};

export const churnedGroup = 'churned';
/** Ports of churned rules: each value is used once, so that the kernel's list tells which rules stand. */
export const churnPortFirst = 10_000;
const churnPorts = 50_000;
const rulesPerClient = 12;
const nicsPerClient = 4;
const subnetsPerClient = 4;
const pauseAfterFailureMs = 25;

/** Starts the clients, paused. */
export function startWriters(furniture: Furniture, ledger: Ledger): Writers {
  const kinds: Target[][] = [
    ruleTargets(furniture, 0),
    ruleTargets(furniture, 1),
    nicTargets(furniture),
    subnetTargets(furniture),
  ];
  const targets = new Map(kinds.flat().map((target) => [target.path, target]));
  const strange = new Map<string, number>();
  const gate = new Gate();
  const clients = kinds.map((own) => client(own, { furniture, ledger, gate, strange }));
  return {
    run: () => gate.open(),
    pause: () => gate.close(),
    stop: async () => {
      gate.end();
      await Promise.all(clients);
    },
    look: (path) => look(furniture, targets.get(path), path),
    strange,
  };
}

type Around = {
  readonly furniture: Furniture;
  readonly ledger: Ledger;
  readonly gate: Gate;
  readonly strange: Map<string, number>;
};

async function client(targets: readonly Target[], around: Around): Promise<void> {
  const { gate } = around;
  for (let turn = 0; ; turn++) {
    if (!(await gate.enter())) return;
    const target = targets[turn % targets.length];
    // Every fifth round deletes, so that there is something to come back wrongly.
    const isDelete = Math.floor(turn / targets.length) % 5 === 4;
    try {
      if (target !== undefined) await write(target, isDelete ? undefined : target.values(turn), around);
    } finally {
      gate.leave();
    }
  }
}

async function write(target: Target, value: Value, { furniture, ledger, strange }: Around): Promise<void> {
  const { path, body } = target;
  const before = ledger.may(path);
  ledger.asked(path, value);
  try {
    const { arm } = furniture.stamp;
    const { status, body: answer } = await (value === undefined
      ? arm.once('DELETE', path)
      : arm.once('PUT', path, body(value)));
    if (status < 300) return ledger.confirmed(path, value);
    note(strange, `${status} ${codeIn(answer)}`);
    if (status < 500) return ledger.refused(path, value, before);
  } catch (error) {
    note(strange, error instanceof Error && 'code' in error ? String(error.code) : String(error));
  }
  ledger.lost();
  await sleep(pauseAfterFailureMs);
}

function codeIn(answer: unknown): string {
  return String((answer as { error?: { code?: string } } | null)?.error?.code ?? '');
}

function note(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

async function look(furniture: Furniture, target: Target | undefined, path: string): Promise<Value> {
  const { status, body } = await furniture.stamp.arm.once('GET', path);
  if (status === 404) return undefined;
  if (status !== 200) return `status ${status}`;
  return target?.valueIn(body as JsonObject) ?? 'no value';
}

function ruleTargets(furniture: Furniture, client: number): Target[] {
  return Array.from({ length: rulesPerClient }, (_, index) => ({
    path: furniture.network(`networkSecurityGroups/${churnedGroup}/securityRules/c${client}r${index}`),
    body: (port) => ({ properties: ruleBody({ priority: 1000 + client * 100 + index, port: Number(port) }) }),
    valueIn: (body) => textAt(body, 'destinationPortRange'),
    values: (turn) => String(churnPortFirst + ((turn * 2 + client) % churnPorts)),
  }));
}

function nicTargets(furniture: Furniture): Target[] {
  return Array.from({ length: nicsPerClient }, (_, index) => ({
    path: furniture.network(`networkInterfaces/loose${index}`),
    body: (value) => ({
      location: furniture.stamp.location,
      tags: { value },
      properties: {
        ipConfigurations: [
          {
            name: 'ip1',
            properties: {
              subnet: { id: furniture.id('virtualNetworks/vnet0/subnets/loose') },
              privateIPAllocationMethod: 'Dynamic',
            },
          },
        ],
      },
    }),
    valueIn: (body) => (body['tags'] as { value?: string } | undefined)?.value,
    values: (turn) => `t${turn}`,
  }));
}

function subnetTargets(furniture: Furniture): Target[] {
  return Array.from({ length: subnetsPerClient }, (_, index) => ({
    path: furniture.network(`virtualNetworks/vnet1/subnets/s${index}`),
    body: (addressPrefix) => ({ properties: { addressPrefix } }),
    valueIn: (body) => textAt(body, 'addressPrefix'),
    values: (turn) => `10.1.${index}.0/${24 + (turn % 4)}`,
  }));
}

function textAt(body: JsonObject, name: string): string | undefined {
  const value = (body['properties'] as JsonObject | undefined)?.[name];
  return typeof value === 'string' ? value : undefined;
}

/** A gate that clients pass one request at a time. */
class Gate {
  #isOpen = false;
  #hasEnded = false;
  #inside = 0;
  #waiting: (() => void)[] = [];

  open(): void {
    this.#isOpen = true;
    this.#wake();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    while (this.#inside > 0) await sleep(5);
  }

  async enter(): Promise<boolean> {
    while (!this.#isOpen && !this.#hasEnded) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#hasEnded) return false;
    this.#inside += 1;
    return true;
  }

  leave(): void {
    this.#inside -= 1;
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
