/** What the proof says of a whole plan before any of it is written: a policy violation ends it, as Azure's preflight does. */

import { type Detail, errorBody } from '#base/wrong.ts';
import type { JsonObject } from '#base/json.ts';
import type { DryRun } from '#engine/deployments/dry-run.ts';
import type { Caller } from '#engine/engine.ts';
import { Disallowed } from '#engine/proof/refusal.ts';
import { reachingLine, shownBlast } from '#engine/proof/shown-blast.ts';
import type { StampEngine } from '#engine/stamp-engine.ts';

/** `diagnostics`: notes as ARM's what-if carries them (resources 2024-11-01, `DeploymentDiagnosticsDefinition`). */
export type PlanJudgement = { readonly error?: Detail; readonly diagnostics: readonly JsonObject[] };

/** Asks the proof about all edits of the plan together. A plan that changes nothing is not asked about. */
export async function judgePlan(
  { edits }: Pick<DryRun, 'edits'>,
  { caller, engine, name, subscription }: { caller: Caller; engine: StampEngine; name: string; subscription: string },
): Promise<PlanJudgement> {
  if (edits.length === 0) return { diagnostics: [] };
  const { refused, refusedMore, noted, notedMore, blast } = await engine.gate.plan(edits, subscription);
  const mayRead = (id: string): boolean => engine.mayRead(id, caller) || isPlanned(edits, id);
  const changes = { type: 'BlastRadius', info: shownBlast(blast, mayRead) };
  if (refused.length > 0) {
    const told = new Disallowed(refused, refusedMore).toldTo(mayRead);
    const message = `The template deployment '${name}' failed because of policy violation. Please see details for more information. ${told.message}`;
    const additionalInfo = [...told.additionalInfo, changes];
    return {
      error: { code: 'InvalidTemplateDeployment', message, details: [errorBody(told)], additionalInfo },
      diagnostics: [],
    };
  }
  const lines = [...blast.gained.map((row) => `possible: ${reachingLine(row, mayRead)}`)];
  lines.push(...blast.lost.map((row) => `impossible: ${reachingLine(row, mayRead)}`));
  const radius: JsonObject = {
    level: 'Info',
    code: 'BlastRadius',
    message: lines.length === 0 ? 'No packet is treated otherwise.' : `Becomes ${lines.join('; ')}`,
    additionalInfo: [changes],
  };
  const notes = noted.map(
    ({ says, invariant, resource }): JsonObject => ({
      level: 'Warning',
      code: 'AuditedByPolicy',
      message: `${says} (${invariant.title})`,
      ...(resource !== undefined && mayRead(resource) ? { target: resource } : {}),
    }),
  );
  const more: JsonObject[] =
    notedMore === 0
      ? []
      : [{ level: 'Warning', code: 'AuditedByPolicy', message: `${notedMore} more would be broken.` }];
  return { diagnostics: [...notes, ...more, radius] };
}

/** What the plan itself makes is its writer's to read. */
function isPlanned(edits: DryRun['edits'], id: string): boolean {
  const key = id.toLowerCase();
  return edits.some((edit) => edit.before === undefined && edit.id.toLowerCase() === key);
}
