import { dirname } from 'node:path'
import { type ReadText, systemText } from './systemText.ts'

/** In cores: how much the control groups around this process let it use; null: as much as there is. */
export function cpuLimit(read: ReadText = systemText): number | null {
  const groups = (read('/proc/self/cgroup') ?? '').split('\n')
  const limits = groups.flatMap((line) => {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
    if (path === '') return []
    if (controllers === '') return upwards(path).map((group) => unified(read, group))
    if (!controllers.split(',').includes('cpu')) return []
    return upwards(path).map((group) => separate(read, group))
  })
  const least = Math.min(...limits.filter((limit) => limit !== null))
  return Number.isFinite(least) ? least : null
}

/** A group is held by the limits of all that it lies in. */
function upwards(path: string): string[] {
  const folders = [path]
  for (let folder = path; folder !== '/'; ) {
    folder = dirname(folder)
    folders.push(folder)
  }
  return folders.map((folder) => (folder === '/' ? '' : folder))
}

/** `200000 100000`: so many microseconds of each so many; `max 100000`: no limit. */
function unified(read: ReadText, group: string): number | null {
  const [quota, period] = (read(`/sys/fs/cgroup${group}/cpu.max`) ?? '').split(' ').map(Number)
  return share(quota, period)
}

function separate(read: ReadText, group: string): number | null {
  const value = (name: string) => Number(read(`/sys/fs/cgroup/cpu${group}/cpu.cfs_${name}_us`))
  return share(value('quota'), value('period'))
}

function share(quota: number | undefined, period: number | undefined): number | null {
  if (!quota || !period || quota < 0) return null
  return quota / period
}
