/** Shows that the oracle follows hand-written programs step by step, says why at each, and answers even on broken ones. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate } from '#program/eval.ts';
import type { Packet } from '#program/packet.ts';
import type { Programs } from '#program/program.ts';
import { parsePrograms, printPrograms } from '#program/text.ts';

const programs = parsePrograms(`router router/v1/h1
  host h1
  vnet a
  key v1
  vni 1
  space 10.0.0.0/16
  gateways 10.0.0.1
  port n1 mark 1 mac 02:57:00:00:00:01 mtu 1500 forwarding no table t outbound out inbound - nic one
    address 10.0.0.4 label 100.64.0.1
  port n2 mark 2 mac 02:57:00:00:00:02 mtu 1500 forwarding no table t outbound missing inbound in nic two
    address 10.0.0.5 label 100.64.0.2
  peer v2 vnet v2 prefixes 10.1.0.0/16 forwarded no
    address 10.1.0.4 mark 3 forwarding no
  table t
    route 0.0.0.0/0 0.0.0.0/0 to internet because way/out
    route 10.0.0.0/16 10.0.0.0/16 to local because way/local
    route 10.1.0.0/16 10.1.0.0/16 to peer=v2 because way/peer
    route 10.2.0.0/16 10.2.0.0/16 to appliance=10.1.0.4 because way/nva
  filter in
    rule 0100/tcp allow tcp from any ports any to any ports 80 because in/tcp
  filter out
    rule 0100/all allow any from any ports any to any ports any because out/all
  balance b tcp at 10.0.0.100 port 0 to-port 0 spread flow idle 4 because lb/all
    target 10.0.0.5 mark 2
  balance c tcp at 10.0.0.100 port 443 to-port 80 spread flow idle 4 because lb/https
    target 10.0.0.5 mark 2
    target 10.0.0.77 mark 9
`);

function tcp(target: string, targetPort = 80, mark = 1): Packet {
  return {
    origin: { kind: 'nic', mark },
    source: `10.0.0.${3 + mark}`,
    target,
    protocol: 'tcp',
    sourcePort: 50_000,
    targetPort,
  };
}

test('each hop names its point, its step and the rule or route that decided', () => {
  assert.deepEqual(evaluate(programs, tcp('10.0.0.5')), {
    verdict: 'deliver',
    to: [
      {
        at: { kind: 'nic', mark: 2 },
        packet: { source: '10.0.0.4', target: '10.0.0.5', protocol: 'tcp', sourcePort: 50_000, targetPort: 80 },
      },
    ],
    drops: [],
    hops: [
      { point: 'router/v1/h1', step: 'filter', because: 'out/all' },
      { point: 'router/v1/h1', step: 'route', because: 'way/local' },
      { point: 'router/v1/h1', step: 'filter', because: 'in/tcp' },
      { point: 'router/v1/h1', step: 'deliver', because: 'nic/2' },
    ],
  });
});

// Packet, and the reason of the drop.
const rows: [Packet, string][] = [
  [tcp('10.0.0.5', 81), 'in: no rule matched'],
  [tcp('10.0.0.4', 80, 2), 'missing: no such filter'],
  [tcp('10.0.0.99'), 'way/local: no NIC has 10.0.0.99'],
  // The peer's program, the switch and the boundary are not there: nothing passes what does not exist.
  [tcp('10.1.0.4'), 'peer/v1: not peered'],
  [tcp('10.2.0.4'), 'way/nva: the NIC of 10.1.0.4 does not forward'],
  [tcp('8.8.8.8'), 'switch: no program'],
  [tcp('168.63.129.16', 53), 'platform: there is no resolver'],
  [{ ...tcp('10.0.0.5'), targetPort: 65_536 }, 'a port is not between 0 and 65535'],
  [{ ...tcp('10.0.0.5'), target: 'web' }, 'source and target are not addresses of one family'],
  [{ ...tcp('10.0.0.5'), origin: { kind: 'internet' } }, 'edge: no program'],
  [{ ...tcp('10.0.0.5'), origin: { kind: 'probe', point: 'constructor' } }, 'constructor: no such router'],
];

test('a drop says why', () => {
  for (const [packet, because] of rows) {
    const fate = evaluate(programs, packet);
    assert.equal(fate.verdict === 'drop' ? fate.because : 'delivered', because);
    assert.equal(fate.hops.at(-1)?.because, because);
  }
});

test('a balance answers every target that may get the flow; a rule for one port goes first', () => {
  const delivered = (packet: Packet) => {
    const fate = evaluate(programs, packet);
    return fate.verdict === 'deliver'
      ? fate.to.map(({ packet: { target, targetPort } }) => `${target}:${targetPort}`)
      : fate.because;
  };
  assert.deepEqual(delivered(tcp('10.0.0.100', 443)), ['10.0.0.5:80']);
  assert.deepEqual(delivered(tcp('10.0.0.100', 80)), ['10.0.0.5:80']);
  assert.deepEqual(delivered(tcp('10.0.0.100', 81)), 'in: no rule matched');
});

test('a delivery tells why other targets of its balance would drop', () => {
  const fate = evaluate(programs, tcp('10.0.0.100', 443));
  assert.deepEqual(fate.verdict === 'deliver' && fate.drops, ['way/local: no NIC has 10.0.0.77']);
  const all = evaluate(programs, tcp('10.0.0.100', 80));
  assert.deepEqual(all.verdict === 'deliver' && all.drops, []);
});

test('a sender gets only the members behind its appliance, when its table leads some of them there', () => {
  const table = (lines: string) =>
    parsePrograms(
      printPrograms(programs).replace('    route 10.1.0.0/16 10.1.0.0/16', `${lines}    route 10.1.0.0/16 10.1.0.0/16`),
    );
  const behind = table('    route 10.0.0.77/32 10.0.0.77/32 to appliance=10.0.0.5 because way/behind\n');
  const fate = evaluate(behind, tcp('10.0.0.100', 443));
  assert.equal(fate.verdict === 'drop' && fate.because, 'way/behind: the NIC of 10.0.0.5 does not forward');
});

test("a packet from a peer whose source is the receiving network's own gateway is dropped, whoever sends it", () => {
  const second = parsePrograms(`router router/v2/h1
  host h1
  vnet b
  key v2
  vni 2
  space 10.1.0.0/16
  gateways 10.1.0.1
  port n3 mark 3 mac 02:57:00:00:00:03 mtu 1500 forwarding no table t outbound - inbound - nic three
    address 10.1.0.4 label 100.64.0.3
  peer v1 vnet v1 prefixes 10.0.0.0/16 forwarded yes
    address 10.0.0.4 mark 1 forwarding yes
`);
  const forwarding = parsePrograms(
    printPrograms(programs).replace(
      '02:57:00:00:00:01 mtu 1500 forwarding no',
      '02:57:00:00:00:01 mtu 1500 forwarding yes',
    ),
  );
  const sent = (source: string) => evaluate({ ...forwarding, ...second }, { ...tcp('10.1.0.4'), source });
  assert.equal(sent('10.9.0.9').verdict, 'deliver');
  for (const source of ['10.1.0.1', '10.0.0.1']) assert.equal(sent(source).verdict, 'drop', source);
});

test('two routers that point at each other end as a drop', () => {
  const peer = (key: string, other: string, prefix: string) => `router router/${key}/h1
  host h1
  vnet ${key}
  key ${key}
  vni 1
  space ${prefix}
  gateways -
  peer ${other} vnet ${other} prefixes 10.0.0.0/8 forwarded yes
    address 10.9.0.4 mark 9 forwarding yes
`;
  const looped: Programs = { ...programs, ...parsePrograms(peer('v2', 'v1', '10.1.0.0/16')) };
  const fate = evaluate(looped, tcp('10.1.0.4'));
  assert.deepEqual([fate.verdict, fate.verdict === 'drop' && fate.because], ['drop', 'peer/v1: no NIC has 10.1.0.4']);
});

const opened = parsePrograms(
  printPrograms(programs)
    .replace('inbound - nic one', 'inbound in nic one')
    .replace('outbound missing', 'outbound -')
    .concat('  opening a tcp from 10.0.0.4/31 to 10.0.0.5 port 22 mark 2 until 1000 because jit/a\n')
    .concat('  opening b udp from fd00::/64 to 10.0.0.4 port 53 mark 2 until 1000 because jit/b\n'),
);

// Mark of the sender, target, port, what becomes of it.
const openedRows: [Packet, string][] = [
  [tcp('10.0.0.5', 22), 'jit/a'],
  [tcp('10.0.0.5', 80), 'in/tcp'],
  [tcp('10.0.0.5', 23), 'in: no rule matched'],
  [{ ...tcp('10.0.0.5', 22), protocol: 'udp' }, 'in: no rule matched'],
  [tcp('10.0.0.4', 22, 2), 'in: no rule matched'],
  [{ ...tcp('10.0.0.4', 53, 2), protocol: 'udp' }, 'in: no rule matched'],
];

test('an opening lets its source past the inbound filters of its address and port, and nothing else', () => {
  for (const [packet, because] of openedRows) {
    const fate = evaluate(opened, packet);
    const filter = fate.hops.filter(({ step, because: says }) => step === 'filter' && says !== 'out/all').at(-1);
    assert.equal(filter?.because, because, JSON.stringify(packet));
    assert.equal(fate.verdict, because.includes('no rule') ? 'drop' : 'deliver', JSON.stringify(packet));
  }
});
