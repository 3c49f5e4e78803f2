/** The resolver's keeper inside `edged`: a program counts only when a signed record of the prover has it (decision D1). */

import type { KeyObject } from 'node:crypto';
import type { JsonObject } from '#base/json.ts';
import { digestOf, digestOfMembers } from '#base/tree.ts';
import { Fault } from '#base/wrong.ts';
import { isSigned } from '#engine/gate/record.ts';
import type { EdgeLink, Resolver, SignedRecord } from '#engine/ports.ts';
import type { ResolverProgram } from '#program/program.ts';

export type ResolverKeeperParts = {
  readonly stamp: number;
  readonly key: KeyObject;
  readonly resolver: Resolver;
};

/** The resolver's place among the programs. */
export const resolverPoint = 'resolver';

/** Serialised: one program at a time, in the order given. */
export class ResolverKeeper implements EdgeLink {
  readonly #parts: ResolverKeeperParts;
  #digest = '';
  #revision = 0;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(parts: ResolverKeeperParts) {
    this.#parts = parts;
  }

  resolve(signed: SignedRecord, program: JsonObject, digests: { readonly [point: string]: string }): Promise<void> {
    const turn = this.#tail.then(() => this.#take(signed, program, digests));
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  async close(): Promise<void> {
    await this.#tail;
    await this.#parts.resolver.close();
  }

  async #take(
    { record, signature }: SignedRecord,
    program: JsonObject,
    digests: { readonly [point: string]: string },
  ): Promise<void> {
    if (!isSigned(record, signature, this.#parts.key))
      throw new Fault('RecordUnsigned', "The record does not carry the prover's signature.");
    if (record.stamp !== this.#parts.stamp)
      throw new Fault('RecordForeign', `The record is for stamp ${record.stamp}.`);
    if (!(record.revision >= this.#revision))
      throw new Fault('RecordStale', `The record is of revision ${record.revision}, older than ${this.#revision}.`);
    // A digest of another form could make the text of a root that was never signed.
    if (!Object.values(digests).every((one) => /^[0-9a-f]{64}$/.test(one)))
      throw new Fault('RecordMismatch', 'A digest has 64 hexadecimal digits.');
    const digest = digestOf(program);
    if (digestOfMembers({ ...digests, [resolverPoint]: digest }) !== record.root)
      throw new Fault('RecordMismatch', 'The record names another program than the one given.');
    this.#revision = record.revision;
    if (digest === this.#digest) return;
    // Until it is read back nobody knows what it answers by.
    this.#digest = '';
    await this.#parts.resolver.apply(program as unknown as ResolverProgram);
    this.#digest = digest;
  }
}
