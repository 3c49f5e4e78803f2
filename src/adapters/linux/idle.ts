/** How long the boundary keeps a flow that says nothing: a policy for each time that addresses and balances ask for. */

import type { Family } from '#base/prefix.ts';
import { familyOf, familyWord, quoted, type TableBuilder } from '#adapters/linux/builder.ts';
import { sharedBlocks } from '#adapters/linux/shared-block.ts';
import type { Balance, EdgeProgram } from '#program/program.ts';

const protocols = ['tcp', 'udp'] as const;
type IdleProtocol = (typeof protocols)[number];
type Kind = { readonly protocol: IdleProtocol; readonly minutes: number; readonly family: Family };

/** The line that gives a new flow of a balance its policy; the last such line that a flow meets counts. */
export function timeoutLine({ frontend, idleMinutes }: Balance, protocol: IdleProtocol): string {
  return policyLine({ protocol, minutes: idleMinutes, family: familyOf(frontend) });
}

/**
 * Adds the policies, and the sets of addresses that each is for: labels when guests open the flow, public addresses when
 * others do. A TCP flow has its time from the handshake on, a UDP flow once it has been answered for two seconds: what is
 * younger is forgotten as soon as the kernel does by itself, so that floods do not fill the table.
 */
export function idlePolicies(builder: TableBuilder, program: EdgeProgram): void {
  const addresses = addressesByKind(program);
  const balances = Object.values(program.balances).flatMap((balance) =>
    protocols.map((protocol) => ({ protocol, minutes: balance.idleMinutes, family: familyOf(balance.frontend) })),
  );
  for (const { kind } of [...balances.map((one) => ({ kind: one })), ...addresses.values()]) {
    const { protocol, minutes, family } = kind;
    const phase = protocol === 'tcp' ? 'established' : 'replied';
    const spec = [`protocol ${protocol}`, `l3proto ${familyWord(family)}`, `policy = { ${phase} : ${minutes * 60} }`];
    builder.put(`timeout_${kindText(kind)}`, { kind: 'ct timeout', spec, elements: new Set() });
  }
  for (const [text, { kind, members }] of addresses)
    builder.set(`idle_${text}`, [`type ipv${kind.family}_addr`], members);
}

/** The lines that give new flows of single addresses their policies; `inside` is the wire that guests come by. */
export function idleRules(program: EdgeProgram, inside: string): string[] {
  return [...addressesByKind(program)].flatMap(([text, { kind }]) => {
    const [word, line] = [familyWord(kind.family), policyLine(kind)];
    return [
      `iifname ${quoted(inside)} meta l4proto ${kind.protocol} ${word} saddr @idle_${text} ${line}`,
      `iifname != ${quoted(inside)} meta l4proto ${kind.protocol} ${word} daddr @idle_${text} ${line}`,
    ];
  });
}

function policyLine(kind: Kind): string {
  return `ct timeout set ${quoted(`timeout_${kindText(kind)}`)}`;
}

function kindText({ protocol, minutes, family }: Kind): string {
  return `${protocol}_${minutes}_${family}`;
}

function addressesByKind(program: EdgeProgram): Map<string, { readonly kind: Kind; readonly members: Set<string> }> {
  const found = new Map<string, { readonly kind: Kind; readonly members: Set<string> }>();
  const note = (address: string, protocol: IdleProtocol, minutes: number) => {
    const kind = { protocol, minutes, family: familyOf(address) };
    const text = kindText(kind);
    const known = found.get(text) ?? { kind, members: new Set<string>() };
    known.members.add(address);
    found.set(text, known);
  };
  for (const protocol of protocols) {
    for (const [address, { idleMinutes }] of Object.entries(program.publics)) note(address, protocol, idleMinutes);
    for (const [label, { idleMinutes }] of Object.entries(program.ones)) note(label, protocol, idleMinutes);
    const blocks = sharedBlocks(program);
    const own = new Set(blocks.flatMap(({ label, kind }) => (kind === protocol ? [label] : [])));
    for (const { label, kind, idleMinutes } of blocks) {
      if (kind === protocol || (kind === 'any' && !own.has(label))) note(label, protocol, idleMinutes);
    }
  }
  return new Map([...found].toSorted(([left], [right]) => (left < right ? -1 : 1)));
}
