/** What the operator asks of packets and rules: ends by name, ways through appliances, and what stands behind a rule. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Refusal } from '#base/wrong.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import type { EndsWorld } from '#engine/questions/ends.ts';
import { explainPacket, whyRule } from '#engine/questions/explain.ts';
import * as build from '#test/generate/build.ts';

/** `web` with a public address, `app` behind it, an appliance for what `app` sends out, and one address in two networks. */
function sample(): EndsWorld {
  const made = build.newBuild();
  build.addNsg(made, 'guard', [['web', 100, 'In', 'Allow', 'Tcp', 'Internet', '*', '443']]);
  build.addRoutes(made, 'table', [['out', '0.0.0.0/0', 'VirtualAppliance', '10.0.3.4']]);
  build.addVnet(made, 'net', ['10.0.0.0/16']);
  build.addVnet(made, 'twin', ['10.0.0.0/16']);
  build.addSubnet(made, 'net/web', [['10.0.1.0/24'], { nsg: 'guard' }]);
  build.addSubnet(made, 'net/app', [['10.0.2.0/24'], { routeTable: 'table' }]);
  build.addSubnet(made, 'net/hub', [['10.0.3.0/24']]);
  build.addSubnet(made, 'twin/one', [['10.0.2.0/24']]);
  build.addPublicIp(made, 'front', ['198.18.0.40', 'Standard']);
  build.addNic(made, 'web', { subnet: 'net/web', addresses: [{ address: '10.0.1.4', publicIp: 'front' }] });
  build.addNic(made, 'app', { subnet: 'net/app', addresses: ['10.0.2.4'] });
  build.addNic(made, 'nva', { subnet: 'net/hub', addresses: ['10.0.3.4'], forwarding: true });
  build.addNic(made, 'twin', { subnet: 'twin/one', addresses: ['10.0.2.4'] });
  build.addNic(made, 'loose', { subnet: 'net/hub', addresses: ['10.0.3.9'], host: '' });
  const view = build.viewOf(made);
  return { view, programs: compileStamp(view, build.labStamp, new CompileMemo()), stamp: build.labStamp };
}

const world = sample();

function asked(from: string, to: string, port = 443) {
  return explainPacket({ from, to, port, protocol: 'tcp' }, world);
}

// One row is one question: from, to, port, and what becomes of it: where it ends, or what stops it.
const rows: readonly (readonly [from: string, to: string, port: number, end: string])[] = [
  ['internet', 'web', 443, 'networkInterfaces/web'],
  ['internet', 'web', 22, 'nsg/guard/DenyAllInBound'],
  ['internet', '198.18.0.40', 443, 'networkInterfaces/web'],
  ['internet', 'app', 443, 'boundary: 10.0.2.4 is nobody'],
  ['operator', 'web', 443, 'networkInterfaces/web'],
  ['WEB', 'app', 80, 'networkInterfaces/app'],
  ['web', build.idOf('networkInterfaces/app'), 80, 'networkInterfaces/app'],
  ['10.0.1.4', build.idOf('virtualMachines/app'), 80, 'networkInterfaces/app'],
  ['203.0.113.9', 'web', 443, 'networkInterfaces/web'],
  ['web', 'twin', 80, 'networkInterfaces/app'],
  ['app', 'internet', 443, 'internet'],
];

test('[S1.5] a packet between ends as people name them is followed to where it ends', () => {
  for (const [from, to, port, end] of rows) {
    const { verdict, because, delivered } = asked(from, to, port);
    const told = verdict === 'deliver' ? (delivered[0] ?? '').replace(/^.*Network\//, '') : because;
    assert.equal(told, end, `${from} -> ${to}:${port}`);
  }
});

test('the steps name the group and the rule that decide, and an appliance begins a way of its own', () => {
  const denied = asked('internet', 'web', 22).legs[0]?.steps.at(-1);
  assert.deepEqual(denied, {
    point: 'router/v1/h1',
    layer: 'networkSecurityGroup',
    verdict: 'deny',
    because: 'nsg/guard/DenyAllInBound',
    direction: 'inbound',
    resource: build.idOf('networkSecurityGroups/guard'),
    rule: 'defaultSecurityRules/DenyAllInBound',
  });
  const { legs } = asked('app', 'internet');
  assert.deepEqual(
    legs.map(({ nic, packet, isTranslated }) => [nic?.split('/').at(-1), packet.source, isTranslated]),
    [
      ['app', '10.0.2.4', undefined],
      ['nva', '10.0.3.4', true],
    ],
  );
  assert.equal(legs[0]?.steps.find(({ layer }) => layer === 'routeTable')?.rule, 'out');
});

test('two appliances that send to each other are told as a loop, once around', () => {
  const made = build.newBuild();
  build.addRoutes(made, 'there', [['out', '192.0.2.0/24', 'VirtualAppliance', '10.0.2.4']]);
  build.addRoutes(made, 'back', [['out', '192.0.2.0/24', 'VirtualAppliance', '10.0.1.4']]);
  build.addVnet(made, 'net', ['10.0.0.0/16']);
  build.addSubnet(made, 'net/a', [['10.0.1.0/24'], { routeTable: 'there' }]);
  build.addSubnet(made, 'net/b', [['10.0.2.0/24'], { routeTable: 'back' }]);
  build.addNic(made, 'a', { subnet: 'net/a', addresses: ['10.0.1.4'], forwarding: true });
  build.addNic(made, 'b', { subnet: 'net/b', addresses: ['10.0.2.4'], forwarding: true });
  const view = build.viewOf(made);
  const loop = { view, programs: compileStamp(view, build.labStamp, new CompileMemo()), stamp: build.labStamp };
  const { verdict, because, legs } = explainPacket({ from: 'a', to: '192.0.2.9', protocol: 'udp', port: 53 }, loop);
  assert.deepEqual([verdict, because.split(':')[0], legs.length], ['drop', 'loop', 3]);
});

test('ends that name nothing, too much, or nothing in force are refused with what there is', () => {
  const refused: readonly (readonly [from: string, to: string, code: string, has: string])[] = [
    ['nobody', 'web', 'EndUnknown', 'nobody'],
    ['web', '/subscriptions/x', 'EndUnknown', '/subscriptions/x'],
    ['10.0.2.4', 'web', 'EndAmbiguous', 'networkInterfaces/twin'],
    ['loose', 'web', 'EndNotPlaced', 'loose'],
    ['2001:db8:ffff::1', 'web', 'FamiliesDiffer', 'family'],
  ];
  for (const [from, to, code, has] of refused) {
    assert.throws(
      () => asked(from, to),
      (error: Refusal) => error.code === code && error.message.includes(has),
      `${from} -> ${to}`,
    );
  }
});

test('a rule is found by group and name, or by the words of its comment in the kernel, with all that it judges', () => {
  for (const text of ['guard/web', 'nsg/guard/web', '0100/web nsg/guard/web', 'NSG/Guard/Web'.toLowerCase()]) {
    const [found, ...others] = whyRule(text, world);
    assert.deepEqual(others, []);
    assert.deepEqual(
      [found?.name, found?.resource, found?.nsg, found?.points],
      [
        'securityRules/web',
        build.idOf('networkSecurityGroups/guard/securityRules/web'),
        build.idOf('networkSecurityGroups/guard'),
        ['router/v1/h1'],
      ],
    );
    assert.deepEqual(found?.nics, [build.idOf('networkInterfaces/web')]);
  }
  assert.equal(whyRule('guard/AllowVnetInBound', world)[0]?.resource, undefined);
  assert.throws(() => whyRule('guard/none', world), { code: 'RuleUnknown' });
});
