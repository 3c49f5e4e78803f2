/** Shows what configuration a program becomes, that unbound's listing of it reads back as the same records, and that nothing but a name gets in. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { Bug, Fault } from '#base/wrong.ts';
import { differenceOf, readRecords } from '#adapters/unbound/read.ts';
import { recordsOf } from '#adapters/unbound/records.ts';
import { renderUnbound } from '#adapters/unbound/render.ts';
import type { ResolverProgram } from '#program/program.ts';
import { parseProgram } from '#program/text.ts';
import { testCases } from '#tools/cases.ts';

testCases(join(import.meta.dirname, 'cases'), (question) => {
  const { program } = parseProgram(`${question}\n`);
  if (program.kind !== 'resolver') throw new Bug('The case is no resolver.');
  return renderUnbound(program, '/run/folder').text;
});

const plain: ResolverProgram = {
  kind: 'resolver',
  address: '10.255.0.53',
  sources: ['100.64.0.0/16'],
  domain: 'internal.example',
  clients: { '100.64.0.1': 'v1' },
  networks: { v1: { names: { app1: ['10.0.0.4', 'fd00::4'] } } },
  publics: { 'www.example': ['198.18.0.40'] },
};

test('the configuration names itself: another program, another identity', () => {
  const [one, two] = [plain, { ...plain, publics: {} }].map((program) => renderUnbound(program, '/f'));
  assert.notEqual(one?.identity, two?.identity);
  assert.equal(renderUnbound({ ...plain }, '/f').identity, one?.identity);
  assert.ok(one?.text.includes(`  identity: "${one.identity}"\n`));
});

// As unbound 1.17 lists them.
const shared = `localhost.	10800	IN	A	127.0.0.1

10.in-addr.arpa.	10800	IN	SOA	localhost. nobody.invalid. 1 3600 1200 604800 10800

1.0.0.127.in-addr.arpa.	10800	IN	PTR	localhost.

www.example.	10	IN	A	198.18.0.40

`;
const view = `app1.	10	IN	A	10.0.0.4
app1.	10	IN	AAAA	fd00::4
app1.internal.example.	10	IN	A	10.0.0.4
app1.internal.example.	10	IN	AAAA	fd00::4
4.0.0.10.in-addr.arpa.	10	IN	PTR	app1.internal.example.
4.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa.	10	IN	PTR	app1.internal.example.
`;

test('what unbound lists is compared with what was wanted, record by record', () => {
  const wanted = recordsOf(plain);
  const actual = (sharedText: string, viewText: string) => ({
    shared: readRecords(sharedText),
    views: new Map([['v1', readRecords(viewText)]]),
  });
  assert.equal(differenceOf(wanted, actual(shared, view)), undefined);
  const rows: [string, string, string][] = [
    ['', view, '"www.example. A 198.18.0.40" is missing'],
    [shared, view.replace('10.0.0.4\n', '10.0.0.9\n'), '"app1. A 10.0.0.4" is missing in the view v1'],
    [shared, `${view}db.\t10\tIN\tA\t10.0.0.8\n`, '"db. A 10.0.0.8" is not wanted in the view v1'],
    [shared.replace('www', 'ww'), view, '"www.example. A 198.18.0.40" is missing'],
    [shared, 'no view with name: v1\n', '"app1. A 10.0.0.4" is missing in the view v1'],
  ];
  for (const [left, right, says] of rows) assert.equal(differenceOf(wanted, actual(left, right)), says);
});

/** One place of the program changed to a text. */
const places: readonly ((text: string) => ResolverProgram)[] = [
  (text) => ({ ...plain, address: text }),
  (text) => ({ ...plain, sources: [text] }),
  (text) => ({ ...plain, domain: text }),
  (text) => ({ ...plain, clients: { [text]: 'v1' } }),
  (text) => ({ ...plain, clients: { '100.64.0.1': text } }),
  (text) => ({ ...plain, networks: { [text]: { names: {} } } }),
  (text) => ({ ...plain, networks: { v1: { names: { [text]: ['10.0.0.4'] } } } }),
  (text) => ({ ...plain, networks: { v1: { names: { app1: [text] } } } }),
  (text) => ({ ...plain, publics: { [text]: ['10.0.0.4'] } }),
  (text) => ({ ...plain, publics: { 'www.example': [text] } }),
];

// What would be another statement, another record, or no name at all.
const rows = [
  'a"\n  local-data: "b. A 10.0.0.1',
  'a b',
  'a\tb',
  'a\\032b',
  '*',
  '.',
  '',
  '-a',
  'a-',
  'A',
  'é',
  '_a',
  'x'.repeat(64),
  "a'",
  'a#b',
  '${x}',
  'include: /etc/passwd',
];

test('what is no name, key, address or prefix is refused wherever it stands', () => {
  for (const make of places)
    for (const text of rows)
      assert.throws(
        () => renderUnbound(make(text), '/f'),
        (error) => error instanceof Fault && error.code === 'ResolverProgramWrong',
        JSON.stringify(text),
      );
});

test('whatever text stands anywhere, the configuration has the statements of ours and no others', () => {
  const line =
    /^(server:|view:|remote-control:| {2}[a-z0-9-]+: ("[^"\\]*"|[a-z0-9:./_]+|\d+\.\d+\.\d+\.\d+(\/\d+)? [a-z0-9_]+|"\." static|"[a-z0-9.-]+" static))$/;
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string(),
    fc.ipV4(),
    fc.ipV6(),
    fc.domain(),
    fc.constantFrom('v1', ...rows),
  );
  fc.assert(
    fc.property(fc.constantFrom(...places), text, (make, given) => {
      let rendered: string;
      try {
        rendered = renderUnbound(make(given), '/f').text;
      } catch (error) {
        assert.ok(error instanceof Fault);
        return;
      }
      for (const one of rendered.trimEnd().split('\n')) assert.match(one, line);
    }),
    { numRuns: 200 },
  );
});
