/** The model that runs on a state directory: what it reported when it was ready, and how it is stopped. */

import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '#base/json.ts';
import type { Settings } from '#main/boot/settings.ts';
import type { FlowRow } from '#main/command/flows.ts';

/** What a model that is ready tells, and leaves in its state directory while it runs. */
export type Report = {
  readonly state: 'ready';
  readonly enforcing: false;
  readonly notice: string;
  readonly pid: number;
  readonly endpoints: JsonObject;
  readonly ca: string;
  readonly login: { readonly user: string; readonly passwordFile: string; readonly commands: readonly string[] };
  readonly flows: readonly FlowRow[];
  readonly mismatches: number;
  readonly [more: string]: unknown;
};

const stopTimeoutMs = 10_000;

function reportFile({ state }: Pick<Settings, 'state'>): string {
  return join(state, 'model.json');
}

/** Whole or not at all: whoever waits for the file reads it at once. */
export function writeReport(settings: Pick<Settings, 'state'>, report: Report): void {
  const file = reportFile(settings);
  writeFileSync(`${file}.new`, JSON.stringify(report), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

export function removeReport(settings: Pick<Settings, 'state'>): void {
  rmSync(reportFile(settings), { force: true });
}

/** The report of a model that runs; one that a crash left behind counts as none. */
export function readReport(settings: Pick<Settings, 'state'>): Report | undefined {
  const file = reportFile(settings);
  if (!existsSync(file)) return undefined;
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  return isModel(report.pid) ? report : undefined;
}

/** Stops the model that runs on the state, if one does, and takes away what a crash left. */
export async function stopModel(settings: Pick<Settings, 'state'>): Promise<void> {
  const running = readReport(settings);
  if (running !== undefined) {
    process.kill(running.pid, 'SIGTERM');
    for (const until = Date.now() + stopTimeoutMs; isModel(running.pid); await sleep(20)) {
      if (Date.now() > until) process.kill(running.pid, 'SIGKILL');
    }
  }
  removeReport(settings);
}

/** A pid may have been given to another process since. */
function isModel(pid: number): boolean {
  try {
    const isOurs = readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--model');
    return isOurs && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
