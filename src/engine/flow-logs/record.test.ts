/** Flow records: Azure's tuples in both versions, our rule's id beside its name, and read back. */

import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import type { Flow } from '#engine/flow-logs/flow.ts';
import { flowRecord, flowTuple, readTuple } from '#engine/flow-logs/record.ts';

const flow: Flow = {
  at: 1_700_000_000_999,
  nic: '/nic',
  mac: '0a:1b:2c:3d:4e:5f',
  source: '203.0.113.9',
  target: '10.0.0.4',
  sourcePort: 50_000,
  targetPort: 443,
  protocol: 'tcp',
  direction: 'inbound',
  filter: 'nsg/g/in',
  rule: '0100/web',
  because: 'nsg/g/web',
  access: 'allow',
};
const carried = { isEnded: true, sent: { packets: 3, bytes: 200 }, received: { packets: 2, bytes: 9000 } };
const base = '1700000000,203.0.113.9,10.0.0.4,50000,443';

// What differs, the tuple of version 1, the tuple of version 2.
const rows: [Partial<Flow>, string, string][] = [
  [{}, `${base},T,I,A`, `${base},T,I,A,B,,,,`],
  [{ carried: { ...carried, isEnded: false } }, `${base},T,I,A`, `${base},T,I,A,C,3,200,2,9000`],
  [{ carried }, `${base},T,I,A`, `${base},T,I,A,E,3,200,2,9000`],
  [{ access: 'deny', direction: 'outbound', protocol: 'udp' }, `${base},U,O,D`, `${base},U,O,D,B,,,,`],
  [
    { protocol: 'icmp', sourcePort: 0, targetPort: 0 },
    '1700000000,203.0.113.9,10.0.0.4,0,0,I,I,A',
    '1700000000,203.0.113.9,10.0.0.4,0,0,I,I,A,B,,,,',
  ],
];

test('tuples', () => {
  for (const [change, one, two] of rows) {
    const changed = { ...flow, ...change };
    equal(flowTuple(changed, 1), one);
    equal(flowTuple(changed, 2), two);
    const { source, target, sourcePort, targetPort, protocol, direction, access } = changed;
    for (const text of [one, two])
      deepEqual(readTuple(text), { source, target, sourcePort, targetPort, protocol, direction, access });
  }
  for (const bad of ['', base, `${base},X,I,A`, `${base},T,X,A`, `${base},T,I,X`, base.replace('443', 'x,T,I,A')])
    equal(readTuple(bad), undefined, bad);
});

test('a record groups by rule, counts what was not logged, and leaves ends out of version 1', () => {
  const head = { at: flow.at, target: '/t', mac: flow.mac, version: 2, notLogged: 7 };
  const denied: Flow = { ...flow, rule: '65500/DenyAllInBound', because: 'nsg/g/DenyAllInBound', access: 'deny' };
  const record = flowRecord(head, [flow, denied, { ...flow, carried }]);
  const mac = '0A1B2C3D4E5F';
  deepEqual(record?.['properties'], {
    Version: 2,
    flows: [
      {
        rule: 'UserRule_web',
        ruleId: 'nsg/g/web',
        flows: [{ mac, flowTuples: [`${base},T,I,A,B,,,,`, `${base},T,I,A,E,3,200,2,9000`] }],
      },
      {
        rule: 'DefaultRule_DenyAllInBound',
        ruleId: 'nsg/g/DenyAllInBound',
        flows: [{ mac, flowTuples: [`${base},T,I,D,B,,,,`] }],
      },
    ],
    flowsNotLogged: 7,
  });
  equal(record['time'], '2023-11-14T22:13:20.999Z');
  equal(flowRecord({ ...head, version: 1, notLogged: 0 }, [{ ...flow, carried }]), undefined);
});
