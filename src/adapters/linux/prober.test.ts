/** The prober's bounds: what an untrusted caller may ask of it, and what becomes of a probe that nobody can answer. */

import { strict as assert } from 'node:assert';
import { test, type TestContext } from 'node:test';
import { probeTimeoutMs } from '#base/limits.ts';
import { openPlane } from '#adapters/linux/adapter.ts';
import { Prober } from '#adapters/linux/prober.ts';
import type { Probe, Probed } from '#engine/plane-port.ts';
import type { ProbeSpec } from '#engine/ports.ts';

const spec = (more: Partial<ProbeSpec> = {}): ProbeSpec => ({
  key: 'k',
  point: 'router/v1/h1',
  address: '10.0.0.4',
  protocol: 'tcp',
  port: 80,
  intervalS: 5,
  failuresMax: 2,
  ...more,
});

function open(context: TestContext, answer: (probe: Probe) => Promise<Probed>) {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const asked: Probe[] = [];
  const prober = new Prober((probe) => {
    asked.push(probe);
    return answer(probe);
  });
  context.after(() => prober.stop());
  const wait = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 10) {
      context.mock.timers.tick(10);
      for (let turns = 0; turns < 10; turns += 1) await Promise.resolve();
    }
  };
  return { prober, asked, wait };
}

const up = (): Promise<Probed> => Promise.resolve({ state: 'up', because: '' });
const down = (): Promise<Probed> => Promise.resolve({ state: 'down', because: '' });

test('no list, or one beyond the bound, is refused before anything is run', (context) => {
  const { prober, asked } = open(context, up);
  for (const wanted of [undefined, null, {}, 'probes', 7, Array.from({ length: 20_001 }, () => spec())])
    assert.throws(() => prober.follow(wanted as unknown as ProbeSpec[]), { name: 'Fault', code: 'ProbesRefused' });
  assert.deepEqual(asked, []);
});

test('the names of an object are no points and no addresses', async () => {
  const plane = openPlane({ number: 62, hosts: ['h1'] });
  for (const point of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'router/v1/h1', ''])
    await assert.rejects(
      plane.probe({ point, address: '__proto__', port: 80, protocol: 'tcp', timeoutMs: 100 }),
      { name: 'Fault', code: 'NoRouter' },
      point,
    );
  await plane.close();
});

test('an interval that is none makes no busy loop, and a probe takes no longer than it may', async (context) => {
  for (const intervalS of [0, -5, Number.NaN, 'x' as unknown as number, 1e-9]) {
    const { prober, asked, wait } = open(context, up);
    prober.follow([spec({ intervalS })]);
    await wait(1000);
    assert.ok(asked.length > 10 && asked.length <= 101, `${intervalS}: ${asked.length}`);
    prober.stop();
    context.mock.timers.reset();
  }
  const { prober, asked, wait } = open(context, up);
  prober.follow([spec({ intervalS: 86_400 })]);
  await wait(10);
  assert.deepEqual(
    asked.map(({ timeoutMs }) => timeoutMs),
    [probeTimeoutMs],
  );
});

test('one good probe is up, as many bad ones in a row as it takes are down, and what cannot be asked is no verdict', async (context) => {
  let answer: () => Promise<Probed> = () => Promise.reject(new Error('no router yet'));
  const { prober, asked, wait } = open(context, () => answer());
  const wanted = [spec({ intervalS: 1 }), spec({ key: '__proto__', intervalS: 1 })];
  assert.deepEqual(prober.follow(wanted), []);
  await wait(500);
  assert.ok(asked.length >= 4, 'asked again soon');
  assert.deepEqual(prober.follow(wanted), []);
  answer = down;
  await wait(1000);
  assert.deepEqual(prober.follow(wanted), [], 'a first bad one is no verdict');
  await wait(1000);
  assert.deepEqual(
    prober.follow(wanted).map(({ state }) => state),
    ['down', 'down'],
  );
  answer = up;
  await wait(1100);
  assert.deepEqual(prober.follow(wanted), [
    { key: 'k', state: 'up' },
    { key: '__proto__', state: 'up' },
  ]);
  assert.deepEqual(prober.follow([]), []);
  const { length } = asked;
  await wait(3000);
  assert.equal(asked.length, length, 'what is no longer wanted is no longer asked');
});
