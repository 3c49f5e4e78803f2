/** Alerts: standing conditions that someone must look at, each with an id that is the same whenever the same condition comes back. */

import { createHash } from 'node:crypto';
import { alertsKeptMax, auditTextMax } from '#base/limits.ts';
import type { Json } from '#base/json.ts';
import { Fault, Refusal } from '#base/wrong.ts';
import type { AuditEntry } from '#engine/audit/entry.ts';
import type { Entry, Store } from '#engine/store/store.ts';

/** A condition: what kind, and where. */
export type Condition = {
  /** `DriftFound`, `AtRestPartial`, `BackendUnhealthy` … */
  readonly code: string;
  /** The resource or part of the stamp that it is about. */
  readonly resource: string;
  readonly severity: 'Critical' | 'Warning';
  readonly says: string;
};

/** An alert as it is kept. */
export type Alert = Condition & {
  readonly id: string;
  readonly state: 'Active' | 'Closed';
  /** Milliseconds since 1970. */
  readonly openedAt: number;
  readonly closedAt?: number;
  /** Who closed it; `stamp` when the condition went away by itself. */
  readonly closedBy?: string;
};

const table = 'alert';

/** The id of a condition: the same code and resource (without case) always give the same one, in the shape of a UUID. */
export function alertId({ code, resource }: Pick<Condition, 'code' | 'resource'>): string {
  const hex = createHash('sha256').update(`${code}\0${resource.toLowerCase()}`).digest('hex');
  // Version 8 of RFC 9562 §5.8: the bits are ours.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Opens the alert of a condition; one that is open already is answered as it is. Durable when it resolves. */
export async function openAlert(store: Store, condition: Condition, { at }: { at: number }): Promise<Alert> {
  const known = findAlert(store, alertId(condition));
  if (known?.state === 'Active') return known;
  const { code, resource, severity } = condition;
  const says = condition.says.slice(0, auditTextMax);
  const alert: Alert = { id: alertId(condition), code, resource, severity, says, state: 'Active', openedAt: at };
  await store.append({ ...entryOf(alert), deletes: known === undefined ? roomFor(store) : [] });
  return alert;
}

/** Closes an alert, with the audit entry of who did it. An unknown id is refused; a closed one is answered as it is. */
export async function closeAlert(
  store: Store,
  id: string,
  closing: { at: number; closedBy: string; audit?: AuditEntry },
): Promise<Alert> {
  const known = findAlert(store, id);
  if (known === undefined) {
    throw new Refusal('AlertNotFound', `There is no alert ${id.slice(0, 64)}.`, { status: 404, target: 'alertId' });
  }
  if (known.state === 'Closed') return known;
  const { at, closedBy, audit } = closing;
  const alert: Alert = { ...known, state: 'Closed', closedAt: at, closedBy };
  await store.append({ ...entryOf(alert), ...(audit !== undefined && { audit }) });
  return alert;
}

/** The alerts, newest first. */
export function listAlerts(store: Store, { state }: { state?: Alert['state'] } = {}): Alert[] {
  return [...store.rows(table)]
    .map(({ value }) => value as unknown as Alert)
    .filter((alert) => state === undefined || alert.state === state)
    .sort((left, right) => right.openedAt - left.openedAt || (left.id < right.id ? -1 : 1));
}

/** One alert by its id. */
export function findAlert(store: Store, id: string): Alert | undefined {
  return /^[0-9a-f-]{36}$/.test(id) ? (store.row(table, id) as unknown as Alert | undefined) : undefined;
}

function entryOf(alert: Alert): Entry {
  const value: Json = { ...alert };
  return {
    subscription: '',
    kind: 'alert',
    payload: { id: alert.id, state: alert.state },
    puts: [{ table, key: alert.id, value }],
  };
}

/** The closed alerts that must go for one more to fit. */
function roomFor(store: Store): { table: string; key: string }[] {
  const alerts = listAlerts(store);
  const excess = alerts.length + 1 - alertsKeptMax;
  if (excess <= 0) return [];
  const closed = alerts.filter(({ state }) => state === 'Closed').slice(-excess);
  if (closed.length < excess) throw new Fault('AlertsFull', `There are ${alertsKeptMax} open alerts; close some.`);
  return closed.map(({ id }) => ({ table, key: id }));
}
