import { type ChildProcess, fork } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { WorkerHears, WorkerSays, WorkerSettings } from './words.ts'

/** A worker process, from outside. */
export interface WorkerHandle {
  readonly name: string
  readonly pid: number
  /** Resolves when the process is gone; never rejects. */
  readonly exited: Promise<void>
  readonly isGone: boolean
  /** The end of what it wrote to stderr. */
  readonly lastWords: string
  tell(message: WorkerHears): void
  kill(): void
}

const lastWordsMax = 4_000

/** Starts a worker as a process of its own. It ends with the demo, however that ends. */
export function startWorker(
  settings: WorkerSettings,
  onSaid: (message: WorkerSays) => void,
): WorkerHandle {
  const child: ChildProcess = fork(bodyPath(), [JSON.stringify(settings)], {
    execArgv: [],
    env: plainEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // A group of its own: Ctrl-C would else end it while it starts and cannot refuse yet.
    detached: true,
  })
  let isGone = false
  let lastWords = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    lastWords = (lastWords + chunk.toString()).slice(-lastWordsMax)
  })
  child.on('message', (message: WorkerSays) => onSaid(message))
  const exited = new Promise<void>((resolve) => {
    const end = () => {
      isGone = true
      resolve()
    }
    child.once('exit', end)
    child.once('error', (error) => {
      lastWords = error.message
      end()
    })
  })
  return {
    name: settings.name,
    pid: child.pid ?? 0,
    exited,
    get isGone() {
      return isGone
    },
    get lastWords() {
      return lastWords.trim()
    },
    tell(message) {
      // A process that is about to end has nobody to listen; its exit tells the rest.
      if (child.connected) child.send(message, () => {})
    },
    kill: () => child.kill('SIGKILL'),
  }
}

/** Beside this file, in the sources as in the build. */
function bodyPath(): string {
  const extension = extname(fileURLToPath(import.meta.url))
  return fileURLToPath(new URL(`./workerProcess${extension}`, import.meta.url))
}

/** Node warns where both of these are set. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...environment } = process.env
  return environment
}
