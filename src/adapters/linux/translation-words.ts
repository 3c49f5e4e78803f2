/** What becomes of a packet's addresses, in words that are the same for programs and for the kernel. */

import { printAddress, tryAddress } from '#base/prefix.ts';

/** `target ADDRESS[:PORT]`, `source ADDRESS[:FIRST-LAST]`: one form of words for what programs and the kernel say. */
export function translationWords(side: 'source' | 'target', address: string, ports = ''): string {
  return `${side} ${address}${ports === '' ? '' : ` port ${ports}`}`;
}

/** What nft writes behind `to`, or as the answer of a map, in the same words; undefined when it is no address of the family. */
export function translationOf(side: 'source' | 'target', family: 4 | 6, text: string): string | undefined {
  const form = /^(?:\[([^\]]+)\]|([^\s[\]]+?))(?:(?::| \. )(\d+(?:-\d+)?))?$/.exec(text);
  const isAlone = tryAddress(text) !== undefined;
  const address = tryAddress(isAlone ? text : (form?.[1] ?? form?.[2] ?? ''));
  if (address?.family !== family) return undefined;
  return translationWords(side, printAddress(address), isAlone ? '' : (form?.[3] ?? ''));
}

/** The words for a choice among members: each as often as it is chosen, with the fields that the choice looks at. */
export function choiceWords(fields: readonly string[], members: readonly string[]): string {
  return `one of ${members.toSorted().join(' | ')} by ${fields.toSorted().join()}`;
}
