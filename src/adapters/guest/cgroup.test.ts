/** Control groups as different hosts have them, and what each limit is called there. */

import { deepEqual, equal, match } from 'node:assert/strict';
import { test } from 'node:test';
import type { Controller } from '#adapters/guest/cgroup.ts';
import { findHierarchies, missingControllers, settingsOf } from '#adapters/guest/cgroup.ts';

const pure =
  '31 23 0:27 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot';
const mixed = [
  '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
  '32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu',
  '33 31 0:30 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
  '40 31 0:37 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
].join('\n');

// mountinfo, controllers of the v2 root, what is found, what is missing.
const rows: [string, string, string, Controller[]][] = [
  [pure, 'cpuset cpu io memory hugetlb pids rdma misc\n', 'cpu2 memory2 pids2', []],
  [mixed, 'hugetlb\n', 'cpu1 memory1', ['pids']],
  [mixed, 'memory pids', 'cpu1 memory2 pids2', []],
  ['', '', '', ['cpu', 'memory', 'pids']],
];

test('the controllers of a host are found wherever they are, and missing ones are findings', () => {
  for (const [mountinfo, controllers, wanted, missing] of rows) {
    const found = findHierarchies(mountinfo, () => controllers);
    equal(
      ['cpu', 'memory', 'pids']
        .flatMap((name) => (found[name as Controller] ? `${name}${found[name as Controller]?.version}` : []))
        .join(' '),
      wanted,
    );
    const findings = missingControllers(found);
    equal(findings.length, missing.length);
    missing.forEach((name, index) => match(findings[index]?.message ?? '', new RegExp(`"${name}"`)));
  }
});

test('each limit has the file and unit of its version', () => {
  const limits = { cpuCount: 1.5, memoryMiB: 512 };
  deepEqual(settingsOf('cpu', 2, limits), [['cpu.max', '150000 100000']]);
  deepEqual(settingsOf('cpu', 1, limits), [
    ['cpu.cfs_period_us', '100000'],
    ['cpu.cfs_quota_us', '150000'],
  ]);
  deepEqual(settingsOf('memory', 2, limits)[0], ['memory.max', '536870912']);
  deepEqual(settingsOf('memory', 1, limits), [['memory.limit_in_bytes', '536870912']]);
  deepEqual(settingsOf('pids', 1, limits), settingsOf('pids', 2, limits));
});
