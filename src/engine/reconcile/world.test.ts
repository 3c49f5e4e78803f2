/** The world of an enforcing stamp: it looks after its guests while it runs, also after a driver that did not answer. */

import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { Fault } from '#base/wrong.ts';
import type { Standing } from '#engine/gate/gate.ts';
import type { GuestDriver, GuestSpec } from '#engine/guest-port.ts';
import type { PlaneLink } from '#engine/ports.ts';
import { RealWorld } from '#engine/reconcile/world.ts';
import { MemoryView } from '#model/memory.ts';
import type { Resource } from '#model/resource.ts';
import { SimClock } from '#test/sim/clock.ts';

const machine: Resource = {
  id: '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/a',
  type: 'Microsoft.Compute/virtualMachines',
  name: 'a',
  properties: {},
  internal: { key: 'g1' },
  etag: 'e',
  createdAt: '1',
  changedAt: '1',
};

test('guests are looked at every two seconds until the stop, and a driver that does not answer is told once', async () => {
  const clock = new SimClock();
  const host = { pid: 0, starts: 0, lists: 0, isSilent: false };
  const guests = {
    list: () => {
      host.lists += 1;
      if (host.isSilent) return Promise.reject(new Fault('LinkLost', 'no answer'));
      const state = host.pid === 0 ? 'stopped' : 'running';
      return Promise.resolve(host.starts === 0 ? [] : [{ key: 'g1', pid: host.pid, state, startedAt: 0 }]);
    },
    start: () => {
      host.starts += 1;
      host.pid = 100 + host.starts;
      return Promise.resolve({ pid: host.pid });
    },
    ready: () => Promise.resolve(),
  } as unknown as GuestDriver;
  const links: string[] = [];
  const plane = {
    state: () => Promise.resolve({ revision: 1, root: 'r' }),
    attach: (mark: number, pid: number, name: string) => Promise.resolve(void links.push(`${mark} ${pid} ${name}`)),
  } as unknown as PlaneLink;
  const troubles: string[] = [];
  const world = new RealWorld({
    view: new MemoryView([machine]),
    plane,
    guests,
    clock,
    wantedOf: () => ({ key: 'g1', power: 'running', marks: [7], spec: { key: 'g1', id: 'x' } as GuestSpec }),
    onTrouble: (what, error) => void troubles.push(`${what}: ${error instanceof Fault ? error.code : String(error)}`),
  });
  const standing = { record: { revision: 1, root: 'r' }, signature: '', programs: {} } as unknown as Standing;
  await world.start({ revision: 1, standing: () => Promise.resolve(standing) });
  const looks = async (count: number): Promise<void> => {
    for (let look = 0; look < count; look += 1) await clock.tick();
    await new Promise((resolve) => setImmediate(resolve));
  };
  await looks(1);
  assert.deepEqual([host.starts, links], [1, ['7 101 eth0']]);
  host.pid = 0;
  const before = clock.now();
  await looks(2);
  assert.deepEqual([host.starts, links.at(-1)], [2, '7 102 eth0']);
  assert.ok(clock.now() - before <= 4000, String(clock.now() - before));
  host.isSilent = true;
  await looks(3);
  host.isSilent = false;
  await looks(1);
  assert.deepEqual(troubles, [`the guest of ${machine.id}: GuestEnded`, 'watching the guests: LinkLost']);
  world.stop();
  await looks(1);
  const { lists } = host;
  assert.equal(await clock.tick(), false);
  assert.equal(host.lists, lists);
});
