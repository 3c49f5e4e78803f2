/** `ringwall verify TEMPLATE`: what a template would break, proved without a stamp and without root, for pipelines. */

import { existsSync, readFileSync } from 'node:fs';
import type { Json, JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import type { Demands } from '#engine/gate/proof-bench.ts';
import { baselineDemands } from '#engine/proof/baseline.ts';
import { demandsOf } from '#engine/proof/invariants.ts';
import type { ToldBreach } from '#engine/proof/told.ts';
import { apiVersionsOf } from '#faces/arm/catalog.ts';
import type { StampFacts } from '#model/resource.ts';
import { nouns } from '#model/nouns.ts';
import { readSettings, type Settings, stampFacts } from '#main/boot/settings.ts';
import { breachText } from '#main/command/breach-text.ts';
import { standingOf } from '#main/command/verify-proof.ts';
import { modelOf, TemplateUnusable, type TemplateModel } from '#main/command/verify-model.ts';
import { parametersOf } from '#main/command/verify-parameters.ts';
import { type SarifParts, sarifOf, unusableSarif } from '#main/command/verify-sarif.ts';
import { parseTemplateJson } from '#template/jsonc.ts';

export type VerifyOptions = {
  readonly parameters?: string;
  readonly settings?: string;
  readonly json?: boolean;
  readonly sarif?: boolean;
  readonly version: string;
};

/** What is printed, and the exit code: 0 when all invariants hold, 2 when one is broken, 1 when the template cannot be used. */
export type Verdict = { readonly text: string; readonly code: 0 | 1 | 2 };

/** Prints the verdict on a template. */
export function verifyTemplate(file: string, options: VerifyOptions): void {
  const { text, code } = verdictOn(file, options, demandsWith);
  process.stdout.write(`${text}\n`);
  process.exitCode = code;
}

/** What a stamp with these settings demands, and what the template itself assigns. */
function demandsWith({ managementPorts }: Settings): Demands {
  return demandsOf(baselineDemands({ managementEffect: managementPorts }));
}

/** Judges a template: drawn on an empty stamp, its NICs placed, all packets proved. */
export function verdictOn(file: string, options: VerifyOptions, demands: (settings: Settings) => Demands): Verdict {
  const about: SarifParts = { file, planned: [], version: options.version };
  try {
    const settings = settingsOf(options);
    const facts = stampFacts(settings, { tenantId: '00000000-0000-4000-8000-000000000002', enforcing: false });
    const model = modelOfFile(file, options, facts);
    const broken = standingOf(model, facts, demands(settings));
    const denied = broken.filter(({ effect }) => effect === 'deny');
    const text = printed(options, {
      sarif: () => sarifOf(broken, { ...about, planned: model.planned }),
      json: () => ({
        verdict: denied.length === 0 ? 'holds' : 'broken',
        broken: denied.map(shown),
        noted: broken.filter(({ effect }) => effect === 'audit').map(shown),
      }),
      text: () => textOf(file, model, broken),
    });
    return { text, code: denied.length === 0 ? 0 : 2 };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { code, message } = error;
    const pointer = error instanceof TemplateUnusable ? error.pointer : (error.target ?? '');
    const text = printed(options, {
      sarif: () => unusableSarif({ code, message, pointer }, about),
      json: () => ({ verdict: 'unusable', error: { code, message, target: pointer } }),
      text: () => `${file}: cannot be used${pointer === '' ? '' : ` at ${pointer}`}: ${message}`,
    });
    return { text, code: 1 };
  }
}

type Told = { readonly sarif: () => JsonObject; readonly json: () => JsonObject; readonly text: () => string };

function printed({ json, sarif }: VerifyOptions, told: Told): string {
  if (sarif === true) return JSON.stringify(told.sarif());
  return json === true ? JSON.stringify(told.json()) : told.text();
}

function modelOfFile(file: string, options: VerifyOptions, facts: StampFacts): TemplateModel {
  const template = readTemplate(file);
  const given = options.parameters === undefined ? {} : readTemplate(options.parameters);
  const parts = { facts, nouns, apiVersionsOf, now: Date.now() };
  return modelOf(template, parametersOf(template, given), parts);
}

function readTemplate(file: string): Json {
  if (!existsSync(file)) throw new Refusal('FileMissing', `There is no file ${file}.`);
  return parseTemplateJson(readFileSync(file, 'utf8'));
}

function settingsOf({ settings }: VerifyOptions): Settings {
  const file = settings ?? (existsSync('ringwall.yaml') ? 'ringwall.yaml' : undefined);
  return readSettings({ number: 0, ...(file === undefined ? {} : { file }) });
}

function shown({ invariant, witness, path, fixes, says, resource }: ToldBreach): JsonObject {
  return {
    invariant: invariant.id,
    title: invariant.title,
    says,
    ...(resource === undefined ? {} : { resource }),
    witness: (witness ?? null) as Json,
    path: path as unknown as Json,
    fixes: fixes as unknown as Json,
  };
}

function textOf(file: string, { planned }: TemplateModel, broken: readonly ToldBreach[]): string {
  if (broken.length === 0) return `${file}: all invariants hold.`;
  return broken.map((breach) => `${placeText(file, planned, breach)}: ${breachText(breach)}`).join('\n');
}

function placeText(file: string, planned: TemplateModel['planned'], { resource }: ToldBreach): string {
  const at = planned.find(({ id }) => id.toLowerCase() === resource?.toLowerCase())?.position;
  return at === undefined ? file : `${file}:${at.line}:${at.column}`;
}
