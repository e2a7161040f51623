import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { promisify } from 'node:util'
import { NarrowcastError } from '../../core/errors.ts'
import type { Span } from '../evidence/evidence.ts'

const execute = promisify(execFile)

/** 198.18.0.0/15 is for measurements of networks alone (RFC 2544): nobody's hosts lie there. */
const blocks = 2 ** 15

/** The name of the wire's end inside. */
const own = 'eth0'

/**
 * It holds the namespace until its stdin closes, which it also does when this process is killed. Then it
 * takes the wire away, which a socket with words on the way would keep for minutes.
 */
const hold = `echo; read -r _; exec ip link delete ${own}`

let made = 0

/**
 * A network of its own for the processes of one actor, and a wire to this machine's that can be cut:
 * then packets are lost without a word, as behind a switch that has failed. Linux, as root. It ends with
 * this process, however that ends.
 */
export class NetworkNamespace implements AsyncDisposable {
  readonly #holder: ChildProcess
  readonly #wire: string
  /** Of this machine, as seen from inside. */
  readonly host: string

  /** @throws UNAVAILABLE where the system does not allow it. */
  static async make(): Promise<NetworkNamespace> {
    const [host, inside] = freeAddresses()
    const namespace = new NetworkNamespace(host)
    try {
      await namespace.#open(inside)
      return namespace
    } catch (error) {
      await namespace[Symbol.asyncDispose]()
      throw unavailable(error)
    }
  }

  private constructor(host: string) {
    this.host = host
    this.#wire = `ncl${process.pid.toString(36)}x${(made++).toString(36)}`
    this.#holder = spawn('unshare', ['--net', 'sh', '-c', hold], {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
  }

  /** Words before a command, which make it run inside. */
  get enter(): readonly string[] {
    return ['nsenter', `--net=/proc/${this.#holder.pid}/ns/net`, '--']
  }

  /** From now on nothing passes, and nobody is told. Resolves when it is so. */
  async cut(): Promise<Span> {
    return await this.#wireTo('down')
  }

  async mend(): Promise<Span> {
    return await this.#wireTo('up')
  }

  /** Its wire is gone then. Processes inside live on, without a network. */
  async [Symbol.asyncDispose](): Promise<void> {
    await ip('link', 'delete', this.#wire).catch(() => {}) // it may never have been made
    if (this.#holder.exitCode !== null || this.#holder.pid === undefined) return
    const ended = once(this.#holder, 'exit')
    this.#holder.kill('SIGKILL')
    await ended
  }

  async #open(inside: string): Promise<void> {
    const { stdout, stderr } = this.#holder
    if (!stdout || !stderr) throw new Error('no pipes')
    let told = ''
    stderr.setEncoding('utf8').on('data', (text: string) => {
      told += text
    })
    // `once` rejects where the program cannot be started.
    await Promise.race([once(stdout, 'data'), once(this.#holder, 'close')])
    const { pid, exitCode } = this.#holder
    if (pid === undefined || exitCode !== null) throw new Error(told.trim())
    const peer = ['peer', 'name', own, 'netns', String(pid)]
    await ip('link', 'add', this.#wire, 'type', 'veth', ...peer)
    await ip('address', 'add', `${this.host}/30`, 'dev', this.#wire)
    await ip('link', 'set', this.#wire, 'up')
    const [command = '', ...words] = [...this.enter, 'ip']
    await execute(command, [...words, 'address', 'add', `${inside}/30`, 'dev', own])
    await execute(command, [...words, 'link', 'set', own, 'up'])
    await execute(command, [...words, 'link', 'set', 'lo', 'up'])
  }

  async #wireTo(state: 'up' | 'down'): Promise<Span> {
    const fromNs = process.hrtime.bigint()
    await ip('link', 'set', this.#wire, state)
    return { fromNs, toNs: process.hrtime.bigint() }
  }
}

/** Why none can be made here; null: it can, which was tried. */
export async function whyNoNamespace(): Promise<string | null> {
  try {
    await using _tried = await NetworkNamespace.make()
    return null
  } catch (error) {
    return (error as Error).message
  }
}

async function ip(...words: readonly string[]): Promise<void> {
  await execute('ip', words)
}

/** Of this machine's end and the other one, where no interface has them. */
function freeAddresses(): [string, string] {
  const taken = new Set(
    Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []),
  )
  for (let turn = 0; ; turn++) {
    const block = (process.pid * 64 + made + turn) % blocks
    const at = (end: number) => {
      const low = block * 4 + end
      return `198.${18 + (low >> 16)}.${(low >> 8) & 255}.${low & 255}`
    }
    if (!taken.has(at(1)) || turn === blocks) return [at(1), at(2)]
  }
}

function unavailable(cause: unknown): NarrowcastError {
  const { code, stderr, message } = cause as NodeJS.ErrnoException & { stderr?: string }
  const said = stderr?.trim() || message
  const why = code === 'ENOENT' ? 'it takes the programs ip, unshare and nsenter' : said
  return new NarrowcastError('UNAVAILABLE', `no network namespace can be made: ${why}`, {
    operation: 'make a network namespace',
    hint: 'It takes Linux, and root. --net proxy cuts connections in a proxy instead.',
    cause,
  })
}
