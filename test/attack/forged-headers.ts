/** Attacks by headers: IPv4 options, IPv6 extension headers, packets within packets. */

import { bytesOf, ip, tcp, two } from '#test/attack/forge.ts';
import { allowed, app, type Named, ssh, web } from '#test/attack/shots.ts';

/** RFC 791: loose and strict source routes, record route, timestamp; RFC 2113 router alert. */
export const optionRows: Named[] = [
  ...(
    [
      ['loose source route', 131],
      ['strict source route', 137],
    ] as const
  ).flatMap(([name, kind]): Named[] => [
    [
      `${name} over web2 to a closed port`,
      (data) =>
        ip({
          source: '10.0.0.4',
          target: '10.0.0.5',
          protocol: 6,
          options: Buffer.from([kind, 7, 4, ...bytesOf('10.0.1.4')]),
          payload: tcp({ source: '10.0.0.4', target: '10.0.1.4' }, ssh, { data }),
        }),
    ],
    [
      `${name} over the gateway to another tenant's label`,
      (data) =>
        ip({
          source: '10.0.0.4',
          target: '10.0.0.1',
          protocol: 6,
          options: Buffer.from([kind, 7, 4, ...bytesOf('203.0.113.9')]),
          payload: tcp({ source: '10.0.0.4', target: '203.0.113.9' }, allowed, { data }),
        }),
    ],
  ]),
  ...(
    [
      ['record route', [7, 7, 4, 0, 0, 0, 0]],
      ['timestamp', [68, 8, 5, 0, 0, 0, 0, 0]],
      ['router alert', [148, 4, 0, 0]],
      ['an option that is too long', [131, 40, 4, 1, 1, 1, 1]],
    ] as const
  ).map(
    ([name, bytes]): Named => [
      `${name} to a closed port`,
      (data) => ip({ ...web, protocol: 6, options: Buffer.from(bytes), payload: tcp(web, ssh, { data }) }),
    ],
  ),
];

const plainHeader = (next: number) => Buffer.from([next, 0, 1, 4, 0, 0, 0, 0]);
const routingHeader = (next: number, type: number) =>
  Buffer.concat([Buffer.from([next, 2, type, 1, 0, 0, 0, 0]), bytesOf('fd00:0:0:1::4')]);

/** RFC 8200 §4: headers that hide what follows. */
export const headerRows: Named[] = ([ssh, allowed] as const).flatMap((ports): Named[] => {
  const inner = (data: Buffer) => tcp(app, ports, { data });
  return [
    [
      `hop-by-hop options before port ${ports.to}`,
      (data) => ip({ ...app, protocol: 0, payload: Buffer.concat([plainHeader(6), inner(data)]) }),
    ],
    [
      `destination options before port ${ports.to}`,
      (data) => ip({ ...app, protocol: 60, payload: Buffer.concat([plainHeader(6), inner(data)]) }),
    ],
    [
      `routing header type 0 before port ${ports.to}`,
      (data) =>
        ip({ ...app, target: 'fd00::5', protocol: 43, payload: Buffer.concat([routingHeader(6, 0), inner(data)]) }),
    ],
    [
      `routing header type 4 before port ${ports.to}`,
      (data) =>
        ip({ ...app, target: 'fd00::5', protocol: 43, payload: Buffer.concat([routingHeader(6, 4), inner(data)]) }),
    ],
    [
      `mobility header before port ${ports.to}`,
      (data) => ip({ ...app, protocol: 135, payload: Buffer.concat([plainHeader(6), inner(data)]) }),
    ],
    [
      `authentication header around port ${ports.to}`,
      (data) =>
        ip({
          ...app,
          protocol: 51,
          payload: Buffer.concat([Buffer.from([6, 4, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1]), Buffer.alloc(12), inner(data)]),
        }),
    ],
    [
      `ten destination options before port ${ports.to}`,
      (data) =>
        ip({
          ...app,
          protocol: 60,
          payload: Buffer.concat([...Array.from({ length: 9 }, () => plainHeader(60)), plainHeader(6), inner(data)]),
        }),
    ],
    [`no next header, then port ${ports.to}`, (data) => ip({ ...app, protocol: 59, payload: inner(data) })],
  ];
});

/** Packets within packets: what is judged is the outer one, and app takes TCP alone. */
export const wrappedRows: Named[] = [
  [
    'IP in IP',
    (data) => ip({ ...web, protocol: 4, payload: ip({ ...web, protocol: 6, payload: tcp(web, allowed, { data }) }) }),
  ],
  [
    'IPv6 in IPv4',
    (data) => ip({ ...web, protocol: 41, payload: ip({ ...app, protocol: 6, payload: tcp(app, allowed, { data }) }) }),
  ],
  [
    'GRE',
    (data) =>
      ip({
        ...web,
        protocol: 47,
        payload: Buffer.concat([
          Buffer.from([0, 0, 8, 0]),
          ip({ ...web, protocol: 6, payload: tcp(web, allowed, { data }) }),
        ]),
      }),
  ],
  [
    'IPv4 in IPv6',
    (data) => ip({ ...app, protocol: 4, payload: ip({ ...web, protocol: 6, payload: tcp(web, allowed, { data }) }) }),
  ],
  [
    'SCTP',
    (data) => ip({ ...web, protocol: 132, payload: Buffer.concat([two(50_000), two(443), Buffer.alloc(8), data]) }),
  ],
  [
    'DCCP',
    (data) =>
      ip({
        ...web,
        protocol: 33,
        payload: Buffer.concat([two(50_000), two(443), Buffer.from([4, 0, 0, 0, 0x05, 0, 0, 0]), data]),
      }),
  ],
  [
    'UDP-Lite',
    (data) => ip({ ...web, protocol: 136, payload: Buffer.concat([two(50_000), two(443), two(8), two(0), data]) }),
  ],
  [
    'IGMP',
    (data) =>
      ip({ ...web, protocol: 2, payload: Buffer.concat([Buffer.from([0x16, 0, 0, 0]), bytesOf('224.0.0.251'), data]) }),
  ],
  ['protocol 255', (data) => ip({ ...web, protocol: 255, payload: data })],
  [
    'ICMPv6 inside IPv4',
    (data) => ip({ ...web, protocol: 58, payload: Buffer.concat([Buffer.from([128, 0, 0, 0, 0, 1, 0, 1]), data]) }),
  ],
  [
    'ICMP inside IPv6',
    (data) => ip({ ...app, protocol: 1, payload: Buffer.concat([Buffer.from([8, 0, 0, 0, 0, 1, 0, 1]), data]) }),
  ],
];
