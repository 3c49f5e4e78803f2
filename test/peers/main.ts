/** `npm run peers [-- SUITE…] [--model] [--json] [--list]`: unmodified Azure clients against a stamp of the suite's own. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Fault } from '#base/wrong.ts';
import { openAz, type Az } from '#test/peers/az.ts';
import { runAzSuite, signIn } from '#test/peers/az-run.ts';
import { azChroot, type Release } from '#test/peers/chroot.ts';
import { openReport, type Report } from '#test/peers/report.ts';
import { installSdks } from '#test/peers/sdk/install.ts';
import { runSdk } from '#test/peers/sdk/run.ts';
import { sshKey } from '#test/peers/ssh-key.ts';
import { bringUpStamp, type LongRunning, type Stamp } from '#test/peers/stamp.ts';
import { azSuites, sdkSuites, type SdkSuite } from '#test/peers/suites.ts';
import { policy } from '#test/peers/suites/policy.ts';
import { pollingModes, polling } from '#test/peers/suites/polling.ts';
import type { AzSuite } from '#test/peers/suites/suite.ts';

type Asked = {
  readonly names: readonly string[];
  readonly isModel: boolean;
  readonly asJson: boolean;
  readonly isList: boolean;
};

/** What one stamp is brought up for. */
type Stage = {
  readonly longRunning: LongRunning;
  readonly managementPorts: 'deny' | 'audit';
  readonly az: readonly AzSuite[];
  readonly sdk: readonly SdkSuite[];
};

type Bench = { readonly report: Report; readonly isModel: boolean; readonly folder: string };

/** Runs what was asked and answers the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const asked = parseAsked(argv);
  const stages = choose(asked.names);
  const report = openReport(asked.asJson);
  if (asked.isList) {
    for (const { name, says } of stages.flatMap(({ az, sdk }) => [...az, ...sdk]))
      report.say(`${name.padEnd(18)} ${says}`);
    return 0;
  }
  const isModel = asked.isModel || process.geteuid?.() !== 0;
  const folder = mkdtempSync(join(tmpdir(), 'ringwall-peers-'));
  try {
    for (const stage of stages) await runStage(stage, { report, isModel, folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return report.end();
}

function parseAsked(argv: readonly string[]): Asked {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { model: { type: 'boolean' }, json: { type: 'boolean' }, list: { type: 'boolean' } },
  });
  const { model = false, json = false, list = false } = values;
  return { names: positionals, isModel: model, asJson: json, isList: list };
}

function choose(names: readonly string[]): Stage[] {
  const all: Stage[] = [
    { longRunning: 'auto', managementPorts: 'audit', az: azSuites, sdk: sdkSuites('', false) },
    { longRunning: 'auto', managementPorts: 'deny', az: [policy], sdk: [] },
    ...pollingModes.map((mode) => ({
      longRunning: mode,
      managementPorts: 'audit' as const,
      az: [polling(mode)],
      sdk: sdkSuites(`polling-${mode}-`, true),
    })),
  ];
  const known = all.flatMap(({ az, sdk }) => [...az, ...sdk].map(({ name }) => name));
  const unknown = names.filter((name) => !known.some((suite) => isNamed(suite, name)));
  if (unknown.length > 0)
    throw new RangeError(`No suite is named ${unknown.join(', ')}; there are: ${known.join(', ')}.`);
  const isAsked = ({ name }: { readonly name: string }): boolean =>
    names.length === 0 || names.some((one) => isNamed(name, one));
  return all
    .map(({ az, sdk, ...stage }) => ({ ...stage, az: az.filter(isAsked), sdk: sdk.filter(isAsked) }))
    .filter(({ az, sdk }) => az.length + sdk.length > 0);
}

/** `polling` names all modes, `polling-async` one with its SDKs. */
function isNamed(suite: string, asked: string): boolean {
  return suite === asked || (asked.startsWith('polling') && suite.startsWith(`${asked}-`));
}

async function runStage(stage: Stage, bench: Bench): Promise<void> {
  const { report, isModel } = bench;
  let stamp: Stamp;
  try {
    stamp = await bringUpStamp({ isModel, ...stage, say: report.say });
  } catch (error) {
    const problems = [error instanceof Error ? error.message : String(error)];
    report.tell({
      suite: 'stamp',
      name: `ringwall up, longRunning ${stage.longRunning}`,
      seconds: 0,
      kind: 'failed',
      problems,
    });
    return;
  }
  const down = downOnSignal(stamp);
  try {
    for (const release of ['trixie', 'bookworm'] as const) await runRelease(release, { stage, stamp, bench });
    for (const suite of stage.sdk) await runSdkSuite(suite, { stamp, bench });
  } finally {
    down.forget();
    await takeDown(stamp, { stage, report });
  }
}

/** A stamp that does not go is a failure of its own: what it left is for a person to see. */
async function takeDown(stamp: Stamp, { stage, report }: { stage: Stage; report: Report }): Promise<void> {
  const begun = performance.now();
  const name = `ringwall down, longRunning ${stage.longRunning}`;
  const problems = await stamp.down().then(
    () => [],
    (error: unknown) => [error instanceof Error ? error.message : String(error)],
  );
  const kind = problems.length === 0 ? 'passed' : 'failed';
  report.tell({ suite: 'stamp', name, seconds: (performance.now() - begun) / 1000, kind, problems });
}

/** Ctrl-C takes the stamp down before it ends the run. */
function downOnSignal(stamp: Stamp): { readonly forget: () => void } {
  const end = (): void => {
    void stamp.down().finally(() => process.exit(130));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
  return { forget: () => void (['SIGINT', 'SIGTERM'] as const).forEach((signal) => process.off(signal, end)) };
}

type Place = { readonly stage: Stage; readonly stamp: Stamp; readonly bench: Bench };

async function runRelease(release: Release, { stage, stamp, bench }: Place): Promise<void> {
  const suites = stage.az.filter((suite) => suite.release === release);
  if (suites.length === 0) return;
  const { report } = bench;
  let az: Az;
  try {
    const chroot = await azChroot(release, report.say);
    az = openAz({ chroot, hosts: stamp.hosts, ca: stamp.ca });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    for (const { name, says } of suites)
      report.tell({ suite: name, name: `${name}: ${says}`, seconds: 0, kind: 'skipped', problems: [error.message] });
    return;
  }
  try {
    report.say(`── az ${az.version} (Debian ${release})`);
    if (!(await signIn({ az, stamp, report }))) return;
    for (const suite of suites) await runAzSuite(suite, { az, stamp, report });
  } finally {
    az.close();
  }
}

async function runSdkSuite(suite: SdkSuite, { stamp, bench }: Omit<Place, 'stage'>): Promise<void> {
  const { report, folder } = bench;
  report.say(`── ${suite.name}: ${suite.says}`);
  let packages: string;
  try {
    packages = await installSdks(report.say);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    report.tell({ suite: suite.name, name: suite.name, seconds: 0, kind: 'skipped', problems: [error.message] });
    return;
  }
  const { name, generation, isCoreOnly } = suite;
  await runSdk({ suite: name, generation, isCoreOnly, stamp, packages, folder, sshKey: sshKey(), tell: report.tell });
}

if (import.meta.main) {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    // A wrong name or option is the caller's to mend; anything else shows its stack.
    if (!(error instanceof RangeError) && !(error instanceof TypeError && 'code' in error)) throw error;
    console.error(`peers: ${error.message}`);
    process.exitCode = 2;
  }
}
