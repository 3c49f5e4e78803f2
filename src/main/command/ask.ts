/** Commands that ask a running stamp over the operator's socket. */

import { readFileSync } from 'node:fs';
import { isObject, type JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import { printProgram } from '#program/text.ts';
import type { Program, Programs } from '#program/program.ts';
import { broadReport } from '#verify/broad-report.ts';
import { idleReport } from '#verify/idle-report.ts';
import type { GuestExit } from '#engine/guest-port.ts';
import { notice } from '#main/boot/model.ts';
import { print } from '#main/command/options.ts';
import { withTarget, type TargetOptions } from '#main/command/target.ts';

/** `ringwall status` */
export async function showStatus(options: TargetOptions): Promise<void> {
  const status = await withTarget(options, (link) => link.call<JsonObject>('status', []));
  const lines = Object.entries(status).map(
    ([key, value]) => `${key}: ${isObject(value) || key === 'alerts' ? JSON.stringify(value) : String(value)}`,
  );
  print(options, status, [...(status['enforcing'] === true ? [] : [notice]), ...lines].join('\n'));
}

/** `ringwall principal NAME` */
export async function createPrincipal(
  name: string,
  options: TargetOptions & { readonly role: string; readonly scope?: string; readonly certificate?: string },
): Promise<void> {
  const wanted = {
    name,
    role: options.role,
    ...(options.scope === undefined ? {} : { scope: options.scope }),
    ...(options.certificate === undefined ? {} : { certificatePem: readFileSync(options.certificate, 'utf8') }),
  };
  const made = await withTarget(options, (link) => link.call<JsonObject>('createServicePrincipal', [wanted]));
  print(
    options,
    made,
    Object.entries(made)
      .map(([key, value]) => `${key}: ${String(value)}`)
      .join('\n'),
  );
}

/** `ringwall show programs [POINT]` */
export async function showPrograms(point: string | undefined, options: TargetOptions): Promise<void> {
  const programs = await withTarget(options, (link) => link.call<JsonObject>('programs', []));
  const points = Object.keys(programs).filter((candidate) => point === undefined || candidate === point);
  if (points.length === 0) {
    throw new Refusal('PointUnknown', `There is no point "${point}". Points: ${Object.keys(programs).join(', ')}.`, {
      target: 'point',
    });
  }
  const chosen = Object.fromEntries(points.map((name) => [name, programs[name]]));
  const text = points.map((name) => printProgram(name, programs[name] as unknown as Program)).join('\n');
  print(options, chosen, text);
}

/** `ringwall show shadowed`: exits with 1 when a security group was too costly to judge. */
export async function showShadowed(options: TargetOptions): Promise<void> {
  const programs = await withTarget(options, (link) => link.call<JsonObject>('programs', []));
  const report = idleReport(programs as unknown as Programs);
  const { idle, unjudged, filters, rules } = report;
  const idleHere = idle.map(
    ({ because, kind, says, vnet, neededElsewhere }) =>
      `${because}: ${kind}, ${says}; in ${vnet}${neededElsewhere ? ', but needed in another VNet' : ''}`,
  );
  const lines = [
    ...idleHere,
    ...unjudged.map(({ filter, says, vnet }) => `${filter}: not judged, ${says}; in ${vnet}`),
    `${idle.filter(({ neededElsewhere }) => !neededElsewhere).length} of ${rules} rules in ${filters} filters could go, any of them or all at once.`,
  ];
  print(options, report, lines.join('\n'));
  if (unjudged.length > 0) process.exitCode = 1;
}

/** `ringwall show broad`: exits with 1 when a security group was too costly to judge. */
export async function showBroad(options: TargetOptions): Promise<void> {
  const programs = await withTarget(options, (link) => link.call<JsonObject>('programs', []));
  const report = broadReport(programs as unknown as Programs);
  const { broad, unjudged, filters, rules } = report;
  const lines = [
    ...broad.map(
      ({ because, services, filter, remote, nics, vnet }) =>
        `${because}: opens ${services} ${filter.endsWith('/out') ? 'to' : 'from'} ${remote} at ${nics} NICs; in ${vnet}`,
    ),
    ...unjudged.map(({ filter, says, vnet }) => `${filter}: not judged, ${says}; in ${vnet}`),
    `${broad.length} of ${rules} rules in ${filters} filters are over-broad${broad.length === 0 ? '' : '; `ringwall suggest NSG` proposes narrower ones from what was seen'}.`,
  ];
  print(options, report, lines.join('\n'));
  if (unjudged.length > 0) process.exitCode = 1;
}

/** `ringwall guest console VM` */
export async function guestConsole(machine: string, options: TargetOptions & { readonly tail: number }): Promise<void> {
  const text = await withTarget(options, (link) => link.call<string>('console', [machine, options.tail]));
  process.stdout.write(text);
}

/** `ringwall guest exec VM COMMAND…`: exits with the command's own code. */
export async function guestExec(machine: string, argv: readonly string[], options: TargetOptions): Promise<void> {
  const exit = await withTarget(options, (link) => link.call<GuestExit>('exec', [machine, argv, {}]));
  if (options.json === true) print(options, exit, '');
  else {
    process.stdout.write(exit.stdout);
    process.stderr.write(exit.stderr);
  }
  process.exitCode = exit.code;
}
