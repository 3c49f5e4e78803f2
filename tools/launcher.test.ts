/** Tests of the launcher on a made-up clone, without network: what it refuses, what it passes on, and that stdout stays the command's. */

import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { root } from '#tools/sources.ts';

const launcher = readFileSync(join(root, 'ringwall'), 'utf8');
const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';

/** A pin as it stands in the launcher. */
function pin(name: string): string {
  return new RegExp(`^${name}='?([^'\\n]+)'?$`, 'm').exec(launcher)?.[1] ?? '';
}

const nodePackage = `node-linux-${architecture}@${pin('node_version')}`;

/** A clone whose Node only says how it was called. */
function cloneOf(context: TestContext, stamp: string): string {
  const clone = mkdtempSync(join(tmpdir(), 'ringwall-launcher-'));
  context.after(() => rmSync(clone, { recursive: true }));
  copyFileSync(join(root, 'ringwall'), join(clone, 'ringwall'));
  writeFileSync(join(clone, 'package-lock.json'), '{}');
  write(clone, 'node_modules/.ringwall-lock.json', '{}');
  write(clone, 'tools/debian-packages.txt', '# none\n');
  write(clone, '.ringwall/node/bin/node', '#!/bin/sh\nprintf "%s\\n" "$@" "options=${NODE_OPTIONS-none}"\n');
  chmodSync(join(clone, '.ringwall/node/bin/node'), 0o755);
  write(clone, '.ringwall/node/.ringwall-stamp', `${stamp}\n`);
  return clone;
}

function write(clone: string, path: string, text: string): void {
  mkdirSync(dirname(join(clone, path)), { recursive: true });
  writeFileSync(join(clone, path), text);
}

function launch(command: string, argv: readonly string[], environment: Record<string, string> = {}) {
  const env = { PATH: process.env['PATH'] ?? '', ...environment };
  const { status, stdout, stderr } = spawnSync(command, argv, { cwd: '/', env, encoding: 'utf8', timeout: 20_000 });
  return { status, stderr, lines: stdout.split('\n').slice(0, -1) };
}

const verified = `${nodePackage} ${pin(`node_${architecture}`)}`;

test('the command runs under the security flags, whatever the environment says of Node, also through a link', (context) => {
  const clone = cloneOf(context, verified);
  symlinkSync('ringwall', join(clone, 'link'));
  const { status, stderr, lines } = launch(
    join(clone, 'link'),
    ['status', '--no-install', '--json', '--', '--no-install'],
    {
      NODE_OPTIONS: '--import=evil',
    },
  );
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  assert.deepEqual(lines, [
    '--disallow-code-generation-from-strings',
    '--disable-proto=throw',
    '--disable-warning=ExperimentalWarning',
    join(clone, 'src/main/cli.ts'),
    'status',
    '--json',
    '--',
    '--no-install',
    'options=none',
  ]);
});

test('node and test pass through', (context) => {
  const clone = cloneOf(context, verified);
  assert.deepEqual(launch(join(clone, 'ringwall'), ['node', '-e', '1 + 1', '--no-install']).lines, [
    '-e',
    '1 + 1',
    '--no-install',
    'options=none',
  ]);
  const { lines } = launch(join(clone, 'ringwall'), ['test', 'check', '--all', '--no-install']);
  assert.deepEqual(lines.slice(-4), [join(clone, 'test/run/main.ts'), 'check', '--all', 'options=none']);
});

test('[S2.11] a Node that was not verified is not run', (context) => {
  for (const stamp of ['', nodePackage, verified.replace('@', '@0')]) {
    const clone = cloneOf(context, stamp);
    const { status, lines } = launch(join(clone, 'ringwall'), ['status', '--no-install', '--json']);
    assert.equal(status, 3, stamp);
    assert.equal(JSON.parse(lines.at(-1) ?? '').error.code, 'InstallRefused');
  }
});

test('[S2.11] an archive that differs from the pin is not unpacked', (context) => {
  const clone = cloneOf(context, 'unverified');
  write(clone, `.ringwall/${nodePackage.replace('@', '-')}.tgz`, 'not the archive');
  const { status, stderr, lines } = launch(join(clone, 'ringwall'), ['node', '--version']);
  assert.equal(status, 3);
  assert.match(stderr, /sha512 of node-linux-.* not the pinned .*; nothing was unpacked/);
  assert.deepEqual(lines, []);
  assert.equal(existsSync(join(clone, '.ringwall/node.new')), false);
});

test('[S2.11] packages that differ from the lock file are not used', (context) => {
  const clone = cloneOf(context, verified);
  write(clone, 'package-lock.json', '{"lockfileVersion":3}');
  const { status, stderr } = launch(join(clone, 'ringwall'), ['status', '--no-install']);
  assert.equal(status, 3);
  assert.match(stderr, /the locked npm packages are not installed/);
});

test('a missing Debian package is named, and only where it is needed', (context) => {
  const clone = cloneOf(context, verified);
  write(clone, 'tools/debian-packages.txt', 'ringwall-no-such-package lab for a test\n');
  const { status, stderr } = launch(join(clone, 'ringwall'), ['up', '--no-install']);
  assert.equal(status, 3);
  assert.match(stderr, /ringwall-no-such-package|not a Debian system/);
  for (const argv of [['up', '--model'], ['up', '--help'], ['down'], ['status']])
    assert.equal(launch(join(clone, 'ringwall'), [...argv, '--no-install']).status, 0, argv.join(' '));
});

test('the pinned Node satisfies package.json', () => {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  assert.equal(engines.node, `>=${pin('node_version')} <25`);
});
