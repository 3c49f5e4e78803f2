/** What `reference()` and `list*()` of a template see: the stamp's resources as they are, with the deployer's own rights. */

import { Refusal } from '#base/wrong.ts';
import { isObject, type Json } from '#base/json.ts';
import type { Resolver } from '#template/deploy.ts';
import { drawRequest, notFound } from '#engine/gate/draw.ts';
import { typeOfId, canonicalId } from '#model/arm-id.ts';
import { MemoryDraft } from '#model/memory.ts';
import type { Draft } from '#model/resource.ts';
import type { Caller } from '#engine/engine.ts';
import type { Planner } from '#engine/deployments/planner.ts';

/** Deployments of this run answer `reference()` of a nested deployment by their outputs. */
export type DeploymentsSeen = ReadonlyMap<string, Json>;

/** A resolver on the view, or on a draft that a dry run has filled. */
export function resolverFor(
  engine: Planner,
  caller: Caller,
  at: { readonly draft?: Draft; readonly deployments: DeploymentsSeen },
): Resolver {
  const view = at.draft ?? engine.view();
  return {
    reference(id, apiVersion, full) {
      const deployment = at.deployments.get(id.toLowerCase());
      if (deployment !== undefined) return full ? deployment : memberProperties(deployment);
      const resource = view.get(id);
      if (resource === undefined) throw notFound(id, typeOfId(id) ?? 'unknown');
      engine.authorize(caller, `${resource.type}/read`, resource.id);
      const body = shownAt(engine, { resource, view, apiVersion });
      return full ? body : memberProperties(body);
    },
    list(...[action, id, apiVersion, body]) {
      const type = typeOfId(id);
      if (type === undefined) throw new Refusal('InvalidTemplate', `'${id}' is not the id of a resource.`);
      const draft = at.draft ?? new MemoryDraft(engine.parts.view);
      const request = {
        kind: 'action',
        id: canonicalId(id),
        type,
        action,
        method: 'POST',
        body: body ?? null,
        query: new Map(),
      } as const;
      const context = engine.context(apiVersion);
      return (
        drawRequest(
          draft,
          { request, apiVersion },
          { nouns: engine.parts.nouns, access: engine.access, context, caller },
        ).value ?? null
      );
    },
  };
}

function shownAt(
  engine: Planner,
  about: {
    resource: NonNullable<ReturnType<Draft['get']>>;
    view: ReturnType<Planner['view']>;
    apiVersion: string | undefined;
  },
): Json {
  const { resource, view, apiVersion } = about;
  const context = engine.context(apiVersion ?? '2021-04-01');
  const noun = engine.parts.nouns.get(resource.type.toLowerCase());
  if (noun === undefined) throw notFound(resource.id, resource.type);
  return noun.show(resource, view, context);
}

function memberProperties(body: Json): Json {
  return isObject(body) ? (body['properties'] ?? {}) : {};
}
