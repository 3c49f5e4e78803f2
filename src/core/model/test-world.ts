/** A small world for the tests of nouns: a draft, a clock that stands, numbered identifiers. */

import { isObject, type JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { canonicalId, typeOfId } from '#model/arm-id.ts';
import { MemoryDraft, MemoryView } from '#model/memory.ts';
import { nounOf, nouns } from '#model/nouns.ts';
import type { Noun } from '#model/noun.ts';
import type { Context, Resource, StampFacts } from '#model/resource.ts';
import { removeGroup } from '#model/resources/remove-group.ts';

export const testStamp: StampFacts = {
  number: 3,
  location: 'local',
  zone: 'local3.ringwall.internal',
  tenantId: '00000000-0000-0000-0000-00000000000a',
  hosts: ['h1', 'h2'],
  publicPools: ['198.18.3.0/24', '2001:db8:3::/64'],
  publicReserved: 32,
  profile: 'lab',
  enforcing: true,
};

export const group = '/subscriptions/s1/resourceGroups/rg1';

/** The id of a resource in the test's group: `net('virtualNetworks/v1')`. */
export function net(path: string): string {
  return `${group}/providers/Microsoft.Network/${path}`;
}

export type World = {
  readonly draft: MemoryDraft;
  readonly context: Context;
  readonly view: MemoryView;
  put(id: string, body?: JsonObject, apiVersion?: string): Resource;
  show(id: string): JsonObject;
  /** The `properties` of the shown resource. */
  properties(id: string): JsonObject;
  remove(id: string): void;
  get(id: string): Resource;
  /** The same world with what was written so far committed, so that a draft starts empty. */
  settled(): World;
};

/** A world; `view` holds what was committed before. */
export function makeWorld(stamp: Partial<StampFacts> = {}, view = new MemoryView()): World {
  const draft = new MemoryDraft(view);
  let count = view.size * 1000;
  const context: Context = {
    now: '2026-01-01T00:00:00.000Z',
    newGuid: () => `00000000-0000-4000-8000-${String((count += 1)).padStart(12, '0')}`,
    apiVersion: '2018-11-01',
    stamp: { ...testStamp, ...stamp },
  };
  const get = (id: string): Resource => {
    const found = draft.get(id);
    if (found === undefined) throw new Error(`${id} is not there.`);
    return found;
  };
  const show = (id: string): JsonObject => nounFor(id).show(get(id), draft, context);
  return {
    draft,
    context,
    view,
    put: (id, body = {}, apiVersion = '2018-11-01') =>
      nounFor(id).write({ id: canonicalId(id), body }, draft, { ...context, apiVersion }),
    show,
    properties(id) {
      const { properties } = show(id);
      return isObject(properties) ? properties : {};
    },
    // A group goes the way that the gate goes.
    remove: (id) =>
      nounFor(id).type === groupType
        ? removeGroup(get(id), { draft, nouns, context, authorize: () => undefined })
        : nounFor(id).remove(get(id), draft, context),
    get,
    settled() {
      view.commit(draft.edits());
      return makeWorld(stamp, view);
    },
  };
}

const groupType = 'Microsoft.Resources/resourceGroups';

function nounFor(id: string): Noun {
  const isGroup = /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+$/i.test(id);
  const noun = nounOf(isGroup ? groupType : (typeOfId(id) ?? ''));
  if (noun === undefined) throw new Error(`${id} is of no type of ours.`);
  return noun;
}

/** Runs and answers the refusal as `code target`, or `ok`; anything else than a Refusal passes through. */
export function outcome(act: () => unknown): string {
  const refusal = refusalOf(act);
  return refusal === undefined ? 'ok' : `${refusal.code} ${refusal.target ?? ''}`.trim();
}

/** The refusal that an act ends in; undefined when it succeeds. */
export function refusalOf(act: () => unknown): Refusal | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** A VNet with one subnet, as most tests need it: `v1` (10.0.0.0/16, fd00:1::/48) with `a` (10.0.0.0/24, fd00:1::/64). */
export function withVnet(world: World): World {
  const subnets = [{ name: 'a', properties: { addressPrefixes: ['10.0.0.0/24', 'fd00:1::/64'] } }];
  world.put(net('virtualNetworks/v1'), {
    properties: { addressSpace: { addressPrefixes: ['10.0.0.0/16', 'fd00:1::/48'] }, subnets },
  });
  return world;
}

/** The body of a NIC with one ipConfiguration in subnet `a` of `v1`. */
export function nicBody(more: JsonObject = {}, top: JsonObject = {}): JsonObject {
  return {
    properties: {
      ...top,
      ipConfigurations: [{ name: 'one', properties: { subnet: { id: net('virtualNetworks/v1/subnets/a') }, ...more } }],
    },
  };
}
