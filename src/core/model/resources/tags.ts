/** Tags: names and values of the user's own on resources and groups, with ARM's limits. */

import { isObject } from '#base/json.ts';
import { tagKeyMax, tagsMax, tagValueMax } from '#base/limits.ts';
import { member, note, type Reader } from '#model/parse.ts';

export type Tags = { readonly [key: string]: string };

/**
 * Reads the `tags` of a body; undefined when absent. Limits (Azure doc "Tag resources"): 50 tags, names of 512 characters
 * without <>%&\?/ and unique without regard to case, values of 256 characters.
 */
export function tagsOf(body: Reader): Tags | undefined {
  const stated = member(body, 'tags');
  if (stated === undefined) return undefined;
  if (!isObject(stated)) {
    note(body, 'tags', 'an object of names and values is wanted');
    return undefined;
  }
  const entries = Object.entries(stated).filter(([, value]) => value !== undefined && value !== null);
  if (entries.length > tagsMax)
    noteTags(body, 'TooManyTags', `${entries.length} tags are stated, at most ${tagsMax} are allowed`);
  const tags: [string, string][] = [];
  const seen = new Set<string>();
  for (const [name, value] of entries.slice(0, tagsMax)) {
    const fault = tagFault(name, value, seen);
    if (fault !== undefined) noteTags(body, 'InvalidTagName', fault);
    seen.add(name.toLowerCase());
    tags.push([name, String(value)]);
  }
  return Object.fromEntries(tags);
}

function noteTags(body: Reader, code: string, reason: string): void {
  note(body, 'tags', { code, message: `The tags are not valid: ${reason}.` });
}

function tagFault(name: string, value: unknown, seen: ReadonlySet<string>): string | undefined {
  const shown = name.length > 40 ? `${name.slice(0, 40)}…` : name;
  if (name === '' || name === '__proto__' || name.length > tagKeyMax || /[<>%&\\?/]/.test(name)) {
    return `the name "${shown}" must have 1 to ${tagKeyMax} characters without <>%&\\?/`;
  }
  if (/^(azure|microsoft|windows)/i.test(name))
    return `the name "${shown}" begins with a reserved word (azure, microsoft, windows)`;
  if (seen.has(name.toLowerCase())) return `the name "${shown}" is stated twice`;
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
    return `the value of "${shown}" must be a string`;
  return String(value).length > tagValueMax
    ? `the value of "${shown}" has more than ${tagValueMax} characters`
    : undefined;
}
