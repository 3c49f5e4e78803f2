/** ETag preconditions: If-Match, If-None-Match, and a stale `etag` in the body of a whole PUT (RFC 9110 §13; ARM RPC addendum). */

import { Refusal } from '#base/wrong.ts';
import type { Resource } from '#model/resource.ts';
import type { Submission } from '#engine/engine.ts';

/** Throws 412 PreconditionFailed when the write was meant for another state of the resource. */
export function checkPrecondition({ request, precondition }: Submission, before: Resource | undefined): void {
  const { ifMatch, ifNoneMatch } = precondition ?? {};
  if (ifNoneMatch !== undefined && before !== undefined && names(ifNoneMatch, before.etag)) {
    throw failed(
      `The resource exists already (etag ${before.etag}); If-None-Match asked that it should not.`,
      request.id,
    );
  }
  if (request.kind === 'delete' && before === undefined) return;
  if (ifMatch !== undefined && before === undefined) {
    throw failed('There is no such resource; If-Match asked for one.', request.id);
  }
  if (ifMatch !== undefined && before !== undefined && !names(ifMatch, before.etag)) {
    throw failed(
      `The resource has changed: its etag is ${before.etag}, If-Match said ${ifMatch}. Read it again.`,
      request.id,
    );
  }
  // az and the hybrid SDKs send no If-Match; their read-modify-write of a whole parent carries the old etag in the body.
  const etag = request.kind === 'put' ? request.body['etag'] : undefined;
  if (typeof etag === 'string' && etag !== '' && before !== undefined && !sameTag(etag, before.etag)) {
    throw failed(
      `The resource has changed: its etag is ${before.etag}, the body said ${etag}. Read it again.`,
      request.id,
    );
  }
}

/** A header names any tag (`*`) or a list of tags; a guid in a tag holds no comma. */
function names(header: string, etag: string): boolean {
  return header.trim() === '*' || header.split(',').some((tag) => sameTag(tag, etag));
}

/** Weak comparison: `W/` and quotes do not count. */
function sameTag(left: string, right: string): boolean {
  return opaque(left) === opaque(right);
}

function opaque(tag: string): string {
  return tag.trim().replace(/^W\//, '').replace(/^"|"$/g, '');
}

function failed(says: string, target: string): Refusal {
  return new Refusal('PreconditionFailed', says, { status: 412, target });
}
