/** Runs suites of az commands: one sign-in that all suites start from, then row by row. */

import type { Az } from '#test/peers/az.ts';
import type { AzContext } from '#test/peers/context.ts';
import type { Report } from '#test/peers/report.ts';
import { filled, type Notebook, type Row } from '#test/peers/row.ts';
import type { Stamp } from '#test/peers/stamp.ts';
import type { AzSuite } from '#test/peers/suites/suite.ts';

type Bench = { readonly az: Az; readonly stamp: Stamp; readonly report: Report };

const signedIn = 'signed-in';
const cloudOnly = 'cloud';

/** Registers the cloud and signs a service principal in; tells and answers no when that fails, for then no row can run. */
export async function signIn({ az, stamp, report }: Bench): Promise<boolean> {
  const begun = performance.now();
  const principal = await stamp.principal(`peers-az-${az.release}`);
  const { zone } = stamp;
  // 2.45 reads a metadata document without suffixes, and takes them and the profile from its options (arm facts §3.1).
  const hybrid = [
    '--suffix-storage-endpoint',
    zone,
    '--suffix-keyvault-dns',
    `.vault.${zone}`,
    '--profile',
    '2020-09-01-hybrid',
  ];
  const register = ['cloud', 'register', '-n', 'ringwall', '--endpoint-resource-manager', stamp.endpoints.management];
  // A secret may begin with a hyphen, which az would take for an option.
  const credential = ['-u', principal.appId, `--password=${principal.secret ?? ''}`, '--tenant', stamp.tenantId];
  const steps: readonly (readonly string[])[] = [
    [...register, ...(az.release === 'bookworm' ? hybrid : [])],
    ['cloud', 'set', '-n', 'ringwall'],
    ['login', '--service-principal', ...credential],
  ];
  for (const [index, argv] of steps.entries()) {
    if (index === 2) az.copyConfiguration(signedIn, cloudOnly);
    const ended = await az.run(argv, { configuration: signedIn });
    if (ended.code === 0) continue;
    const problems = [`az ended with ${ended.code}`];
    const seconds = (performance.now() - begun) / 1000;
    report.tell({
      suite: 'sign-in',
      name: `az ${argv.slice(0, 2).join(' ')}`,
      seconds,
      kind: 'failed',
      problems,
      output: ended.stderr.slice(-3000),
    });
    return false;
  }
  return true;
}

/** Runs all rows of a suite; one that fails does not stop the next. */
export async function runAzSuite(suite: AzSuite, { az, stamp, report }: Bench): Promise<void> {
  report.say(`── ${suite.name}: ${suite.says}`);
  const notebook: Notebook = new Map([
    ['group', `peers-${suite.name}`],
    ['location', stamp.location],
    ['subscription', stamp.subscriptionId],
    ['tenant', stamp.tenantId],
    ['management', stamp.endpoints.management],
  ]);
  for (const [name, text] of Object.entries(suite.files ?? {}))
    notebook.set(`file.${name}`, az.putFile(name, filled(text, notebook)));
  const configuration = `suite-${suite.name}`;
  if (suite.isSignedOut !== true) az.copyConfiguration(signedIn, configuration);
  try {
    await suite.prepare?.(stamp, notebook, az);
  } catch (error) {
    report.tell({
      suite: suite.name,
      name: 'what the rows need',
      seconds: 0,
      kind: 'failed',
      problems: [String(error)],
    });
    return;
  }
  try {
    for (const row of suite.rows)
      await runRow(row, { az, stamp, configuration, notebook }, { suite: suite.name, report });
  } finally {
    await suite.finish?.();
  }
}

async function runRow(
  row: Row<AzContext>,
  context: AzContext,
  { suite, report }: { suite: string; report: Report },
): Promise<void> {
  const begun = performance.now();
  const { problems, output } = await row.attempt(context);
  const seconds = (performance.now() - begun) / 1000;
  const late =
    seconds > row.secondsMax ? [`it took ${seconds.toFixed(1)} s; at most ${row.secondsMax} s are allowed`] : [];
  const all = [...problems, ...late];
  report.tell({
    suite,
    name: row.name,
    seconds,
    kind: all.length > 0 ? 'failed' : 'passed',
    problems: all,
    ...(output === undefined ? {} : { output }),
  });
}
