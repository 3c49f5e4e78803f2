/** One point as the kernel has it against its program: where packets go and what their addresses become, for every packet. */

import { Refusal } from '#base/wrong.ts';
import type { Difference } from '#engine/plane-port.ts';
import { Ground } from '#adapters/linux/ground.ts';
import { TableLifter } from '#adapters/linux/lift-chain.ts';
import { RouteLifter, type RouteListing } from '#adapters/linux/lift-routes.ts';
import { UnknownExpression } from '#adapters/linux/lift-words.ts';
import { EdgeMeaning } from '#adapters/linux/meant-edge.ts';
import { fabricTargets, meantFabric } from '#adapters/linux/meant-fabric.ts';
import {
  markedPackets,
  meantEntry,
  meantFrames,
  meantSources,
  meantTargets,
  type RouterGround,
  seenMarks,
} from '#adapters/linux/meant-router.ts';
import { aroundRouter, RouterRoutes, spokenTargets } from '#adapters/linux/meant-routes.ts';
import { foreignBit, labelledBit, portName } from '#adapters/linux/names.ts';
import type { ActualRuleset } from '#adapters/linux/ruleset.ts';
import type { EdgeProgram, Program, Programs, RouterProgram } from '#program/program.ts';

/** What the kernel listed of a point. `gone`: marks of ports whose link is gone, and with it what hung on it. */
export type PointListing = {
  readonly ruleset: ActualRuleset;
  readonly routing: RouteListing;
  readonly gone: ReadonlySet<number>;
};

/** A point of the programs of a stamp with this number. */
export type PointGiven = {
  readonly programs: Programs;
  readonly point: string;
  readonly stamp: number;
  readonly listing: PointListing;
};

type Found = readonly [kind: Difference['kind'], says: string | undefined];

/** All differences of a point, each with a packet that shows it. What cannot be read or costs too much is a difference too. */
export function unlikePoint(given: PointGiven): readonly Difference[] {
  const { programs, point } = given;
  const program = programs[point];
  if (program === undefined || program.kind === 'resolver') return [];
  const kinds =
    program.kind === 'router' || program.kind === 'edge' ? (['rule', 'route'] as const) : (['route'] as const);
  return ([4, 6] as const).flatMap((family) => {
    const ground = new Ground(family);
    return kinds.flatMap((kind) =>
      closed(() => {
        if (program.kind === 'router') return routerFound(ground, given, { program, kind });
        if (program.kind === 'edge' && kind === 'rule') return edgeFound(ground, given, program);
        return fabricFound(ground, given, program);
      }, kind).flatMap(([of, says]) => (says === undefined ? [] : [{ point, kind: of, says }])),
    );
  });
}

/** Fails closed: what is not understood or too costly is told, and repaired to what was rendered. */
function closed(find: () => readonly Found[], kind: Difference['kind']): readonly Found[] {
  try {
    return find();
  } catch (error) {
    if (error instanceof UnknownExpression) return [[kind, error.message]];
    if (error instanceof Refusal)
      return [[kind, `What the kernel has is too costly to prove equal (${error.message})`]];
    throw error;
  }
}

type Asked = { readonly program: RouterProgram; readonly kind: 'rule' | 'route' };

function routerFound(ground: Ground, { programs, listing }: PointGiven, { program, kind }: Asked): readonly Found[] {
  const around = aroundRouter(programs, program);
  const table = listing.ruleset.get('inet');
  if (table === undefined) return [];
  const lifter = new TableLifter(ground, table);
  const raw = lifter.hooked('filter', /^prerouting raw$/);
  const given: RouterGround = { ground, program, around, marks: seenMarks({ ground, program, around }, raw) };
  if (kind === 'route') return routesFound(given, listing);
  const pairs = [
    ['What comes in:', { kernel: raw, program: meantEntry(given) }] as const,
    [
      'Targets:',
      { kernel: lifter.hooked('nat', /^prerouting dstnat$/), program: meantTargets(given) },
      markedPackets(given),
    ] as const,
    ['Sources:', { kernel: lifter.hooked('nat', /^postrouting srcnat$/), program: meantSources(given) }] as const,
  ];
  return [
    ...pairs.map(([says, pair, where]): Found => ['rule', ground.difference(says, pair, where)]),
    ...framesFound(given, listing),
  ];
}

function framesFound({ ground, program, around }: RouterGround, { ruleset }: PointListing): readonly Found[] {
  const table = ruleset.get('netdev');
  if (ground.family === 6 || table === undefined) return [];
  const lifter = new TableLifter(ground, table);
  return [...meantFrames({ ground, program, around })].map(([link, meant]): Found => {
    const kernel = lifter.hooked('filter', new RegExp(`^ingress device "${link}" -500$`));
    return ['rule', ground.difference(`Frames of ${link}:`, { kernel, program: meant })];
  });
}

function routesFound({ ground, program, around, marks }: RouterGround, listing: PointListing): readonly Found[] {
  const kernel = new RouteLifter(ground, listing.routing);
  const meant = new RouterRoutes(ground, { program, around });
  const spoken = spokenTargets(ground);
  const { store } = ground;
  const isGone = (says: string) => [...listing.gone].some((mark) => says.startsWith(`${portName(mark)} `));
  const asked = new Map<string, string | undefined>();
  const compared = (who: string, mark: bigint | undefined, wanted: number): Found => {
    if (mark === undefined) return ['route', undefined];
    const actual = kernel.lookup(mark);
    const key = `${actual} ${wanted}`;
    // One difference of many senders is told once.
    if (actual === wanted || asked.has(key)) return ['route', undefined];
    const where =
      listing.gone.size === 0
        ? spoken
        : store.and(
            spoken,
            store.condition(wanted, ({ says }) => !isGone(says)),
          );
    const says = ground.difference(`Routes ${who}:`, { kernel: actual, program: wanted }, where);
    asked.set(key, says);
    return ['route', says];
  };
  const far = Object.values(program.remotes).filter(({ forwarding }) => forwarding);
  const near = Object.values(program.ports).filter(({ forwarding }) => forwarding);
  return [
    ...Object.values(program.ports).flatMap(({ mark, table }): Found[] => {
      const { own, platform, foreign } = marks.get(mark) ?? {};
      const name = portName(mark);
      return [
        compared(`of ${name}`, own, meant.ofTable(table, false)),
        compared(`of ${name} for others`, foreign, meant.ofTable(table, true)),
        compared(
          `of ${name} to the platform`,
          around.resolver === undefined ? undefined : platform,
          meant.ofAll(meant.uplink),
        ),
      ];
    }),
    compared('of what comes in', 0n, meant.ofArrivals(false)),
    compared('of what comes in for others', BigInt(foreignBit), meant.ofArrivals(true)),
    ...[...new Set([...near, ...far].map(({ mark }) => mark))].map((mark) =>
      compared(`for the label of ${mark}`, BigInt((labelledBit | mark) >>> 0), meant.ofAll(meant.labelled(mark))),
    ),
  ];
}

function edgeFound(ground: Ground, { listing }: PointGiven, program: EdgeProgram): readonly Found[] {
  const table = listing.ruleset.get('inet');
  if (table === undefined) return [];
  const { store } = ground;
  const lifter = new TableLifter(ground, table);
  const meant = new EdgeMeaning(ground, program);
  const go = (diagram: number) =>
    store.changed(diagram, (act) => (act.says === 'accept' ? { ...act, isEnd: false, says: '' } : act));
  const entry = store.inOrder([
    go(lifter.hooked('filter', /^prerouting raw$/)),
    go(lifter.hooked('filter', /^prerouting mangle$/)),
  ]);
  const targets = lifter.hooked('nat', /^prerouting dstnat$/);
  const sources = lifter.hooked('nat', /^postrouting srcnat$/);
  const spoken = meant.spoken();
  return [
    ['rule', ground.difference('What comes in:', { kernel: entry, program: meant.entry() }, spoken)],
    ['rule', ground.difference('Targets:', { kernel: targets, program: meant.targets() }, spoken)],
    ['rule', ground.difference('Sources:', { kernel: sources, program: meant.sources() }, spoken)],
  ];
}

function fabricFound(ground: Ground, { programs, stamp, listing }: PointGiven, program: Program): readonly Found[] {
  const wanted = meantFabric(ground, programs, { program, stamp });
  if (wanted === undefined) return [];
  const kernel = new RouteLifter(ground, listing.routing).lookup(0n);
  const where = fabricTargets(ground, program, stamp);
  return [['route', ground.difference('Routes:', { kernel, program: wanted }, where)]];
}
