/** How `reference` and `list*` are answered: from the running stamp, or, while planning, by noting what they depend on. */

import { Refusal } from '#base/wrong.ts';
import { asJson, Unknown } from '#template/value.ts';
import { find, type Lookup } from '#template/lookup.ts';
import { scopeIdOf, type Scope } from '#template/scope.ts';
import type { Json } from '#base/json.ts';
import type { Draft } from '#template/draft.ts';
import type { Runtime } from '#template/environment.ts';

/** The state of the stamp while a deployment runs. Both throw when the resource is not there. */
export type Resolver = {
  /** The properties of a resource, or all of it when `full`. */
  reference(id: string, apiVersion: string | undefined, full: boolean): Json;
  /** The answer of a `list…` action. */
  list(fn: string, id: string, apiVersion: string, body?: Json): Json;
};

/** Where names are looked up: the template's own resources first, then those of the templates whose names it shares. */
export type Reach = { readonly lookups: readonly Lookup[]; readonly scope: Scope };

/** While planning: notes each resource of the template that is referred to, and answers that its state is not known. */
export function dryRuntime(reach: Reach, note: (draft: Draft) => void): Runtime {
  const ask = (target: string) => {
    const { id, drafts } = locate(reach, target);
    for (const draft of drafts) note(draft);
    return id;
  };
  return {
    reference: (target) => named(`reference('${ask(target)}')`),
    references: (target) => {
      for (const draft of all(reach, target)) note(draft);
      return named(`references('${target}')`);
    },
    list: ({ name, target }) => named(`${name}('${ask(target)}')`),
  };
}

/** While running: asks the resolver, with the api-version that the template gives to the resource. */
export function liveRuntime(reach: Reach, resolver: Resolver): Runtime {
  return {
    reference(target, apiVersion, full) {
      const { id, drafts } = locate(reach, target);
      return resolver.reference(id, apiVersion ?? drafts[0]?.apiVersion, full);
    },
    references: (target, full) =>
      all(reach, target).map((draft) => resolver.reference(draft.id, draft.apiVersion, full)),
    list({ name, target, apiVersion, body }) {
      return resolver.list(name, locate(reach, target).id, apiVersion, body);
    },
  };
}

/** While predicting: asks the resolver too, but what is not there yet is unknown. */
export function hopefulRuntime(reach: Reach, resolver: Resolver): Runtime {
  const [dry, live] = [dryRuntime(reach, () => undefined), liveRuntime(reach, resolver)];
  const attempt = (run: () => Json, otherwise: () => Json): Json => {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return otherwise();
    }
  };
  return {
    reference: (target, apiVersion, full) =>
      attempt(
        () => live.reference(target, apiVersion, full),
        () => dry.reference(target, apiVersion, full),
      ),
    references: (target, full) =>
      attempt(
        () => live.references(target, full),
        () => dry.references(target, full),
      ),
    list: (asked) =>
      attempt(
        () => live.list(asked),
        () => dry.list(asked),
      ),
  };
}

function named(text: string): Json {
  return asJson(new Unknown(`[${text}]`));
}

function all({ lookups }: Reach, target: string): readonly Draft[] {
  const found = lookups.map((lookup) => find(lookup, target)).find((drafts) => drafts.length > 0);
  if (found !== undefined) return found;
  throw notDefined(target);
}

/** The resource that a text means: one of the template's, or any by its full or relative id. */
function locate({ lookups, scope }: Reach, target: string): { readonly id: string; readonly drafts: readonly Draft[] } {
  for (const lookup of lookups) {
    const drafts = find(lookup, target);
    const wanted = drafts.filter((draft) => draft.condition);
    const [first = drafts[0], second] = wanted;
    if (first === undefined) continue;
    if (second === undefined || second.id.toLowerCase() === first.id.toLowerCase())
      return { id: first.id, drafts: [first] };
    throw new Refusal(
      'InvalidTemplate',
      `The name '${target}' means ${wanted.length} resources of the template, such as '${first.id}' and '${second.id}'; use resourceId() to tell which.`,
    );
  }
  if (target.startsWith('/')) return { id: target, drafts: [] };
  if (/^[^/]+\.[^/]+(\/[^/]+){2,}$/.test(target)) return { id: `${scopeIdOf(scope)}/providers/${target}`, drafts: [] };
  throw notDefined(target);
}

function notDefined(target: string): Refusal {
  return new Refusal('InvalidTemplate', `The resource '${target}' is not defined in the template.`);
}
