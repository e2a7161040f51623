import { createServer } from 'node:net'
import type { ServerStats } from '../../simulator/index.ts'
import { cannotListen } from '../../simulator/server/doors.ts'
import { type ChildInfo, Children } from '../children/children.ts'
import type { HostEnd } from './gameHost.ts'
import type { RecordCounts } from './records.ts'
import { drainMs, type ServerEvent, type ServerJob } from './serverJob.ts'

export interface ManyOptions {
  readonly count: number
  readonly job: Omit<ServerJob, 'isAgain'>
  readonly say: (text: string) => void
}

/** Several server processes behind one port. */
export interface ManyServers {
  readonly url: string
  /** All servers together, those that died as they last said. */
  stats(): ServerStats
  /** Processes that died and were replaced. */
  readonly died: number
  /** Rejects when a process cannot do its work. */
  readonly failed: Promise<never>
  close(): Promise<HostEnd>
}

/** Resolves when all listen. @throws what one of them refuses with */
export async function startMany({ count, job, say }: ManyOptions): Promise<ManyServers> {
  const lives = new Lives()
  const port = await freePort(job.server.port ?? 5_678, job.server.host ?? '127.0.0.1')
  const server = { ...job.server, port, reusePort: true }
  const childJob = { ...job, server, isAgain: false }
  const ready = Promise.withResolvers<string>()
  const isReady = new Set<string>()
  const children = new Children<ServerJob, ServerEvent>({
    entry: new URL('./serverProcess', import.meta.url),
    ...{ count, drainMs, job: childJob },
    onStart: ({ name, pid, restarts }) =>
      say(`${name} ${restarts > 0 ? 'started anew, ' : ''}pid ${pid}`),
    onDeath: ({ name, pid }, why) => {
      lives.died++
      say(`${name} pid ${pid} died (${why}); its players leave their games`)
    },
    onEvent(child, event) {
      if (event.kind === 'said') say(`${child.name} ${event.text}`)
      else if (event.kind !== 'ready') lives.heard(child, event)
      else if (isReady.add(child.name).size === count) ready.resolve(event.url)
    },
  })
  try {
    const url = await Promise.race([ready.promise, children.failed])
    childJob.isAgain = true
    return {
      url,
      stats: () => lives.stats(),
      get died() {
        return lives.died
      },
      failed: children.failed,
      async close() {
        const late = await children.drain()
        if (late > 0) say(`${late} did not end in time, killed: others report their games`)
        return { stats: lives.stats(), counts: lives.counts() }
      },
    }
  } catch (error) {
    await children.kill()
    throw error
  }
}

/** What the processes said, each life of each by itself. */
class Lives {
  died = 0
  readonly #stats = new Map<number, ServerStats>()
  readonly #counts = new Map<number, RecordCounts>()

  heard({ pid }: ChildInfo, event: ServerEvent & { readonly kind: 'stats' | 'ended' }): void {
    this.#stats.set(pid, event.stats)
    if (event.kind === 'ended') this.#counts.set(pid, event.counts)
  }

  stats(): ServerStats {
    return sumOf([...this.#stats.values()], noStats)
  }

  counts(): RecordCounts {
    return sumOf([...this.#counts.values()], { acked: 0, dropped: 0, kept: 0 })
  }
}

const noStats: ServerStats = {
  ...{ started: 0, complete: 0, abandoned: 0, rescued: 0, timedOut: 0, hits: 0, forfeits: 0 },
  ...{ refusals: 0, connectionsRefused: 0, errors: 0, connections: 0, games: 0 },
}

function sumOf<T extends object>(all: readonly T[], zero: T): T {
  const names = Object.keys(zero) as (keyof T)[]
  const sums = names.map((name) => [
    name,
    all.reduce((sum, one) => sum + Number(one[name]), Number(zero[name])),
  ])
  return Object.fromEntries(sums) as T
}

/**
 * The port, when nobody listens there. The processes share it: each would also share it with a
 * stranger who allows that.
 */
async function freePort(port: number, host: string): Promise<number> {
  const probe = createServer()
  const found = await new Promise<number>((resolve, reject) => {
    probe.once('error', (cause) => reject(cannotListen(host, port, true, cause)))
    probe.listen({ port, host, exclusive: true }, () => {
      const address = probe.address()
      resolve(typeof address === 'object' && address ? address.port : port)
    })
  })
  await new Promise((done) => probe.close(done))
  return found
}
