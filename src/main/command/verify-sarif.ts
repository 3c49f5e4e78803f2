/** What a verified template breaks, as SARIF 2.1.0 (OASIS): one rule per invariant, one result per breach, at the resource in the template. */

import type { Json, JsonObject } from '#base/json.ts';
import type { ToldBreach } from '#engine/proof/told.ts';
import type { PlannedResource } from '#template/deploy.ts';

export type SarifParts = {
  /** The template's path as it was given. */
  readonly file: string;
  readonly planned: readonly PlannedResource[];
  readonly version: string;
};

/** The log of one run. */
export function sarifOf(broken: readonly ToldBreach[], parts: SarifParts): JsonObject {
  const ids = [...new Set(broken.map(({ invariant }) => invariant.id))];
  const titles = new Map(broken.map(({ invariant }) => [invariant.id, invariant.title]));
  const rules = ids.map((id) => ({ id, shortDescription: { text: titles.get(id) ?? id } }));
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'ringwall', version: parts.version, rules } },
        results: broken.map((breach) => resultOf(breach, { ...parts, ids })),
      },
    ],
  };
}

/** A template that cannot be used, as a result of its own: a pipeline shows it where it stands. */
export function unusableSarif(
  error: { code: string; message: string; pointer: string },
  parts: SarifParts,
): JsonObject {
  const location = {
    physicalLocation: { artifactLocation: artifactOf(parts.file) },
    logicalLocations: [{ fullyQualifiedName: error.pointer }],
  };
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'ringwall', version: parts.version, rules: [{ id: error.code }] } },
        results: [
          { ruleId: error.code, ruleIndex: 0, level: 'error', message: { text: error.message }, locations: [location] },
        ],
      },
    ],
  };
}

function resultOf(breach: ToldBreach, parts: SarifParts & { readonly ids: readonly string[] }): Json {
  const { invariant, says, effect, path, fixes } = breach;
  const ways = fixes.length === 0 ? '' : ` Accepted would be: ${fixes.map((fix) => fix.says).join('; or ')}.`;
  const steps = path.map(({ layer, verdict, resource, rule }) => ({
    location: {
      message: { text: [layer, resource, rule, verdict].filter((word) => word !== undefined).join(' ') },
      ...placeOf(resource, rule, parts),
    },
  }));
  return {
    ruleId: invariant.id,
    ruleIndex: parts.ids.indexOf(invariant.id),
    level: effect === 'deny' ? 'error' : 'warning',
    message: { text: `${says}.${ways}` },
    locations: [placeOf(...blamed(breach), parts)],
    ...(steps.length === 0 ? {} : { codeFlows: [{ threadFlows: [{ locations: steps }] }] }),
  };
}

/** Where to look first: the rule that lets the packet in, else the resource where it arrives. */
function blamed({ path, resource }: ToldBreach): [resource: string | undefined, rule: string | undefined] {
  const rule = path.findLast((hop) => hop.resource !== undefined && hop.layer === 'networkSecurityGroup');
  return rule === undefined ? [resource, undefined] : [rule.resource, rule.rule];
}

function placeOf(resource: string | undefined, rule: string | undefined, { file, planned }: SarifParts): JsonObject {
  const child = rule === undefined ? undefined : `${resource}/securityRules/${rule}`;
  const found = [child, resource].flatMap(
    (id) => planned.find((each) => each.id.toLowerCase() === id?.toLowerCase()) ?? [],
  )[0];
  const region = found?.position === undefined ? {} : { region: regionOf(found.position) };
  const name = found?.pointer ?? resource;
  return {
    physicalLocation: { artifactLocation: artifactOf(file), ...region },
    ...(name === undefined ? {} : { logicalLocations: [{ fullyQualifiedName: name }] }),
  };
}

function regionOf({ line, column }: NonNullable<PlannedResource['position']>): JsonObject {
  return { startLine: line, startColumn: column };
}

/** A relative path stays relative, so that a pipeline finds it in its own checkout. */
function artifactOf(file: string): JsonObject {
  const uri = file.split('/').map(encodeURIComponent).join('/');
  return { uri: file.startsWith('/') ? `file://${uri}` : uri };
}
