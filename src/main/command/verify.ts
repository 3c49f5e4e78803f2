/** `ringwall verify TEMPLATE`: what a template would break, proved without a stamp and without root, for pipelines. */

import { existsSync, readFileSync } from 'node:fs';
import type { Json, JsonObject } from '#base/json.ts';
import { Refusal } from '#base/wrong.ts';
import type { ToldBreach } from '#engine/proof/told.ts';
import { apiVersionsOf } from '#faces/arm/catalog.ts';
import { nouns } from '#model/nouns.ts';
import { readSettings, stampFacts } from '#main/boot/settings.ts';
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

/** Exits with 0 when all invariants hold, 2 when one is broken, 1 when the template cannot be used. */
export function verifyTemplate(file: string, options: VerifyOptions): void {
  const about: SarifParts = { file, planned: [], version: options.version };
  try {
    const model = modelOfFile(file, options);
    const broken = standingOf(model, factsOf(options));
    const denied = broken.filter(({ effect }) => effect === 'deny');
    process.exitCode = denied.length === 0 ? 0 : 2;
    tell(options, {
      sarif: () => sarifOf(broken, { ...about, planned: model.planned }),
      json: () => ({
        verdict: denied.length === 0 ? 'holds' : 'broken',
        broken: denied.map(shown),
        noted: broken.filter(({ effect }) => effect === 'audit').map(shown),
      }),
      text: () => textOf(file, model, broken),
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const pointer = error instanceof TemplateUnusable ? error.pointer : (error.target ?? '');
    process.exitCode = 1;
    tell(options, {
      sarif: () => unusableSarif({ code: error.code, message: error.message, pointer }, about),
      json: () => ({ verdict: 'unusable', error: { code: error.code, message: error.message, target: pointer } }),
      text: () => `${file}: cannot be used${pointer === '' ? '' : ` at ${pointer}`}: ${error.message}`,
    });
  }
}

type Told = { readonly sarif: () => JsonObject; readonly json: () => JsonObject; readonly text: () => string };

function tell({ json, sarif }: VerifyOptions, told: Told): void {
  const text =
    sarif === true ? JSON.stringify(told.sarif()) : json === true ? JSON.stringify(told.json()) : told.text();
  process.stdout.write(`${text}\n`);
}

function modelOfFile(file: string, options: VerifyOptions): TemplateModel {
  const template = readTemplate(file);
  const given = options.parameters === undefined ? {} : readTemplate(options.parameters);
  const parts = { facts: factsOf(options), nouns, apiVersionsOf, now: Date.now() };
  return modelOf(template, parametersOf(template, given), parts);
}

function readTemplate(file: string): Json {
  if (!existsSync(file)) throw new Refusal('FileMissing', `There is no file ${file}.`);
  return parseTemplateJson(readFileSync(file, 'utf8'));
}

function factsOf({ settings }: VerifyOptions) {
  const file = settings ?? (existsSync('ringwall.yaml') ? 'ringwall.yaml' : undefined);
  const read = readSettings({ number: 0, ...(file === undefined ? {} : { file }) });
  return stampFacts(read, { tenantId: '00000000-0000-4000-8000-000000000002', enforcing: false });
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
