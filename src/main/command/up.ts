/** `ringwall up`: prepares the state, starts the supervisor, waits until the stamp answers, deploys and tries a lab, and tells how to log in. */

import { spawn } from 'node:child_process';
import { closeSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '#base/json.ts';
import { Fault } from '#base/wrong.ts';
import { publishedEndpoints } from '#model/infra.ts';
import { codePath, mountCode } from '#main/boot/code-mount.ts';
import { prepare, type Prepared } from '#main/boot/init.ts';
import { openLog } from '#main/boot/log-file.ts';
import { memoryEnvironment, smallFlags } from '#main/boot/node-flags.ts';
import { placesOf } from '#main/boot/places.ts';
import { writeHostsBlock } from '#main/boot/hosts-file.ts';
import { stampFacts, type Settings } from '#main/boot/settings.ts';
import type { StampFacts } from '#model/resource.ts';
import { isSupervised, stopStamp, takeDown } from '#main/command/down.ts';
import { runLab, type FlowRow } from '#main/command/lab.ts';
import { refuseOther } from '#main/command/target.ts';
import { print, progress, settingsOf, wantRoot, withStamp, type StampOptions } from '#main/command/options.ts';

export type UpOptions = StampOptions & { readonly lab?: string; readonly detach?: boolean };

const readyTimeoutMs = 90_000;

/** Brings a stamp up; with a lab, deploys it through ARM and tries its flows. Without `--detach` it stays until interrupted. */
export async function bringUp(options: UpOptions): Promise<void> {
  wantRoot('ringwall up');
  const settings = settingsOf(options);
  refuseOther(settings, 'stamp');
  const started = performance.now();
  const prepared = await prepare(settings, { owned: true });
  if (await isRunning(settings)) progress(`Stamp ${settings.number} runs already.`);
  else await startStamp(settings, prepared);
  const status = await withStamp(settings, (link) => link.call<JsonObject>('status', []));
  progress(`The stamp is ready after ${seconds(started)} s.`);
  const flows = options.lab === undefined ? [] : await runLab(options.lab, settings, progress);
  const mismatches = flows.filter((flow) => flow.seen !== flow.expected).length;
  const result = { ...report(status, settings, prepared), flows, mismatches, seconds: Number(seconds(started)) };
  if (options.detach !== true) progress('Press Ctrl-C to take the stamp down.');
  print(options, result, describe(result, flows));
  if (mismatches > 0) process.exitCode = 1;
  if (options.detach !== true) await untilInterrupted(() => takeDown(options));
}

async function isRunning(settings: Settings): Promise<boolean> {
  if (!isSupervised(settings)) return false;
  try {
    await withStamp(settings, (link) => link.call('status', [], 3000));
    return true;
  } catch {
    return false;
  }
}

/** Starts the supervisor in a session of its own, so that it outlives this command. What an earlier crash left is stopped first. */
async function startStamp(settings: Settings, prepared: Prepared): Promise<void> {
  const places = placesOf(settings);
  await stopStamp(settings);
  writeHostsBlock(
    settings.number,
    hostsLines(settings, stampFacts(settings, { tenantId: prepared.tenantId, enforcing: true })),
  );
  const out = openLog(join(places.logs, 'ringd.log'));
  mountCode(places);
  const file = join(places.code, 'src', 'main', 'ringd.ts');
  const ringd = spawn(codePath(places, process.execPath), [...smallFlags, file], {
    detached: true,
    stdio: ['pipe', out, out],
    cwd: '/',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...memoryEnvironment },
  });
  closeSync(out);
  ringd.stdin?.end(JSON.stringify({ boots: prepared.boots }));
  let gone: string | undefined;
  ringd.once('exit', (code) => {
    gone = `the supervisor ended with code ${code}`;
  });
  progress('Starting the stamp: fabric, prover, data plane, guests, control plane.');
  const until = Date.now() + readyTimeoutMs;
  // A socket file may be left from an earlier life: only an answer tells.
  while (!(await isRunning(settings))) {
    if (gone !== undefined || Date.now() > until)
      throw new Fault('StampStartFailed', startFailure(places.logs, gone ?? 'it took too long'));
    await sleep(30);
  }
  ringd.unref();
}

function startFailure(logs: string, says: string): string {
  const lines = ['ringd', 'proofd', 'netd', 'guestd', 'edged', 'stampd'].flatMap((name) => {
    const path = join(logs, `${name}.log`);
    const last = existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n').at(-1) : undefined;
    return last === undefined ? [] : [`${name}: ${last.slice(0, 600)}`];
  });
  return `The stamp did not start: ${says}.\n${lines.join('\n')}`;
}

function hostsLines(settings: Settings, facts: StampFacts): string[] {
  return publishedEndpoints(facts).map(({ name, address }) => `${address} ${name}.${settings.zone}`);
}

/** What `--json` prints and others rely on. */
function report(status: JsonObject, settings: Settings, prepared: Prepared) {
  const { places } = prepared;
  const first = JSON.parse(readFileSync(places.firstCredential, 'utf8')) as { user: string };
  return {
    state: 'ready',
    enforcing: status['enforcing'] === true,
    stamp: settings.number,
    endpoints: status['endpoints'],
    ca: places.certificateAuthority,
    location: settings.location,
    tenantId: prepared.tenantId,
    subscriptionId: prepared.subscriptionId,
    providerSubscriptionId: prepared.providerSubscriptionId,
    login: {
      user: first.user,
      passwordFile: places.firstCredential,
      commands: loginCommands(status, { ca: places.certificateAuthority, user: first.user, tenant: prepared.tenantId }),
    },
  };
}

function loginCommands(
  status: JsonObject,
  { ca, user, tenant }: { ca: string; user: string; tenant: string },
): string[] {
  const management = (status['endpoints'] as { management: string }).management;
  return [
    `export REQUESTS_CA_BUNDLE=${ca}`,
    `az cloud register -n ringwall --endpoint-resource-manager ${management}`,
    'az cloud set -n ringwall',
    `az login -u ${user} --tenant ${tenant}`,
  ];
}

function describe(result: ReturnType<typeof report>, flows: readonly FlowRow[]): string {
  // A person at a terminal sees the password; a log that takes this output does not get it.
  const { passwordFile } = result.login;
  const first = process.stdout.isTTY ? `is ${firstPassword(passwordFile)}` : `lies in ${passwordFile}`;
  const rows = flows.map(
    (flow) =>
      `  ${flow.seen === flow.expected ? 'ok  ' : 'FAIL'} ${flow.from} → ${flow.to}: expected ${flow.expected}, seen ${flow.seen} — ${flow.because}`,
  );
  return [
    `Ringwall stamp ${result.stamp} is ${result.state}; ${result.enforcing ? 'the kernel enforces' : 'NOTHING IS ENFORCED'}.`,
    ...Object.entries(result.endpoints as JsonObject).map(([name, url]) => `  ${name}: ${String(url)}`),
    'Log in:',
    ...result.login.commands.map((command) => `  ${command}`),
    `The first password ${first}; a browser sign-in asks for another. For programs: "ringwall principal NAME".`,
    ...(rows.length === 0 ? [] : ['Flows tried with real packets:', ...rows]),
  ].join('\n');
}

function firstPassword(file: string): string {
  return (JSON.parse(readFileSync(file, 'utf8')) as { password: string }).password;
}

function seconds(started: number): string {
  return ((performance.now() - started) / 1000).toFixed(1);
}

/** Waits for Ctrl-C or SIGTERM, then runs `work`. */
export async function untilInterrupted(work: () => Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => {
    const stay = setInterval(() => undefined, 60_000);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        clearInterval(stay);
        resolve();
      });
    }
  });
  await work();
}
