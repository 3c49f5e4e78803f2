/** Management locks: does a lock at, above or (for deletes) below a scope stop this kind of request? */

import { normalScope, scopeHolds } from '#access/scope.ts';
import { Refusal } from '#base/wrong.ts';

/** A lock as `Microsoft.Authorization/locks` keeps it, at a subscription, a resource group or a resource. */
export type Lock = {
  readonly id: string;
  readonly name: string;
  readonly level: 'CanNotDelete' | 'ReadOnly';
  readonly scope: string;
  readonly notes?: string;
};

/** What a request does, as locks see it: `action` is a POST, which a read-only lock stops (it may hand out keys or restart). */
export type RequestKind = 'read' | 'write' | 'delete' | 'action';

/** The answer, with its reason; a refusal carries the lock and the 409 that ARM clients know. */
export type LockVerdict =
  | { readonly verdict: 'allow'; readonly because: string }
  | { readonly verdict: 'refuse'; readonly because: string; readonly lock: Lock; readonly refusal: Refusal };

/**
 * Decides by locks (Azure doc "Lock your resources to protect your infrastructure"): a lock holds at its scope and below;
 * a delete also takes what lies below its target, so a lock there stops it too. Locks do not stop work on locks themselves:
 * otherwise a read-only lock could never be removed. Who may remove one is a question of roles.
 */
export function lockVerdict(locks: readonly Lock[], kind: RequestKind, scope: string): LockVerdict {
  if (kind === 'read') return { verdict: 'allow', because: 'locks do not stop reading' };
  if (/\/providers\/microsoft\.authorization\/locks\/[^/]+$/.test(normalScope(scope))) {
    return { verdict: 'allow', because: 'the target is a lock' };
  }
  const lock = locks.find((candidate) => stops(candidate, kind, scope));
  if (lock === undefined) return { verdict: 'allow', because: `no lock stops a ${kind} at ${scope}` };
  return {
    verdict: 'refuse',
    because: `lock ${lock.name} (${lock.level}) at ${lock.scope}`,
    lock,
    refusal: scopeLocked(lock, kind, scope),
  };
}

function stops(lock: Lock, kind: 'write' | 'delete' | 'action', scope: string): boolean {
  if (kind === 'delete') return scopeHolds(lock.scope, scope) || scopeHolds(scope, lock.scope);
  return lock.level === 'ReadOnly' && scopeHolds(lock.scope, scope);
}

function scopeLocked(lock: Lock, kind: 'write' | 'delete' | 'action', scope: string): Refusal {
  return new Refusal(
    'ScopeLocked',
    `The scope '${scope}' cannot perform ${kind} operation because following scope(s) are locked: '${lock.scope}'. ` +
      'Please remove the lock and try again.',
    {
      status: 409,
      target: scope,
      details: [
        { code: lock.level, message: `Lock '${lock.name}' at '${lock.scope}' stops this ${kind}.`, target: lock.id },
      ],
    },
  );
}
