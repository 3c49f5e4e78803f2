/** What the faces may ask of the engine: reads of the current view, and writes through the gate. The engine is the only writer. */

import type { Json, JsonObject } from '#base/json.ts';
import type { Detail, Refusal } from '#base/wrong.ts';
import type { Plane } from '#model/plans/plane.ts';
import type { Context, Resource, View } from '#model/resource.ts';
import type { Compliance } from '#engine/ports.ts';
import type { AuditPage, AuditSpan, AuditWish } from '#engine/audit/audit.ts';
import type { Interval } from '#model/metering/meters.ts';
import type { UseIndex } from '#engine/gate/use-index.ts';
import type { Questions } from '#engine/questions/questions.ts';

/** Who asks, as the face has verified it, and the ids that go into audit, operations and answers. */
export type Caller = {
  readonly oid: string;
  readonly kind: 'user' | 'servicePrincipal' | 'stamp';
  readonly upn?: string;
  readonly appId?: string;
  readonly tenantId: string;
  readonly groups: readonly string[];
  /** When the caller's token was issued: work that goes on for it stops when such tokens are revoked. */
  readonly tokenIssuedS?: number;
  /** The endpoint that was asked; a right counts only on the plane that its scope lies on. Absent: the tenants'. */
  readonly plane?: Plane;
  /** Client address, for audit. */
  readonly from: string;
  readonly correlationId: string;
  readonly requestId: string;
  /** Names of the az command and its parameters, when the client tells. */
  readonly command?: string;
};

/** ETag preconditions of a request (RFC 9110 §13; ARM RPC addendum): judged together with the write. */
export type Precondition = { readonly ifMatch?: string; readonly ifNoneMatch?: string };

/** A write of one resource. `id` has canonical type casing. */
export type Request =
  | { readonly kind: 'put'; readonly id: string; readonly type: string; readonly body: JsonObject }
  | { readonly kind: 'patch'; readonly id: string; readonly type: string; readonly body: JsonObject }
  | { readonly kind: 'delete'; readonly id: string; readonly type: string }
  | {
      readonly kind: 'action';
      readonly id: string;
      readonly type: string;
      readonly action: string;
      readonly method: 'GET' | 'POST';
      readonly body: Json;
      readonly query: ReadonlyMap<string, string>;
    };

export type Submission = {
  readonly request: Request;
  readonly apiVersion: string;
  readonly precondition?: Precondition;
  /** Takes values that must not be told out of a refusal, before it is kept or answered. */
  readonly hide?: (refusal: Refusal) => Refusal;
};

/**
 * What became of a submission. `settled`: durable and enforced (or the guest is up): `existed` tells 200 from 201 and 204.
 * `running`: durable, the world still follows; poll the operation. `resource` is absent after a delete.
 */
export type Outcome =
  | { readonly kind: 'settled'; readonly existed: boolean; readonly resource?: Resource; readonly value?: Json }
  | {
      readonly kind: 'running';
      readonly existed: boolean;
      readonly resource?: Resource;
      readonly operation: Operation;
    };

/** What became of work that changes nothing. */
export type Answering =
  | { readonly kind: 'settled'; readonly value: Json }
  | { readonly kind: 'running'; readonly operation: Operation };

export type OperationStatus = 'InProgress' | 'Succeeded' | 'Failed' | 'Canceled';

/** A long-running operation as ARM clients poll it (ARM RPC v1.0, asynchronous operations). Times are ISO 8601. */
export type Operation = {
  readonly id: string;
  readonly subscription: string;
  readonly resourceId: string;
  readonly type: string;
  readonly kind: 'put' | 'patch' | 'delete' | 'action' | 'deployment';
  readonly owner: string;
  readonly correlationId: string;
  readonly status: OperationStatus;
  readonly startTime: string;
  readonly endTime?: string;
  readonly error?: Detail;
  readonly value?: Json;
  readonly existed: boolean;
};

/** A deployment as the stamp keeps it: `properties` is the ARM body without secrets. */
export type DeploymentRecord = {
  readonly id: string;
  readonly name: string;
  readonly scope: string;
  readonly location?: string;
  readonly properties: JsonObject;
  readonly operations: readonly JsonObject[];
};

export type DeploymentInput = {
  readonly id: string;
  readonly name: string;
  /** `/subscriptions/x` or `/subscriptions/x/resourceGroups/y`. */
  readonly scope: string;
  readonly location?: string;
  /** `properties` of the request: template, parameters, mode … */
  readonly properties: JsonObject;
  readonly tags?: { readonly [key: string]: string };
};

/** `diagnostics`: what the proof notes, and what becomes possible or impossible. */
export type WhatIfAnswer = {
  readonly changes?: readonly JsonObject[];
  readonly diagnostics?: readonly JsonObject[];
  readonly error?: Detail;
};

export interface Engine {
  /** The resources now; a stable snapshot is not promised across awaits. */
  view(): View;
  /** The context that nouns need to show a resource. */
  context(apiVersion: string): Context;
  /** The ARM body of a resource, with the provisioning state as it is now, or as the operation that is given says. */
  show(resource: Resource, apiVersion: string, during?: Operation): JsonObject;
  /** Refuses with AuthorizationFailed (403) unless a role assignment allows the action at the scope; answers why it is allowed. */
  authorize(caller: Caller, action: string, scope: string): string;
  /** Refuses who holds nothing at all in the subscription of the scope, or is of another directory. */
  enter(caller: Caller, action: string, scope: string): void;
  /** Does the caller hold the action at the scope? Lists are filtered by it. */
  may(caller: Caller, action: string, scope: string): boolean;
  /** May the caller read the resource of the id? What a proof tells is filtered by it. */
  mayRead(id: string, caller: Caller): boolean;
  /** One write: authorised, locked, parsed, proved, durable, enforced. Refusals are audited and thrown. */
  submit(submission: Submission, caller: Caller): Promise<Outcome>;
  /** Work that changes nothing: its value, or an operation when it takes longer. */
  answer(about: Pick<Operation, 'resourceId' | 'type'>, work: Promise<Json>, caller: Caller): Promise<Answering>;
  /** Where the invariants in force stand, of the NICs within a scope; nothing in it is filtered by what somebody may read. */
  compliance(scope: string): Promise<Compliance>;
  operation(id: string): Operation | undefined;
  /** What subscriptions may use. */
  readonly use: Pick<UseIndex, 'allowance'>;
  /** What was metered in a subscription from a time on. */
  metered(subscription: string, from: number): readonly Interval[];
  /** Another number after each change of a resource or an operation: what `show` answers stands as long as this does. */
  mark(): number;
  /** Waits until the operation has ended or the time is over. */
  settled(id: string, timeoutMs: number): Promise<Operation | undefined>;
  deployments: Deployments;
  audit: AuditTrail;
  /** What is in force: rules, routes, flows, topology. */
  questions: Questions;
}

export interface Deployments {
  /** 200 with `error` for anything the template or its resources have wrong (arm.md §0.6 of our facts): never throws for content. */
  validate(
    input: DeploymentInput,
    caller: Caller,
  ): Promise<{ readonly properties?: JsonObject; readonly error?: Detail }>;
  whatIf(input: DeploymentInput, caller: Caller): Promise<WhatIfAnswer>;
  /** Starts (or replaces) a deployment; refuses what cannot start. */
  start(
    input: DeploymentInput,
    caller: Caller,
  ): Promise<{ readonly record: DeploymentRecord; readonly operation: Operation; readonly existed: boolean }>;
  get(id: string): DeploymentRecord | undefined;
  list(scope: string): readonly DeploymentRecord[];
  cancel(id: string, caller: Caller): Promise<void>;
  remove(id: string, caller: Caller): Promise<boolean>;
  /** The rows in the store of a scope's deployments: they go in the transaction that deletes the scope. */
  rowsOf(scope: string): { readonly table: string; readonly key: string }[];
  /** Forgets the deployments of a scope that is gone. */
  forget(scope: string): void;
}

export interface AuditTrail {
  /** Entries of a subscription within a time, newest first. */
  page(span: AuditSpan, wish: AuditWish): Promise<AuditPage>;
}
