/** The three ways to be wrong: a Refusal is the caller's, a Fault is the world's, a Bug is ours. */

/** One entry of ARM's `details[]`: text for people (az prints these). */
export type Detail = {
  readonly code: string;
  readonly message: string;
  readonly target?: string;
  readonly details?: readonly Detail[];
  readonly additionalInfo?: readonly AdditionalInfo[];
};

/** One entry of ARM's `additionalInfo[]`: data for machines. Both members are always there. */
export type AdditionalInfo = { readonly type: string; readonly info: unknown };

/** What a refusal may carry besides code and message. `status` is the HTTP status (400 when absent). */
export type RefusalOptions = {
  readonly status?: number;
  readonly target?: string;
  readonly details?: readonly Detail[];
  readonly additionalInfo?: readonly AdditionalInfo[];
  readonly retryAfterS?: number;
};

/** We will not: the caller's request is refused with a code of Azure's, a reason, and what would be accepted. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: string;
  readonly status: number;
  readonly target: string | undefined;
  readonly details: readonly Detail[];
  readonly additionalInfo: readonly AdditionalInfo[];
  readonly retryAfterS: number | undefined;

  constructor(code: string, message: string, options: RefusalOptions = {}) {
    super(message);
    this.code = code;
    this.status = options.status ?? 400;
    this.target = options.target;
    this.details = options.details ?? [];
    this.additionalInfo = options.additionalInfo ?? [];
    this.retryAfterS = options.retryAfterS;
  }
}

/** The world failed: a kernel call, a disk, a peer. Kept with its cause, retried by whoever reconciles. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** We were wrong. Nobody catches it; the process dies clean. */
export class Bug extends Error {
  override readonly name = 'Bug';
}

/** Throws a Bug unless the claim holds. */
export function assert(claim: unknown, says: string): asserts claim {
  if (!claim) throw new Bug(says);
}

/** Makes a `switch` exhaustive: the type checker proves that this is never reached. */
export function never(value: never): never {
  throw new Bug(`Unreachable: ${JSON.stringify(value)}`);
}

/** The ARM error envelope of a refusal: `{"error":{code,message,target?,details?,additionalInfo?}}` (ARM RPC v1.0). */
export function errorEnvelope(refusal: Refusal): { error: Detail } {
  return { error: errorBody(refusal) };
}

/** The inner error object of a refusal, as operation status documents carry it. */
export function errorBody(refusal: Refusal): Detail {
  return {
    code: refusal.code,
    message: refusal.message,
    ...(refusal.target === undefined ? {} : { target: refusal.target }),
    ...(refusal.details.length === 0 ? {} : { details: refusal.details }),
    ...(refusal.additionalInfo.length === 0 ? {} : { additionalInfo: refusal.additionalInfo }),
  };
}
