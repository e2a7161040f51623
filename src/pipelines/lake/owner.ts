import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** What says whether the process behind a slot still lives. */
export interface OwnerProcess {
  readonly pid: number
  /** Boot of the machine and process namespace; a pid means nothing in another one. */
  readonly boot: string
  /** Start of the process, so that a pid given again is not taken for the old one; '' unknown. */
  readonly started: string
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null // another system than Linux, or a process that ended
  }
}

function boot(): string {
  const id = readText('/proc/sys/kernel/random/boot_id')
  if (id === null) return hostname()
  return `${id.trim()} ${readlinkSync('/proc/self/ns/pid')}`
}

/** State and start time of a process from its stat line; the name in it may hold blanks. */
function statOf(pid: number): { state: string; started: string } | null {
  const text = readText(`/proc/${pid}/stat`)
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, started] = [fields?.[0], fields?.[19]]
  return state === undefined || started === undefined ? null : { state, started }
}

export function thisProcess(): OwnerProcess {
  return { pid: process.pid, boot: boot(), started: statOf(process.pid)?.started ?? '' }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** gone: certainly. unknown: in another boot or namespace, where only the heartbeat tells. */
export function stateOf(
  owner: OwnerProcess,
  here: OwnerProcess,
): 'runs' | 'stopped' | 'gone' | 'unknown' {
  if (owner.boot !== here.boot) return 'unknown'
  if (!isRunning(owner.pid)) return 'gone'
  const stat = statOf(owner.pid)
  if (stat === null) return 'runs'
  if (owner.started !== '' && stat.started !== owner.started) return 'gone'
  if (stat.state === 'Z' || stat.state === 'X') return 'gone'
  return stat.state === 'T' ? 'stopped' : 'runs'
}
