/** The conformance suite: replays the official swagger examples of our types and deploys the public templates of the corpus. */

import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { rowOf } from '#faces/arm/catalog.ts';
import { checkCompute } from '#test/conformance/compute.ts';
import { openPlanStamp, planSkipReason, planSpecs, replayPlan } from '#test/conformance/plans.ts';
import { cleanUp, replay, type Place } from '#test/conformance/replay.ts';
import { skipReason } from '#test/conformance/skip.ts';
import { openTestStamp, type TestStamp } from '#test/conformance/stamp.ts';
import { operationsIn, type Operation } from '#test/conformance/swagger.ts';
import { deployTemplate, templatesIn } from '#test/conformance/templates.ts';

const corpus = resolve(process.env['RINGWALL_CORPUS'] ?? join(import.meta.dirname, '../../../shared/corpus'));
const templates = join(corpus, 'arm-templates');
const specs = [
  'network-2018-11-01',
  'compute-2020-06-01',
  'resources-2019-10-01',
  'authorization-2015-07-01',
  'locks-2016-09-01',
  'subscriptions-2016-06-01',
];
/** The whole suite takes seconds, so the quick form leaves out only the list of what is skipped. */
const isQuick = process.argv.includes('--quick');
/** `--only TEXT`: the examples whose operation or name has the text. */
const only = process.argv[process.argv.indexOf('--only') + 1];
const wanted = process.argv.includes('--only') ? only : undefined;

type Tally = { passed: number; failed: number; skipped: number };
const total: Tally = { passed: 0, failed: 0, skipped: 0 };

if (existsSync(corpus)) await run();
else {
  process.stdout.write(`conformance skipped: there is no corpus at ${corpus} (set RINGWALL_CORPUS)\n`);
  total.skipped += 1;
}
process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exitCode = total.failed > 0 ? 1 : 0;

async function run(): Promise<void> {
  const stamp = await openTestStamp('audit');
  let open: ReadonlyMap<string, string> = new Map();
  try {
    await replayAll(stamp);
    await replayPlans(stamp);
    await checkOwn(stamp);
    open = await deployAll(stamp);
  } finally {
    await stamp.close();
  }
  await refuseAll(open);
}

async function replayAll(at: Place): Promise<void> {
  const tallies = new Map<string, Tally>();
  const operations = specs.flatMap((name) =>
    existsSync(join(corpus, 'arm-specs', name)) ? operationsIn(join(corpus, 'arm-specs', name)) : [],
  );
  const cases = operations.flatMap((operation) => operation.examples.map((one) => ({ operation, ...one })));
  const chosen = cases.filter(
    ({ operation, name }) => wanted === undefined || `${operation.operationId} ${name}`.includes(wanted),
  );
  for (const [number, { operation, name, example }] of chosen.entries()) {
    const tally = tallyOf(tallies, typeOf(operation));
    const reason = skipReason(operation, name);
    if (reason !== undefined) {
      tally.skipped += 1;
      total.skipped += 1;
      if (!isQuick) process.stdout.write(`  skipped ${operation.operationId} ${name}: ${reason}\n`);
      continue;
    }
    const failure = await replay(operation, example, { ...at, number });
    await cleanUp(at);
    tally[failure === undefined ? 'passed' : 'failed'] += 1;
    total[failure === undefined ? 'passed' : 'failed'] += 1;
    if (failure !== undefined) process.stdout.write(`  FAILED ${operation.operationId} ${name}: ${failure}\n`);
  }
  for (const [type, { passed, failed, skipped }] of [...tallies].toSorted(([left], [right]) =>
    left < right ? -1 : 1,
  )) {
    process.stdout.write(
      `${type.padEnd(60)} replayed ${passed + failed}, passed ${passed}, failed ${failed}, skipped ${skipped}\n`,
    );
  }
}

/** The operator's providers and sign-up; on the stamp as it is, after all that tenants' examples made of it. */
async function replayPlans({ model, location }: TestStamp): Promise<void> {
  const folders = planSpecs.map((name) => join(corpus, 'arm-specs', name)).filter((folder) => existsSync(folder));
  if (folders.length < planSpecs.length) {
    process.stdout.write(`plans skipped: the corpus lacks some of ${planSpecs.join(', ')}\n`);
    total.skipped += 1;
    return;
  }
  const stamp = await openPlanStamp(model, location);
  const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
  const cases = folders
    .flatMap(operationsIn)
    .flatMap((operation) => operation.examples.map((one) => ({ operation, ...one })));
  for (const [number, { operation, name, example }] of cases.entries()) {
    if (wanted !== undefined && !`${operation.operationId} ${name}`.includes(wanted)) continue;
    const reason = planSkipReason(operation);
    if (reason !== undefined) {
      tally.skipped += 1;
      if (!isQuick) process.stdout.write(`  skipped ${operation.operationId} ${name}: ${reason}\n`);
      continue;
    }
    const failure = await replayPlan(operation, example, { ...stamp, number });
    tally[failure === undefined ? 'passed' : 'failed'] += 1;
    if (failure !== undefined) process.stdout.write(`  FAILED ${operation.operationId} ${name}: ${failure}\n`);
  }
  for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += tally[key];
  const { passed, failed, skipped } = tally;
  process.stdout.write(
    `${'plans, offers, quotas, subscriptions'.padEnd(60)} replayed ${passed + failed}, passed ${passed}, failed ${failed}, skipped ${skipped}\n`,
  );
  stamp.operator.close();
  stamp.user.close();
}

function tallyOf(tallies: Map<string, Tally>, type: string): Tally {
  const tally = tallies.get(type) ?? { passed: 0, failed: 0, skipped: 0 };
  tallies.set(type, tally);
  return tally;
}

/** The type that an operation's path speaks of, as far as the catalog knows it. */
function typeOf({ path, file }: Operation): string {
  const [namespace, ...rest] = (/\/providers\/(Microsoft\.[^{]*?)(?:\/?$|\/\{)(.*)$/.exec(path)?.[0] ?? '')
    .split('/')
    .filter((part) => part !== '' && part !== 'providers');
  const types = rest.filter((part) => !part.startsWith('{'));
  for (let length = types.length; length > 0; length -= 1) {
    const row = rowOf([namespace, ...types.slice(0, length)].join('/'));
    if (row !== undefined) return row.type;
  }
  return namespace === undefined ? basename(dirname(file)) : [namespace, ...types.slice(0, 1)].join('/');
}

async function checkOwn(at: Place): Promise<void> {
  const folder = join(corpus, 'arm-specs', 'compute-2020-06-01');
  if (!existsSync(folder) || wanted !== undefined) return;
  const checked = await checkCompute(operationsIn(folder), at);
  await cleanUp(at);
  for (const { name, failure } of checked) {
    total[failure === undefined ? 'passed' : 'failed'] += 1;
    if (failure !== undefined) process.stdout.write(`  FAILED ${name} (request of our own): ${failure}\n`);
  }
  const passed = checked.filter(({ failure }) => failure === undefined).length;
  process.stdout.write(
    `${'Microsoft.Compute (no examples there: requests of our own)'.padEnd(60)} sent ${checked.length}, passed ${passed}, failed ${checked.length - passed}\n`,
  );
}

function templatesWanted(): readonly string[] {
  return templatesIn(templates).filter((name) => wanted === undefined || name.includes(wanted));
}

/** Where management ports are only watched every template deploys; answers those that open one, each with the packet that shows it. */
async function deployAll(at: TestStamp): Promise<ReadonlyMap<string, string>> {
  const open = new Map<string, string>();
  const names = templatesWanted();
  let passed = 0;
  for (const name of names) {
    const { failure } = await deployTemplate(templates, name, at);
    const found = (await at.findings()).told.find(({ invariant }) => invariant.id === 'baseline/management-ports');
    if (found !== undefined) open.set(name, found.says);
    await cleanUp(at);
    total[failure === undefined ? 'passed' : 'failed'] += 1;
    if (failure === undefined) passed += 1;
    else process.stdout.write(`  FAILED template ${name}: ${failure}\n`);
  }
  process.stdout.write(
    `${'templates'.padEnd(60)} deployed ${names.length}, passed ${passed}, failed ${names.length - passed}\n`,
  );
  return open;
}

/** Where they are refused, exactly the templates that open one are, before anything of them is written. */
async function refuseAll(open: ReadonlyMap<string, string>): Promise<void> {
  const stamp = await openTestStamp('deny');
  try {
    for (const name of templatesWanted()) {
      const { failure } = await deployTemplate(templates, name, stamp);
      await cleanUp(stamp);
      const isRefused = failure?.includes('policy violation') === true;
      const isRight = isRefused === open.has(name) && (isRefused || failure === undefined);
      total[isRight ? 'passed' : 'failed'] += 1;
      if (isRefused) process.stdout.write(`  refused as it should be: ${name}: ${open.get(name) ?? failure}\n`);
      if (!isRight) process.stdout.write(`  FAILED at deny: template ${name}: ${failure ?? 'it was not refused'}\n`);
    }
  } finally {
    await stamp.close();
  }
  process.stdout.write(`${'templates where management ports are refused'.padEnd(60)} ${open.size} refused\n`);
}
