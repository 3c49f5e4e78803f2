/** The flow that a command line names: what is read, and what is refused. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { questionOf } from '#main/command/explain.ts';
import { handleIn } from '#main/command/why-handle.ts';

const rows: readonly (readonly [text: string, from: string, to: string, protocol: string, port: number])[] = [
  ['web -> app:443', 'web', 'app', 'tcp', 443],
  [' internet->web:22/tcp ', 'internet', 'web', 'tcp', 22],
  ['web -> app:53/UDP', 'web', 'app', 'udp', 53],
  ['web -> app', 'web', 'app', 'icmp', 0],
  ['web -> app/icmp', 'web', 'app', 'icmp', 0],
  ['web -> [2001:db8::1]:80', 'web', '2001:db8::1', 'tcp', 80],
  ['web -> 2001:db8::1', 'web', '2001:db8::1', 'icmp', 0],
  ['/s/a/b -> /s/c/d:80', '/s/a/b', '/s/c/d', 'tcp', 80],
];

test('a flow is read as two ends, a protocol and a port', () => {
  for (const [text, from, to, protocol, port] of rows)
    assert.deepEqual(questionOf(text), { from, to, protocol, port }, text);
});

test('what is no flow is refused with the form that is wanted', () => {
  for (const text of [
    '',
    'web',
    'web -> ',
    '-> app:1',
    'web -> app:70000',
    'web -> app/tcp',
    'web -> app:1/icmp',
    'web -> a b:1',
  ])
    assert.throws(() => questionOf(text), { code: 'FlowMalformed' }, text);
});

test('a handle is found in its table and chain, and only where a rule has a reason', () => {
  const text = [
    'table inet ringwall { # handle 3',
    '\tchain nsg-in { # handle 7',
    '\t\ttcp dport 22 counter packets 1 bytes 60 return comment "0100/web nsg/guard/web" # handle 19',
    '\t\tcounter drop # handle 20',
    '\t}',
    '}',
    'table ip other { # handle 4',
    '\tchain nat { # handle 1',
    '\t\tcounter drop comment "boundary: is nobody" # handle 19',
    '\t}',
    '}',
  ].join('\n');
  const at = { namespace: 'rw7-v1h1' };
  assert.deepEqual(handleIn(text, { ...at, handle: 19 }), [
    { ...at, table: 'inet ringwall', chain: 'nsg-in', comment: '0100/web nsg/guard/web' },
    { ...at, table: 'ip other', chain: 'nat', comment: 'boundary: is nobody' },
  ]);
  for (const handle of [3, 7, 20, 21]) assert.deepEqual(handleIn(text, { ...at, handle }), []);
});
