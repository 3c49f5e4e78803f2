/** Attacks by plain packets: sources that are not one's own, targets that nobody may reach, and what the oracle says of each. */

import type { Packet } from '#program/packet.ts';
import { type Field, nic, type Place } from '#test/attack/field.ts';
import { icmp, ip, tagBytes, tcp, udp } from '#test/attack/forge.ts';
import type { Attempt } from '#test/attack/row.ts';

/** From, source, protocol and target with its port: `tcp 10.0.1.4:22`. */
type Shot = readonly [from: Place, source: string, what: string];

/** Every one must vanish, and the oracle must say so too. */
export function plainAttempts(field: Field): Attempt[] {
  const own = (text: string) => text.replaceAll('{N}', String(field.stamp)).replaceAll('{O}', String(64 + field.stamp));
  const hex = (0x5700 + field.stamp).toString(16);
  const shots: Shot[] = [
    ...spoofedByGuests(field.labelOf(nic.web2), hex).map((source): Shot => [nic.web1, source, aim(source, 'web')]),
    ...spoofedByGuests(field.labelOf(nic.web2), hex).map((source): Shot => [nic.web1, source, aim(source, 'out')]),
    ...bogons(field.labelOf(nic.web2), hex).flatMap((source): Shot[] => [
      [
        'internet',
        source,
        source.includes(':') ? `tcp [2001:db8:${field.stamp.toString(16)}::40]:80` : 'tcp 198.18.{N}.40:80',
      ],
      ['internet', source, source.includes(':') ? `udp [fd52:${hex}::1]:53` : 'tcp 198.18.{N}.5:443'],
    ]),
    ...forbiddenTargets(field).map((what): Shot => [nic.web1, what.includes('[') ? 'fd00::4' : '10.0.0.4', what]),
    ...forbiddenFromOutside(field, hex).map(
      (what): Shot => ['internet', what.includes('[') ? '2001:db8:ffff::9' : '203.0.113.9', what],
    ),
    ...between,
  ];
  return shots.map(([from, source, what]) => {
    const packet = packetOf(from, own(source), own(what));
    return {
      name: `plain: ${from} ${packet.source} → ${own(what)}`,
      run: async () => {
        if (!field.isDropped(packet)) return 'the oracle would deliver it';
        const tag = field.tag();
        field.putPacket(from, bytesOfPacket(packet, tag));
        return await field.nothing(tag);
      },
    };
  });
}

/** Honest packets that must arrive: a field in which nothing ever arrives proves nothing. */
export function controlAttempts(field: Field): Attempt[] {
  const rows: readonly (readonly [...Shot, string])[] = [
    [nic.web1, '10.0.0.4', 'tcp 10.0.1.4:443', `nic ${nic.app1}`],
    [nic.web1, '10.0.0.4', 'tcp 10.0.1.5:443', `nic ${nic.app2}`],
    [nic.web1, 'fd00::4', 'tcp [fd00:0:0:1::5]:443', `nic ${nic.app2}`],
    [nic.web1, '10.0.0.4', 'udp 10.0.0.5:53', `nic ${nic.web2}`],
    [nic.web1, '10.0.0.4', 'tcp 203.0.113.9:80', 'internet'],
    [nic.web2, '10.0.0.5', `tcp 198.18.${field.stamp}.40:80`, `nic ${nic.web2}`],
    [nic.web1, '10.0.0.4', `tcp 198.18.${field.stamp}.4:443`, 'infra'],
    [nic.web1, '10.0.0.4', 'tcp 10.0.2.5:80', `nic ${nic.nva}`],
    [nic.nva, '10.0.0.5', 'tcp 10.0.1.4:443', `nic ${nic.app1}`],
    [nic.peer, '10.2.0.4', 'tcp 10.3.0.4:80', `nic ${nic.beyond}`],
    ['internet', '203.0.113.9', `tcp 198.18.${field.stamp}.40:80`, `nic ${nic.web2}`],
    ['operator', `169.254.${64 + field.stamp}.1`, `tcp 198.18.${field.stamp}.5:443`, 'infra'],
  ];
  return rows.map(([from, source, what, at]) => ({
    name: `control: ${from} ${source} → ${what}`,
    run: async () => {
      const packet = packetOf(from, source, what);
      if (field.isDropped(packet)) return 'the oracle would drop it';
      const tag = field.tag();
      field.putPacket(from, bytesOfPacket(packet, tag));
      return await field.arrives(tag, at);
    },
  }));
}

function aim(source: string, where: 'web' | 'out'): string {
  if (source.includes(':')) return where === 'web' ? 'udp [fd00::5]:53' : 'tcp [2001:db8:ffff::9]:80';
  return where === 'web' ? 'udp 10.0.0.5:53' : 'tcp 203.0.113.9:80';
}

function spoofedByGuests(label: string, hex: string): string[] {
  return [
    ...[
      '10.0.0.5',
      '10.0.1.4',
      '10.0.0.1',
      '10.0.2.5',
      '10.2.0.4',
      '168.63.129.16',
      label,
      '10.255.{N}.4',
      '10.254.{N}.1',
    ],
    ...[
      '198.18.{N}.40',
      '198.18.{N}.1',
      '169.254.{O}.1',
      '169.254.79.1',
      '169.254.77.2',
      '203.0.113.7',
      '0.0.0.0',
      '127.0.0.1',
    ],
    ...['224.0.0.1', '240.0.0.1'],
    ...[
      'fd00::5',
      'fd00:0:0:1::4',
      'fe80::1',
      'fe80::1234:5678:9abc',
      'fe80::77:2',
      `fd52:${hex}::1`,
      '2001:db8:ffff::7',
    ],
    ...['::1', '::', '::ffff:10.0.0.5', 'ff02::1'],
  ];
}

function bogons(label: string, hex: string): string[] {
  return [
    ...['10.0.0.4', '172.16.0.1', '192.168.1.1', label, '10.255.{N}.4', '10.254.{N}.1', '198.18.{N}.41'],
    ...[
      '169.254.{O}.1',
      '169.254.{O}.2',
      '169.254.79.1',
      '0.0.0.0',
      '127.0.0.1',
      '224.0.0.1',
      '240.0.0.1',
      '100.64.0.1',
    ],
    ...['fd00::4', `fd52:${hex}::1`, 'fe80::79:1', '::1', '::', 'ff02::1'],
  ];
}

// oxlint-disable-next-line max-lines-per-function -- a table of rows, read from top to bottom
function forbiddenTargets(field: Field): string[] {
  const labels = [nic.web2, nic.app1, nic.other1, nic.other2].map((mark) => `tcp ${field.labelOf(mark)}:443`);
  return [
    ...labels,
    `tcp [${field.labelOf(nic.other1, true)}]:443`,
    ...['tcp 10.255.{N}.4:443', 'tcp 10.255.{N}.5:443', 'tcp 10.255.{N}.6:443', 'icmp 10.255.{N}.4'],
    ...['udp 10.254.{N}.1:4789', 'udp 10.254.{N}.2:4789', 'icmp 10.254.{N}.2', 'tcp 10.254.{N}.1:22'],
    ...[
      'tcp 169.254.{O}.1:22',
      'tcp 169.254.{O}.2:22',
      'tcp 169.254.77.1:80',
      'tcp 169.254.78.1:80',
      'tcp 169.254.79.1:80',
    ],
    ...[
      'tcp 168.63.129.16:80',
      'tcp 168.63.129.16:22',
      'udp 168.63.129.16:5353',
      'icmp 168.63.129.16',
      'tcp 168.63.129.16:0',
    ],
    ...['tcp 10.0.0.1:22', 'tcp 10.0.0.1:53', 'udp 10.0.0.1:53', 'tcp 10.0.1.1:80'],
    ...[
      'udp 10.0.0.255:53',
      'udp 10.0.0.0:53',
      'udp 224.0.0.1:53',
      'udp 255.255.255.255:67',
      'udp 239.1.1.1:53',
      'tcp 127.0.0.1:22',
    ],
    ...[
      'udp [ff02::1]:53',
      'icmp ff02::1',
      'udp [ff05::2]:547',
      'tcp [fe80::79:1]:80',
      'tcp [fe80::1]:22',
      'tcp [::1]:22',
      'udp [fe80::77:1]:4789',
    ],
    ...[
      'tcp 10.0.1.4:22',
      'tcp 10.0.1.5:22',
      'udp 10.0.1.4:443',
      'icmp 10.0.1.4',
      'icmp 10.0.1.5',
      'tcp 10.0.1.4:0',
      'udp 10.0.1.4:0',
    ],
    ...[
      'tcp [fd00:0:0:1::4]:22',
      'icmp fd00:0:0:1::5',
      'esp 10.0.1.4',
      'ah 10.0.1.5',
      'esp fd00:0:0:1::4',
      'ah fd00:0:0:1::5',
    ],
    ...[
      'tcp 198.18.{N}.5:443',
      'tcp 198.18.{N}.4:22',
      'tcp 198.18.{N}.6:80',
      'udp 198.18.{N}.4:443',
      'icmp 198.18.{N}.5',
      'tcp 198.18.{N}.16:1024',
    ],
    ...[
      'tcp 198.18.{N}.99:80',
      'tcp 10.9.0.1:80',
      'tcp 10.3.0.4:80',
      'tcp 10.0.0.77:80',
      'tcp 192.168.0.1:80',
      'tcp 0.0.0.0:80',
    ],
  ];
}

function forbiddenFromOutside(field: Field, hex: string): string[] {
  return [
    ...[nic.web1, nic.web2, nic.other1].map((mark) => `tcp ${field.labelOf(mark)}:80`),
    ...['tcp 10.255.{N}.4:443', 'tcp 10.255.{N}.5:443', 'udp 10.254.{N}.1:4789', 'tcp 10.0.0.5:80'],
    ...[
      'tcp 169.254.{O}.1:22',
      'tcp 169.254.{O}.2:22',
      'tcp 169.254.79.1:80',
      'tcp 127.0.0.1:22',
      'udp 224.0.0.1:53',
      'udp 255.255.255.255:67',
    ],
    ...[
      'tcp 198.18.{N}.5:443',
      'tcp 198.18.{N}.4:22',
      'tcp 198.18.{N}.4:80',
      'udp 198.18.{N}.4:443',
      'tcp 198.18.{N}.6:22',
    ],
    ...[
      'icmp 198.18.{N}.4',
      'icmp 198.18.{N}.5',
      'tcp 198.18.{N}.16:1024',
      'udp 198.18.{N}.16:1030',
      'icmp 198.18.{N}.16',
      'tcp 198.18.{N}.1:22',
    ],
    ...[`tcp [fd52:${hex}::1]:80`, 'tcp [fd00::4]:80', 'tcp [fe80::1]:22', 'icmp ff02::1', 'tcp [::1]:22'],
  ];
}

/** Between tenants and through NVAs. */
const between: readonly Shot[] = [
  [nic.other1, '10.0.0.4', 'tcp 10.0.0.5:80'],
  [nic.other1, '10.0.0.4', 'tcp 10.0.1.5:443'],
  [nic.other1, '10.0.0.4', 'tcp 10.2.0.4:80'],
  [nic.peer, '10.2.0.4', 'tcp 10.0.1.4:22'],
  [nic.peer, '10.0.0.4', 'tcp 10.0.1.4:443'],
  [nic.beyond, '10.3.0.4', 'tcp 10.0.1.4:443'],
  [nic.web1, '10.0.0.4', 'tcp 10.3.0.4:80'],
  [nic.still, '10.0.0.4', 'tcp 10.0.1.4:443'],
  [nic.still, '10.9.0.1', 'tcp 10.0.0.4:80'],
  [nic.nva, '10.0.0.5', 'tcp 10.0.1.4:22'],
  [nic.nva, '10.0.0.5', 'tcp 203.0.113.9:80'],
  [nic.nva, '10.0.0.5', 'tcp 198.18.{N}.4:443'],
  [nic.nva, '203.0.113.7', 'tcp 10.2.0.4:80'],
  [nic.nva, '10.3.0.4', 'tcp 10.2.0.4:80'],
  [nic.nva, '168.63.129.16', 'tcp 10.0.1.4:443'],
  [nic.nva, '10.0.0.1', 'tcp 10.0.1.4:443'],
  [nic.nva, '127.0.0.1', 'tcp 10.0.1.4:443'],
  [nic.nva, '169.254.{O}.1', 'tcp 198.18.{N}.5:443'],
  [nic.nva, '224.0.0.1', 'tcp 10.0.1.4:443'],
];

function packetOf(from: Place, source: string, what: string): Packet {
  const [protocol = '', end = ''] = what.split(' ');
  const parsed = /^\[(.*)\]:(\d+)$/.exec(end) ?? (end.split(':').length === 2 ? /^(.*):(\d+)$/.exec(end) : null);
  const [target, port] = parsed === null ? [end, 0] : [parsed[1] ?? '', Number(parsed[2])];
  const hasPorts = protocol === 'tcp' || protocol === 'udp';
  return {
    origin: typeof from === 'number' ? { kind: 'nic', mark: from } : { kind: from },
    source,
    target,
    protocol: protocol as Packet['protocol'],
    sourcePort: hasPorts ? 50_000 : 0,
    targetPort: port,
  };
}

const numbers = { tcp: 6, udp: 17, esp: 50, ah: 51 } as const;

function bytesOfPacket(packet: Packet, tag: number): Buffer {
  const ports = { from: packet.sourcePort, to: packet.targetPort };
  const data = tagBytes(tag);
  const isSix = packet.source.includes(':');
  const wrap = (protocol: number, payload: Buffer): Buffer =>
    ip({ source: packet.source, target: packet.target, protocol, payload });
  switch (packet.protocol) {
    case 'tcp':
      return wrap(6, tcp(packet, ports, { data }));
    case 'udp':
      return wrap(17, udp(packet, ports, { data }));
    case 'icmp':
      return wrap(
        isSix ? 58 : 1,
        icmp(packet, { type: isSix ? 128 : 8, word: Buffer.from([(tag >> 8) & 255, tag & 255, 0, 1]), body: data }),
      );
    case 'esp':
      return wrap(numbers.esp, Buffer.concat([Buffer.from([0, 0, 1, 1, 0, 0, 0, 1]), data]));
    case 'ah':
      return wrap(
        numbers.ah,
        Buffer.concat([Buffer.from([253, 4, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1]), data, Buffer.alloc(4)]),
      );
  }
}
