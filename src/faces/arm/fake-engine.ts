/** A fake engine for this face's tests: real nouns on a view in memory, no store, no prover, and operations that end when told to. */

import { generateKeyPairSync } from 'node:crypto';
import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Refusal } from '#base/wrong.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { auditTrail } from '#engine/audit/trail.ts';
import { AccessIndex } from '#engine/gate/access-index.ts';
import type { AuditLine } from '#engine/store/store.ts';
import { askedBy } from '#engine/gate/asked-by.ts';
import { drawRequest, nounOf } from '#engine/gate/draw.ts';
import { UseIndex } from '#engine/gate/use-index.ts';
import type {
  Answering,
  Caller,
  DeploymentRecord,
  Deployments,
  Engine,
  Operation,
  Outcome,
  Submission,
} from '#engine/engine.ts';
import { ProofDesk } from '#engine/gate/proof-desk.ts';
import type { Compliance } from '#engine/ports.ts';
import { Questions } from '#engine/questions/questions.ts';
import type { Principal } from '#engine/identity/verify-token.ts';
import { armFace } from '#faces/arm/face.ts';
import type { ArmOptions } from '#faces/arm/call.ts';
import { typeOfId } from '#model/arm-id.ts';
import { MemoryDraft, MemoryView } from '#model/memory.ts';
import type { Interval } from '#model/metering/meters.ts';
import { nouns } from '#model/nouns.ts';
import type { Context, Resource } from '#model/resource.ts';

const subscription = '11111111-2222-4333-8444-555555555555';
export const s = `/subscriptions/${subscription}`;
/** The operator's own subscription, on the plane of administration. */
export const provider = '/subscriptions/99999999-2222-4333-8444-555555555555';
export const owner = 'aaaaaaaa-0000-4000-8000-000000000001';
const stranger = 'aaaaaaaa-0000-4000-8000-000000000002';
export const tenantId = 'bbbbbbbb-0000-4000-8000-000000000001';
export const people = [
  { oid: owner, upn: 'owner@local.test', tenantId },
  { oid: stranger, upn: 'stranger@local.test', tenantId },
  {
    oid: 'aaaaaaaa-0000-4000-8000-000000000003',
    upn: 'guest@other.test',
    tenantId: 'bbbbbbbb-0000-4000-8000-000000000002',
  },
] as const;

/** Ends the way that the test sets. */
class FakeEngine implements Engine {
  readonly memory: MemoryView;
  readonly access: AccessIndex;
  readonly use = new UseIndex(() => this.memory, 'local');
  readonly operations = new Map<string, Operation>();
  readonly submissions: Submission[] = [];
  /** True makes every write an operation that runs until `end` is called. */
  isSlow = false;
  /** Thrown by the next submission. */
  failure: Error | undefined;
  #count = 0;
  #mark = 0;
  /** Entries that the log has, newest first. */
  readonly audited: AuditLine[] = [];
  readonly audit = auditTrail({
    auditsIn: ({ subscription: wanted, from, before, limit }) => {
      const below = this.audited.filter(
        ({ subscription, at, sequence }) =>
          subscription === wanted && at >= from && (at < before.at || (at === before.at && sequence < before.sequence)),
      );
      const lines = below.slice(0, limit);
      const last = lines.at(-1);
      return below.length <= limit || last === undefined ? { lines } : { lines, next: last };
    },
  });
  readonly deployments: Deployments;
  readonly questions: Questions;
  readonly people = {
    directories: () => [{ tenantId, name: 'local.test' }],
    userNamed: (name: string) => people.find(({ upn }) => upn === name.toLowerCase()),
  };

  constructor() {
    const common = { etag: 'W/"1"', createdAt: '2026-01-01T00:00:00.000Z', changedAt: '2026-01-01T00:00:00.000Z' };
    const owned = (id: string, properties: JsonObject): Resource[] => [
      { id, type: 'Microsoft.Resources/subscriptions', name: id.split('/')[2] ?? '', properties, ...common },
      {
        id: `${id}/providers/Microsoft.Authorization/roleAssignments/${owner}`,
        type: 'Microsoft.Authorization/roleAssignments',
        name: owner,
        properties: {
          principalId: owner,
          roleDefinitionId: `${id}/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635`,
          scope: id,
        },
        ...common,
      },
    ];
    this.memory = new MemoryView([
      ...owned(s, { displayName: 'Test', state: 'Enabled' }),
      ...owned(provider, { displayName: 'Provider', state: 'Enabled', routingResourceManagerType: 'Admin' }),
    ]);
    this.access = new AccessIndex(() => this.memory, tenantId);
    this.deployments = fakeDeployments(this);
    const programs = () => Promise.resolve(compileStamp(this.memory, this.context('').stamp, new CompileMemo()));
    this.questions = new Questions({ view: () => this.memory, programs, access: this.access });
  }

  view(): MemoryView {
    return this.memory;
  }

  context(apiVersion: string): Context {
    const stamp = {
      number: 0,
      location: 'local',
      zone: 'local.test',
      tenantId,
      hosts: ['h1'],
      publicPools: ['198.18.0.0/24'],
      publicReserved: 32,
      profile: 'lab',
      enforcing: false,
    } as const;
    const { userNamed } = this.people;
    return { now: '2026-01-01T00:00:00.000Z', newGuid: () => this.guid(), apiVersion, stamp, userNamed };
  }

  guid(): string {
    this.#count += 1;
    return `00000000-0000-4000-8000-${String(this.#count).padStart(12, '0')}`;
  }

  show(resource: Resource, apiVersion: string): JsonObject {
    const body = nounOf(nouns, resource.type).show(resource, this.memory, this.context(apiVersion));
    const isRunning = [...this.operations.values()].some(
      ({ resourceId, status }) => resourceId === resource.id && status === 'InProgress',
    );
    return isRunning
      ? { ...body, properties: { ...(body['properties'] as JsonObject), provisioningState: 'Updating' } }
      : body;
  }

  authorize(caller: Caller, action: string, scope: string): string {
    return this.access.authorize(caller, action, scope);
  }

  enter(caller: Caller, action: string, scope: string): void {
    this.access.enter(caller, action, scope);
  }

  mayRead(id: string, caller: Caller): boolean {
    return this.may(caller, `${typeOfId(id) ?? 'Microsoft.Resources/resourceGroups'}/read`, id);
  }

  /** A prover of its own judges what stands. */
  async compliance(scope: string): Promise<Compliance> {
    const desk = new ProofDesk(this.context('').stamp, generateKeyPairSync('ed25519').privateKey);
    await desk.load(1, [...this.memory.all()]);
    return await desk.compliance(scope);
  }

  may(caller: Caller, action: string, scope: string): boolean {
    return this.access.decide(caller, action, scope).verdict === 'allow';
  }

  submit(submission: Submission, caller: Caller): Promise<Outcome> {
    this.submissions.push(submission);
    return new Promise((resolve) => resolve(this.#drawn(submission, caller)));
  }

  #drawn(submission: Submission, caller: Caller): Outcome {
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    const draft = new MemoryDraft(this.memory);
    const { existed, resource, value } = drawRequest(draft, submission, {
      nouns,
      access: this.access,
      context: { ...this.context(submission.apiVersion), ...askedBy(caller) },
      caller,
    });
    const edits = draft.edits();
    this.memory.commit(edits);
    this.access.changed(edits);
    const rest = { existed, ...(resource && { resource }), ...(value !== undefined && { value }) };
    if (!this.isSlow || edits.length === 0) return { kind: 'settled', ...rest };
    return {
      kind: 'running',
      ...rest,
      operation: this.begin({
        resourceId: resource?.id ?? submission.request.id,
        type: submission.request.type,
        kind: submission.request.kind,
        owner: caller.oid,
      }),
    };
  }

  async answer(about: Pick<Operation, 'resourceId' | 'type'>, work: Promise<Json>, caller: Caller): Promise<Answering> {
    const value = await work;
    if (!this.isSlow) return { kind: 'settled', value };
    const operation = this.begin({ ...about, kind: 'action', owner: caller.oid });
    this.operations.set(operation.id, { ...operation, value });
    return { kind: 'running', operation };
  }

  begin(about: Pick<Operation, 'resourceId' | 'type' | 'kind' | 'owner'>): Operation {
    const operation: Operation = {
      id: this.guid(),
      subscription,
      correlationId: 'c',
      status: 'InProgress',
      startTime: '2026-01-01T00:00:00.000Z',
      existed: true,
      ...about,
    };
    this.operations.set(operation.id, operation);
    return operation;
  }

  /** Ends all that runs. */
  end(change: Partial<Operation> = { status: 'Succeeded' }): void {
    for (const [id, operation] of this.operations)
      this.operations.set(id, { ...operation, endTime: '2026-01-01T00:00:01.000Z', ...change });
  }

  /** What `metered` answers. */
  intervals: readonly Interval[] = [];

  metered(): readonly Interval[] {
    return this.intervals;
  }

  /** Nothing is kept: tests change operations as they like. */
  mark(): number {
    return (this.#mark += 1);
  }

  operation(id: string): Operation | undefined {
    return this.operations.get(id);
  }

  settled(id: string): Promise<Operation | undefined> {
    this.end();
    return Promise.resolve(this.operations.get(id));
  }
}

function fakeDeployments(engine: FakeEngine): Deployments {
  const records = new Map<string, DeploymentRecord>();
  const key = (id: string): string => id.toLowerCase();
  return {
    validate: ({ properties }) =>
      Promise.resolve(
        properties['template'] === undefined
          ? { error: { code: 'InvalidTemplate', message: 'No template.' } }
          : { properties: {} },
      ),
    whatIf: () => Promise.resolve({ changes: [] }),
    start(input, caller) {
      const existed = records.has(key(input.id));
      const record = {
        id: input.id,
        name: input.name,
        scope: input.scope,
        properties: { provisioningState: 'Accepted' },
        operations: [{ operationId: 'ABC', properties: { key: 'k' } }],
      };
      records.set(key(input.id), record);
      const operation = engine.begin({
        resourceId: input.id,
        type: 'Microsoft.Resources/deployments',
        kind: 'deployment',
        owner: caller.oid,
      });
      return Promise.resolve({ record, operation, existed });
    },
    get: (id) => records.get(key(id)),
    list: (scope) => [...records.values()].filter((record) => key(record.scope) === key(scope)),
    cancel: () => Promise.reject(new Refusal('DeploymentCannotBeCanceled', 'It has ended.', { status: 409 })),
    remove: (id) => Promise.resolve(records.delete(key(id))),
    rowsOf: () => [],
    forget: () => undefined,
  };
}

export type Reply = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: JsonObject;
};

export type Call = {
  readonly method?: string;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: string | JsonObject;
};

export type FakeStamp = {
  readonly engine: FakeEngine;
  readonly bugs: unknown[];
  readonly base: string;
  /** Sends as the owner unless the headers say otherwise; the path goes out as it is. */
  send(path: string, call?: Call): Promise<Reply>;
  close(): Promise<void>;
};

/** The face on a real HTTP server at 127.0.0.1. The token `owner` or `stranger` names the caller. */
export async function fakeStamp(options: Partial<ArmOptions> = {}): Promise<FakeStamp> {
  const engine = new FakeEngine();
  const bugs: unknown[] = [];
  const resourceManager = `https://${options.plane === 'admin' ? 'admin' : ''}management.local.test`;
  const endpoints = {
    resourceManager,
    login: 'https://adfs.local.test/adfs',
    portal: 'https://portal.local.test',
    graph: 'https://graph.local.test',
    audience: `${resourceManager}/`,
    zone: 'local.test',
  };
  const verify = (token: string): Promise<Principal> => {
    const person = people.find(({ upn }) => upn.startsWith(`${token}@`));
    if (person === undefined)
      return Promise.reject(new Refusal('InvalidAuthenticationToken', 'The access token is invalid.', { status: 401 }));
    const { oid, upn, tenantId: tid } = person;
    return Promise.resolve({ oid, upn, tid, kind: 'user', groups: [], displayName: token, appid: owner });
  };
  const handler = armFace({
    plane: 'tenant',
    engine,
    people: engine.people,
    verify,
    endpoints,
    tenantId,
    location: 'local',
    enforcing: false,
    longRunning: 'auto',
    now: () => 0,
    newGuid: () => engine.guid(),
    onBug: (error) => bugs.push(error),
    ...options,
  });
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    engine,
    bugs,
    base: `http://127.0.0.1:${port}`,
    send: (path, call = {}) => exchange(port, path, call),
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function exchange(port: number, path: string, { method = 'GET', headers = {}, body }: Call): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const text = typeof body === 'object' ? JSON.stringify(body) : body;
    const common = {
      authorization: 'Bearer owner',
      ...(text === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
    };
    const sent = httpRequest(
      { host: '127.0.0.1', port, path, method, headers: { ...common, ...headers }, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const answered = Buffer.concat(chunks).toString('utf8');
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: answered,
            json: answered === '' ? {} : (JSON.parse(answered) as JsonObject),
          });
        });
      },
    );
    sent.on('error', reject);
    sent.end(text);
  });
}
