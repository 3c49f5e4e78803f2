/** Shows that a program's text form parses back to the same program, whatever its names, and that anything else is refused with its line. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { deepFreeze } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { parseProgram, parsePrograms, printProgram, printPrograms } from '#program/text.ts';
import type { AddressMatch, Filter, Program, Rule } from '#program/program.ts';

const text = fc.oneof(
  fc.string(),
  fc.constantFrom(
    '-',
    'any',
    '',
    ' ',
    '"',
    '\\',
    ',',
    '@x',
    'a b',
    'a,b',
    'a"b',
    '\n',
    '\ud800',
    'naïve',
    'yes',
    'peer=x',
    '10.0.0.0/8',
  ),
);
const name = text.filter((key) => key !== '__proto__');
const mapOf = <T>(value: fc.Arbitrary<T>) => fc.dictionary(name, value, { maxKeys: 3, noNullPrototype: true });
const record = <T>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(shape, { noNullPrototype: true });
const number = fc.nat({ max: 100_000 });
const texts = fc.array(text, { maxLength: 3 });
const ranges = fc.array(fc.tuple(fc.nat({ max: 65_535 }), fc.nat({ max: 65_535 })), { maxLength: 3 });
const match: fc.Arbitrary<AddressMatch> = fc.oneof(
  fc.constant('any' as const),
  record({ prefixes: texts, sets: texts }),
);
const protocol = fc.constantFrom('any', 'tcp', 'udp', 'icmp', 'esp', 'ah');
const rule = record({
  access: fc.constantFrom('allow', 'deny'),
  protocol,
  source: match,
  target: match,
  sourcePorts: ranges,
  targetPorts: ranges,
  because: text,
}) as fc.Arbitrary<Rule>;
const filter: fc.Arbitrary<Filter> = record({ rules: mapOf(rule) });
const hop = fc.oneof(
  fc.constantFrom({ kind: 'local' }, { kind: 'internet' }, { kind: 'none' }),
  record({ kind: fc.constant('peer'), vnet: text }),
  record({ kind: fc.constant('appliance'), address: text }),
);
const balance = record({
  frontend: text,
  protocol: fc.constantFrom('tcp', 'udp', 'any'),
  port: number,
  targetPort: number,
  spread: fc.constantFrom('flow', 'source', 'sourceProtocol'),
  idleMinutes: number,
  targets: mapOf(record({ mark: number })),
  because: text,
});
const addressed = mapOf(record({ mark: number, forwarding: fc.boolean() }));
const router = record({
  kind: fc.constant('router'),
  host: text,
  vnet: text,
  key: text,
  vni: number,
  space: texts,
  gateways: texts,
  ports: mapOf(
    record({
      nic: text,
      mark: number,
      mac: text,
      mtu: number,
      addresses: mapOf(record({ label: text })),
      forwarding: fc.boolean(),
      table: text,
      outbound: texts,
      inbound: texts,
    }),
  ),
  remotes: mapOf(record({ host: text, mac: text, mark: number, forwarding: fc.boolean() })),
  peers: mapOf(record({ vnet: text, prefixes: texts, forwarded: fc.boolean(), addresses: addressed })),
  tables: mapOf(record({ routes: mapOf(record({ prefix: text, hop, because: text })) })),
  filters: mapOf(filter),
  sets: mapOf(texts),
  balances: mapOf(balance),
});
const opening = record({
  mark: number,
  address: text,
  protocol: fc.constantFrom('tcp', 'udp'),
  port: number,
  source: text,
  until: fc.nat({ max: 10_000_000_000_000 }),
  because: text,
});
const openRouter = fc
  .tuple(router, fc.dictionary(name, opening, { minKeys: 1, maxKeys: 3, noNullPrototype: true }))
  .map(([given, openings]) => ({ ...given, openings }));
const edge = record({
  kind: fc.constant('edge'),
  bogons: texts,
  pool: texts,
  labels: texts,
  internet: texts,
  operator: texts,
  operatorSource: text,
  publics: mapOf(record({ label: text, mark: number, idleMinutes: number, because: text })),
  ones: mapOf(record({ address: text, idleMinutes: number, because: text })),
  blocks: mapOf(
    record({
      address: text,
      ports: fc.tuple(
        number.filter((n) => n < 65_536),
        fc.nat({ max: 65_535 }),
      ),
      mark: number,
      idleMinutes: number,
      because: text,
    }),
  ),
  balances: mapOf(balance),
  published: mapOf(
    record({
      address: text,
      protocol: fc.constantFrom('tcp', 'udp'),
      port: number,
      target: text,
      targetPort: number,
      sources: texts,
      because: text,
    }),
  ),
});
const others = fc.oneof(
  record({ kind: fc.constant('switch'), filter, routes: mapOf(text) }),
  record({ kind: fc.constant('host'), host: text, underlay: text, others: mapOf(text), routes: mapOf(text) }),
  record({ kind: fc.constant('infra'), addresses: texts, filter }),
  record({
    kind: fc.constant('resolver'),
    address: text,
    sources: texts,
    domain: text,
    clients: mapOf(text),
    networks: mapOf(record({ names: mapOf(texts) })),
    publics: mapOf(texts),
  }),
);
const program = fc.oneof(router, openRouter, edge, others) as unknown as fc.Arbitrary<Program>;

test('every program prints to lines and parses back to the same program', () => {
  fc.assert(
    fc.property(text, program, (point, given) => {
      const printed = printProgram(point, given);
      assert.deepEqual(parseProgram(printed), { point, program: given });
      assert.equal(printProgram(point, parseProgram(printed).program), printed);
    }),
    { numRuns: 300 },
  );
});

test('all programs print sorted by point and parse back together', () => {
  fc.assert(
    fc.property(fc.dictionary(name, program, { maxKeys: 3, noNullPrototype: true }), (programs) => {
      assert.deepEqual(parsePrograms(printPrograms(programs)), programs);
    }),
    { numRuns: 60 },
  );
});

const host = 'host host/h1\n  host h1\n  underlay 10.254.0.1\n  other h2 10.254.0.2\n  route 100.64.0.1 router/v1/h1\n';

test('the text says one fact a line', () => {
  const { point, program: parsed } = parseProgram(host);
  assert.deepEqual(
    [point, parsed],
    [
      'host/h1',
      {
        kind: 'host',
        host: 'h1',
        underlay: '10.254.0.1',
        others: { h2: '10.254.0.2' },
        routes: { '100.64.0.1': 'router/v1/h1' },
      },
    ],
  );
  assert.equal(printProgram(point, deepFreeze(parsed)), host);
});

// The text, and the line that is to blame.
const refusedRows: [string, number][] = [
  ['', 1],
  ['guest g1\n', 1],
  ['host\n', 1],
  ['host a b\n', 1],
  ['  host a\n', 1],
  [host.replace('  underlay 10.254.0.1\n', ''), 3],
  [host.replace('underlay', 'overlay'), 3],
  [host.replace('other h2 10.254.0.2', 'other h2'), 4],
  [host.replace('other h2 10.254.0.2', 'other h2 a b'), 4],
  [host.replace('other h2', 'other "h2'), 4],
  [host.replace('  other', '   other'), 4],
  [`${host}  route 100.64.0.1 router/v1/h2\n`, 6],
  [`${host}  other h3 10.254.0.3\n`, 6],
  [`${host}  route __proto__ x\n`, 6],
  ['infra infra\n  addresses -\n  rule a allow tcp from any ports any to any ports 1-x because b\n', 3],
  ['infra infra\n  addresses -\n  rule a permit tcp from any ports any to any ports 1 because b\n', 3],
  ['infra infra\n  addresses -\n  rule a allow tcp to any ports any from any ports 1 because b\n', 3],
  ['infra infra\n  addresses -\n  rule a allow tcp from any ports any to any ports 1 because b c\n', 3],
];

test('what is no program is refused with its line', () => {
  for (const [given, line] of refusedRows) {
    assert.throws(
      () => parseProgram(given),
      (error) => error instanceof Refusal && error.code === 'InvalidProgramText' && error.target === `line ${line}`,
      given,
    );
  }
});
