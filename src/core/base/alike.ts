/** Keeps equal things once: of many parts that say the same, the first one stands for all. */

import { deepFreeze, type JsonObject } from '#base/json.ts';

/** Things by a text that says all of them. When there is no room for more it begins anew: what is in use stays, and is shared no more with later ones. */
export class Alike<T> {
  readonly #known = new Map<string, T>();
  readonly #room: number;

  constructor(room: number) {
    this.#room = room;
  }

  /** The one of the text, made when there is none. */
  of(text: string, make: () => T): T {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (this.#known.size >= this.#room) this.#known.clear();
    const made = make();
    this.#known.set(text, made);
    return made;
  }
}

/** Parts that say more than this are not compared: there are few of them, and fewer that are alike. */
const partMax = 1000;

/** What is known of a model that comes in: its texts, and its smaller parts. */
export class Shares {
  readonly #texts: Alike<string>;
  readonly #parts: Alike<JsonObject>;

  constructor(room: number) {
    this.#texts = new Alike(room);
    this.#parts = new Alike(room);
  }

  /** The texts inside a value become those that came before and say the same, in place. */
  texts(value: unknown): void {
    shareTexts(value, this.#texts);
  }

  /** The object that came before and says the same in the same order; else the part itself, its texts shared. It is frozen then. */
  part(part: JsonObject): JsonObject {
    const made = (): JsonObject => {
      this.texts(part);
      return deepFreeze(part);
    };
    const text = JSON.stringify(part);
    return text.length > partMax ? made() : this.#parts.of(text, made);
  }
}

/** Texts longer than this are not looked at: to compare them costs more than to keep them. */
const textMax = 80;

/** Equal texts inside JSON that nobody else has yet become one text, in place: parsed messages hold each of their texts apart. */
export function shareTexts(value: unknown, texts: Alike<string>): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  const members = value as { [key: string]: unknown };
  for (const key of Object.keys(members)) {
    const member = members[key];
    if (typeof member !== 'string') shareTexts(member, texts);
    else if (member.length <= textMax) members[key] = texts.of(member, () => member);
  }
}
