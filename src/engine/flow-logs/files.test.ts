/** Files of flow logs: whole JSON at any time, mended after a crash at any byte, bounded in bytes and days, and nowhere else. */

import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { JsonObject } from '#base/json.ts';
import { FlowFiles } from '#engine/flow-logs/files.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringwall-flows-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const target = '/subscriptions/s1/resourceGroups/rg1/providers/microsoft.network/networksecuritygroups/g';
const mac = '02:57:00:00:00:01';
const noon = Date.UTC(2026, 2, 4, 12, 30);
const hour = 3_600_000;
let count = 0;

function record(at: number, more: JsonObject = {}): JsonObject {
  return { time: new Date(at).toISOString(), number: (count += 1), ...more };
}

function filesOf(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));
}

test('records lie where Azure puts them, and every file is whole JSON', () => {
  const root = join(folder, 'layout');
  const files = new FlowFiles(root);
  files.append({ target, mac, at: noon }, [record(noon), record(noon)]);
  files.append({ target, mac, at: noon + 1000 }, [record(noon + 1000)]);
  const name = `resourceId=${target.toUpperCase()}/y=2026/m=03/d=04/h=12/m=00/macAddress=025700000001/PT1H.json`;
  deepEqual(filesOf(root), [name]);
  const whole = JSON.parse(readFileSync(join(root, name), 'utf8')) as { records: JsonObject[] };
  equal(whole.records.length, 3);
  equal([...new FlowFiles(root).records(target, noon + 1)].length, 1);
});

test('a file that was cut at any byte loses no record that was whole, and goes on', () => {
  const root = join(folder, 'cut');
  new FlowFiles(root).append({ target, mac, at: noon }, [record(noon, { says: 'é, "x"}' }), record(noon)]);
  const path = join(root, filesOf(root)[0] ?? '');
  const bytes = readFileSync(path);
  for (let length = 0; length <= bytes.length; length++) {
    writeFileSync(path, bytes);
    truncateSync(path, length);
    const lines = bytes.subarray(0, length).toString('latin1').split('\n').slice(1);
    const kept = lines.filter((line) => line.startsWith('{') && /\}(,|$)/.test(line) && isWhole(line)).length;
    new FlowFiles(root).append({ target, mac, at: noon }, [record(noon)]);
    const whole = JSON.parse(readFileSync(path, 'utf8')) as { records: JsonObject[] };
    equal(whole.records.length, kept + 1, `cut at ${length}`);
  }
});

function isWhole(line: string): boolean {
  try {
    JSON.parse(line.replace(/,$/, ''));
    return true;
  } catch {
    return false;
  }
}

test('days of retention count from the end of the hour', () => {
  const files = new FlowFiles(join(folder, 'days'));
  const times = [0, 1, 23, 24, 48].map((hours) => noon - hours * hour);
  for (const at of times) files.append({ target, mac, at }, [record(at)]);
  const left = () => [...files.records(target, 0)].length;
  files.retain(target, 0, noon);
  equal(left(), 5);
  files.retain(target, 2, noon);
  equal(left(), 5);
  files.retain(target, 1, noon + hour);
  equal(left(), 3);
  files.retain(`${target}2`, 1, noon + 99 * 24 * hour);
  equal(left(), 3);
});

test('a target over its bytes loses its oldest hour; over the bytes of all, the largest target does', () => {
  const files = new FlowFiles(join(folder, 'bytes'), { bytes: 40_000, bytesAll: 60_000 });
  const big = { pad: 'x'.repeat(9000) };
  files.append({ target: `${target}-quiet`, mac, at: noon - 99 * hour }, [record(noon, big), record(noon, big)]);
  for (let step = 0; step < 50; step++) {
    files.append({ target, mac, at: noon + step * hour }, [record(noon + step * hour, big)]);
    ok(files.bytes(target) <= 40_000, `${files.bytes(target)}`);
    ok(files.bytes() <= 60_000, `${files.bytes()}`);
  }
  equal([...files.records(`${target}-quiet`, 0)].length, 2);
  const numbers = [...files.records(target, 0)].map((one) => Number(one['number']));
  equal(numbers.at(-1), count);
  ok(numbers.length >= 2);
});

test('no target leads out of the folder', () => {
  const files = new FlowFiles(join(folder, 'out'));
  for (const bad of ['/a/../../b', '/a/./b', '/a//b', '/a/b\0', `/a/${'x'.repeat(256)}`, '/a/\u00e9'])
    throws(() => files.append({ target: bad, mac, at: noon }, [record(noon)]), { code: 'FlowLogPlace' }, bad);
});
