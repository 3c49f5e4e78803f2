/** Attacks on state: errors about foreign flows, answers that nobody asked for, helpers, flows after their rule is gone. */

import { address, build, type Field, nic, type Place } from '#test/attack/field.ts';
import { bytesOf, icmp, ip, tagBytes, tcp, two, udp } from '#test/attack/forge.ts';
import type { Attempt } from '#test/attack/row.ts';
import { readFrame } from '#test/stamp/frame.ts';
import { programsFrom } from '#test/stamp/scenario.ts';

type Talk = { readonly source: string; readonly target: string; readonly from: number; readonly to: number };

/** Each attempt begins with no flow known. */
export function statefulAttempts(field: Field): Attempt[] {
  return [
    ...errorAttempts(field),
    ...honestErrors(field),
    ...answerAttempts(field),
    helperAttempt(field),
    removalAttempt(field),
  ].map(({ name, run }) => ({
    name: `state: ${name}`,
    run: async () => {
      field.forget();
      return await run();
    },
  }));
}

/** A handshake of two NICs; answers what went wrong. */
async function talk(
  field: Field,
  [one, other]: readonly [number, number],
  { source, target, from, to }: Talk,
): Promise<string | undefined> {
  const [there, back] = [
    { source, target },
    { source: target, target: source },
  ];
  const steps = [
    {
      at: one,
      to: other,
      packet: (data: Buffer) => tcp(there, { from, to }, { flags: 2, data, sequence: 1000 }),
      ends: there,
    },
    {
      at: other,
      to: one,
      packet: (data: Buffer) =>
        tcp(back, { from: to, to: from }, { flags: 0x12, data, sequence: 5000, acknowledge: 1001 }),
      ends: back,
    },
    {
      at: one,
      to: other,
      packet: (data: Buffer) => tcp(there, { from, to }, { flags: 0x10, data, sequence: 1001, acknowledge: 5001 }),
      ends: there,
    },
  ];
  for (const step of steps) {
    const tag = field.tag();
    field.putPacket(step.at, ip({ ...step.ends, protocol: 6, payload: step.packet(tagBytes(tag)) }));
    const problem = await field.arrives(tag, `nic ${step.to}`);
    if (problem !== undefined) return `the flow to attack did not come up: ${problem}`;
  }
  return undefined;
}

/** web2 (and app1) have a flow; web1, who has no part in it, tells each of them that something is wrong with it. */
function errorAttempts(field: Field): Attempt[] {
  const flows: readonly (readonly [string, Talk, Talk])[] = [
    [
      '',
      { source: '10.0.0.5', target: '10.0.1.4', from: 40_001, to: 443 },
      { source: '10.0.0.4', target: '', from: 0, to: 0 },
    ],
    [
      ', IPv6',
      { source: 'fd00::5', target: 'fd00:0:0:1::4', from: 40_001, to: 443 },
      { source: 'fd00::4', target: '', from: 0, to: 0 },
    ],
  ];
  const kinds = (isSix: boolean): readonly (readonly [string, number, number, Buffer])[] =>
    isSix
      ? [
          ['unreachable', 1, 4, Buffer.alloc(4)],
          ['packet too big', 2, 0, Buffer.from([0, 0, 5, 0])],
          ['time exceeded', 3, 0, Buffer.alloc(4)],
          ['parameter problem', 4, 0, Buffer.alloc(4)],
        ]
      : [
          ['unreachable', 3, 3, Buffer.alloc(4)],
          ['fragmentation needed', 3, 4, Buffer.from([0, 0, 2, 68])],
          ['source quench', 4, 0, Buffer.alloc(4)],
          ['redirect', 5, 1, bytesOf('10.0.0.4')],
          ['time exceeded', 11, 0, Buffer.alloc(4)],
          ['parameter problem', 12, 0, Buffer.alloc(4)],
        ];
  return flows.flatMap(([suffix, flow, self]) =>
    kinds(flow.source.includes(':')).flatMap(([name, type, code, word]) =>
      (['target', 'source'] as const).map(
        (victim): Attempt => ({
          name: `${name} about a foreign flow, to its ${victim}${suffix}`,
          run: async () => {
            const broken = await talk(field, [nic.web2, nic.app1], flow);
            if (broken !== undefined) return broken;
            const tag = complain(field, { by: nic.web1, self: self.source, flow, victim, type, code, word });
            return await field.nothing(tag, nic.web1);
          },
        }),
      ),
    ),
  );
}

type Complaint = {
  readonly by: Place;
  readonly self: string;
  readonly flow: Talk;
  readonly victim: 'target' | 'source';
  readonly type: number;
  readonly code: number;
  readonly word: Buffer;
};

/** An ICMP error that quotes a packet of the flow, sent to one of its ends. */
function complain(field: Field, { by, self, flow, victim, type, code, word }: Complaint): number {
  const inner = victim === 'source' ? flow : { source: flow.target, target: flow.source, from: flow.to, to: flow.from };
  const tag = field.tag();
  const head = Buffer.concat([two(inner.from), two(inner.to), Buffer.from([0, 0, 4, 0])]);
  const payload = Buffer.concat([head, tagBytes(tag), Buffer.alloc(4)]);
  const body = ip({ source: inner.source, target: inner.target, protocol: 6, payload });
  const ends = { source: self, target: inner.source };
  const protocol = self.includes(':') ? 58 : 1;
  field.putPacket(by, ip({ ...ends, protocol, payload: icmp(ends, { type, code, word, body }) }));
  return tag;
}

/** The ends of a flow may complain of it to each other, whatever the NSGs say of ICMP: path MTU discovery lives on that. */
function honestErrors(field: Field): Attempt[] {
  const flows: readonly (readonly [string, Talk, number, number, number, number])[] = [
    ['IPv4', { source: '10.0.0.5', target: '10.0.1.4', from: 40_010, to: 443 }, nic.web2, nic.app1, 3, 4],
    ['IPv4, one host', { source: '10.0.0.4', target: '10.0.1.4', from: 40_011, to: 443 }, nic.web1, nic.app1, 3, 4],
    ['IPv6', { source: 'fd00::4', target: 'fd00:0:0:1::5', from: 40_012, to: 443 }, nic.web1, nic.app2, 2, 0],
  ];
  const word = Buffer.from([0, 0, 5, 0]);
  return flows.flatMap(([name, flow, one, other, type, code]) =>
    (['source', 'target'] as const).map((victim): Attempt => {
      const [by, self, to] = victim === 'source' ? [other, flow.target, one] : [one, flow.source, other];
      return {
        name: `an end of a flow complains to its ${victim}, ${name}`,
        run: async () => {
          const broken = await talk(field, [one, other], flow);
          if (broken !== undefined) return broken;
          return await field.arrives(complain(field, { by, self, flow, victim, type, code, word }), `nic ${to}`);
        },
      };
    }),
  );
}

/** A flow of web1 to the internet: only its own target may answer, and only to the port it came from. */
function answerAttempts(field: Field): Attempt[] {
  const attempts: readonly (readonly [string, (shared: { address: string; port: number }) => Talk])[] = [
    ['another host answers', ({ address: to, port }) => ({ source: '203.0.113.10', target: to, from: 80, to: port })],
    ['another port answers', ({ address: to, port }) => ({ source: '203.0.113.9', target: to, from: 81, to: port })],
    [
      'the neighbouring port of the block is asked',
      ({ address: to, port }) => ({ source: '203.0.113.9', target: to, from: 80, to: port + 1 }),
    ],
    ['a private host answers', ({ address: to, port }) => ({ source: '10.0.0.5', target: to, from: 80, to: port })],
    [
      'the label is answered instead of the shared address',
      () => ({ source: '203.0.113.9', target: field.labelOf(nic.web1), from: 80, to: 50_200 }),
    ],
  ];
  return attempts.flatMap(([name, make]) =>
    ([6, 17] as const).map(
      (protocol): Attempt => ({
        name: `${name} a guest's flow, ${protocol === 6 ? 'TCP' : 'UDP'}`,
        run: async () => {
          const shared = await outward(field, protocol);
          if (typeof shared === 'string') return shared;
          const { source, target, from, to } = make(shared);
          const tag = field.tag();
          const data = tagBytes(tag);
          const payload =
            protocol === 6
              ? tcp({ source, target }, { from, to }, { flags: 0x12, data, acknowledge: 1001 })
              : udp({ source, target }, { from, to }, { data });
          field.putPacket('internet', ip({ source, target, protocol, payload }));
          return await field.nothing(tag, 'internet');
        },
      }),
    ),
  );
}

async function outward(field: Field, protocol: 6 | 17): Promise<{ address: string; port: number } | string> {
  const ends = { source: '10.0.0.4', target: '203.0.113.9' };
  const tag = field.tag();
  const data = tagBytes(tag);
  const ports = { from: 50_200, to: 80 };
  field.putPacket(
    nic.web1,
    ip({ ...ends, protocol, payload: protocol === 6 ? tcp(ends, ports, { data }) : udp(ends, ports, { data }) }),
  );
  const seen = (await field.leaks(tag)).find(({ at }) => at === 'internet');
  const packet = seen === undefined ? undefined : readFrame(seen.frame)?.packet;
  return packet === undefined
    ? 'the flow to attack did not come up'
    : { address: packet.source, port: packet.sourcePort };
}

/** RFC 959: what an FTP helper would read opens nothing, because there is none. */
function helperAttempt(field: Field): Attempt {
  return {
    name: 'an FTP server names a port that is closed',
    run: async () => {
      const broken = await talk(field, [nic.web1, nic.app1], {
        source: '10.0.0.4',
        target: '10.0.1.4',
        from: 40_002,
        to: 21,
      });
      if (broken !== undefined) return broken;
      const back = { source: '10.0.1.4', target: '10.0.0.4' };
      const data = Buffer.from('227 Entering Passive Mode (10,0,1,4,0,22).\r\n');
      field.putPacket(
        nic.app1,
        ip({
          ...back,
          protocol: 6,
          payload: tcp(back, { from: 21, to: 40_002 }, { flags: 0x18, data, sequence: 5001, acknowledge: 1009 }),
        }),
      );
      return await closedTo(field, nic.web1, { source: '10.0.0.4', target: '10.0.1.4', from: 40_003, to: 22 });
    },
  };
}

async function closedTo(
  field: Field,
  from: Place,
  { source, target, from: port, to }: Talk,
): Promise<string | undefined> {
  const tag = field.tag();
  field.putPacket(
    from,
    ip({ source, target, protocol: 6, payload: tcp({ source, target }, { from: port, to }, { data: tagBytes(tag) }) }),
  );
  return await field.nothing(tag, from);
}

/** Decision 5: an established flow goes on when its rule goes; nothing new rides on it, in either direction. */
function removalAttempt(field: Field): Attempt {
  return {
    name: 'the allow rule goes: the old flow goes on, a new one on its ports does not, nor one that claims to be it',
    run: async () => {
      const flow = { source: address[nic.web1] ?? '', target: address[nic.app1] ?? '', from: 40_004, to: 443 };
      const broken = await talk(field, [nic.web1, nic.app1], flow);
      if (broken !== undefined) return broken;
      const closed = programsFrom(field.stamp, (made) => {
        build(made);
        made.resources.delete(
          [...made.resources.keys()].find((id) => id.endsWith('/networksecuritygroups/app/securityrules/open')) ?? '',
        );
      });
      await field.harness.apply(closed, { isKeepingState: true });
      try {
        const { source, target } = flow;
        const tag = field.tag();
        field.putPacket(
          nic.web1,
          ip({
            source,
            target,
            protocol: 6,
            payload: tcp({ source, target }, flow, {
              flags: 0x18,
              data: tagBytes(tag),
              sequence: 1009,
              acknowledge: 5009,
            }),
          }),
        );
        const gone = await field.arrives(tag, `nic ${nic.app1}`);
        if (gone !== undefined) return `the established flow was cut: ${gone}`;
        return (
          (await closedTo(field, nic.web1, { ...flow, from: 40_005 })) ??
          (await closedTo(field, nic.web2, { ...flow, source: '10.0.0.5' })) ??
          (await closedTo(field, nic.web2, flow))
        );
      } finally {
        await field.harness.apply(field.programs);
      }
    },
  };
}
