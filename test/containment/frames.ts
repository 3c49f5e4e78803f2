/** The frames of an attacker: whole Ethernet frames of IPv4, as any program with a raw socket makes them. */

/** What is sent; a frame for each number that it is asked for. */
export type Attack = 'scan' | 'syn' | 'states' | 'spoof';

export type From = { readonly mac: string; readonly gateway: string; readonly address: string };

const [tcp, udp] = [6, 17];
const headBytes = 14;
const ipBytes = 20;

/** The frame of a number: of a scan another target, of a SYN flood another source port, of forged packets another source. */
export function frameOf(attack: Attack, number: number, from: From): Buffer {
  const port = 1024 + (number % 60_000);
  switch (attack) {
    case 'scan':
      return frame(from, {
        source: from.address,
        target: spread('198.51.100.0', number),
        ports: [40_000, 1 + (number % 1000)],
      });
    case 'syn':
      return frame(from, { source: from.address, target: '198.51.100.1', ports: [port, 80] });
    case 'states':
      return frame(from, {
        source: from.address,
        target: spread('198.51.100.0', number),
        ports: [port, 9],
        isUdp: true,
      });
    case 'spoof':
      return frame(from, { source: spread('203.0.113.0', number), target: '198.51.100.1', ports: [port, 80] });
  }
}

/** An address of a /24, another for each number. */
function spread(network: string, number: number): string {
  return network.replace(/0$/, String(1 + (number % 254)));
}

type Packet = {
  readonly source: string;
  readonly target: string;
  readonly ports: readonly [source: number, target: number];
  readonly isUdp?: boolean;
};

function frame({ mac, gateway }: From, { source, target, ports, isUdp = false }: Packet): Buffer {
  const length = isUdp ? 8 : 20;
  const data = Buffer.alloc(headBytes + ipBytes + length);
  Buffer.from(`${gateway}${mac}`.replaceAll(':', ''), 'hex').copy(data);
  data.writeUInt16BE(0x0800, 12);
  const ip = data.subarray(headBytes, headBytes + ipBytes);
  ip.writeUInt16BE(0x4500, 0);
  ip.writeUInt16BE(ipBytes + length, 2);
  ip.writeUInt16BE(0x4000, 6);
  ip.writeUInt16BE((64 << 8) | (isUdp ? udp : tcp), 8);
  Buffer.from([...source.split('.'), ...target.split('.')].map(Number)).copy(ip, 12);
  ip.writeUInt16BE(checksum(ip), 10);
  const transport = data.subarray(headBytes + ipBytes);
  transport.writeUInt16BE(ports[0], 0);
  transport.writeUInt16BE(ports[1], 2);
  if (isUdp) transport.writeUInt16BE(length, 4);
  else {
    transport.writeUInt32BE(ports[0], 4);
    // Five words of header, SYN (RFC 9293 §3.1).
    transport.writeUInt16BE(0x5002, 12);
    transport.writeUInt16BE(64_240, 14);
  }
  const pseudo = Buffer.alloc(4);
  pseudo.writeUInt16BE(isUdp ? udp : tcp, 0);
  pseudo.writeUInt16BE(length, 2);
  transport.writeUInt16BE(checksum(Buffer.concat([ip.subarray(12, 20), pseudo, transport])), isUdp ? 6 : 16);
  return data;
}

/** RFC 1071. */
function checksum(data: Buffer): number {
  let sum = 0;
  for (let at = 0; at + 1 < data.length; at += 2) sum += data.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
