import { randomInt } from 'node:crypto'
import { NarrowcastError } from '../../core/errors.ts'
import { ownFolder } from './ownFolder.ts'
import { NotStarted, type OwnProcess, ownProcess } from './ownProcess.ts'
import { findRedisProgram } from './redisProgram.ts'

/** What the server keeps: as Redis ships (snapshots only), or an append-only file. */
export type RedisProfile = 'default' | 'everysec' | 'always'

export interface RedisOptions {
  /** @default 'default' */
  readonly profile?: RedisProfile
  /** Further settings as on the command line of `redis-server`: `['--maxmemory', '10mb']`. */
  readonly args?: readonly string[]
}

/** A server of our own on 127.0.0.1. It ends, and its folder goes, with this process at the latest. */
export interface RedisServer extends AsyncDisposable {
  /** `redis://127.0.0.1:PORT` */
  readonly url: string
  readonly port: number
  readonly version: string
  /** How it was found: `on the PATH`. */
  readonly how: string
  /** Of the process that runs now, or ran last. */
  readonly pid: number
  /** The end of its log. */
  log(): string
  /** SIGKILL: what was not written is lost. Data folder and port stay for `restart`. */
  kill(): Promise<void>
  /** SIGTERM: it saves what its settings ask for. Data folder and port stay for `restart`. */
  terminate(): Promise<void>
  /** Starts it again with the same data folder, port and settings; terminates it first if it runs. */
  restart(): Promise<void>
  /** Ends it with SIGKILL and removes its folder. Twice is fine. */
  stop(): Promise<void>
}

const profiles: Readonly<Record<RedisProfile, readonly string[]>> = {
  default: [],
  everysec: ['--appendonly', 'yes', '--appendfsync', 'everysec'],
  always: ['--appendonly', 'yes', '--appendfsync', 'always'],
}

/** Below the ports that systems hand out by themselves: nobody is given ours while it restarts. */
const ports = { min: 16_000, max: 32_000 }

/** How often a port may turn out to be taken. */
const triesMax = 20

/**
 * Starts the `redis-server` that is on the PATH, with a data folder of its own and on a free port,
 * and resolves when it takes commands. Several may run at once.
 * Without such a program it is refused with `UNAVAILABLE`.
 */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const program = await findRedisProgram()
  if (program === null) {
    throw new NarrowcastError('UNAVAILABLE', 'redis: no redis-server is on the PATH', {
      hint: 'Install Redis, or give a server by its URL in NARROWCAST_TEST_REDIS_URL.',
    })
  }
  const folder = await ownFolder('redis')
  const settings = [...profiles[options.profile ?? 'default'], ...(options.args ?? [])]
  const start = async (port: number) =>
    await ownProcess(
      {
        command: program.command,
        args: ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder.path, ...settings],
        ready: /Ready to accept connections/,
        readyWithinMs: 30_000,
      },
      folder,
    )
  let running: OwnProcess
  let port: number
  try {
    ;[running, port] = await onFreePort(start)
  } catch (error) {
    await folder.remove()
    throw error
  }
  let stopped: Promise<void> | null = null
  const stop = async () => {
    await running.end('SIGKILL')
    await folder.remove()
  }
  const server: RedisServer = {
    url: `redis://127.0.0.1:${port}`,
    port,
    version: program.version,
    how: 'on the PATH',
    get pid() {
      return running.pid
    },
    log: () => running.output(),
    kill: async () => await running.end('SIGKILL'),
    terminate: async () => await running.end('SIGTERM'),
    async restart() {
      await running.end('SIGTERM')
      running = await start(port)
    },
    async stop() {
      stopped ??= stop()
      await stopped
    },
    async [Symbol.asyncDispose]() {
      await server.stop()
    },
  }
  return server
}

/** Nobody can hold a port for a program: it is tried, and another one when it was taken. */
async function onFreePort(
  start: (port: number) => Promise<OwnProcess>,
): Promise<[OwnProcess, number]> {
  for (let tries = 1; ; tries++) {
    const port = randomInt(ports.min, ports.max)
    try {
      return [await start(port), port]
    } catch (error) {
      const isTaken = error instanceof NotStarted && /address already in use/i.test(error.output)
      if (!isTaken || tries === triesMax) throw error
    }
  }
}
