/** The engine of a stamp: the gate, and what follows it (kernel, guests, probes), behind the interface that faces use. */

import { Fault, Refusal } from '#base/wrong.ts';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { answerInlineMs } from '#base/limits.ts';
import type { MemoryDraft, MemoryView } from '#model/memory.ts';
import { typeOfId } from '#model/arm-id.ts';
import type { Noun } from '#model/noun.ts';
import type { Context, Edit, Resource, StampFacts, View } from '#model/resource.ts';
import { appendAudit } from '#engine/audit/audit.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import { submitted } from '#engine/audit/submitted.ts';
import type {
  Answering,
  AuditTrail,
  Caller,
  Deployments,
  Engine,
  Operation,
  Outcome,
  Submission,
} from '#engine/engine.ts';
import { AccessIndex, type PrincipalExists } from '#engine/gate/access-index.ts';
import { drawRequest, groupType, nounOf, type Drawn } from '#engine/gate/draw.ts';
import { scopesGone } from '#engine/gate/gone.ts';
import { Gate, type Commit, type ProvedStep } from '#engine/gate/gate.ts';
import { checkLinkedEdits } from '#engine/gate/linked-access.ts';
import { RefusalBudget } from '#engine/gate/refusal-budget.ts';
import { UseIndex } from '#engine/gate/use-index.ts';
import { meteredIntervals, meterRows } from '#engine/metering.ts';
import type { Interval } from '#model/metering/meters.ts';
import { askedBy } from '#engine/gate/asked-by.ts';
import type { People } from '#engine/people.ts';
import { Questions } from '#engine/questions/questions.ts';
import { StandingPrograms } from '#engine/questions/standing-programs.ts';
import { Operations, operationRow } from '#engine/operations/operations.ts';
import { interrupted, stateOf } from '#engine/operations/state.ts';
import { standingCaller, type PrincipalNow } from '#engine/gate/standing-caller.ts';
import type { Clock, Compliance, Dice, Knocker, Prover } from '#engine/ports.ts';
import { Disallowed } from '#engine/proof/refusal.ts';
import type { Store } from '#engine/store/store.ts';
import type { Programs } from '#program/program.ts';
import { subscriptionOf } from '#engine/subscription.ts';

/** What follows a durable change in the world. Model mode has none of these. */
export type World = {
  /** Hears of every change that is proved and not durable yet. */
  onProved(step: ProvedStep): void;
  /** Hears of every commit, in order. */
  onCommit(commit: Commit): void;
  /** Resolves when the kernel has the revision and the guests that the edits touch are as wanted; rejects with what failed. */
  follow(revision: number, edits: readonly Edit[]): Promise<void>;
  /** Opens connections from inside guests. */
  readonly knocker?: Knocker;
};

export type EngineParts = {
  readonly store: Store;
  readonly prover: Prover;
  readonly view: MemoryView;
  readonly revision: number;
  readonly operations: readonly Operation[];
  readonly clock: Clock;
  readonly dice: Dice;
  readonly stamp: StampFacts;
  readonly nouns: ReadonlyMap<string, Noun>;
  /** Absent: nobody is known by name. */
  readonly people?: Pick<People, 'userNamed'>;
  readonly world: World;
  readonly deployments: (engine: StampEngine) => Deployments;
  readonly auditTrail: AuditTrail;
  readonly principalNow?: PrincipalNow;
  /** The api-versions a type is served under, newest first. */
  readonly apiVersionsOf: (type: string) => readonly string[];
  /** What a template's `environment()` answers. */
  readonly environment: JsonObject;
  /** Hosts that were tampered with: no guest is placed there. */
  readonly untrusted?: (() => readonly string[]) | undefined;
  readonly principalExists?: PrincipalExists;
  /** Told of what must not happen. */
  readonly onBug: (error: unknown) => void;
  /** How long a write may wait for the world before it answers with an operation; 0 makes every write one. */
  readonly inlineMs?: number;
};

export class StampEngine implements Engine {
  readonly parts: EngineParts;
  readonly access: AccessIndex;
  /** What each subscription uses of its allowance. */
  readonly use: UseIndex;
  readonly gate: Gate;
  readonly operations: Operations;
  readonly deployments: Deployments;
  readonly audit: AuditTrail;
  readonly questions: Questions;
  /** The programs of the revision that stands, kept up from the first time that they are asked for. */
  readonly programs: () => Promise<Programs>;
  readonly #refusals = new RefusalBudget();

  constructor(parts: EngineParts) {
    this.parts = parts;
    this.access = new AccessIndex(() => parts.view, parts.stamp.tenantId, parts.principalExists);
    this.use = new UseIndex(() => parts.view, parts.stamp.location);
    this.gate = new Gate({
      view: parts.view,
      revision: parts.revision,
      store: parts.store,
      prover: parts.prover,
      clock: parts.clock,
      meter: (edits) => meterRows(parts.store, edits, parts.clock.now()),
      onProved: (step) => parts.world.onProved(step),
      onCommit: (commit) => {
        this.access.changed(commit.edits);
        this.use.changed(commit.edits);
        for (const id of scopesGone(commit.edits)) this.deployments.forget(id);
        // The world first: it works while the rest is done here.
        parts.world.onCommit(commit);
        standing.onCommit(commit);
      },
    });
    const standing = new StandingPrograms(this.gate);
    const { knocker } = parts.world;
    this.programs = () => standing.get();
    this.questions = new Questions({
      view: () => parts.view,
      programs: this.programs,
      access: this.access,
      ...(knocker === undefined ? {} : { knocker }),
    });
    const { clock, dice } = parts;
    this.operations = new Operations(
      { clock, dice, save: (operation, gone) => this.#save(operation, gone) },
      parts.operations,
    );
    this.deployments = parts.deployments(this);
    this.audit = parts.auditTrail;
  }

  view(): View {
    return this.parts.view;
  }

  context(apiVersion: string): Context {
    const { clock, dice, people } = this.parts;
    const userNamed = (name: string) => people?.userNamed(name);
    const now = new Date(clock.now()).toISOString();
    return { now, newGuid: () => dice.guid(), apiVersion, stamp: this.#placing(), userNamed };
  }

  /** The stamp as nouns see it: no guest is placed on a host that is not trusted, as if another machine carried it. */
  #placing(): StampFacts {
    const { stamp, untrusted } = this.parts;
    const away = untrusted?.() ?? [];
    return away.length === 0 ? stamp : { ...stamp, remoteHosts: [...(stamp.remoteHosts ?? []), ...away] };
  }

  show(resource: Resource, apiVersion: string, during?: Operation): JsonObject {
    const body = nounOf(this.parts.nouns, resource.type).show(resource, this.parts.view, this.context(apiVersion));
    const newest = during ?? this.operations.of(resource.id);
    const properties = body['properties'];
    const provisioningState = newest && stateOf(newest, resource);
    if (provisioningState === undefined || !isObject(properties)) return body;
    return { ...body, properties: { ...properties, provisioningState } };
  }

  authorize(caller: Caller, action: string, scope: string): string {
    return this.access.authorize(standingCaller(caller, this.parts.principalNow), action, scope);
  }

  enter(caller: Caller, action: string, scope: string): void {
    this.access.enter(caller, action, scope);
  }

  may(caller: Caller, action: string, scope: string): boolean {
    return this.access.may(caller, action, scope);
  }

  compliance(scope: string): Promise<Compliance> {
    return this.gate.ask((prover) => prover.compliance(scope), subscriptionOf(scope));
  }

  operation(id: string): Operation | undefined {
    return this.operations.get(id);
  }

  metered(subscription: string, from: number): readonly Interval[] {
    return meteredIntervals(this.parts.store, subscription, { from, now: this.parts.clock.now() });
  }

  mark(): number {
    return this.parts.view.journal.mark + this.operations.changes;
  }

  settled(id: string, timeoutMs: number): Promise<Operation | undefined> {
    return this.operations.settled(id, timeoutMs);
  }

  async submit(submission: Submission, caller: Caller): Promise<Outcome> {
    const { drawn, revision, edits } = await this.#drawn(submission, caller);
    const rest = {
      existed: drawn.existed,
      ...(drawn.resource === undefined ? {} : { resource: drawn.resource }),
      ...(drawn.value === undefined ? {} : { value: drawn.value }),
    };
    const { kind } = submission.request;
    // A repeated write changes nothing, but what it repeats may not have reached the world yet.
    const repeated =
      drawn.resource !== undefined && (kind === 'put' || kind === 'patch') ? [unchanged(drawn.resource)] : [];
    if (edits.length === 0 && repeated.length === 0) return { kind: 'settled', ...rest };
    const following = this.parts.world.follow(revision, edits.length === 0 ? repeated : edits);
    if (await this.#followedInTime(following)) return { kind: 'settled', ...rest };
    const operation = await this.#watched(submission, caller, { following, drawn });
    return { kind: 'running', ...rest, operation };
  }

  /**
   * Work that changes nothing and takes its time: its value at once when it has one soon, else an operation to poll. What is refused at
   * once is thrown.
   */
  async answer(about: Pick<Operation, 'resourceId' | 'type'>, work: Promise<Json>, caller: Caller): Promise<Answering> {
    const soon = this.parts.clock.sleep(this.parts.inlineMs ?? answerInlineMs).then(() => undefined);
    const value = await Promise.race([work, soon]);
    if (value !== undefined) return { kind: 'settled', value };
    // It may end badly while the operation is being written; nobody waits for it then.
    work.catch(() => undefined);
    this.operations.checkRoom();
    const { oid, correlationId } = caller;
    const subscription = subscriptionOf(about.resourceId);
    const rest = { kind: 'action', owner: oid, correlationId, existed: true } as const;
    const operation = await this.operations.begin({ ...about, ...rest, subscription });
    this.#endWith(operation.id, work);
    return { kind: 'running', operation };
  }

  /**
   * Takes up what a crash cut off, once the world follows: each operation ends when the world has what stands now. What ran
   * inside a guest may have run in part and is not run again on its own.
   */
  resume(): void {
    for (const operation of this.operations.underWay()) {
      const { id, kind, type, resourceId } = operation;
      const after = this.parts.view.get(resourceId);
      const isRunOnce =
        kind === 'deployment' ||
        type === 'Microsoft.Compute/virtualMachines/extensions' ||
        type === 'Microsoft.Network/networkWatchers';
      const following = isRunOnce
        ? Promise.reject(interrupted(type))
        : this.parts.world.follow(this.gate.revision, after === undefined ? [] : [unchanged(after)]);
      this.#endWith(id, following);
    }
  }

  /** A refusal of the proof with the path, names and ways out that this caller may read; any other as it is. */
  readable(refusal: Refusal, caller: Caller): Refusal {
    return refusal instanceof Disallowed ? refusal.toldTo((id) => this.mayRead(id, caller)) : refusal;
  }

  /** May the caller read the resource of the id? */
  mayRead(id: string, caller: Caller): boolean {
    const type =
      typeOfId(id) ?? (/^\/subscriptions\/[^/]+$/i.test(id) ? 'Microsoft.Resources/subscriptions' : groupType);
    return this.access.may(caller, `${type}/read`, id);
  }

  async #drawn(
    submission: Submission,
    caller: Caller,
  ): Promise<{ drawn: Drawn; revision: number; edits: readonly Edit[] }> {
    const { request } = submission;
    try {
      this.operations.checkRoom();
      const audit = this.entry(submission, caller, { outcome: 'Succeeded' });
      const subscription = subscriptionOf(request.id);
      const { value, revision, edits } = await this.gate.change((draft) => {
        const drawn = this.#judged(draft, submission, caller);
        return { value: drawn, about: { subscription, audit, deletes: this.#goneWith(draft.edits()) } };
      }, subscription);
      // Keys that are handed out change nothing, and are told of all the same.
      if (edits.length === 0 && request.kind === 'action' && request.method === 'POST')
        await this.#append(subscription, audit);
      return { drawn: value, revision, edits };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const readable = this.readable(error, caller);
      const told = submission.hide?.(readable) ?? readable;
      await this.refused(submission, caller, told);
      throw told;
    }
  }

  /** Draws, and judges what the draft has become besides the written resource: children it removed, and links they made. */
  #judged(draft: MemoryDraft, submission: Submission, asked: Caller): Drawn {
    const { nouns } = this.parts;
    const caller = standingCaller(asked, this.parts.principalNow);
    const { access } = this;
    const drawn = drawRequest(draft, submission, {
      nouns,
      access,
      context: { ...this.context(submission.apiVersion), ...askedBy(caller) },
      caller,
    });
    const edits = draft.edits();
    for (const { id, after } of edits) if (after === undefined) access.unlocked('delete', id);
    checkLinkedEdits(edits, { access, caller });
    this.use.check(draft, edits);
    return drawn;
  }

  /** Rows that go in the same transaction: the deployments of a group or a subscription that is deleted. */
  #goneWith(edits: readonly Edit[]): { table: string; key: string }[] {
    return scopesGone(edits).flatMap((id) => this.deployments.rowsOf(id));
  }

  /** True when the world followed within the time; false when it did not yet, or failed: the operation tells which. */
  async #followedInTime(following: Promise<void>): Promise<boolean> {
    const limitMs = this.parts.inlineMs ?? answerInlineMs;
    const followed = following.then(
      () => true,
      () => false,
    );
    if (limitMs === 0) return false;
    return await Promise.race([followed, this.parts.clock.sleep(limitMs).then(() => false)]);
  }

  async #watched(
    submission: Submission,
    caller: Caller,
    about: { following: Promise<void>; drawn: Drawn },
  ): Promise<Operation> {
    const { request } = submission;
    const { value, resource, existed } = about.drawn;
    const operation = await this.operations.begin({
      subscription: subscriptionOf(request.id),
      resourceId: resource?.id ?? request.id,
      type: request.type,
      kind: request.kind,
      owner: caller.oid,
      correlationId: caller.correlationId,
      existed,
    });
    const { hide } = submission;
    const following = about.following.catch((error: unknown) => {
      throw error instanceof Refusal && hide !== undefined ? hide(error) : error;
    });
    this.#endWith(operation.id, following, value);
    return operation;
  }

  #endWith(id: string, following: Promise<Json | void>, value?: Json): void {
    following
      .then(
        (found = value) => this.operations.end(id, found === undefined ? {} : { value: found }),
        (error: unknown) => {
          if (!(error instanceof Refusal) && !(error instanceof Fault)) this.parts.onBug(error);
          return this.operations.end(id, { error });
        },
      )
      .catch((error: unknown) => this.parts.onBug(error));
  }

  /**
   * Appends a refusal to the audit; a refused write leaves this and nothing else. A flood is counted, not written line by
   * line, and a refusal stands also when the audit cannot take it: nothing happened that it would have to tell.
   */
  async refused(submission: Submission, caller: Caller, refusal: Refusal): Promise<void> {
    const judged = this.#refusals.judge(caller.oid, this.parts.clock.now());
    if (judged.verdict === 'leave out') return;
    const more =
      judged.leftOut === 0 ? '' : ` (${judged.leftOut} refusals before this one were not written one by one)`;
    const says = `${refusal.message.slice(0, 2000)}${more}`;
    const audit = this.entry(submission, caller, { outcome: 'Refused', code: refusal.code, says });
    await this.#append(subscriptionOf(submission.request.id), audit).catch((error: unknown) => this.parts.onBug(error));
  }

  async #append(subscription: string, audit: AuditEntry): Promise<void> {
    await appendAudit(this.parts.store, subscription, audit);
  }

  /** The audit entry of a submission. */
  entry(submission: Submission, caller: Caller, ending: Pick<AuditEntry, 'outcome' | 'code' | 'says'>): AuditEntry {
    return submitted(submission, caller, { at: this.parts.clock.now(), access: this.access, ...ending });
  }

  async #save(operation: Operation, gone: readonly string[]): Promise<void> {
    const table = 'operations';
    await this.parts.store.append({
      subscription: operation.subscription,
      kind: 'operation',
      payload: { id: operation.id, status: operation.status },
      puts: [{ table, key: operation.id, value: operationRow(operation) }],
      deletes: gone.map((key) => ({ table, key })),
    });
  }
}

function unchanged(resource: Resource): Edit {
  return { id: resource.id, before: resource, after: resource };
}
