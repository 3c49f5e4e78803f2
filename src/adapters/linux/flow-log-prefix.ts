/** What a log line of the kernel says of a verdict: the filter by digest, the rule by its priority, and what was decided. */

import { digest8, kernelName } from '#adapters/linux/names.ts';
import type { Rule } from '#program/program.ts';

/** The number under which a router's kernel tells of verdicts (nfnetlink_log). */
export const flowLogGroup = 57;

/** What stands for a filter in prefixes. */
export function filterMark(key: string): string {
  return digest8(key);
}

/** `9f2ab1c4/0100/A`: short whatever the rule's name, for the kernel keeps 127 characters. No rule: the filter's end. */
export function flowPrefix(filter: string, rule: string, access: Rule['access']): string {
  return `${filter}/${priorityOf(rule)}/${access === 'allow' ? 'A' : 'D'}`;
}

/** A prefix read back; undefined for text that is none of ours. */
export function readPrefix(
  text: string,
): { readonly filter: string; readonly priority: string; readonly access: Rule['access'] } | undefined {
  const [, filter, priority, access] = /^([0-9a-f]{8})\/(\d{0,5})\/([AD])$/.exec(text) ?? [];
  if (filter === undefined || priority === undefined) return undefined;
  return { filter, priority, access: access === 'A' ? 'allow' : 'deny' };
}

/** The part of a rule's key that is unique in its filter (program.ts, `Filter`). */
export function priorityOf(rule: string): string {
  return /^(\d{4,5})\//.exec(rule)?.[1] ?? '';
}

/** The chain of a filter that also logs. */
export function loggedChain(key: string): string {
  return kernelName('l', key);
}

/** The chain that a logged port starts in, per direction. */
export function portChain(mark: number, direction: 'outbound' | 'inbound'): string {
  return `${direction === 'outbound' ? 'lo' : 'li'}_${mark}`;
}
