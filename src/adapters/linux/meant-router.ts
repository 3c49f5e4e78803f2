/** What a router's program means for packets that begin a flow: who may send as whom, and which address becomes which. */

import { type Ground, levels, macOf } from '#adapters/linux/ground.ts';
import { translationWords } from '#adapters/linux/translation-words.ts';
import { byAddress, meantBalances } from '#adapters/linux/meant-balance.ts';
import type { Around } from '#adapters/linux/meant-routes.ts';
import { foreignBit, labelledBit, labelMac, peerMac, peerName, portName, tunnelMac } from '#adapters/linux/names.ts';
import { balanceTargets } from '#program/eval-router.ts';
import { martians, platformAddress, probeSources } from '#program/martian.ts';
import type { Port, RouterProgram } from '#program/program.ts';

/**
 * The marks that the kernel gives to a port's packets: to those of its own, to those for the platform, and to what it sends on
 * for others. Which numbers they are is the kernel's affair; all that depends on them is asked for these.
 */
export type Marks = {
  readonly own: bigint | undefined;
  readonly platform: bigint | undefined;
  readonly foreign: bigint | undefined;
};

/** A router's program in one family, with the marks that the kernel was seen to give. */
export type RouterGround = {
  readonly ground: Ground;
  readonly program: RouterProgram;
  readonly around: Around;
  readonly marks: ReadonlyMap<number, Marks>;
};

const platformOf = (ground: Ground): readonly string[] =>
  ground.address(platformAddress) === undefined ? [] : [platformAddress];

/** An address that nobody in a network has: TEST-NET-1 and the documentation prefix (RFC 5737, RFC 3849). */
const strangers = { 4: '192.0.2.1', 6: '2001:db8:0:ffff::1' } as const;

/** The marks that a diagram of what comes in gives to the packets of a port. */
export function seenMarks({ ground, program }: Omit<RouterGround, 'marks'>, raw: number): ReadonlyMap<number, Marks> {
  const { store, family } = ground;
  const ask = ({ mark, mac }: Port, source: string, target: string): bigint | undefined =>
    store.at(
      raw,
      new Map([
        [levels.in, ground.link(portName(mark))],
        [levels.mac, macOf(mac)],
        [levels.source, ground.address(source) ?? 0n],
        [levels.target, ground.address(target) ?? 0n],
      ]),
    ).mark;
  return new Map(
    Object.values(program.ports).map((port) => {
      const own = Object.keys(port.addresses).find((address) => ground.address(address) !== undefined);
      return [
        port.mark,
        {
          own: own === undefined ? undefined : ask(port, own, strangers[family]),
          platform: own === undefined || family === 6 ? undefined : ask(port, own, platformAddress),
          foreign: port.forwarding ? ask(port, strangers[family], strangers[family]) : undefined,
        },
      ];
    }),
  );
}

/** What comes in by any link: dropped, or let on with a mark (eval-router.ts, `spoofed`, `answered`, `atEntry`, `fromUplink`). */
export function meantEntry({ ground, program, around, marks }: RouterGround): number {
  const { store } = ground;
  const own = [...program.gateways, ...platformOf(ground)];
  const [toOwn, fromOwn] = [ground.isWithin('target', own), ground.isWithin('source', own)];
  const drop = store.end('drop');
  const labels = Object.values(program.ports).flatMap(({ addresses }) =>
    Object.values(addresses).map(({ label }) => label),
  );
  const fromElsewhere = [store.when(toOwn, drop), store.when(fromOwn, drop)];
  const rows = [
    ['lo', store.end('accept')] as const,
    ...Object.values(program.ports).map(
      (port) => [portName(port.mark), sent(ground, { port, fromOwn }, marks.get(port.mark))] as const,
    ),
    [
      'uplink',
      store.inOrder([...fromElsewhere, store.when(ground.isWithin('target', labels), store.end('accept')), drop]),
    ] as const,
    ['vx', store.inOrder([...fromElsewhere, store.end('accept')])] as const,
    ...around.peers.map((key) => {
      const peer = program.peers[key];
      const isTaken = peer === undefined || peer.forwarded ? store.yes : ground.isWithin('source', peer.prefixes);
      return [
        peerName(key),
        store.inOrder([...fromElsewhere, store.when(isTaken, store.end('accept')), drop]),
      ] as const;
    }),
  ];
  return ground.byLink('in', rows, drop);
}

function sent(ground: Ground, { port, fromOwn }: { port: Port; fromOwn: number }, marks: Marks | undefined): number {
  const { store, family } = ground;
  const drop = store.end('drop');
  const accept = (mark: bigint | undefined) => store.act({ isEnd: true, mark, says: 'accept' });
  const isIts = ground.isOneOf('mac', [macOf(port.mac)]);
  const isOwn = ground.all(isIts, ground.isWithin('source', Object.keys(port.addresses)));
  const probe = ground.isWithin('target', [probeSources[6]]);
  const foreign = [
    store.when(ground.isWithin('source', martians), drop),
    store.when(fromOwn, drop),
    accept(marks?.foreign),
  ];
  return store.inOrder([
    // The answer to a probe: the router's own input takes it.
    ...(family === 6 ? [store.when(ground.all(probe, isOwn), accept(undefined))] : []),
    store.when(ground.isWithin('target', martians), drop),
    store.when(ground.all(isOwn, ground.isWithin('target', platformOf(ground))), accept(marks?.platform)),
    store.when(isOwn, accept(marks?.own)),
    ...(port.forwarding ? [store.when(isIts, store.inOrder(foreign))] : []),
    drop,
  ]);
}

/** The packets that can be where targets are rewritten: each port's with the marks that they are given. */
export function markedPackets({ ground, program, marks }: RouterGround): number {
  const { store } = ground;
  const toPlatform = ground.isWithin('target', platformOf(ground));
  const rows = Object.values(program.ports).map((port) => {
    const { own, platform, foreign } = marks.get(port.mark) ?? {};
    const conditions = [
      [own, store.not(toPlatform)] as const,
      [platform, toPlatform] as const,
      [foreign, store.yes] as const,
    ].flatMap(([mark, condition]) => (mark === undefined ? [] : ground.all(ground.isOneOf('mark', [mark]), condition)));
    return [
      portName(port.mark),
      conditions.reduce((left, right) => store.choose(left, store.yes, right), store.no),
    ] as const;
  });
  return ground.byLink('in', rows, store.yes);
}

/** What becomes of a packet's target before it is routed: the resolver, a balance's member, the address behind a label. */
export function meantTargets(given: RouterGround): number {
  const { ground, program, around, marks } = given;
  const { store } = ground;
  const accept = store.end('accept');
  const labels = Object.values(program.ports).flatMap(({ addresses }) =>
    Object.entries(addresses).map(([address, { label }]) => [label, translationWords('target', address)] as const),
  );
  const { resolver } = around;
  const asks = ground.all(
    ground.isWithin('target', platformOf(ground)),
    ground.isProtocol('tcp', 'udp'),
    ground.isOneOf('targetPort', [53n]),
  );
  const answered =
    resolver === undefined ? store.on : store.when(asks, store.end(translationWords('target', resolver)));
  const ofTable = new Map<string, number>();
  const rows = Object.values(program.ports).map((port) => {
    const balanced = ofTable.get(port.table) ?? balancedFrom(given, port.table);
    ofTable.set(port.table, balanced);
    const foreign = marks.get(port.mark)?.foreign;
    const isForeign = foreign === undefined ? store.no : ground.isOneOf('mark', [foreign]);
    // What is sent on for others has no label, by which the resolver would know who asks.
    return [
      portName(port.mark),
      store.inOrder([store.when(store.not(isForeign), answered), balanced, accept]),
    ] as const;
  });
  return ground.byLink(
    'in',
    [['uplink', store.inOrder([byAddress(ground, 'target', labels), accept])], ...rows],
    accept,
  );
}

function balancedFrom({ ground, program }: RouterGround, key: string): number {
  const { store } = ground;
  const table = Object.hasOwn(program.tables, key) ? program.tables[key] : undefined;
  const frontends = Object.values(program.balances).map(({ frontend }) => frontend);
  const balances = meantBalances(ground, program.balances, (balance) => balanceTargets(balance, table).targets);
  return store.when(ground.isWithin('target', frontends), store.inOrder([balances, store.end('drop')]));
}

/** What becomes of a packet's source as it leaves: the label of the address, for the NIC that owns it alone. */
export function meantSources({ ground, program, marks }: RouterGround): number {
  const { store } = ground;
  const accept = store.end('accept');
  const rows = Object.values(program.ports).flatMap((port) => {
    const labels = Object.entries(port.addresses).map(
      ([address, { label }]) => [address, translationWords('source', label)] as const,
    );
    const { own, platform } = marks.get(port.mark) ?? {};
    const translated = byAddress(ground, 'source', labels);
    return [...new Set([own, platform])].flatMap((mark) =>
      mark === undefined ? [] : [[[mark, mark], translated] as const],
    );
  });
  const left = store.inOrder([store.bySpan(levels.mark, rows, store.on), accept]);
  return ground.byLink('out', [['uplink', left]], accept);
}

/** What a hardware address says of a frame that comes in by the tunnel or from a peer: for whom it is, or that its source is foreign. */
export function meantFrames({ ground, program, around }: Omit<RouterGround, 'marks'>): ReadonlyMap<string, number> {
  const { store } = ground;
  const here = Object.values(program.ports).filter(({ forwarding }) => forwarding);
  const far = Object.values(program.remotes).filter(({ forwarding }) => forwarding);
  const labels = (list: readonly { readonly mark: number }[]) =>
    list.map(({ mark }) => [labelMac(mark), labelledBit | mark] as const);
  const marked = (rows: readonly (readonly [mac: string, mark: number])[]): number => {
    const parts = new Map(rows.map(([mac, mark]) => [macOf(mac), BigInt(mark >>> 0)]));
    const acts = [...parts].map(
      ([mac, mark]) => [[mac, mac], store.act({ isEnd: true, mark, says: 'accept' })] as const,
    );
    return store.bySpan(levels.targetMac, acts, store.end('accept'));
  };
  return new Map([
    ['vx', marked([...labels(here), [tunnelMac(program.host, true), foreignBit]])],
    ...around.peers.map(
      (key) =>
        [peerName(key), marked([...labels([...here, ...far]), [peerMac(program.key, key, true), foreignBit]])] as const,
    ),
  ]);
}
