/** Deployments of a stamp: validated, predicted, run, kept, listed, canceled. */

import { errorBody, Refusal, type Detail } from '#base/wrong.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { deploymentsRunningMax } from '#base/limits.ts';
import { deployedIds, isPlanOpen, resourcesToDelete } from '#template/complete.ts';
import type { Plan, PlannedResource } from '#template/deploy.ts';
import { scopeIdOf } from '#template/scope.ts';
import { whatIf, withoutPayloads } from '#template/whatif.ts';
import { dryRun, type DryRun, shownIn } from '#engine/deployments/dry-run.ts';
import { judgePlan, type PlanJudgement } from '#engine/deployments/judged.ts';
import { removeLeftOut } from '#engine/deployments/left-out.ts';
import { deploymentNotFound, DeploymentRecords, isRunning } from '#engine/deployments/records.ts';
import { planRequest, shownProperties, type PlannedRequest } from '#engine/deployments/request.ts';
import { runPlan, type RunResult } from '#engine/deployments/run.ts';
import { checkEnabled } from '#engine/gate/enabled.ts';
import type {
  Caller,
  DeploymentInput,
  DeploymentRecord,
  Deployments,
  Operation,
  WhatIfAnswer,
} from '#engine/engine.ts';
import type { StampEngine } from '#engine/stamp-engine.ts';
import { subscriptionOf } from '#engine/subscription.ts';

/** Opens the deployments of an engine; those that a crash cut off are told as failed. */
export function startDeployments(engine: StampEngine): Deployments {
  return new StampDeployments(engine);
}

const type = 'Microsoft.Resources/deployments';

/** A deployment that runs: who asked, its operation, and how to know that it, or one around it, was canceled. */
type Running = {
  readonly caller: Caller;
  readonly operation: Operation;
  readonly isCanceled: () => boolean;
  /** What was asked for; absent for a nested one, which was judged with the one around it. */
  readonly input?: DeploymentInput;
};

class StampDeployments implements Deployments {
  readonly #engine: StampEngine;
  readonly #records: DeploymentRecords;
  readonly #canceled = new Set<string>();
  /** Ids that are being started or run: taken before the first wait, so that two requests cannot both begin. */
  readonly #taken = new Set<string>();

  constructor(engine: StampEngine) {
    this.#engine = engine;
    const { store, clock, dice } = engine.parts;
    this.#records = new DeploymentRecords({ store, clock, dice });
  }

  async validate(input: DeploymentInput, caller: Caller): Promise<{ properties?: JsonObject; error?: Detail }> {
    this.#engine.authorize(caller, `${type}/validate/action`, input.scope);
    return await this.#told(input, caller, async (planned) => {
      const dry = dryRun(planned.plan, caller, this.#engine);
      if (dry.errors.length > 0) return { error: invalid(input.name, dry.errors) };
      const { error } = await this.#judged(input, caller, dry);
      if (error !== undefined) return { error };
      const shown = shownProperties(planned, this.#about(caller));
      const validatedResources = planned.plan.resources.map(({ id }) => ({ id }));
      return { properties: { ...shown, provisioningState: 'Succeeded', validatedResources } };
    });
  }

  async whatIf(input: DeploymentInput, caller: Caller): Promise<WhatIfAnswer> {
    const engine = this.#engine;
    engine.authorize(caller, `${type}/whatIf/action`, input.scope);
    return await this.#told<WhatIfAnswer>(input, caller, async (planned) => {
      const dry = dryRun(planned.plan, caller, engine);
      if (dry.errors.length > 0) return { error: invalid(input.name, dry.errors) };
      const { error, diagnostics } = await this.#judged(input, caller, dry);
      if (error !== undefined) return { error };
      const changes = whatIf(shownIn(input.scope, caller, engine), dry.drawn, planned.mode);
      const settings = input.properties['whatIfSettings'] as JsonObject | undefined;
      const isShort = settings?.['resultFormat'] === 'ResourceIdOnly';
      return { changes: (isShort ? withoutPayloads(changes) : changes) as unknown as JsonObject[], diagnostics };
    });
  }

  async start(
    input: DeploymentInput,
    caller: Caller,
  ): Promise<{ record: DeploymentRecord; operation: Operation; existed: boolean }> {
    const engine = this.#engine;
    engine.authorize(caller, `${type}/write`, input.scope);
    checkEnabled(engine.view(), input.scope);
    const existed = this.get(input.id) !== undefined;
    const planned = planRequest(input, caller, engine);
    if (this.#taken.size >= deploymentsRunningMax) {
      const says = `${this.#taken.size} deployments run already; try again when one has ended.`;
      throw new Refusal('TooManyRequests', says, { status: 429, retryAfterS: 10 });
    }
    const { record, operation } = await this.#begin(input, planned, caller);
    void this.#run(record, planned, { input, caller, operation, isCanceled: () => this.#isCanceled(record.id) });
    return { record, operation, existed };
  }

  get(id: string): DeploymentRecord | undefined {
    return this.#records.get(id);
  }

  list(scope: string): readonly DeploymentRecord[] {
    return this.#records.list(scope);
  }

  rowsOf(scope: string): { readonly table: string; readonly key: string }[] {
    return this.#records.rowsOf(scope);
  }

  forget(scope: string): void {
    this.#records.forget(scope);
  }

  async cancel(id: string, caller: Caller): Promise<void> {
    const record = this.get(id);
    if (record === undefined) throw deploymentNotFound(id);
    this.#engine.authorize(caller, `${type}/cancel/action`, record.scope);
    if (!isRunning(record)) {
      const says = `The deployment '${record.name}' has ended (${String(record.properties['provisioningState'])}) and cannot be canceled.`;
      throw new Refusal('DeploymentCannotBeCanceled', says, { status: 409, target: id });
    }
    this.#canceled.add(record.id.toLowerCase());
    await this.#keep(this.#records.update(id, { provisioningState: 'Canceling' }));
  }

  async remove(id: string, caller: Caller): Promise<boolean> {
    const record = this.get(id);
    if (record === undefined) return false;
    this.#engine.authorize(caller, `${type}/delete`, record.scope);
    checkEnabled(this.#engine.view(), record.scope);
    if (isRunning(record)) {
      throw new Refusal('DeploymentActive', `The deployment '${record.name}' is running; cancel it first.`, {
        status: 409,
        target: id,
      });
    }
    await this.#records.remove(record);
    return true;
  }

  /** Runs `work` on the plan; a template that cannot be planned is an answer, not an exception. */
  async #told<T extends { readonly error?: Detail }>(
    input: DeploymentInput,
    caller: Caller,
    work: (planned: PlannedRequest) => Promise<T>,
  ): Promise<T | { error: Detail }> {
    try {
      return await work(planRequest(input, caller, this.#engine));
    } catch (error) {
      if (error instanceof Refusal && error.status !== 403 && error.status !== 404) return { error: errorBody(error) };
      throw error;
    }
  }

  #judged(input: DeploymentInput, caller: Caller, dry: DryRun): Promise<PlanJudgement> {
    return judgePlan(dry, { caller, engine: this.#engine, name: input.name, subscription: subscriptionOf(input.id) });
  }

  /**
   * What the proof refuses of the plan as a whole, before any of it is written; what cannot be told before it runs (an error of the dry
   * run) is left to the run: each of its writes is proved by itself.
   */
  async #preflight({ plan }: PlannedRequest, { input, caller }: Running): Promise<readonly Detail[]> {
    const dry = input === undefined ? undefined : dryRun(plan, caller, this.#engine);
    if (input === undefined || dry === undefined || dry.errors.length > 0) return [];
    const { error } = await this.#judged(input, caller, dry);
    return error === undefined ? [] : [error];
  }

  #about(caller: Caller): { at: string; correlationId: string } {
    return { at: new Date(this.#engine.parts.clock.now()).toISOString(), correlationId: caller.correlationId };
  }

  #isCanceled(id: string): boolean {
    return this.#canceled.has(id.toLowerCase());
  }

  async #keep(record: DeploymentRecord | undefined): Promise<void> {
    if (record !== undefined) await this.#records.keep(record, { isNew: false });
  }

  /** Takes the id, and makes operation and record durable. */
  async #begin(
    input: DeploymentInput,
    planned: PlannedRequest,
    caller: Caller,
  ): Promise<{ record: DeploymentRecord; operation: Operation }> {
    const key = input.id.toLowerCase();
    if (this.#taken.has(key)) {
      const says = `The deployment '${input.name}' is running; wait for it, or cancel it first.`;
      throw new Refusal('DeploymentActive', says, { status: 409, target: input.id });
    }
    this.#taken.add(key);
    this.#canceled.delete(key);
    try {
      const about = {
        subscription: subscriptionOf(input.id),
        resourceId: input.id,
        type,
        kind: 'deployment',
        owner: caller.oid,
      } as const;
      const existed = this.get(input.id) !== undefined;
      const operation = await this.#engine.operations.begin({ ...about, correlationId: caller.correlationId, existed });
      const record: DeploymentRecord = {
        id: input.id,
        name: input.name,
        scope: input.scope,
        ...(input.location === undefined ? {} : { location: input.location }),
        properties: shownProperties(planned, this.#about(caller)),
        operations: [],
      };
      try {
        await this.#records.keep(record, { isNew: true });
      } catch (error) {
        // Nobody would end the operation of a deployment that never began.
        await this.#engine.operations
          .end(operation.id, { error })
          .catch((worse: unknown) => this.#engine.parts.onBug(worse));
        throw error;
      }
      return { record, operation };
    } catch (error) {
      this.#taken.delete(key);
      throw error;
    }
  }

  async #run(start: DeploymentRecord, planned: PlannedRequest, running: Running): Promise<void> {
    const engine = this.#engine;
    try {
      const disallowed = await this.#preflight(planned, running);
      if (disallowed.length > 0) {
        await this.#finish(start.id, { outputs: {}, outputResources: [], failures: disallowed }, running);
        return;
      }
      const result = await this.#go(start, planned.plan, running);
      const leftOut = await this.#complete(planned, result, running);
      await this.#finish(start.id, { ...result, failures: [...result.failures, ...leftOut] }, running);
    } catch (error) {
      await this.#finish(start.id, failedBy(error), running).catch((worse: unknown) => engine.parts.onBug(worse));
      if (!(error instanceof Refusal)) engine.parts.onBug(error);
    }
  }

  async #go(start: DeploymentRecord, plan: Plan, running: Running): Promise<RunResult> {
    this.#records.update(start.id, { provisioningState: 'Running' });
    return await runPlan(plan, {
      engine: this.#engine,
      caller: running.caller,
      isCanceled: running.isCanceled,
      note: (note) => this.#records.note(start.id, note),
      nested: (resource, nested) => this.#nested(resource, nested, running),
    });
  }

  /** A nested deployment is a deployment of its own, visible in its scope; its failure is its parent's, its parent's end is its own. */
  async #nested(
    resource: PlannedResource,
    plan: Plan,
    { caller, isCanceled: isOuterCanceled }: Running,
  ): Promise<Json> {
    const scope = scopeIdOf(plan.scope);
    this.#engine.authorize(caller, `${type}/write`, scope);
    const input: DeploymentInput = { id: resource.id, name: resource.name, scope, properties: {} };
    const planned: PlannedRequest = { plan, scope: plan.scope, template: null, mode: plan.mode };
    const { record, operation } = await this.#begin(input, planned, caller);
    const running = { caller, operation, isCanceled: () => isOuterCanceled() || this.#isCanceled(record.id) };
    const result = await this.#go(record, plan, running).catch((error: unknown) => {
      if (!(error instanceof Refusal)) this.#engine.parts.onBug(error);
      return failedBy(error);
    });
    const isCanceled = running.isCanceled();
    await this.#finish(record.id, result, running);
    if (result.failures.length > 0)
      throw new Refusal('DeploymentFailed', failedText(result.failures), { status: 409, details: result.failures });
    if (isCanceled)
      throw new Refusal('DeploymentCanceled', `The deployment '${record.name}' was canceled.`, { status: 409 });
    return { id: record.id, name: record.name, properties: this.get(record.id)?.properties ?? {} };
  }

  async #complete(
    { plan, mode, scope }: PlannedRequest,
    result: RunResult,
    { caller, isCanceled }: Running,
  ): Promise<readonly Detail[]> {
    if (mode !== 'Complete' || result.failures.length > 0 || isCanceled() || isPlanOpen(plan)) return [];
    const existing = [...this.#engine.view().under(scopeIdOf(scope))].map((resource) => resource.id);
    return await removeLeftOut(resourcesToDelete(existing, deployedIds(plan), scope), caller, this.#engine);
  }

  /** Ends the record and the operation; the operation ends also when the record cannot be kept. */
  async #finish(id: string, result: RunResult, { operation, isCanceled: wasCanceled }: Running): Promise<void> {
    const isCanceled = wasCanceled();
    this.#canceled.delete(id.toLowerCase());
    this.#taken.delete(id.toLowerCase());
    const now = this.#engine.parts.clock.now();
    const { failures, outputs, outputResources } = result;
    const error: Detail | undefined =
      failures.length === 0
        ? undefined
        : { code: 'DeploymentFailed', message: failedText(failures), details: failures };
    const record = this.#records.update(id, {
      provisioningState: isCanceled ? 'Canceled' : error === undefined ? 'Succeeded' : 'Failed',
      timestamp: new Date(now).toISOString(),
      duration: `PT${((now - Date.parse(operation.startTime)) / 1000).toFixed(3)}S`,
      ...(error === undefined ? { outputs, outputResources } : { error: error as unknown as Json }),
    });
    const refusal = error && new Refusal(error.code, error.message, { status: 409, details: failures });
    try {
      await this.#keep(record);
    } finally {
      await this.#engine.operations.end(operation.id, {
        canceled: isCanceled,
        ...(refusal === undefined ? {} : { error: refusal }),
      });
    }
  }
}

/** ARM's sentence, and the first failure in it: JavaScript clients show nothing but the message of an operation (arm facts §2.1). */
function failedText(failures: readonly Detail[]): string {
  const text = 'At least one resource deployment operation failed. Please list deployment operations for details.';
  const [first] = failures;
  return first === undefined ? text : `${text} The first: ${first.code}: ${first.message}`;
}

function failedBy(error: unknown): RunResult {
  const ours = { code: 'InternalDeploymentFailed', message: 'The deployment met a fault of the stamp.' };
  return { outputs: {}, outputResources: [], failures: [error instanceof Refusal ? errorBody(error) : ours] };
}

function invalid(name: string, errors: readonly Detail[]): Detail {
  return {
    code: 'InvalidTemplateDeployment',
    message: `The template deployment '${name}' is not valid. See inner errors for details.`,
    details: errors,
  };
}
