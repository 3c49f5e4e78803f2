/** Bodies of resources as they were answered last, kept as bytes for as long as nothing changed that could change them. */

import { shownTextBytesMax, shownTextsBytesMax } from '#base/limits.ts';
import type { JsonObject } from '#base/json.ts';
import type { Engine } from '#engine/engine.ts';
import type { Resource } from '#model/resource.ts';

/** `isUnderWay`: its provisioning state says that work goes on. */
export type ShownText = { readonly bytes: Buffer; readonly etag?: string; readonly isUnderWay: boolean };

type Kept = ShownText & { readonly mark: number; readonly apiVersion: string };

/**
 * What a resource looks like follows from the resources, the operations and the api-version alone (`Noun.show` is pure): a text stands until one
 * of them is another. Who may read it is asked before, each time anew.
 */
export class ShownTexts {
  /** The oldest first. A resource is another object after each change of it. */
  readonly #kept = new Map<Resource, Kept>();
  #bytes = 0;

  /** The body's text under an api-version. */
  of(engine: Pick<Engine, 'mark' | 'show'>, resource: Resource, apiVersion: string): ShownText {
    const mark = engine.mark();
    const known = this.#kept.get(resource);
    if (known?.mark === mark && known.apiVersion === apiVersion) return known;
    const text = textOf(engine.show(resource, apiVersion));
    this.#keep(resource, { ...text, mark, apiVersion });
    return text;
  }

  #keep(resource: Resource, kept: Kept): void {
    const old = this.#kept.get(resource);
    if (old !== undefined) this.#drop(resource, old);
    if (kept.bytes.length > shownTextBytesMax) return;
    this.#kept.set(resource, kept);
    this.#bytes += kept.bytes.length;
    for (const [oldest, one] of this.#kept) {
      if (this.#bytes <= shownTextsBytesMax) return;
      this.#drop(oldest, one);
    }
  }

  #drop(resource: Resource, { bytes }: Kept): void {
    this.#kept.delete(resource);
    this.#bytes -= bytes.length;
  }
}

function textOf(body: JsonObject): ShownText {
  const { etag, properties } = body;
  const state = (properties as JsonObject | undefined)?.['provisioningState'];
  return {
    bytes: Buffer.from(JSON.stringify(body)),
    ...(typeof etag === 'string' ? { etag } : {}),
    isUnderWay: state === 'Creating' || state === 'Updating' || state === 'Deleting',
  };
}
