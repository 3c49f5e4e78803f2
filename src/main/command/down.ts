/** `ringwall down`: stops the processes, removes guests, namespaces, links and the hosts block of one stamp; also after a crash. */

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPlane } from '#adapters/linux/adapter.ts';
import { endSandboxes } from '#adapters/guest/sandbox.ts';
import { unmountCode } from '#main/boot/code-mount.ts';
import { removeHostsBlock } from '#main/boot/hosts-file.ts';
import { placesOf } from '#main/boot/places.ts';
import type { Settings } from '#main/boot/settings.ts';
import type { Supervised } from '#main/boot/places.ts';
import { stopModel } from '#main/command/model-run.ts';
import { print, progress, wantRoot } from '#main/command/options.ts';
import { targetOf, type TargetOptions } from '#main/command/target.ts';

const stopTimeoutMs = 20_000;

/** Removes everything of the stamp from the host, or stops a model. The state directory stays unless `--purge`. */
export async function takeDown(options: TargetOptions & { readonly purge?: boolean }): Promise<void> {
  const { kind, settings } = targetOf(options);
  if (kind === 'model') await stopModel(settings);
  else await takeStampDown(settings);
  if (options.purge === true) rmSync(settings.state, { recursive: true, force: true });
  const what = kind === 'model' ? `The model on ${settings.state}` : `Stamp ${settings.number}`;
  print(options, { state: 'down', stamp: settings.number, model: kind === 'model' }, `${what} is down.`);
}

async function takeStampDown(settings: Settings): Promise<void> {
  wantRoot('ringwall down');
  const places = placesOf(settings);
  progress(`Taking stamp ${settings.number} down.`);
  await stopStamp(settings);
  await endSandboxes({ state: places.guests, number: settings.number });
  const plane = openPlane({ number: settings.number, hosts: settings.hosts, log: progress });
  await plane.down();
  await plane.close();
  unmountCode(places);
  removeHostsBlock(settings.number);
  rmSync(places.run, { recursive: true, force: true });
}

/** Stops the supervisor and, when it is dead, the processes it left; guests and the data plane are not touched. */
export async function stopStamp(settings: Settings): Promise<void> {
  const { supervisor } = placesOf(settings);
  if (!existsSync(supervisor)) return;
  const { pid, children } = JSON.parse(readFileSync(supervisor, 'utf8')) as Supervised;
  if (isOurs(pid, 'ringd.ts')) await stop(pid, 'ringd.ts');
  for (const [name, child] of Object.entries(children)) await stop(child, `${name}.ts`);
  rmSync(supervisor, { force: true });
}

/** Does the stamp's supervisor live? Its processes go on without it, but nobody would start them again. */
export function isSupervised(settings: Settings): boolean {
  const { supervisor } = placesOf(settings);
  if (!existsSync(supervisor)) return false;
  const { pid } = JSON.parse(readFileSync(supervisor, 'utf8')) as Supervised;
  return isOurs(pid, 'ringd.ts');
}

async function stop(pid: number, file: string): Promise<void> {
  if (!isOurs(pid, file)) return;
  process.kill(pid, 'SIGTERM');
  const until = Date.now() + stopTimeoutMs;
  while (isOurs(pid, file)) {
    if (Date.now() > until) process.kill(pid, 'SIGKILL');
    await sleep(20);
  }
}

/** Is the process the one we noted? A pid may have been given to another since. */
function isOurs(pid: number, file: string): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    const state = /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return command.includes(`/main/${file}`) && state !== 'Z';
  } catch {
    return false;
  }
}
