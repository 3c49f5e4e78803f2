/** Finds the resources of a template by what `dependsOn` and `reference` call them: symbol, loop, id, relative id or name. */

import { idKey } from '#template/scope.ts';
import type { Draft, Drafted } from '#template/draft.ts';

/** The resources of one template, found without regard to case. */
export type Lookup = {
  readonly drafts: readonly Draft[];
  readonly owned: ReadonlySet<Draft>;
  readonly byId: ReadonlyMap<string, readonly Draft[]>;
  /** `provider/type/name/type/name`, and `provider/type/type/name/name`. */
  readonly byTail: ReadonlyMap<string, readonly Draft[]>;
  readonly byName: ReadonlyMap<string, readonly Draft[]>;
  readonly byLoop: ReadonlyMap<string, readonly Draft[]>;
  readonly bySymbol: ReadonlyMap<string, readonly Draft[]>;
  /** Loops without any instance. */
  readonly emptyLoops: ReadonlySet<string>;
};

/** Indexes the drafts of a template. */
export function makeLookup({ drafts, emptyLoops }: Drafted): Lookup {
  return {
    emptyLoops,
    drafts,
    owned: new Set(drafts),
    byId: index(drafts, (draft) => [idKey(draft.id)]),
    byTail: index(drafts, tailsOf),
    byName: index(drafts, ({ name }) => [name.toLowerCase(), name.slice(name.lastIndexOf('/') + 1).toLowerCase()]),
    byLoop: index(drafts, ({ copy }) => (copy === undefined ? [] : [copy.name.toLowerCase()])),
    bySymbol: index(drafts, ({ symbol, copy }) =>
      symbol === undefined
        ? []
        : [symbol.toLowerCase(), ...(copy === undefined ? [] : [`${symbol.toLowerCase()}[${copy.index}]`])],
    ),
  };
}

/** All resources that a text means; the narrowest reading that finds any wins. */
export function find(lookup: Lookup, text: string): readonly Draft[] {
  const wanted = text.toLowerCase().replace(/\/+$/, '');
  if (text.startsWith('/')) return lookup.byId.get(idKey(text)) ?? elsewhere(lookup, text);
  return (
    lookup.bySymbol.get(wanted) ??
    lookup.byTail.get(wanted) ??
    lookup.byLoop.get(wanted) ??
    exactName(lookup, wanted) ??
    lookup.byName.get(wanted) ??
    []
  );
}

function exactName(lookup: Lookup, wanted: string): readonly Draft[] | undefined {
  const exact = lookup.byName.get(wanted)?.filter((draft) => draft.name.toLowerCase() === wanted) ?? [];
  return exact.length > 0 ? exact : undefined;
}

// Inside a nested template of outer scope, `resourceId` gives the parent's group: the type and name still tell what is meant.
function elsewhere(lookup: Lookup, id: string): readonly Draft[] {
  const tail = tailOf(id);
  const found = tail === undefined ? [] : (lookup.byTail.get(tail) ?? []);
  const isNested = found.some(
    (draft) => draft.frame.environment.context.scope.resourceGroup !== draft.home.resourceGroup,
  );
  return isNested ? found : [];
}

function tailsOf(draft: Draft): string[] {
  const tail = tailOf(draft.id);
  return [...(tail === undefined ? [] : [tail]), `${draft.type}/${draft.name}`.toLowerCase()];
}

function tailOf(id: string): string | undefined {
  const key = idKey(id);
  const at = key.lastIndexOf('/providers/');
  return at < 0 ? undefined : key.slice(at + '/providers/'.length);
}

function index(
  drafts: readonly Draft[],
  keysOf: (draft: Draft) => readonly string[],
): ReadonlyMap<string, readonly Draft[]> {
  const map = new Map<string, Draft[]>();
  for (const draft of drafts) {
    for (const key of new Set(keysOf(draft))) {
      const list = map.get(key);
      if (list === undefined) map.set(key, [draft]);
      else list.push(draft);
    }
  }
  return map;
}
