import type { ActorId, Mended, Span } from '../evidence/evidence.ts'
import { ProxyProcess } from '../proxy/proxyProcess.ts'
import type { ProxyRule } from '../proxy/rule.ts'
import { throughPort, upstreamOf } from '../proxy/throughPort.ts'
import { NetworkNamespace } from './networkNamespace.ts'
import type { StagedNetwork } from './stage.ts'

/** proxy: connections are held in the proxy. namespace: the wire of the actor is cut. */
export type NetworkKind = 'proxy' | 'namespace'

/** How an actor gets to the broker. */
interface Way {
  readonly url: string
  readonly namespace: NetworkNamespace | null
}

/** A proxy between each actor, over all its starts, and the broker. */
export class ProxiedNetwork implements StagedNetwork, AsyncDisposable {
  readonly #proxy: ProxyProcess
  readonly #url: string
  readonly #kind: NetworkKind
  /** By role and number: a restarted actor keeps its way, and what is done to it. */
  readonly #ways = new Map<string, Promise<Way>>()

  /** @throws UNSUPPORTED where a proxy cannot stand between. */
  static async start(url: string, kind: NetworkKind = 'proxy'): Promise<ProxiedNetwork> {
    upstreamOf(url)
    return new ProxiedNetwork(await ProxyProcess.start(), url, kind)
  }

  private constructor(proxy: ProxyProcess, url: string, kind: NetworkKind) {
    this.#proxy = proxy
    this.#url = url
    this.#kind = kind
  }

  get pid(): number | undefined {
    return this.#proxy.pid
  }

  /** The way of this actor to the broker: a URL, and words before the command that starts it. */
  async wayOf(actor: ActorId): Promise<{ url: string; enter: readonly string[] }> {
    const name = nameOf(actor)
    const way = this.#ways.get(name) ?? this.#open(name)
    this.#ways.set(name, way)
    const { url, namespace } = await way
    return { url, enter: namespace?.enter ?? [] }
  }

  async set(actor: ActorId, rule: ProxyRule): Promise<Span> {
    const namespace = rule.kind === 'hold' ? await this.#namespaceOf(actor) : null
    return namespace ? await namespace.cut() : await this.#proxy.set(nameOf(actor), rule)
  }

  async heal(actor: ActorId): Promise<Span & Mended> {
    const { fromNs, toNs, answersLost } = await this.#proxy.heal(nameOf(actor))
    const mended = await (await this.#namespaceOf(actor))?.mend()
    return { fromNs, toNs: mended?.toNs ?? toNs, answersLost }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy[Symbol.asyncDispose]()
    const ways = await Promise.allSettled(this.#ways.values())
    await Promise.all(
      ways.map(async (one) => {
        if (one.status === 'fulfilled') await one.value.namespace?.[Symbol.asyncDispose]()
      }),
    )
  }

  async #open(name: string): Promise<Way> {
    const namespace = this.#kind === 'namespace' ? await NetworkNamespace.make() : null
    const host = namespace?.host ?? '127.0.0.1'
    const port = await this.#proxy.open(name, upstreamOf(this.#url), host)
    return { url: throughPort(this.#url, port, host), namespace }
  }

  async #namespaceOf(actor: ActorId): Promise<NetworkNamespace | null> {
    return (await this.#ways.get(nameOf(actor)))?.namespace ?? null
  }
}

function nameOf({ role, actor }: ActorId): string {
  return `${role} ${actor}`
}
