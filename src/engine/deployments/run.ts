/** Runs the plan of a deployment: what does not wait for each other runs at once, each resource through the gate like anyone's write. */

import { Fault, Refusal, type Detail } from '#base/wrong.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { deploymentParallelMax, deploymentRetryMs, deploymentTriesMax } from '#base/limits.ts';
import type { Plan, PlannedResource } from '#template/deploy.ts';
import { canonicalId } from '#model/arm-id.ts';
import { canonicalType } from '#model/types.ts';
import { asDetail } from '#engine/operations/operations.ts';
import { resolverFor } from '#engine/deployments/resolver.ts';
import type { Caller, Outcome, Submission } from '#engine/engine.ts';
import type { StampEngine } from '#engine/stamp-engine.ts';

/** What a run reports as it goes: one line per resource, as `deployment operation list` shows them. */
export type OperationNote = {
  readonly target: PlannedResource;
  readonly state: 'Running' | 'Succeeded' | 'Failed';
  readonly error?: Detail;
  readonly statusCode: string;
};

export type RunParts = {
  readonly engine: StampEngine;
  readonly caller: Caller;
  readonly note: (note: OperationNote) => void;
  readonly isCanceled: () => boolean;
  /** Starts a nested deployment as a deployment of its own; answers its ARM body when it has ended well. */
  readonly nested: (resource: PlannedResource, plan: Plan) => Promise<Json>;
};

export type RunResult = {
  readonly outputs: JsonObject;
  readonly outputResources: readonly { readonly id: string }[];
  readonly failures: readonly Detail[];
};

/** Runs to the end. A resource whose dependency failed is not tried; the others go on, as in ARM. */
export async function runPlan(plan: Plan, parts: RunParts): Promise<RunResult> {
  const run = new Run(plan, parts);
  await run.go();
  const resolver = resolverFor(parts.engine, parts.caller, { deployments: run.deployments });
  const outputs =
    run.failures.length === 0 && !parts.isCanceled() ? (plan.outputs(resolver) as unknown as JsonObject) : {};
  return { outputs, outputResources: run.done.map((id) => ({ id })), failures: run.failures };
}

class Run {
  readonly #plan: Plan;
  readonly #parts: RunParts;
  readonly deployments = new Map<string, Json>();
  readonly done: string[] = [];
  readonly failures: Detail[] = [];
  readonly #ended = new Set<string>();
  readonly #started = new Set<string>();
  #atWork = 0;

  constructor(plan: Plan, parts: RunParts) {
    this.#plan = plan;
    this.#parts = parts;
    for (const resource of plan.resources) if (!resource.condition) this.#ended.add(resource.key);
  }

  /** Resolves when nothing runs and nothing more can start. */
  async go(): Promise<void> {
    await new Promise<void>((resolve) => this.#pump(resolve));
  }

  #pump(finished: () => void): void {
    if (!this.#parts.isCanceled()) {
      for (const resource of this.#plan.resources) {
        if (this.#atWork >= deploymentParallelMax) break;
        if (this.#started.has(resource.key) || this.#ended.has(resource.key)) continue;
        if (!resource.dependsOn.every((key) => this.#ended.has(key))) continue;
        this.#started.add(resource.key);
        this.#atWork += 1;
        void this.#deploy(resource).then(() => {
          this.#atWork -= 1;
          this.#pump(finished);
        });
      }
    }
    if (this.#atWork === 0) finished();
  }

  async #deploy(resource: PlannedResource): Promise<void> {
    const { note, engine } = this.#parts;
    try {
      note({ target: resource, state: 'Running', statusCode: 'Accepted' });
      const existed = resource.deployment === undefined ? await this.#write(resource) : await this.#nest(resource);
      this.#ended.add(resource.key);
      this.done.push(resource.id);
      note({ target: resource, state: 'Succeeded', statusCode: existed ? 'OK' : 'Created' });
    } catch (error) {
      const detail = failureOf(resource, error);
      this.failures.push(detail);
      const statusCode = error instanceof Refusal ? statusName(error.status) : 'InternalServerError';
      if (!(error instanceof Refusal) && !(error instanceof Fault)) engine.parts.onBug(error);
      note({ target: resource, state: 'Failed', error: asDetail(error), statusCode });
    }
  }

  async #write(resource: PlannedResource): Promise<boolean> {
    const { engine, caller } = this.#parts;
    const body = resource.body(resolverFor(engine, caller, { deployments: this.deployments }));
    const request = { kind: 'put', id: canonicalId(resource.id), type: canonicalType(resource.type), body } as const;
    const outcome = await this.#submitted({
      request,
      apiVersion: resource.apiVersion,
      hide: (refusal) => this.#plan.hide(refusal),
    });
    if (outcome.kind === 'running') {
      const { error } = await engine.operations.ended(outcome.operation);
      if (error !== undefined) throw new Refusal(error.code, error.message, { status: 409, ...error });
    }
    return outcome.existed;
  }

  /** A stamp that is busy makes a deployment wait, not fail. */
  async #submitted(submission: Submission): Promise<Outcome> {
    const { engine, caller, isCanceled } = this.#parts;
    for (let tries = 1; ; tries += 1) {
      try {
        return await engine.submit(submission, caller);
      } catch (error) {
        const isBusy = error instanceof Refusal && error.status === 429;
        if (!isBusy || tries >= deploymentTriesMax || isCanceled()) throw error;
        await engine.parts.clock.sleep(deploymentRetryMs);
      }
    }
  }

  async #nest(resource: PlannedResource): Promise<boolean> {
    const { engine, caller, nested } = this.#parts;
    const plan = resource.deployment?.plan(resolverFor(engine, caller, { deployments: this.deployments }));
    if (plan !== undefined) this.deployments.set(resource.id.toLowerCase(), await nested(resource, plan));
    return false;
  }
}

/** ARM's shape: the outer code says that it is a conflict or a bad request, the inner error is the message (JSON text). */
function failureOf(resource: PlannedResource, error: unknown): Detail {
  const detail = asDetail(error);
  const status = error instanceof Refusal ? error.status : 500;
  return {
    code: statusName(status),
    message: JSON.stringify({ error: detail }),
    target: resource.id,
    details: [detail],
  };
}

function statusName(status: number): string {
  const names: Readonly<Record<number, string>> = {
    400: 'BadRequest',
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'NotFound',
    409: 'Conflict',
    412: 'PreconditionFailed',
    429: 'TooManyRequests',
  };
  return names[status] ?? (status >= 500 ? 'InternalServerError' : 'BadRequest');
}
