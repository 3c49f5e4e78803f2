/** What the kernel's keeper takes of whoever asks for canaries: few, of one form, and only between what its programs know. */

import { deepEqual, equal, match, rejects, throws } from 'node:assert/strict';
import { test } from 'node:test';
import { Canaries } from '#adapters/linux/canary.ts';
import { parseOrders, refusalOf } from '#adapters/linux/canary-order.ts';
import { namesOf } from '#adapters/linux/names.ts';
import { CompileMemo, compileStamp } from '#compile/stamp.ts';
import type { CanaryOrder } from '#engine/canary/canary.ts';
import { addNic, addPublicIp, addSubnet, addVnet, labStamp, newBuild, viewOf } from '#test/generate/build.ts';

const order: CanaryOrder = {
  origin: { kind: 'nic', mark: 1 },
  source: '10.0.0.4',
  target: '10.0.0.5',
  sourcePort: 61_000,
  targetPort: 22,
  watch: [{ kind: 'nic', mark: 2 }],
};

test('an order is taken as it is, and no other member, form or number', () => {
  deepEqual(parseOrders([order]), [order]);
  const internet = { ...order, origin: { kind: 'internet' }, watch: [{ kind: 'infra' }, { kind: 'internet' }] };
  deepEqual(parseOrders([internet]), [internet]);
  const place = { kind: 'nic', mark: 2 };
  const rows: readonly (readonly [unknown, string])[] = [
    [undefined, 'canaries'],
    [[], 'canaries'],
    [Array.from({ length: 9 }, () => order), 'canaries'],
    [[null], 'canaries/0'],
    [[{ ...order, payload: 'x' }], 'canaries/0'],
    [[{ ...order, protocol: 'udp' }], 'canaries/0'],
    [[{ ...order, origin: undefined }], 'origin'],
    [[{ ...order, origin: { kind: 'infra' } }], 'origin'],
    [[{ ...order, origin: { kind: 'nic', mark: 0 } }], 'mark'],
    [[{ ...order, origin: { kind: 'nic', mark: '1' } }], 'mark'],
    [[{ ...order, origin: { kind: 'internet', mark: 1 } }], 'origin'],
    [[{ ...order, source: '10.0.0' }], 'source'],
    [[{ ...order, target: 'n1; reboot' }], 'target'],
    [[{ ...order, target: 7 }], 'target'],
    [[{ ...order, sourcePort: 50_000 }], 'sourcePort'],
    [[{ ...order, targetPort: 0 }], 'targetPort'],
    [[{ ...order, targetPort: 22.5 }], 'targetPort'],
    [[{ ...order, targetPort: 70_000 }], 'targetPort'],
    [[{ ...order, watch: [] }], 'watch'],
    [[{ ...order, watch: Array.from({ length: 17 }, () => place) }], 'watch'],
    [[{ ...order, watch: [{ kind: 'nic', mark: 2, link: 'eth0' }] }], 'watch/0'],
    [[order, { ...order, watch: ['n2'] }], 'canaries/1/watch/0'],
  ];
  for (const [given, names] of rows)
    throws(
      () => parseOrders(given),
      (error: Error & { code?: string }) => error.code === 'CanaryRefused' && error.message.includes(names),
      JSON.stringify(given),
    );
});

function programs() {
  const build = newBuild();
  addVnet(build, 'a', ['10.0.0.0/16']);
  addSubnet(build, 'a/s', [['10.0.0.0/24'], {}]);
  addPublicIp(build, 'p', ['198.18.0.40']);
  addNic(build, 'one', { subnet: 'a/s', addresses: [{ address: '10.0.0.4', publicIp: 'p' }] });
  addNic(build, 'two', { subnet: 'a/s', addresses: ['10.0.0.5'] });
  return compileStamp(viewOf(build), labStamp, new CompileMemo());
}

test('[S2.2] who owns the asker gets no packets to or from what the programs do not know', () => {
  const all = programs();
  const internet = { kind: 'internet' } as const;
  const rows: readonly (readonly [Partial<CanaryOrder>, RegExp | undefined])[] = [
    [{}, undefined],
    // Another NIC's address: that is how a spoofed source is tried.
    [{ source: '10.0.0.5' }, undefined],
    [{ target: '198.18.0.40' }, undefined],
    [{ target: '203.0.113.247' }, undefined],
    [{ origin: internet, source: '203.0.113.247', target: '198.18.0.40' }, undefined],
    [{ origin: internet, source: '10.0.0.4', target: '198.18.0.40' }, undefined],
    [{ source: '8.8.8.8' }, /no NIC here/],
    [{ source: '168.63.129.16' }, /no NIC here/],
    [{ target: '8.8.8.8' }, /nobody here/],
    [{ target: '10.0.0.77' }, /nobody here/],
    [{ target: 'fd00::1' }, /two families/],
    [{ origin: { kind: 'nic', mark: 9 } }, /no NIC here has the mark/],
    [{ watch: [{ kind: 'nic', mark: 9 }] }, /no NIC here has the mark/],
    [{ origin: internet, source: '8.8.8.8', target: '198.18.0.40' }, /lab's internet/],
    [{ origin: internet, source: '203.0.113.247', target: '10.0.0.4' }, /no public address/],
  ];
  for (const [change, wanted] of rows) {
    const says = refusalOf(all, { ...order, ...change });
    if (wanted === undefined) equal(says, undefined, JSON.stringify(change));
    else match(says ?? 'nothing', wanted, JSON.stringify(change));
  }
});

test('[S2.2] orders too soon are refused, whoever asks, and what cannot be sent is told as untried', async () => {
  const canaries = new Canaries({ names: namesOf(63), programs: () => ({}), guestOwner: 0 });
  deepEqual(await canaries.send([order]), [{ state: 'untried', because: 'no NIC here has the mark' }]);
  await rejects(canaries.send([order]), { code: 'CanariesTooSoon' });
  await rejects(canaries.send('all'), { code: 'CanaryRefused' });
});
