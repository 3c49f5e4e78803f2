/** `ringwall up --model`: the control plane without root for laptops and CI of templates; flows are judged by the oracle, not by packets. */

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isObject, type Json, type JsonObject } from '#base/json.ts';
import { Secret } from '#base/secret.ts';
import { Fault, Refusal, type Detail } from '#base/wrong.ts';
import type { Fate, Origin } from '#program/packet.ts';
import { commonFlags } from '#main/boot/node-flags.ts';
import { makeModelState, notice, startModel, type ModelStamp } from '#main/boot/model.ts';
import { placesOf } from '#main/boot/places.ts';
import { closeLoaders } from '#main/boot/process.ts';
import type { Settings } from '#main/boot/settings.ts';
import { ArmClient } from '#main/command/arm-client.ts';
import { outsideAddresses, type FlowRow, type LabFlow } from '#main/command/flows.ts';
import { labParameters, readLab, type Lab } from '#main/command/lab.ts';
import { readReport, removeReport, writeReport, type Report } from '#main/command/model-run.ts';
import { print, progress } from '#main/command/options.ts';
import { targetOf } from '#main/command/target.ts';
import { untilInterrupted, type UpOptions } from '#main/command/up.ts';

const readyTimeoutMs = 60_000;
/** How long the oracle is asked anew while load balancers learn of their members. */
const healthyWaitMs = 5000;

/** Brings a model up. Without `--detach` it serves until interrupted. */
export async function bringUpModel(options: UpOptions): Promise<void> {
  const started = performance.now();
  const { settings } = targetOf({ ...options, model: true });
  makeModelState(settings.state);
  const running = readReport(settings);
  if (running !== undefined) {
    const says = `A model runs already on ${settings.state} (process ${running.pid}). Stop it with "ringwall down --model", or name another --state.`;
    throw new Refusal('ModelRunning', says, { target: '--state' });
  }
  if (options.detach === true) return await detach(options, settings);
  closeLoaders();
  const model = await startModel({ settings });
  try {
    progress(notice);
    progress(`The model is ready after ${seconds(started)} s.`);
    const flows = options.lab === undefined ? [] : await runLab(readLab(options.lab), settings, model);
    const report = reportOf(model, settings, { flows, seconds: Number(seconds(started)) });
    writeReport(settings, report);
    progress('Press Ctrl-C to stop the model.');
    print(options, report, describe(report));
    if (report.mismatches > 0) process.exitCode = 1;
    await untilInterrupted(() => Promise.resolve());
  } finally {
    removeReport(settings);
    await model.close();
  }
  process.exit();
}

/** Starts this command again in a session of its own and waits for its report. */
async function detach(options: UpOptions, settings: Settings): Promise<void> {
  const { logs } = placesOf(settings);
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  const log = join(logs, 'up-model.log');
  const out = openSync(log, 'w', 0o600);
  const argv = [
    ...commonFlags,
    join(dirname(import.meta.dirname), 'cli.ts'),
    'up',
    '--model',
    '--json',
    '--stamp',
    String(options.stamp),
    '--state',
    settings.state,
  ];
  if (options.lab !== undefined) argv.push('--lab', options.lab);
  if (options.settings !== undefined) argv.push('--settings', options.settings);
  const child = spawn(process.execPath, argv, { detached: true, stdio: ['ignore', out, out] });
  closeSync(out);
  let gone: string | undefined;
  child.once('exit', (code, signal) => {
    gone = `it ended with ${signal ?? `code ${code}`}`;
  });
  child.once('error', (error) => {
    gone = error.message;
  });
  const until = Date.now() + readyTimeoutMs;
  for (;;) {
    const report = readReport(settings);
    if (report !== undefined) {
      child.unref();
      print(options, report, describe(report));
      if (report.mismatches > 0) process.exitCode = 1;
      return;
    }
    if (gone !== undefined || Date.now() > until) {
      const lines = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-5).join('\n');
      throw new Fault('ModelStartFailed', `The model did not start: ${gone ?? 'it took too long'}.\n${lines}`);
    }
    await sleep(20);
  }
}

/** Deploys the lab through ARM over TLS, as a service principal of its own, and asks the oracle for each flow. */
async function runLab(lab: Lab, settings: Settings, model: ModelStamp): Promise<readonly FlowRow[]> {
  progress(`Deploying the lab ${lab.name} through ARM.`);
  const { endpoints, prepared, operator } = model;
  const made = await operator.createServicePrincipal({ name: 'lab', role: 'Contributor' });
  const client = new ArmClient({
    management: endpoints.management,
    login: `${endpoints.adfs}/adfs`,
    caFile: prepared.places.certificateAuthority,
    appId: made.appId,
    secret: new Secret(made.secret ?? ''),
  });
  const group = `/subscriptions/${prepared.subscriptionId}/resourcegroups/${lab.resourceGroup}`;
  await client.send('PUT', `${group}?api-version=2021-04-01`, { location: settings.location });
  const id = `${group}/providers/Microsoft.Resources/deployments/lab?api-version=2021-04-01`;
  await client.send('PUT', id, {
    properties: { mode: 'Incremental', template: lab.template, parameters: labParameters(settings) },
  });
  const { body } = await client.send('GET', id);
  const { provisioningState, error } = (body as { properties: { provisioningState: string; error?: Detail } })
    .properties;
  if (provisioningState !== 'Succeeded') {
    throw new Refusal('LabFailed', `The lab's deployment ended as ${provisioningState}: ${error?.message ?? ''}`, {
      details: error?.details ?? [],
    });
  }
  progress(`Judging ${lab.flows.length} flows by the programs; no packet is sent.`);
  for (const until = Date.now() + healthyWaitMs; ; ) {
    const rows = await Promise.all(lab.flows.map((flow) => judgeFlow(flow, { lab, settings, model })));
    if (rows.every((row) => row.seen === row.expected) || Date.now() > until) return rows;
    await sleep(100);
  }
}

type At = { readonly lab: Lab; readonly settings: Settings; readonly model: ModelStamp };

async function judgeFlow(flow: LabFlow, at: At): Promise<FlowRow> {
  const [from, to] = [placeOf(flow.from, at), placeOf(flow.to, at)];
  const packet = {
    source: from.address,
    target: to.address,
    protocol: 'tcp',
    sourcePort: 40_000,
    targetPort: flow.port,
  } as const;
  const fate = await at.model.operator.evaluate({ origin: from.origin, ...packet });
  const seen = fate.verdict === 'deliver' ? 'allow' : 'deny';
  return { from: flow.from, to: `${flow.to}:${flow.port}`, expected: flow.expected, seen, because: reasonOf(fate) };
}

function reasonOf(fate: Fate): string {
  if (fate.verdict === 'drop') return fate.because;
  return fate.hops.findLast((hop) => hop.step === 'filter')?.because ?? fate.hops.at(-1)?.because ?? 'delivered';
}

/** `internet`, `operator`, a public address or a machine of the lab. */
function placeOf(name: string, { lab, settings, model }: At): { readonly origin: Origin; readonly address: string } {
  const outside = outsideAddresses(settings);
  if (name === 'internet' || name === 'operator') return { origin: { kind: name }, address: outside[name] };
  const base = `/subscriptions/${model.prepared.subscriptionId}/resourceGroups/${lab.resourceGroup}/providers/Microsoft.Network`;
  if (name.startsWith('pip-')) {
    const { properties } = found(model, `${base}/publicIPAddresses/${name}`);
    return { origin: { kind: 'internet' }, address: String(properties['ipAddress']) };
  }
  const nic = found(model, `${base}/networkInterfaces/nic-${name}`);
  const configurations = nic.properties['ipConfigurations'];
  const first = objectOf(Array.isArray(configurations) ? configurations[0] : undefined);
  const mark = Number(objectOf(nic.internal)['mark']);
  return { origin: { kind: 'nic', mark }, address: String(objectOf(first['properties'])['privateIPAddress']) };
}

function found({ operator }: ModelStamp, id: string) {
  const resource = operator.resource(id);
  if (resource === null) throw new Fault('LabIncomplete', `The lab has no ${id}.`);
  return resource;
}

function objectOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function reportOf(
  model: ModelStamp,
  settings: Settings,
  { flows, seconds: took }: { flows: readonly FlowRow[]; seconds: number },
): Report {
  const { endpoints, prepared } = model;
  const { places, tenantId, subscriptionId, providerSubscriptionId } = prepared;
  const { user } = JSON.parse(readFileSync(places.firstCredential, 'utf8')) as { user: string };
  const ca = places.certificateAuthority;
  return {
    state: 'ready',
    enforcing: false,
    notice,
    pid: process.pid,
    stamp: settings.number,
    endpoints,
    ca,
    location: settings.location,
    tenantId,
    subscriptionId,
    providerSubscriptionId,
    login: {
      user,
      passwordFile: places.firstCredential,
      commands: [
        `export REQUESTS_CA_BUNDLE=${ca}`,
        `az cloud register -n ringwall-model --endpoint-resource-manager ${endpoints.management}`,
        'az cloud set -n ringwall-model',
        `az login -u ${user} --tenant ${tenantId}`,
      ],
    },
    flows,
    mismatches: flows.filter((flow) => flow.seen !== flow.expected).length,
    seconds: took,
  };
}

function describe(report: Report): string {
  const rows = report.flows.map((flow) => {
    const mark = flow.seen === flow.expected ? 'ok  ' : 'FAIL';
    return `  ${mark} ${flow.from} → ${flow.to}: expected ${flow.expected}, judged ${flow.seen} — ${flow.because}`;
  });
  return [
    report.notice,
    `The model of a Ringwall stamp is ready (process ${report.pid}; stop it with Ctrl-C or "ringwall down --model").`,
    ...Object.entries(report.endpoints).map(([name, url]) => `  ${name}: ${String(url)}`),
    `The certificate authority to trust: ${report.ca}`,
    'Log in:',
    ...report.login.commands.map((command) => `  ${command}`),
    `The first password is in ${report.login.passwordFile}; it is to be changed at the first sign-in.`,
    ...(rows.length === 0 ? [] : ['Flows judged by the programs, without packets:', ...rows]),
  ].join('\n');
}

function seconds(started: number): string {
  return ((performance.now() - started) / 1000).toFixed(1);
}
