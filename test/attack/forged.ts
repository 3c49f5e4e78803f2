/** Attacks by packets that an honest stack never sends: flags without a flow, fragments, lengths that lie. */

import { bytesOf, icmp, ip, tcp, udp } from '#test/attack/forge.ts';
import { headerRows, optionRows, wrappedRows } from '#test/attack/forged-headers.ts';
import { frameRows, neighbourAttempts } from '#test/attack/frames.ts';
import type { Field } from '#test/attack/field.ts';
import { allowed, app, type Named, ssh, vanish, vanishFrames, web } from '#test/attack/shots.ts';
import type { Attempt } from '#test/attack/row.ts';

/** All forged frames of web1; whatever carries the tag must not come out anywhere. */
export function forgedAttempts(field: Field): Attempt[] {
  return [
    ...[...flagRows, ...fragmentRows, ...optionRows, ...headerRows, ...wrappedRows, ...lengthRows].map(([name, make]) =>
      vanish(field, name, make),
    ),
    ...frameRows(field).map(([name, make]) => vanishFrames(field, name, make)),
    ...neighbourAttempts(field),
  ];
}

const flagNames = {
  'no flag at all': 0,
  FIN: 1,
  RST: 4,
  ACK: 0x10,
  'SYN and ACK': 0x12,
  'SYN and FIN': 3,
  'FIN, PSH and URG': 0x29,
  'all flags': 0x3f,
  'PSH and ACK': 0x18,
  'RST and ACK': 0x14,
};

/** Without a flow these belong to nothing, on the port that is open as on the one that is not. */
const flagRows: Named[] = Object.entries(flagNames).flatMap(([name, flags]): Named[] =>
  [ssh, allowed].flatMap((ports): Named[] => [
    [`${name} to port ${ports.to}`, (data) => ip({ ...web, protocol: 6, payload: tcp(web, ports, { flags, data }) })],
    [
      `${name} to port ${ports.to}, IPv6`,
      (data) => ip({ ...app, protocol: 6, payload: tcp(app, ports, { flags, data }) }),
    ],
  ]),
);

const more = 0x2000;

/** An IPv6 fragment header (RFC 8200 §4.5). */
function fragmentSix(next: number, [offset, isLast, payload]: readonly [number, boolean, Buffer]): Buffer {
  const head = Buffer.from([next, 0, 0, 0, 0, 0, 0, 9]);
  head.writeUInt16BE((offset & 0xfff8) | (isLast ? 0 : 1), 2);
  return Buffer.concat([head, payload]);
}

const sshSegment = (data: Buffer) => tcp(web, ssh, { data });
const openSegment = (data: Buffer) => tcp(web, allowed, { data });
const part = (payload: Buffer, fragment: number) => ip({ ...web, protocol: 6, payload, fragment, identifier: 77 });
const partSix = (next: number, piece: readonly [number, boolean, Buffer]) =>
  ip({ ...app, protocol: 44, payload: fragmentSix(next, piece) });

const fragmentRows: Named[] = [
  [
    'fragments of a packet to a closed port',
    (data) => {
      const whole = sshSegment(data);
      return [part(whole.subarray(0, 24), more), part(whole.subarray(24), 3)];
    },
  ],
  [
    'a first fragment of eight bytes',
    (data) => {
      const whole = sshSegment(data);
      return [part(whole.subarray(0, 8), more), part(whole.subarray(8), 1)];
    },
  ],
  [
    'the last fragment first',
    (data) => {
      const whole = sshSegment(data);
      return [part(whole.subarray(24), 3), part(whole.subarray(0, 24), more)];
    },
  ],
  [
    'an overlapping fragment that rewrites the port',
    (data) => {
      const [good, bad] = [openSegment(data), sshSegment(data)];
      return [part(good.subarray(0, 24), more), part(bad.subarray(0, 24), more), part(bad.subarray(24), 3)];
    },
  ],
  [
    'a second fragment over the first header (RFC 1858)',
    (data) => {
      const [good, bad] = [openSegment(data), sshSegment(data)];
      return [part(good.subarray(0, 16), more), part(bad.subarray(8), 1)];
    },
  ],
  ['a fragment without its beginning', (data) => part(Buffer.concat([data, Buffer.alloc(8)]), 5)],
  ['an IPv6 atomic fragment to a closed port', (data) => partSix(6, [0, true, tcp(app, ssh, { data })])],
  [
    'IPv6 fragments to a closed port',
    (data) => {
      const whole = tcp(app, ssh, { data });
      return [partSix(6, [0, false, whole.subarray(0, 24)]), partSix(6, [24, true, whole.subarray(24)])];
    },
  ],
  [
    'overlapping IPv6 fragments (RFC 5722)',
    (data) => {
      const [good, bad] = [tcp(app, allowed, { data }), tcp(app, ssh, { data })];
      return [partSix(6, [0, false, good.subarray(0, 24)]), partSix(6, [16, true, bad.subarray(16)])];
    },
  ],
  [
    'an IPv6 first fragment without the upper header',
    (data) => {
      const whole = Buffer.concat([Buffer.from([6, 0, 1, 4, 0, 0, 0, 0]), tcp(app, ssh, { data })]);
      return [partSix(60, [0, false, whole.subarray(0, 8)]), partSix(60, [8, true, whole.subarray(8)])];
    },
  ],
  [
    'a fragment within a fragment',
    (data) =>
      ip({
        ...app,
        protocol: 44,
        payload: fragmentSix(44, [0, true, fragmentSix(6, [0, true, tcp(app, ssh, { data })])]),
      }),
  ],
];

const lengthRows: Named[] = [
  [
    'UDP length 0',
    (data) => ip({ ...web, protocol: 17, payload: udp(web, { from: 5, to: 443 }, { data, length: 0 }) }),
  ],
  [
    'UDP length beyond the packet',
    (data) => ip({ ...web, protocol: 17, payload: udp(web, { from: 5, to: 443 }, { data, length: 9000 }) }),
  ],
  ['UDP port 0', (data) => ip({ ...web, protocol: 17, payload: udp(web, { from: 0, to: 0 }, { data }) })],
  ['TCP port 0', (data) => ip({ ...web, protocol: 6, payload: tcp(web, { from: 0, to: 0 }, { data }) })],
  [
    'TCP with a header of 60 bytes that is not there',
    (data) => {
      const segment = tcp(web, allowed, { data });
      segment[12] = 0xf0;
      return ip({ ...web, protocol: 6, payload: segment });
    },
  ],
  [
    'TCP with a header of 4 bytes',
    (data) => {
      const segment = tcp(web, allowed, { data });
      segment[12] = 0x10;
      return ip({ ...web, protocol: 6, payload: segment });
    },
  ],
  [
    'an IPv4 header of 16 bytes',
    (data) => {
      const packet = ip({ ...web, protocol: 6, payload: tcp(web, allowed, { data }) });
      packet[0] = 0x44;
      return packet;
    },
  ],
  [
    'a packet from and to oneself',
    (data) =>
      ip({
        source: '10.0.0.4',
        target: '10.0.0.4',
        protocol: 6,
        payload: tcp({ source: '10.0.0.4', target: '10.0.0.4' }, { from: 80, to: 80 }, { data }),
      }),
  ],
  [
    'an echo reply that nobody asked for',
    (data) =>
      ip({
        source: '10.0.0.4',
        target: '10.0.0.5',
        protocol: 1,
        payload: icmp({ source: '10.0.0.4', target: '10.0.0.5' }, { type: 0, body: data }),
      }),
  ],
  [
    'an echo reply that nobody asked for, IPv6',
    (data) =>
      ip({
        source: 'fd00::4',
        target: 'fd00::5',
        protocol: 58,
        payload: icmp({ source: 'fd00::4', target: 'fd00::5' }, { type: 129, body: data }),
      }),
  ],
  [
    'an ICMP redirect',
    (data) =>
      ip({
        source: '10.0.0.4',
        target: '10.0.0.5',
        protocol: 1,
        payload: icmp(
          { source: '10.0.0.4', target: '10.0.0.5' },
          {
            type: 5,
            code: 1,
            word: bytesOf('10.0.0.4'),
            body: Buffer.concat([
              ip({ source: '10.0.0.5', target: '10.0.1.4', protocol: 6, payload: Buffer.alloc(8) }),
              data,
            ]),
          },
        ),
      }),
  ],
  [
    'an ICMP router advertisement',
    (data) =>
      ip({
        source: '10.0.0.4',
        target: '10.0.0.5',
        protocol: 1,
        payload: icmp({ source: '10.0.0.4', target: '10.0.0.5' }, { type: 9, body: data }),
      }),
  ],
];
