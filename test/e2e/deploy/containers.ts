import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pathOfNode } from './builtImage.ts'
import { readCompose, type Service } from './composeFile.ts'

const run = promisify(execFile)

/** Where things lie and listen here that are places and host names there. */
export interface Ground {
  /** The root of the image that was built. */
  readonly image: string
  /** A folder for every volume, and one for each container. */
  readonly folder: string
  readonly ports: { readonly redis: number; readonly server: number }
}

export interface Container {
  readonly name: string
  readonly child: ChildProcess
  readonly closed: Promise<number | null>
  output(): string
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
}

/**
 * The services of compose.yaml as processes of this machine: command, health check, environment and
 * volumes as the file has them, with host names, ports and folders put in their place.
 */
export class Containers implements AsyncDisposable {
  readonly #ground: Ground
  readonly #services = readCompose().compose.services
  readonly #running = new Set<Container>()
  /** Also when this process is told to end. */
  readonly #killAll = () => {
    // A whole process group each: also what it has started.
    for (const { child } of this.#running) if (child.pid !== undefined) endGroup(child.pid)
  }
  #isOver = false

  constructor(ground: Ground) {
    this.#ground = ground
    process.once('exit', this.#killAll)
  }

  async up(service: string, name = service): Promise<Container> {
    const [command = '', ...args] = this.#words(service, name)
    const child = spawn(command, args, { ...(await this.#place(service, name)), detached: true })
    child.stdin.end()
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    const closed = once(child, 'close').then(() => child.exitCode)
    const end = (signal: 'SIGTERM' | 'SIGKILL') => {
      child.kill(signal)
      return closed
    }
    const container = { name, child, closed, output: () => output, end }
    this.#running.add(container)
    return container
  }

  /** Asks the health check until it says yes; what it said last where the container has ended. */
  async healthy(service: string, container: Container): Promise<void> {
    for (;;) {
      const said = await this.check(service, container.name)
      if (said === null) return
      const { exitCode, signalCode } = container.child
      if (this.#isOver || exitCode !== null || signalCode !== null)
        throw new Error(`${said}${container.output()}`)
    }
  }

  /** Null: healthy. */
  async check(service: string, name = service): Promise<string | null> {
    const { healthcheck } = this.#service(service)
    const [kind, command = '', ...args] = (healthcheck?.test ?? []).map((word) =>
      this.#here(word, this.#dataOf(service, name)),
    )
    if (kind !== 'CMD') throw new Error(`${service}: expected a health check of CMD, got ${kind}`)
    const address = command === 'redis-cli' ? ['-p', String(this.#ground.ports.redis)] : []
    try {
      await run(command, [...address, ...args], await this.#place(service, name))
      return null
    } catch (error) {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string }
      return `${(error as Error).message}${stdout}${stderr}`
    }
  }

  /** The command line of the image on the broker and in the volumes of a service. */
  async narrowcast(service: string, ...args: string[]): Promise<Record<string, unknown>> {
    const program = join(this.#ground.image, 'app/bin/narrowcast.cjs')
    const { stdout } = await run('node', [program, ...args, '--json'], {
      ...(await this.#place(service, 'other')),
    })
    return JSON.parse(stdout) as Record<string, unknown>
  }

  folderOf(volume: string): string {
    return join(this.#ground.folder, `volume-${volume}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    this.#killAll()
    process.off('exit', this.#killAll)
    await Promise.all([...this.#running].map(({ closed }) => closed))
  }

  #service(name: string): Service {
    const service = this.#services[name]
    if (service) return service
    throw new Error(`compose.yaml has no service ${name}`)
  }

  #words(service: string, name: string): string[] {
    const { build, entrypoint, command } = this.#service(service)
    if (build !== undefined) {
      const start = entrypoint ?? ['node', '/app/bin/narrowcast.cjs']
      return [...start, ...command].map((word) => this.#here(word, this.#dataOf(service, name)))
    }
    return [...command, '--port', String(this.#ground.ports.redis), '--bind', '127.0.0.1']
  }

  /** What is /data there. */
  #dataOf(service: string, name: string): string {
    const volume = this.#service(service).volumes?.[0]?.replace(':/data', '')
    return volume ? this.folderOf(volume) : join(this.#ground.folder, `data-${name}`)
  }

  #here(word: string, data: string): string {
    const { image, ports } = this.#ground
    return word
      .replaceAll('/app/', `${image}/app/`)
      .replaceAll('/data/', `${data}/`)
      .replaceAll('redis:6379', `127.0.0.1:${ports.redis}`)
      .replaceAll('server:5678', `127.0.0.1:${ports.server}`)
      .replaceAll('5678', String(ports.server))
      .replaceAll('0.0.0.0', '127.0.0.1')
  }

  async #place(service: string, name: string) {
    const { environment = {} } = this.#service(service)
    const data = this.#dataOf(service, name)
    await mkdir(data, { recursive: true })
    const named = Object.entries(environment).map(([key, value]) => [key, this.#here(value, data)])
    const env = { PATH: pathOfNode, HOSTNAME: name, NODE_ENV: 'production' }
    return { cwd: data, env: { ...env, ...Object.fromEntries(named) } }
  }
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
