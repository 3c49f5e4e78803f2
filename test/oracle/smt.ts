/** Filters as formulas of SMT-LIB 2 (theory of bit vectors), written from what `Filter` means and from nothing of the verifier. */

import { bitsOf, type Family, lastOf, tryPrefix } from '#base/prefix.ts';
import type { Header, Sets } from '#program/filter.ts';
import type { AddressMatch, PortRange, Rule } from '#program/program.ts';
import { type Policy, rulesOf } from '#verify/filter-set.ts';

/** The numbers of protocols in the formulas. */
export const smtProtocols: readonly Header['protocol'][] = ['tcp', 'udp', 'icmp', 'esp', 'ah'];

/** The fields of a packet of a family: source, target, protocol, and ports, which are 0 for protocols without. */
export function packetSmt(family: Family): string {
  const bits = bitsOf(family);
  return [
    `(declare-const s (_ BitVec ${bits}))`,
    `(declare-const t (_ BitVec ${bits}))`,
    '(declare-const p (_ BitVec 3))',
    '(declare-const sp (_ BitVec 16))',
    '(declare-const tp (_ BitVec 16))',
    `(assert (bvult p (_ bv${smtProtocols.length} 3)))`,
    `(assert (or ${withPorts} (and (= sp #x0000) (= tp #x0000))))`,
  ].join('\n');
}

const withPorts = '(= p (_ bv0 3)) (= p (_ bv1 3))';

/** Definitions that end in one of `name`: does the filter let the packet in? */
export function filterSmt(name: string, { filter, sets }: Policy, family: Family): string {
  const lines = [`(define-fun ${name}_end () Bool false)`];
  let next = `${name}_end`;
  for (const [index, [, rule]] of rulesOf(filter).toReversed().entries()) {
    const own = `${name}_${index}`;
    lines.push(`(define-fun ${own} () Bool (ite ${ruleSmt(rule, sets, family)} ${rule.access === 'allow'} ${next}))`);
    next = own;
  }
  lines.push(`(define-fun ${name} () Bool ${next})`);
  return lines.join('\n');
}

function ruleSmt(rule: Rule, sets: Sets, family: Family): string {
  const ports = [portsSmt('sp', rule.sourcePorts), portsSmt('tp', rule.targetPorts)].filter((one) => one !== 'true');
  return and([
    protocolSmt(rule, ports),
    addressSmt('s', rule.source, { sets, family }),
    addressSmt('t', rule.target, { sets, family }),
  ]);
}

function protocolSmt({ protocol }: Rule, ports: readonly string[]): string {
  if (protocol === 'any') return ports.length === 0 ? 'true' : and([`(or ${withPorts})`, ...ports]);
  const is = `(= p (_ bv${smtProtocols.indexOf(protocol)} 3))`;
  return protocol === 'tcp' || protocol === 'udp' ? and([is, ...ports]) : is;
}

function portsSmt(field: string, ranges: readonly PortRange[]): string {
  if (ranges.length === 0) return 'true';
  return or(
    ranges.map(
      ([first, last]) => `(and (bvule ${hex(BigInt(first), 16)} ${field}) (bvule ${field} ${hex(BigInt(last), 16)}))`,
    ),
  );
}

function addressSmt(
  field: string,
  match: AddressMatch,
  { sets, family }: { readonly sets: Sets; readonly family: Family },
): string {
  if (match === 'any') return 'true';
  const named = match.sets.flatMap((name) => (Object.hasOwn(sets, name) ? (sets[name] ?? []) : []));
  const bits = bitsOf(family);
  return or(
    [...match.prefixes, ...named].flatMap((text) => {
      const prefix = tryPrefix(text);
      if (prefix === undefined || prefix.family !== family) return [];
      return `(and (bvule ${hex(prefix.first, bits)} ${field}) (bvule ${field} ${hex(lastOf(prefix), bits)}))`;
    }),
  );
}

function hex(value: bigint, bits: number): string {
  return `#x${value.toString(16).padStart(bits / 4, '0')}`;
}

function and(parts: readonly string[]): string {
  const some = parts.filter((part) => part !== 'true');
  return some.length === 0 ? 'true' : some.length === 1 ? (some[0] ?? 'true') : `(and ${some.join(' ')})`;
}

function or(parts: readonly string[]): string {
  return parts.length === 0 ? 'false' : parts.length === 1 ? (parts[0] ?? 'false') : `(or ${parts.join(' ')})`;
}
