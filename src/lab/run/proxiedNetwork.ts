import type { ActorId, Span } from '../evidence/evidence.ts'
import { ProxyProcess } from '../proxy/proxyProcess.ts'
import type { ProxyRule } from '../proxy/rule.ts'
import { throughPort, upstreamOf } from '../proxy/throughPort.ts'
import type { StagedNetwork } from './stage.ts'

/** A proxy between each actor, over all its starts, and the broker. */
export class ProxiedNetwork implements StagedNetwork, AsyncDisposable {
  readonly #proxy: ProxyProcess
  readonly #url: string
  /** By role and number: a restarted actor keeps its port, and what is done to it. */
  readonly #ports = new Map<string, Promise<number>>()

  /** @throws UNSUPPORTED where a proxy cannot stand between. */
  static async start(url: string): Promise<ProxiedNetwork> {
    upstreamOf(url)
    return new ProxiedNetwork(await ProxyProcess.start(), url)
  }

  private constructor(proxy: ProxyProcess, url: string) {
    this.#proxy = proxy
    this.#url = url
  }

  get pid(): number | undefined {
    return this.#proxy.pid
  }

  /** The way of this actor to the broker. */
  async urlFor(actor: ActorId): Promise<string> {
    const name = nameOf(actor)
    const port = this.#ports.get(name) ?? this.#proxy.open(name, upstreamOf(this.#url))
    this.#ports.set(name, port)
    return throughPort(this.#url, await port)
  }

  async set(actor: ActorId, rule: ProxyRule): Promise<Span> {
    return await this.#proxy.set(nameOf(actor), rule)
  }

  async heal(actor: ActorId): Promise<Span> {
    return await this.#proxy.heal(nameOf(actor))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy[Symbol.asyncDispose]()
  }
}

function nameOf({ role, actor }: ActorId): string {
  return `${role} ${actor}`
}
