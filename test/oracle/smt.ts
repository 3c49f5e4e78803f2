/** Filters as formulas of SMT-LIB 2 (theory of bit vectors), written from what `Filter` means and from nothing of the verifier. */

import { bitsOf, type Family, type Prefix, tryPrefix } from '#base/prefix.ts';
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

/**
 * A definition of `name`: does the filter let the packet in? One term, from the last rule to the first: what a rule allows is let in, and
 * of what it denies nothing is left. (A definition for each rule is the same to read, and Z3 does not come to an end with it.)
 */
export function filterSmt(name: string, { filter, sets }: Policy, family: Family): string {
  const rules = rulesOf(filter).toReversed();
  const lets = rules.map(([, rule], index) => {
    const match = ruleSmt(rule, sets, family);
    return `(let ((n${index + 1} ${rule.access === 'allow' ? `(or ${match} n${index})` : `(and (not ${match}) n${index})`}))`;
  });
  return `(define-fun ${name} () Bool (let ((n0 false)) ${lets.join(' ')} n${rules.length}${')'.repeat(rules.length)}))`;
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
  return or(
    [...match.prefixes, ...named].flatMap((text) => {
      const prefix = tryPrefix(text);
      if (prefix === undefined || prefix.family !== family) return [];
      return prefixSmt(field, prefix);
    }),
  );
}

/** The first bits of the address are those of the prefix. */
function prefixSmt(field: string, { family, first, length }: Prefix): string {
  const bits = bitsOf(family);
  if (length === 0) return 'true';
  const value = (first >> BigInt(bits - length)).toString(2).padStart(length, '0');
  return `(= ((_ extract ${bits - 1} ${bits - length}) ${field}) #b${value})`;
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
