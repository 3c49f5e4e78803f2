/** Policy states as `az policy state` asks for them: rows, counts, and a scan that has always been done. */

import { pageSizeMax } from '#base/limits.ts';
import { Refusal } from '#base/wrong.ts';
import type { JsonObject } from '#base/json.ts';
import { nameOfId, sameId, tryId, typeOfId } from '#model/arm-id.ts';
import { builtInPolicy } from '#model/authorization/built-in-policies.ts';
import { policyAssignmentType, policyDefinitionType, policySetType } from '#model/authorization/policy-types.ts';
import { policyStates, type StatedPolicy } from '#engine/proof/policy-states.ts';
import { summaryOf, type Counted, type CountedAssignment } from '#engine/proof/policy-summary.ts';
import { bare, shown, type Answer } from '#faces/arm/answer.ts';
import { checkGroup, checkSubscription, partOf, type Call } from '#faces/arm/call.ts';
import { cutPage, topOf } from '#faces/arm/page.ts';
import { readStateQuery } from '#faces/arm/policy-state-query.ts';
import { rowOfState, showRow, type Row } from '#faces/arm/policy-state-row.ts';

const stateType = 'Microsoft.PolicyInsights/policyStates';

/** POST `policyStates/{latest|default}/queryResults`; both are what is so now. `$top` is how many there are in all pages. */
export async function listStates(call: Call): Promise<Answer> {
  const kind = statesNamed(call, ['latest', 'default']);
  const { rows, select } = await rowsAsked(call, 'queryResults');
  const { page, nextLink } = cutPage(call, rows.slice(0, topOf(call)), pageSizeMax);
  const context = contextOf(call, kind);
  return shown({
    '@odata.context': context,
    '@odata.count': page.length,
    ...(nextLink === undefined ? {} : { '@odata.nextLink': nextLink }),
    value: page.map((row) => showRow(row, select, context)),
  });
}

/** POST `policyStates/latest/summarize`. `$top` is how many assignments are told; the counts are of all. */
export async function summarizeStates(call: Call): Promise<Answer> {
  statesNamed(call, ['latest']);
  const { rows } = await rowsAsked(call, 'summarize');
  const { counted, assignments } = summaryOf(rows);
  const context = contextOf(call, 'summary');
  const told = assignments.slice(0, Math.min(topOf(call) ?? pageSizeMax, pageSizeMax));
  const value = {
    '@odata.id': null,
    '@odata.context': `${context}/$entity`,
    results: resultsOf(call, counted, []),
    policyAssignments: told.map((assignment) => assignmentBody(call, assignment)),
  };
  return shown({ '@odata.context': context, '@odata.count': 1, value: [value] });
}

/** POST `policyStates/latest/triggerEvaluation`: every write is judged before it stands, so there is nothing to wait for. */
export function evaluateStates(call: Call): Answer {
  statesNamed(call, ['latest']);
  const { home } = placeOf(call);
  if (typeOfId(partOf(call, 'scope')) !== undefined) throw notHere();
  call.engine.authorize(call.caller, `${stateType}/triggerEvaluation/action`, home);
  return bare(200);
}

function statesNamed(call: Call, known: readonly string[]): string {
  const stated = partOf(call, 'states');
  const kind = known.find((one) => one === stated.toLowerCase());
  if (kind !== undefined) return kind;
  const says = `There are no policy states '${stated.slice(0, 100)}' here; there are: ${known.join(', ')}.`;
  throw new Refusal('InvalidPolicyStatesResource', says, { status: 404 });
}

/** The rows that are asked for, which the caller may see. */
async function rowsAsked(
  call: Call,
  action: string,
): Promise<{ readonly rows: readonly Row[]; readonly select: readonly string[] }> {
  const { engine, caller } = call;
  const place = placeOf(call);
  const { home, asked } = place;
  engine.authorize(caller, `${stateType}/${action}/read`, home);
  checkPlace(call, place);
  const { now } = engine.context(call.apiVersion);
  const query = readStateQuery(call.asked.query, now);
  const mayRead = (id: string): boolean => engine.mayRead(id, caller);
  const states = policyStates(await engine.compliance(home), { view: engine.view(), mayRead });
  const rows = states
    .filter(({ policy }) => asked === undefined || sameId(asked.idOf(policy), asked.id))
    .map((state) => rowOfState(state, now))
    .filter(query.isMeant);
  return { rows: query.order === undefined ? rows : rows.toSorted(query.order), select: query.select };
}

/** Whose states are asked for: of what is at a scope, or of one policy at its own. */
type Place = { readonly home: string; readonly asked?: AskedPolicy };

/** A policy that is a scope. `id` is absent when it is not there. */
type AskedPolicy = {
  readonly kind: string;
  readonly id: string | undefined;
  readonly idOf: (policy: StatedPolicy) => string | undefined;
};

function placeOf(call: Call): Place {
  const scope = partOf(call, 'scope');
  if (!/^\/subscriptions\//i.test(scope)) throw notHere();
  checkSubscription(call, scope);
  checkGroup(call, scope);
  const kept = call.engine.view().get(scope)?.id;
  const home = tryId(scope)?.scope ?? '';
  switch (typeOfId(scope)) {
    case policyAssignmentType:
      return { home, asked: { kind: 'PolicyAssignment', id: kept, idOf: ({ assignment }) => assignment.id } };
    case policyDefinitionType: {
      const id = builtInPolicy(nameOfId(scope))?.id ?? kept;
      return { home, asked: { kind: 'PolicyDefinition', id, idOf: ({ definition }) => definition.id } };
    }
    case policySetType:
      return { home, asked: { kind: 'PolicySetDefinition', id: kept, idOf: ({ set }) => set?.id } };
    default:
      return { home: kept ?? scope };
  }
}

/** Told only to those who may ask at the scope. */
function checkPlace(call: Call, { home, asked }: Place): void {
  const scope = partOf(call, 'scope');
  if (asked !== undefined && asked.id === undefined) {
    const says = `The policy '${nameOfId(scope).slice(0, 200)}' was not found at '${home.slice(0, 500)}'.`;
    throw new Refusal(`${asked.kind}NotFound`, says, { status: 404 });
  }
  if (call.engine.view().get(home) !== undefined) return;
  throw new Refusal('ResourceNotFound', `The resource '${home.slice(0, 500)}' was not found.`, { status: 404 });
}

function notHere(): Refusal {
  const says =
    'Policy states are asked for at a subscription, a resource group or a resource, and evaluated at the first two.';
  return new Refusal('InvalidResourceOperation', says, { status: 404 });
}

function contextOf({ asked }: Call, kind: string): string {
  return `${asked.base}${pathOf(asked.segments.slice(0, -2))}/$metadata#${kind}`;
}

function pathOf(segments: readonly string[]): string {
  return segments.map((segment) => `/${encodeURIComponent(segment)}`).join('');
}

type Terms = readonly (readonly [name: string, value: string])[];

function assignmentBody(call: Call, { policy, counted, policies }: CountedAssignment): JsonObject {
  const own: Terms = [['policyAssignmentId', policy.assignment.id]];
  return {
    policyAssignmentId: policy.assignment.id,
    policySetDefinitionId: policy.set?.id ?? '',
    results: resultsOf(call, counted, own),
    policyDefinitions: policies.map(({ policy: { definition, reference, action }, counted: some }) => ({
      policyDefinitionId: definition.id,
      policyDefinitionReferenceId: reference,
      effect: action,
      policyDefinitionGroupNames: [''],
      results: resultsOf(call, some, [
        ...own,
        ['policyDefinitionId', definition.id],
        ...(reference === '' ? [] : ([['policyDefinitionReferenceId', reference]] as const)),
      ]),
    })),
    policyGroups: [],
  };
}

function resultsOf(call: Call, { resources, policies }: Counted, terms: Terms): JsonObject {
  return {
    queryResultsUri: queryUri(call, terms),
    nonCompliantResources: resources.nonCompliant,
    nonCompliantPolicies: policies.nonCompliant,
    resourceDetails: detailsOf(resources),
    policyDetails: detailsOf(policies),
    policyGroupDetails: [],
  };
}

function detailsOf({ compliant, nonCompliant }: Counted['resources']): JsonObject[] {
  return [
    { complianceState: 'compliant', count: compliant },
    { complianceState: 'noncompliant', count: nonCompliant },
  ].filter(({ count }) => count > 0);
}

/** Where the rows behind a count are: those of the caller's own filter, or those against which something stands. */
function queryUri({ asked, apiVersion }: Call, terms: Terms): string {
  const own = asked.query.get('$filter')?.trim() ?? '';
  const filter = [
    own === '' ? 'isCompliant eq false' : own,
    ...terms.map(([name, value]) => `${name} eq '${value.replaceAll("'", "''")}'`),
  ].join(' and ');
  const path = pathOf(asked.segments.slice(0, -1));
  return `${asked.base}${path}/queryResults?api-version=${apiVersion}&$filter=${encodeURIComponent(filter)}`;
}
