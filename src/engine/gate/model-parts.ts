/** A model on its way to the prover: it is larger than a message may be, so it comes in parts, and what its resources have in common is kept once. */

import { Shares } from '#base/alike.ts';
import type { JsonObject } from '#base/json.ts';
import { modelResourcesMax } from '#base/limits.ts';
import { Fault } from '#base/wrong.ts';
import type { Resource } from '#model/resource.ts';

/** So many different texts, and so many different properties, are known while a model comes in. */
const sharesMax = 1 << 16;

/** Parts come in order, numbered from 0. */
export class ModelParts {
  #parts: (readonly Resource[])[] = [];
  #shares = new Shares(sharesMax);

  /** Takes a part; part 0 forgets what came before it. Answers what is wrong with it. */
  take(index: number, resources: readonly Resource[]): Fault | undefined {
    if (index === 0) this.#forget();
    if (index !== this.#parts.length) {
      const says = `Part ${index} of the model came where part ${this.#parts.length} was due; send it again from part 0.`;
      return new Fault('ModelPartMissing', says);
    }
    const count = this.#parts.reduce((sum, part) => sum + part.length, resources.length);
    if (resources.length === 0 || count > modelResourcesMax) {
      this.#forget();
      const says = `A part of a model has 1 resource or more, all parts together at most ${modelResourcesMax}; here are ${resources.length}, together ${count}.`;
      return new Fault('ModelTooLarge', says);
    }
    for (const resource of resources) this.#share(resource);
    this.#parts.push(resources);
    return undefined;
  }

  /** All resources of so many parts, which are forgotten here; or what is wrong with that count. */
  whole(count: number): readonly Resource[] | Fault {
    const parts = this.#parts;
    this.#forget();
    if (parts.length === count) return parts.flat();
    const says = `${parts.length} parts of the model came where ${count} were sent; send it again from part 0.`;
    return new Fault('ModelPartMissing', says);
  }

  /** Rules are made from templates: of 230,000 resources 35,000 have properties of their own. */
  #share(resource: { properties: JsonObject }): void {
    if (Object.isFrozen(resource)) return;
    resource.properties = this.#shares.part(resource.properties);
    this.#shares.texts(resource);
  }

  #forget(): void {
    this.#parts = [];
    this.#shares = new Shares(sharesMax);
  }
}
