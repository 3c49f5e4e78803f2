/** Installs the SDKs by their lock file, without scripts, beside the project's own packages and apart from them. */

import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '#base/wrong.ts';
import { runProgram } from '#test/peers/child.ts';
import { root } from '#tools/sources.ts';

const locked = join(root, 'test/peers/packages');
const installed = join(root, '.ringwall/peers');
const installMinutesMax = 10;

/** The `package.json` beside which the packages lie; installed first when the lock file has changed. */
export async function installSdks(say: (line: string) => void): Promise<string> {
  const lock = readFileSync(join(locked, 'package-lock.json'), 'utf8');
  const note = join(installed, 'node_modules/.ringwall-lock.json');
  if (existsSync(note) && readFileSync(note, 'utf8') === lock) return join(installed, 'package.json');
  say('Installing the Azure SDKs for JavaScript, about 170 MB.');
  mkdirSync(installed, { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) copyFileSync(join(locked, name), join(installed, name));
  const argv = [
    join(root, 'ringwall'),
    'npm',
    'ci',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--prefix',
    installed,
  ];
  const ended = await runProgram(argv, { cwd: installed, timeoutMs: installMinutesMax * 60_000 });
  if (ended.code !== 0) throw new Fault('PeersInstallFailed', `npm ci failed: ${ended.stderr.trim().slice(-600)}`);
  writeFileSync(note, lock);
  return join(installed, 'package.json');
}
