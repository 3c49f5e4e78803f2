/** The activity log as Azure Monitor's clients read it, from the stamp's audit: of a subscription, and of the directory. */

import { activityPageMax } from '#base/limits.ts';
import type { JsonObject } from '#base/json.ts';
import type { AuditLine } from '#engine/store/store.ts';
import { shownBlast } from '#engine/proof/shown-blast.ts';
import { eventCategories, eventKeys, showEvent } from '#faces/arm/activity-event.ts';
import { parseActivityQuery, printPlace, type ActivityQuery } from '#faces/arm/activity-query.ts';
import { shown, type Answer } from '#faces/arm/answer.ts';
import { subscriptionId, type Call } from '#faces/arm/call.ts';
import { linkTo, topOf } from '#faces/arm/page.ts';

const readAction = 'Microsoft.Insights/eventtypes/values/read';

/** GET `Microsoft.Insights/eventtypes/management/values` of a subscription (insights 2015-04-01). */
export async function listActivity(call: Call): Promise<Answer> {
  const scope = subscriptionId(call);
  const query = parseActivityQuery(call.asked.query, call.options.now());
  authorize(call, scope, query);
  const subscription = (scope.split('/')[2] ?? '').toLowerCase();
  return await page(call, subscription, {
    query,
    keep: (line) => call.engine.may(call.caller, readAction, line.entry.resource),
  });
}

/**
 * GET of the same at the root: what belongs to no subscription, such as sign-ins and assignments at the root. Of its own directory alone,
 * unless the reader holds the right in the stamp's own directory.
 */
export async function listTenantActivity(call: Call): Promise<Answer> {
  const query = parseActivityQuery(call.asked.query, call.options.now());
  call.engine.authorize(call.caller, readAction, '/');
  const { tenantId } = call.caller;
  const isOwn = tenantId === call.options.tenantId;
  return await page(call, '', { query, keep: ({ entry }) => isOwn || entry.who.tenant === tenantId });
}

/** GET `Microsoft.Insights/eventcategories`. */
export function listEventCategories(): Answer {
  return shown({ value: eventCategories.map((value) => ({ value, localizedValue: value })) });
}

/** The right at the subscription, or at the group or resource that the filter is for. */
function authorize({ engine, caller }: Call, scope: string, { texts }: ActivityQuery): void {
  const asked = (name: string): string | undefined => texts.find((one) => one.name === name && one.isEqual)?.values[0];
  const group = asked('resourcegroupname');
  const resource = asked('resourceuri') ?? asked('resourceid');
  const inside = resource?.startsWith(`${scope.toLowerCase()}/`) === true ? resource : undefined;
  const narrow = inside ?? (group === undefined ? undefined : `${scope}/resourceGroups/${group}`);
  if (narrow !== undefined && engine.may(caller, readAction, narrow)) return;
  engine.authorize(caller, readAction, scope);
}

type Reading = { readonly query: ActivityQuery; readonly keep: (line: AuditLine) => boolean };

async function page(call: Call, subscription: string, { query, keep }: Reading): Promise<Answer> {
  const { from, to, before, select } = query;
  const { lines, next } = await call.engine.audit.page(
    { subscription, from, to },
    {
      ...(before === undefined ? {} : { before }),
      limit: Math.min(topOf(call) ?? activityPageMax, activityPageMax),
      keep: (line) => meets(line, query) && keep(line),
    },
  );
  const value = lines.map((line) => {
    const event = showEvent(line, { tenantId: call.options.tenantId, properties: provedOf(call, line) });
    return select === undefined ? event : selected(event, select);
  });
  return shown(next === undefined ? { value } : { value, nextLink: linkTo(call, printPlace(next)) });
}

function meets(line: AuditLine, { texts }: ActivityQuery): boolean {
  if (texts.length === 0) return true;
  const keys = eventKeys(line);
  return texts.every(({ name, isEqual, values }) => values.includes(keys[name] ?? '') === isEqual);
}

function selected(event: JsonObject, select: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(event).filter(([name]) => select.has(name)));
}

/** What the proof said of the write, with the names that the reader may read. */
function provedOf({ engine, caller }: Call, { entry: { noted, blast } }: AuditLine): JsonObject {
  const mayRead = (id: string): boolean => engine.mayRead(id, caller);
  return {
    ...(noted === undefined ? {} : { noted: JSON.stringify(noted) }),
    ...(blast === undefined ? {} : { blast: JSON.stringify(shownBlast(blast, mayRead)) }),
  };
}
