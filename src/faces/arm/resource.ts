/** Resources of any type of the catalog by their id: GET, HEAD, PUT, PATCH, DELETE, actions, and the parts shown inside a parent. */

import { Refusal } from '#base/wrong.ts';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import type { Precondition } from '#engine/engine.ts';
import type { Resource } from '#model/resource.ts';
import { bare, shown, type Answer } from '#faces/arm/answer.ts';
import { bodyObject, checkGroup, checkSubscription, partOf, type Call } from '#faces/arm/call.ts';
import { rowOf, type Row } from '#faces/arm/catalog.ts';
import { outcomeAnswer } from '#faces/arm/long-running.ts';
import { listAnswer } from '#faces/arm/page.ts';

/** GET of one resource. */
export async function getResource(call: Call): Promise<Answer> {
  const resource = found(call, partOf(call, 'id'));
  const { engine, apiVersion, shownTexts, asked } = call;
  if (asked.query.has('$expand')) {
    const body = engine.show(resource, apiVersion);
    return shown(await expanded(call, { resource, body }), 200, isUnderWay(body) ? { 'retry-after': '1' } : {});
  }
  const { bytes, etag, isUnderWay: isWorked } = shownTexts.of(engine, resource, apiVersion);
  const headers = { ...(etag === undefined ? {} : { etag }), ...(isWorked ? { 'retry-after': '1' } : {}) };
  return { status: 200, bytes, headers };
}

/** HEAD: is it there? 204 or 404, never 200 (arm facts §2.2). */
export function headResource(call: Call): Answer {
  const id = partOf(call, 'id');
  checkSubscription(call, id);
  call.engine.authorize(call.caller, `${partOf(call, 'type')}/read`, id);
  return bare(call.engine.view().get(id) === undefined ? 404 : 204);
}

/** PUT: creates or replaces. */
export async function putResource(call: Call): Promise<Answer> {
  const { id, row } = target(call);
  const body = bodyObject(call);
  const request = { kind: 'put', id, type: row.type, body } as const;
  const outcome = await call.engine.submit(
    { request, apiVersion: call.apiVersion, precondition: preconditionOf(call) },
    call.caller,
  );
  return await outcomeAnswer(outcome, call, { row, verb: 'put' });
}

/** PATCH: tags, or a merge, as the type has it. */
export async function patchResource(call: Call): Promise<Answer> {
  const { id, row } = target(call);
  const body = bodyObject(call);
  const request = { kind: 'patch', id, type: row.type, body } as const;
  const outcome = await call.engine.submit(
    { request, apiVersion: call.apiVersion, precondition: preconditionOf(call) },
    call.caller,
  );
  return await outcomeAnswer(outcome, call, { row, verb: 'patch' });
}

/** DELETE: what is gone already is 204. */
export async function deleteResource(call: Call): Promise<Answer> {
  const { id, row } = target(call);
  const old = row.removeShows ? call.engine.view().get(id) : undefined;
  const before = old === undefined ? undefined : call.engine.show(old, call.apiVersion);
  const request = { kind: 'delete', id, type: row.type } as const;
  const outcome = await call.engine.submit(
    { request, apiVersion: call.apiVersion, precondition: preconditionOf(call) },
    call.caller,
  );
  return await outcomeAnswer(outcome, call, { row, verb: 'delete', ...(before === undefined ? {} : { before }) });
}

/** GET or POST of `{resource}/{action}`. */
export async function actOnResource(call: Call): Promise<Answer> {
  const { id, row } = target(call);
  const action = partOf(call, 'action');
  const method = call.asked.method === 'POST' ? 'POST' : 'GET';
  const request = {
    kind: 'action',
    id,
    type: row.type,
    action,
    method,
    body: call.body ?? null,
    query: call.asked.query,
  } as const;
  const outcome = await call.engine.submit({ request, apiVersion: call.apiVersion }, call.caller);
  return await outcomeAnswer(outcome, call, { row, verb: 'action' });
}

/** GET of one part that its parent shows: a probe, a frontend, a default rule. */
export function getPart(call: Call): Answer {
  const id = partOf(call, 'id');
  const parts = id.split('/');
  const name = parts.at(-1) ?? '';
  const row = rowNamed(partOf(call, 'type'));
  const part = partsIn(call, parts.slice(0, -2).join('/'), row).find(
    (held) => String(held['name']).toLowerCase() === name.toLowerCase(),
  );
  if (part === undefined) throw new Refusal('NotFound', `Resource ${id} not found.`, { status: 404 });
  return shown(part);
}

/** GET of all parts of one kind. */
export function listParts(call: Call): Answer {
  return listAnswer(call, partsIn(call, partOf(call, 'parent'), rowNamed(partOf(call, 'type'))));
}

function partsIn(call: Call, parentId: string, row: Row): readonly JsonObject[] {
  const parent = found(call, parentId);
  const { properties } = call.engine.show(parent, call.apiVersion);
  const list: Json | undefined = isObject(properties) && row.within !== undefined ? properties[row.within] : undefined;
  return Array.isArray(list) ? list.filter(isObject) : [];
}

/** The resource, for who may read it; the group's absence goes before the resource's. */
export function found(call: Call, id: string): Resource {
  checkSubscription(call, id);
  checkGroup(call, id);
  const resource = call.engine.view().get(id);
  const type = resource?.type ?? typeIn(call, id);
  call.engine.authorize(call.caller, `${type}/read`, resource?.id ?? id);
  if (resource === undefined) throw missing(id, type);
  return resource;
}

function typeIn(call: Call, id: string): string {
  const type = call.parts['type'];
  const row = type === undefined ? undefined : rowOf(type);
  // A part's parent is one level up.
  if (row?.lives === 'part') return row.type.slice(0, row.type.lastIndexOf('/'));
  return row?.type ?? id.split('/').at(-2) ?? 'resource';
}

function missing(id: string, type: string): Refusal {
  const name = id.split('/').at(-1) ?? '';
  const group = /\/resourceGroups\/([^/]+)/i.exec(id)?.[1];
  const where = group === undefined ? '' : ` under resource group '${group}'`;
  return new Refusal('ResourceNotFound', `The Resource '${type}/${name}'${where} was not found.`, {
    status: 404,
    target: id,
  });
}

function target(call: Call): { readonly id: string; readonly row: Row } {
  const id = partOf(call, 'id');
  checkSubscription(call, id);
  return { id, row: rowNamed(partOf(call, 'type')) };
}

function rowNamed(type: string): Row {
  const row = rowOf(type);
  if (row === undefined) throw new TypeError(`The catalog has no type ${type}.`);
  return row;
}

function preconditionOf({ asked }: Call): Precondition {
  const [ifMatch, ifNoneMatch] = [asked.header('if-match'), asked.header('if-none-match')];
  return { ...(ifMatch === undefined ? {} : { ifMatch }), ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }) };
}

function isUnderWay({ properties }: JsonObject): boolean {
  const state = isObject(properties) ? properties['provisioningState'] : undefined;
  return state === 'Creating' || state === 'Updating' || state === 'Deleting';
}

/** `$expand=instanceView` of a machine puts its instance view into `properties`. */
async function expanded(call: Call, { resource, body }: { resource: Resource; body: JsonObject }): Promise<JsonObject> {
  const wanted = (call.asked.query.get('$expand') ?? '')
    .toLowerCase()
    .split(',')
    .map((word) => word.trim());
  if (resource.type !== 'Microsoft.Compute/virtualMachines' || !wanted.includes('instanceview')) return body;
  const { properties } = body;
  const query = new Map<string, string>();
  const request = {
    kind: 'action',
    id: resource.id,
    type: resource.type,
    action: 'instanceView',
    method: 'GET',
    body: null,
    query,
  } as const;
  const { value } = (await call.engine.submit({ request, apiVersion: call.apiVersion }, call.caller)) as {
    readonly value?: Json;
  };
  return {
    ...body,
    properties: {
      ...(isObject(properties) ? properties : {}),
      ...(value === undefined ? {} : { instanceView: value }),
    },
  };
}
