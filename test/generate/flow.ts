/** Flows in one line for tests: where a packet starts, what it is, and where it must end. */

import assert from 'node:assert/strict';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import { evaluate } from '#program/eval.ts';
import type { Fate, Origin, Packet } from '#program/packet.ts';
import type { Programs } from '#program/program.ts';
import { type Build, viewOf } from '#test/generate/build.ts';

/** The programs of a set of resources. */
export function programsOf(build: Build): Programs {
  return compileStamp(viewOf(build), build.stamp, new CompileMemo());
}

/** From (a NIC's mark, or `internet`, `operator`, `probe <point>`), flow `tcp 10.0.0.4:50000 > 10.0.0.5:80`, the end expected. */
export type FlowRow = readonly [from: number | string, flow: string, expected: string];

function packetOf(from: number | string, flow: string): Packet {
  const [protocol = '', source = '', , target = ''] = flow.split(' ');
  const [sourceAddress, sourcePort] = splitPort(source, 50_000);
  const [targetAddress, targetPort] = splitPort(target, 80);
  const hasPorts = protocol === 'tcp' || protocol === 'udp';
  return {
    origin: originOf(from),
    protocol: protocol as Packet['protocol'],
    source: sourceAddress,
    target: targetAddress,
    sourcePort: hasPorts ? sourcePort : 0,
    targetPort: hasPorts ? targetPort : 0,
  };
}

function originOf(from: number | string): Origin {
  if (typeof from === 'number') return { kind: 'nic', mark: from };
  if (from.startsWith('probe ')) return { kind: 'probe', point: from.slice(6) };
  return from === 'internet' ? { kind: 'internet' } : { kind: 'operator' };
}

function splitPort(text: string, port: number): [string, number] {
  const six = /^\[(.*)\](?::(\d+))?$/.exec(text);
  if (six !== null) return [six[1] ?? '', Number(six[2] ?? port)];
  const [address = '', given] = text.split(':');
  return [address, Number(given ?? port)];
}

/** `nic 2 < 10.0.0.4:50000 > 10.0.0.5:80` for a delivery (ports of the source only when it was changed), else the reason. */
function says(fate: Fate): string {
  if (fate.verdict === 'drop') return fate.because;
  return fate.to
    .map(({ at, packet }) => {
      const place = at.kind === 'nic' ? `nic ${at.mark}` : at.kind;
      const port = packet.targetPort === 0 ? '' : `:${packet.targetPort}`;
      return `${place} ${packet.source} > ${packet.target}${port}`;
    })
    .join(', ');
}

/** Every row ends as it says. */
export function checkFlows(programs: Programs, rows: readonly FlowRow[]): void {
  for (const [from, flow, expected] of rows) {
    const fate = evaluate(programs, packetOf(from, flow));
    assert.equal(says(fate), expected, `${from}: ${flow}\n${JSON.stringify(fate.hops, null, 1)}`);
    assert.ok(fate.hops.length > 0, 'every fate has a reason');
  }
}
