import { expect, test } from 'vitest'
import { cpuLimit } from './cpuLimit.ts'
import { machine } from './machine.ts'
import type { ReadText } from './systemText.ts'
import { isInContainer, virtualisation } from './virtualisation.ts'

/** A system that has these files, and no others. */
function files(texts: Readonly<Record<string, string>>): ReadText {
  return (path) => texts[path] ?? null
}

const nothing = files({})

test.for([
  ['no limit', { '/sys/fs/cgroup/a/b/cpu.max': 'max 100000\n' }, null],
  ['its own', { '/sys/fs/cgroup/a/b/cpu.max': '150000 100000\n' }, 1.5],
  ['of all around it', { '/sys/fs/cgroup/cpu.max': '50000 100000\n' }, 0.5],
  [
    'the least of several',
    { '/sys/fs/cgroup/a/b/cpu.max': '300000 100000', '/sys/fs/cgroup/a/cpu.max': '200000 100000' },
    2,
  ],
  ['of another group', { '/sys/fs/cgroup/c/cpu.max': '50000 100000' }, null],
] as const)('a unified control group: %s', ([, texts, limit]) => {
  expect(cpuLimit(files({ '/proc/self/cgroup': '0::/a/b\n', ...texts }))).toBe(limit)
})

test.for([
  ['250000', 2.5],
  ['-1', null],
] as const)('a control group of the CPU alone, quota %s', ([quota, limit]) => {
  const read = files({
    '/proc/self/cgroup': '5:memory:/x\n4:cpu,cpuacct:/a\n0::/\n',
    '/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us': quota,
    '/sys/fs/cgroup/cpu/a/cpu.cfs_period_us': '100000',
    '/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us': '1',
  })
  expect(cpuLimit(read)).toBe(limit)
})

const guest = 'model name\t: Some CPU\nflags\t\t: fpu vme hypervisor lahf_lm\n'

test.for([
  [{ '/proc/cpuinfo': 'flags\t\t: fpu vme\n' }, 'none'],
  [{ '/proc/cpuinfo': guest }, 'a hypervisor without a name'],
  [{ '/proc/cpuinfo': guest, '/sys/class/dmi/id/sys_vendor': 'QEMU\n' }, 'QEMU'],
  [
    {
      '/proc/cpuinfo': guest,
      '/sys/class/dmi/id/sys_vendor': 'Some Cloud\n',
      '/sys/class/dmi/id/product_name': 'Engine\n',
    },
    'Some Cloud Engine',
  ],
  [{ '/proc/cpuinfo': 'processor : 0\n' }, null],
] as const)('%o runs on %s', ([texts, name]) => {
  expect(virtualisation(files(texts))).toBe(name)
})

test.for([
  ['none', {}, {}, false],
  ['a file of Docker', { '/.dockerenv': '' }, {}, true],
  ['a file of Podman', { '/run/.containerenv': '' }, {}, true],
  ['its environment', {}, { container: 'lxc' }, true],
  ['a pod', {}, { KUBERNETES_SERVICE_HOST: 'somewhere' }, true],
] as const)('the sign of a container: %s', ([, texts, environment, isSeen]) => {
  const read = files({ '/proc/self/cgroup': '0::/\n', ...texts })
  expect(isInContainer(read, environment)).toBe(isSeen)
})

test('another system tells nothing of this', () => {
  expect(cpuLimit(nothing)).toBeNull()
  expect(virtualisation(nothing)).toBeNull()
  expect(isInContainer(nothing, {})).toBeNull()
})

test('this very machine has cores and memory, and runs this Node', () => {
  const { cores, memoryBytes, node, os } = machine()
  expect(cores).toBeGreaterThan(0)
  expect(memoryBytes).toBeGreaterThan(0)
  expect(node).toBe(process.versions.node)
  expect(os).toContain(process.arch)
})
