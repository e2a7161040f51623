import type { Role } from '../evidence/evidence.ts'
import { cpuOf } from './cpu.ts'
import { type ReadText, systemText } from './systemText.ts'

/** Who uses processors in a run. The broker is absent where it is not ours, or runs inside the actors. */
export type CpuUser = Role | 'broker' | 'proxy' | 'lab'
export type CpuMicros = Readonly<Partial<Record<CpuUser, number>>>

/** What a process uses in its last moments, at most so long, is not seen. */
const lookEveryMs = 200

interface Watched {
  readonly user: CpuUser
  readonly pidNow: () => number | undefined
  pid: number | undefined
  /** What it had used when it was first seen. */
  base: number
  last: number
  /** Of its processes before this one. */
  earlier: number
}

/** Empty where there were no messages. */
export function perMessage(used: CpuMicros, messages: number): CpuMicros {
  const shares = Object.entries(used).map(([user, micros]) => [user, micros / messages])
  return messages > 0 ? Object.fromEntries(shares) : {}
}

/** Adds up what processes use, also of those that end meanwhile. */
export class CpuWatch implements Disposable {
  readonly #read: ReadText
  readonly #all: Watched[] = []
  readonly #timer: NodeJS.Timeout

  constructor(read: ReadText = systemText) {
    this.#read = read
    this.#timer = setInterval(() => this.#look(), lookEveryMs).unref()
  }

  /** From now on. `pidNow` may change: what is started anew counts from its beginning. */
  add(user: CpuUser, pidNow: () => number | undefined): void {
    const pid = pidNow()
    const base = this.#micros(pid)
    if (base === null) return // it has ended, or this system does not tell
    this.#all.push({ user, pidNow, pid, base, last: base, earlier: 0 })
  }

  /** Microseconds, by who used them. */
  used(): CpuMicros {
    this.#look()
    const sums: Partial<Record<CpuUser, number>> = {}
    for (const { user, base, last, earlier } of this.#all) {
      sums[user] = (sums[user] ?? 0) + earlier + last - base
    }
    return sums
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    for (const one of this.#all) {
      const pid = one.pidNow()
      if (pid !== one.pid) {
        one.earlier += one.last - one.base
        Object.assign(one, { pid, base: 0, last: 0 })
      }
      one.last = Math.max(one.last, this.#micros(pid) ?? 0)
    }
  }

  #micros(pid: number | undefined): number | null {
    return pid === undefined ? null : (cpuOf([pid], this.#read)[0] ?? null)
  }
}
