import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { cpuLimit } from './cpuLimit.ts'
import { isInContainer, virtualisation } from './virtualisation.ts'

/** What a figure depends on besides the program. Null: this system does not tell. */
export interface Machine {
  readonly cpu: string | null
  /** That this process may use at once. */
  readonly cores: number
  /** What a container is let use, in cores: 1.5; null: all. */
  readonly cpuLimit: number | null
  readonly memoryBytes: number
  /** What a container is let use; null: all. */
  readonly memoryLimitBytes: number | null
  /** What the hypervisor calls itself; `none` on bare metal. */
  readonly virtualisation: string | null
  readonly isInContainer: boolean | null
  /** With its kernel: `Linux 6.18.44 x64` */
  readonly os: string
  readonly node: string
}

export function machine(): Machine {
  const limitBytes = process.constrainedMemory()
  const memoryBytes = totalmem()
  return {
    cpu: cpus()[0]?.model.trim() || null,
    cores: availableParallelism(),
    cpuLimit: cpuLimit(),
    memoryBytes,
    memoryLimitBytes: limitBytes > 0 && limitBytes < memoryBytes ? limitBytes : null,
    virtualisation: virtualisation(),
    isInContainer: isInContainer(),
    os: `${type()} ${release()} ${process.arch}`,
    node: process.versions.node,
  }
}
