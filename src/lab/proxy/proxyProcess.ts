import { type ChildProcess, fork } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { NarrowcastError } from '../../core/errors.ts'
import type { Mended, Span } from '../evidence/evidence.ts'
import { type ProxyRule, proxyRuleSchema } from './rule.ts'
import type { FromProxy, ProxyAnswers, ProxyWord, ToProxy, Upstream } from './words.ts'

type Kind = ProxyWord['kind']
type WordOf<K extends Kind> = Extract<ProxyWord, { readonly kind: K }>

/**
 * The proxy between actors and a broker, in a process of its own that ends with this one. It passes
 * bytes of TCP and knows no protocol. A port belongs to one actor, so that a rule can hit it alone.
 */
export class ProxyProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #ended = Promise.withResolvers<void>()
  readonly #names = new Set<string>()
  readonly #asked = new Map<number, PromiseWithResolvers<ProxyAnswers[Kind]>>()
  #lastId = 0

  /** Resolves when it is there. @throws INTERNAL */
  static async start(): Promise<ProxyProcess> {
    const proxy = new ProxyProcess()
    await proxy.cpu()
    return proxy
  }

  private constructor() {
    const body = new URL(`main${extname(import.meta.url)}`, import.meta.url)
    const child = fork(fileURLToPath(body), [], {
      detached: true, // Ctrl-C is for the supervisor
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#child = child
    child.once('exit', (code, signal) => this.#over(`it ended with ${signal ?? code}`))
    child.on('error', (error) => {
      if (child.pid === undefined) this.#over(error.message) // it never began
    })
    child.on('message', (word: FromProxy) => this.#hear(word))
  }

  /** Undefined where it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  /**
   * Resolves with a port on `host`, an address of this machine, whose connections go to `upstream`,
   * each by a connection of its own. Where nobody listens there they are reset.
   *
   * @throws CONFLICT for a name that has a port.
   */
  async open(name: string, upstream: Upstream, host = '127.0.0.1'): Promise<number> {
    if (this.#names.has(name)) {
      throw new NarrowcastError('CONFLICT', `proxy: "${name}" has a port already`)
    }
    this.#names.add(name)
    return await this.#ask({ kind: 'open', name, upstream, host })
  }

  /**
   * Puts the rule in force at that port, in place of the one before. Resolves when everything there
   * follows it, and new connections do.
   *
   * @throws INVALID_ARGUMENT for a rule that is none; NOT_FOUND for a name without a port.
   */
  async set(name: string, rule: ProxyRule): Promise<Span> {
    const checked = proxyRuleSchema.safeParse(rule)
    if (checked.success) {
      const { fromNs, toNs } = await this.#set(name, checked.data)
      return { fromNs, toNs }
    }
    const why = z.prettifyError(checked.error)
    throw new NarrowcastError('INVALID_ARGUMENT', `proxy: the rule for "${name}" is none: ${why}`)
  }

  /** Takes the rule away: what was held goes on. Harmless without one. @throws NOT_FOUND */
  async heal(name: string): Promise<Span & Mended> {
    return await this.#set(name, null)
  }

  /** What it has used since it was started. */
  async cpu(): Promise<NodeJS.CpuUsage> {
    return await this.#ask({ kind: 'cpu' })
  }

  /** Ends it, and with it all connections. Twice is fine. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended.promise
  }

  async #set(name: string, rule: ProxyRule | null): Promise<Span & Mended> {
    if (!this.#names.has(name)) {
      throw new NarrowcastError('NOT_FOUND', `proxy: "${name}" has no port`)
    }
    return await this.#ask({ kind: 'set', name, rule })
  }

  async #ask<K extends Kind>(word: WordOf<K>): Promise<ProxyAnswers[K]> {
    const id = ++this.#lastId
    const asked = Promise.withResolvers<ProxyAnswers[Kind]>()
    this.#asked.set(id, asked)
    const message: ToProxy = { id, word }
    this.#child.send(message, (error) => {
      if (error) this.#hear({ id, failure: error.message })
    })
    return (await asked.promise) as ProxyAnswers[K]
  }

  #hear(word: FromProxy): void {
    const asked = this.#asked.get(word.id)
    this.#asked.delete(word.id)
    if ('answer' in word) asked?.resolve(word.answer)
    else asked?.reject(new NarrowcastError('INTERNAL', `lab: the proxy: ${word.failure}`))
  }

  #over(failure: string): void {
    for (const id of this.#asked.keys()) this.#hear({ id, failure })
    this.#ended.resolve()
  }
}
