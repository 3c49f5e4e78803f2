/** Attacks by whole frames: other hardware addresses, tags, other protocols, lies to neighbours. */

import { gatewayMac, labelMac, tunnelMac } from '#adapters/linux/names.ts';
import { address, type Field, nic } from '#test/attack/field.ts';
import {
  arp,
  bytesOf,
  ether,
  etherArp,
  etherFour,
  etherSix,
  icmp,
  ip,
  mac,
  tagBytes,
  tcp,
  two,
  udp,
} from '#test/attack/forge.ts';
import { allowed, app, type Named, ssh, web } from '#test/attack/shots.ts';
import type { Attempt } from '#test/attack/row.ts';

/** Whole frames: other hardware addresses, tags, other protocols. */
// oxlint-disable-next-line max-lines-per-function -- a table of rows, read from top to bottom
export function frameRows(field: Field): Named[] {
  const mine = field.macOf(nic.web1);
  const denied = (data: Buffer) => ip({ ...web, protocol: 6, payload: tcp(web, ssh, { data }) });
  const open = (data: Buffer) => ip({ ...web, protocol: 6, payload: tcp(web, allowed, { data }) });
  const targets = {
    broadcast: 'ff:ff:ff:ff:ff:ff',
    multicast: '01:00:5e:00:00:01',
    "another NIC's address": field.macOf(nic.app1),
    "a forwarding NIC's next-hop label": labelMac(nic.nva),
    "a plain NIC's next-hop label": labelMac(nic.app1),
    "the tunnel's foreign mark": tunnelMac('h1', true),
  };
  const sources = {
    "another NIC's": field.macOf(nic.web2),
    "the gateway's": gatewayMac,
    broadcast: 'ff:ff:ff:ff:ff:ff',
    'an unknown': '02:00:00:00:00:99',
    zero: '00:00:00:00:00:00',
  };
  const vlan = (type: number, data: Buffer) =>
    Buffer.concat([mac(gatewayMac), mac(mine), two(type), two(5), two(etherFour), open(data)]);
  return [
    ...Object.entries(targets).map(
      ([name, target]): Named => [
        `a closed port, sent to ${name}`,
        (data) => ether(target, mine, [etherFour, denied(data)]),
      ],
    ),
    ...Object.entries(sources).map(
      ([name, source]): Named => [
        `an open port, sent from ${name} address`,
        (data) => ether(gatewayMac, source, [etherFour, open(data)]),
      ],
    ),
    ...Object.entries(sources).map(
      ([name, source]): Named => [
        `an open port, sent from ${name} address, IPv6`,
        (data) =>
          ether(gatewayMac, source, [etherSix, ip({ ...app, protocol: 6, payload: tcp(app, allowed, { data }) })]),
      ],
    ),
    ['a VLAN tag', (data) => vlan(0x8100, data)],
    ['a service VLAN tag', (data) => vlan(0x88a8, data)],
    ...Object.entries({
      MPLS: 0x8847,
      PPPoE: 0x8864,
      LLDP: 0x88cc,
      EAPOL: 0x888e,
      'IPv6 in an IPv4 frame': etherFour,
      loopback: 0x9000,
    }).map(
      ([name, type]): Named => [
        name,
        (data) =>
          ether(gatewayMac, mine, [
            type,
            Buffer.concat([
              Buffer.from([0, 1, 1, 64]),
              ip({ ...app, protocol: 6, payload: tcp(app, allowed, { data }) }),
            ]),
          ]),
      ],
    ),
    [
      'spanning tree',
      (data) =>
        ether('01:80:c2:00:00:00', mine, [60, Buffer.concat([Buffer.from([0x42, 0x42, 3]), Buffer.alloc(30), data])]),
    ],
    [
      'a frame of VXLAN for another VNet, to the other host',
      (data) => {
        const ends = { source: '10.0.0.4', target: `10.254.${field.stamp}.2` };
        return ether(gatewayMac, mine, [
          etherFour,
          ip({ ...ends, protocol: 17, payload: udp(ends, { from: 50_000, to: 4789 }, { data: vxlan(field, data) }) }),
        ]);
      },
    ],
    [
      'a frame of VXLAN for another VNet, from the underlay address',
      (data) => {
        const ends = { source: `10.254.${field.stamp}.2`, target: `10.254.${field.stamp}.1` };
        return ether(gatewayMac, mine, [
          etherFour,
          ip({ ...ends, protocol: 17, payload: udp(ends, { from: 50_000, to: 4789 }, { data: vxlan(field, data) }) }),
        ]);
      },
    ],
    [
      'a frame of VXLAN to the gateway',
      (data) => {
        const ends = { source: '10.0.0.4', target: '10.0.0.1' };
        return ether(gatewayMac, mine, [
          etherFour,
          ip({ ...ends, protocol: 17, payload: udp(ends, { from: 50_000, to: 4789 }, { data: vxlan(field, data) }) }),
        ]);
      },
    ],
  ];
}

/** RFC 7348, with the number of the other tenant's VNet. */
function vxlan(field: Field, data: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head[0] = 8;
  head.writeUInt32BE((field.stamp * 65_536 + 2) << 8, 4);
  const ends = { source: '10.0.0.4', target: '10.0.1.4' };
  return Buffer.concat([
    head,
    ether(gatewayMac, tunnelMac('h1', false), [
      etherFour,
      ip({ ...ends, protocol: 6, payload: tcp(ends, allowed, { data }) }),
    ]),
  ]);
}

/** Lies about who has an address: afterwards the routers know what they knew, and honest packets go where they went. */
// oxlint-disable-next-line max-lines-per-function -- a table of rows, read from top to bottom
export function neighbourAttempts(field: Field): Attempt[] {
  const mine = field.macOf(nic.web1);
  const lies = (): Buffer[] => [
    ...(['10.0.1.4', '10.0.0.5', '10.0.0.1', '168.63.129.16', '169.254.79.1'] as const).flatMap((claimed) => [
      ether('ff:ff:ff:ff:ff:ff', mine, [etherArp, arp(1, [mine, claimed], ['00:00:00:00:00:00', claimed])]),
      ether('ff:ff:ff:ff:ff:ff', mine, [etherArp, arp(2, [mine, claimed], ['ff:ff:ff:ff:ff:ff', claimed])]),
      ether(gatewayMac, mine, [etherArp, arp(2, [mine, claimed], [gatewayMac, '10.0.0.1'])]),
    ]),
    ...(['fd00::5', 'fd00:0:0:1::4', 'fe80::1', 'fe80::79:1'] as const).flatMap((claimed) => {
      const option = Buffer.concat([Buffer.from([2, 1]), mac(mine)]);
      const advert = { source: claimed, target: 'ff02::1' };
      const solicit = { source: claimed, target: 'ff02::1:ff00:1' };
      return [
        ether('33:33:00:00:00:01', mine, [
          etherSix,
          ip({
            ...advert,
            hops: 255,
            protocol: 58,
            payload: icmp(advert, {
              type: 136,
              word: Buffer.from([0xa0, 0, 0, 0]),
              body: Buffer.concat([bytesOf(claimed), option]),
            }),
          }),
        ]),
        ether('33:33:ff:00:00:01', mine, [
          etherSix,
          ip({
            ...solicit,
            hops: 255,
            protocol: 58,
            payload: icmp(solicit, {
              type: 135,
              body: Buffer.concat([bytesOf('fe80::1'), Buffer.from([1, 1]), mac(mine)]),
            }),
          }),
        ]),
      ];
    }),
    ...[134, 137].map((type) => {
      const ends = { source: 'fe80::2', target: 'ff02::1' };
      const body =
        type === 134
          ? Buffer.concat([
              Buffer.alloc(8),
              Buffer.from([3, 4, 64, 0xc0]),
              Buffer.alloc(12, 255),
              bytesOf('fd00:bad::'),
            ])
          : Buffer.concat([bytesOf('fe80::2'), bytesOf('fd00::5')]);
      return ether('33:33:00:00:00:01', mine, [
        etherSix,
        ip({
          ...ends,
          hops: 255,
          protocol: 58,
          payload: icmp(ends, { type, word: Buffer.from([64, 0, 255, 255]), body }),
        }),
      ]);
    }),
  ];
  return [
    {
      name: 'neighbours: gratuitous ARP, ARP answers, advertisements, solicitations with foreign sources, router advertisements, redirects',
      run: async () => {
        field.forget();
        for (const frame of lies()) field.put(nic.web1, frame);
        for (const point of ['router/v1/h1', 'router/v1/h2']) {
          const drift = await field.harness.plane.readBack(point);
          if (drift.length > 0) return drift.map(({ says }) => says).join('\n');
        }
        const tag = field.tag();
        const ends = { source: address[nic.app1] ?? '', target: '10.0.0.5' };
        field.putPacket(
          nic.app1,
          ip({ ...ends, protocol: 17, payload: udp(ends, { from: 1000, to: 53 }, { data: tagBytes(tag) }) }),
        );
        return await field.arrives(tag, `nic ${nic.web2}`);
      },
    },
  ];
}
