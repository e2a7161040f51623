import { NarrowcastError } from '../../core/errors.ts'
import { onFreePort } from './onFreePort.ts'
import { type OwnFolder, ownFolder } from './ownFolder.ts'
import { OwnProcess } from './ownProcess.ts'
import { findRedisProgram } from './redisProgram.ts'

/** A server of our own on 127.0.0.1. It ends, and its folder goes, with this process at the latest. */
export interface RedisServer extends AsyncDisposable {
  /** `redis://127.0.0.1:PORT` */
  readonly url: string
  readonly port: number
  /** Absolute path of its data folder. */
  readonly folder: string
  readonly version: string
  /** `on the PATH` */
  readonly how: string
  /** Of the process that runs now, or ran last. */
  readonly pid: number
  readonly isRunning: boolean
  /** The end of what this process has logged. */
  readonly log: string
  /** SIGKILL: what it had not written is lost. Data folder and port stay for `restart`. */
  kill(): Promise<void>
  /** SIGTERM: it saves as it is set up to. Data folder and port stay for `restart`. */
  terminate(): Promise<void>
  /** Starts it again with the same folder, port and settings; terminates it first where it runs. */
  restart(): Promise<void>
  /** Ends it with SIGKILL and removes its folder. Twice is fine. */
  stop(): Promise<void>
}

export interface Place {
  readonly port: number
  /** Absolute path of the data folder, which is there. */
  readonly folder: string
}

export interface Serving {
  readonly scheme: 'redis' | 'rediss'
  /** It is ready when its log matches. */
  readonly ready: RegExp
  /** The command line, without the address and the data folder. */
  readonly settings: (place: Place) => Promise<readonly string[]>
}

const readyWithinMs = 30_000

/** Starts the program of the PATH with these settings. @throws UNAVAILABLE */
export async function serveRedis(serving: Serving): Promise<RedisServer> {
  const program = await findRedisProgram()
  if (program === null) {
    throw new NarrowcastError('UNAVAILABLE', 'redis: no redis-server is on the PATH', {
      hint: 'Install Redis 7.0 or newer.',
    })
  }
  const folder = await ownFolder('redis')
  const { ready } = serving
  const here = ['--bind', '127.0.0.1', '--dir', folder.path]
  const start = async (args: readonly string[]) =>
    await OwnProcess.start({ command: program.command, args, ready, readyWithinMs }, folder)
  try {
    const first = await onFreePort(async (port) => {
      const args = [...(await serving.settings({ port, folder: folder.path })), ...here]
      return { port, running: await start(args), again: async () => await start(args) }
    })
    return server({ ...first, folder, version: program.version, scheme: serving.scheme })
  } catch (error) {
    await folder.remove()
    throw error
  }
}

interface Started {
  readonly port: number
  readonly running: OwnProcess
  readonly again: () => Promise<OwnProcess>
  readonly folder: OwnFolder
  readonly version: string
  readonly scheme: string
}

function server({ port, running: first, again, folder, version, scheme }: Started): RedisServer {
  let running = first
  const stop = async () => {
    await running.end('SIGKILL')
    await folder.remove()
  }
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    port,
    folder: folder.path,
    version,
    how: 'on the PATH',
    get pid() {
      return running.pid
    },
    get isRunning() {
      return running.isRunning
    },
    get log() {
      return running.output
    },
    kill: async () => await running.end('SIGKILL'),
    terminate: async () => await running.end('SIGTERM'),
    async restart() {
      await running.end('SIGTERM')
      running = await again()
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
