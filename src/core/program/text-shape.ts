/** The shapes of all kinds of program in their text form: which word introduces which member. */

import type { Program } from '#program/program.ts';
import {
  flagShape,
  hopShape,
  listShape,
  matchShape,
  numberShape,
  rangeShape,
  rangesShape,
  type Shape,
  textShape,
  wordShape,
} from '#program/text-token.ts';

/** A single value: its member's name, the word before it (none when positional), its shape. */
type Value = { readonly name: string; readonly word: string; readonly shape: Shape };

/** A map of records: one line each, `<word> <key> …`. `inside`: the map is the only member of this member of the record. */
type MapOf = {
  readonly name: string;
  readonly word: string;
  readonly record: Layout;
  readonly inside?: string;
  /** The member is absent when the map is empty. */
  readonly isOptional?: boolean;
};

/** A record. `inline`: its values stand on one line after the key. `bare`: the member is the value itself, no record. */
export type Layout = {
  readonly inline: boolean;
  readonly bare?: Shape;
  readonly values: readonly Value[];
  readonly maps: readonly MapOf[];
};

function value(name: string, shape: Shape = textShape, word = name): Value {
  return { name, word, shape };
}

function map(name: string, word: string, record: Layout): MapOf {
  return { name, word, record };
}

function line(...values: Value[]): Layout {
  return { inline: true, values, maps: [] };
}

function bare(shape: Shape): Layout {
  return { inline: true, bare: shape, values: [], maps: [] };
}

const protocolShape = wordShape(['any', 'tcp', 'udp', 'icmp', 'esp', 'ah']);

const rule = line(
  value('access', wordShape(['allow', 'deny']), ''),
  value('protocol', protocolShape, ''),
  value('source', matchShape, 'from'),
  value('sourcePorts', rangesShape, 'ports'),
  value('target', matchShape, 'to'),
  value('targetPorts', rangesShape, 'ports'),
  value('because'),
);

const filter: Layout = { inline: false, values: [], maps: [map('rules', 'rule', rule)] };

const idle = value('idleMinutes', numberShape, 'idle');

const balance: Layout = {
  inline: true,
  values: [
    value('protocol', wordShape(['tcp', 'udp', 'any']), ''),
    value('frontend', textShape, 'at'),
    value('port', numberShape),
    value('targetPort', numberShape, 'to-port'),
    value('spread', wordShape(['flow', 'source', 'sourceProtocol'])),
    idle,
    value('because'),
  ],
  maps: [map('targets', 'target', line(value('mark', numberShape)))],
};

const port: Layout = {
  inline: true,
  values: [
    value('mark', numberShape),
    value('mac'),
    value('mtu', numberShape),
    value('forwarding', flagShape),
    value('table'),
    value('outbound', listShape),
    value('inbound', listShape),
    value('nic'),
  ],
  maps: [map('addresses', 'address', line(value('label')))],
};

const peer: Layout = {
  inline: true,
  values: [value('vnet'), value('prefixes', listShape), value('forwarded', flagShape)],
  maps: [map('addresses', 'address', line(value('mark', numberShape), value('forwarding', flagShape)))],
};

/** The rules of a filter that is the only one of its program. */
const onlyFilter: MapOf = { ...map('rules', 'rule', rule), inside: 'filter' };

const router: Layout = {
  inline: false,
  values: [
    value('host'),
    value('vnet'),
    value('key'),
    value('vni', numberShape),
    value('space', listShape),
    value('gateways', listShape),
  ],
  maps: [
    map('ports', 'port', port),
    map(
      'remotes',
      'remote',
      line(value('host'), value('mac'), value('mark', numberShape), value('forwarding', flagShape)),
    ),
    map('peers', 'peer', peer),
    map('tables', 'table', {
      inline: false,
      values: [],
      maps: [
        map('routes', 'route', line(value('prefix', textShape, ''), value('hop', hopShape, 'to'), value('because'))),
      ],
    }),
    map('filters', 'filter', filter),
    map('sets', 'set', bare(listShape)),
    map('balances', 'balance', balance),
    {
      ...map(
        'openings',
        'opening',
        line(
          value('protocol', wordShape(['tcp', 'udp']), ''),
          value('source', textShape, 'from'),
          value('address', textShape, 'to'),
          value('port', numberShape),
          value('mark', numberShape),
          value('until', numberShape),
          value('because'),
        ),
      ),
      isOptional: true,
    },
    { ...map('flowLogs', 'flow-log', line(value('ports', listShape))), isOptional: true },
    {
      ...map(
        'budgets',
        'budget',
        line(
          value('newPerSecond', numberShape, 'new'),
          value('mailPerMinute', numberShape, 'mail'),
          value('targetsPerMinute', numberShape, 'targets'),
          value('packetsPerSecond', numberShape, 'packets'),
          value('forgedPerMinute', numberShape, 'forged'),
        ),
      ),
      isOptional: true,
    },
    { ...map('spenders', 'spender', bare(textShape)), isOptional: true },
    { ...map('holds', 'hold', line(value('connections', numberShape), value('because'))), isOptional: true },
  ],
};

const edge: Layout = {
  inline: false,
  values: [
    ...['bogons', 'pool', 'labels', 'internet', 'operator'].map((name) => value(name, listShape)),
    value('operatorSource', textShape, 'operator-source'),
  ],
  maps: [
    map('publics', 'public', line(value('label'), value('mark', numberShape), idle, value('because'))),
    map('ones', 'one', line(value('address', textShape, 'to'), idle, value('because'))),
    map(
      'blocks',
      'block',
      line(
        value('address', textShape, 'to'),
        value('ports', rangeShape),
        value('mark', numberShape),
        idle,
        value('because'),
      ),
    ),
    map('balances', 'balance', balance),
    map(
      'published',
      'published',
      line(
        value('protocol', wordShape(['tcp', 'udp']), ''),
        value('address', textShape, 'at'),
        value('port', numberShape),
        value('target', textShape, 'to'),
        value('targetPort', numberShape, 'to-port'),
        value('sources', listShape, 'from'),
        value('because'),
      ),
    ),
    {
      ...map(
        'shares',
        'share',
        line(
          value('connections', numberShape),
          value('newPerSecond', numberShape, 'new'),
          value('packetsPerSecond', numberShape, 'packets'),
          value('megabitsPerSecond', numberShape, 'megabits'),
          value('because'),
        ),
      ),
      isOptional: true,
    },
    { ...map('sharers', 'sharer', bare(textShape)), isOptional: true },
  ],
};

/** The text form of each kind of program. */
export const shapes: { readonly [kind in Program['kind']]: Layout } = {
  router,
  edge,
  switch: { inline: false, values: [], maps: [map('routes', 'route', bare(textShape)), onlyFilter] },
  host: {
    inline: false,
    values: [value('host'), value('underlay')],
    maps: [map('others', 'other', bare(textShape)), map('routes', 'route', bare(textShape))],
  },
  infra: { inline: false, values: [value('addresses', listShape)], maps: [onlyFilter] },
  resolver: {
    inline: false,
    values: [value('address'), value('sources', listShape), value('domain')],
    maps: [
      map('clients', 'client', bare(textShape)),
      map('networks', 'network', { inline: false, values: [], maps: [map('names', 'name', bare(listShape))] }),
      map('publics', 'public', bare(listShape)),
    ],
  },
};
