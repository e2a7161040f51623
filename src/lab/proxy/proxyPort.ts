import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Mended, Span } from '../evidence/evidence.ts'
import { Link, reset } from './link.ts'
import type { ProxyRule } from './rule.ts'
import { inForce } from './ruleInForce.ts'
import type { Upstream } from './words.ts'

/** One port of the proxy, and the connections through it. */
export class ProxyPort {
  readonly #upstream: Upstream
  readonly #links = new Set<Link>()
  #rule = inForce(null)

  constructor(upstream: Upstream) {
    this.#upstream = upstream
  }

  /** Resolves with the port, on that address of this machine. */
  async listen(host: string): Promise<number> {
    const options = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true }
    const server = createServer(options, (client) => this.#accept(client))
    await once(server.listen(0, host), 'listening')
    return (server.address() as AddressInfo).port
  }

  /** Null: no rule any more. */
  set(rule: ProxyRule | null): Span & Mended {
    const fromNs = process.hrtime.bigint()
    const { answersLost } = this.#rule
    if (rule?.kind === 'reset') {
      for (const link of this.#links) link.reset()
    } else {
      this.#rule = inForce(rule)
      for (const link of this.#links) link.follow(this.#rule)
    }
    return { fromNs, toNs: process.hrtime.bigint(), answersLost }
  }

  #accept(client: Socket): void {
    if (this.#rule.refuses) {
      reset(client)
      return
    }
    const link = new Link(client, this.#upstream, this.#rule, () => this.#links.delete(link))
    this.#links.add(link)
  }
}
