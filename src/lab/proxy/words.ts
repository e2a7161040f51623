import type { Mended, Span } from '../evidence/evidence.ts'
import type { ProxyRule } from './rule.ts'

/** Where a port of the proxy leads to. */
export interface Upstream {
  readonly host: string
  readonly port: number
}

/** What the supervisor asks of the proxy, one word and one answer each. */
export type ProxyWord =
  | {
      readonly kind: 'open'
      readonly name: string
      readonly upstream: Upstream
      /** An address of this machine. */
      readonly host: string
    }
  /** Null: heal. */
  | { readonly kind: 'set'; readonly name: string; readonly rule: ProxyRule | null }
  | { readonly kind: 'cpu' }

export interface ProxyAnswers {
  /** The port. */
  readonly open: number
  /** From before the rule changed until everything there followed it; what the one before has done. */
  readonly set: Span & Mended
  readonly cpu: NodeJS.CpuUsage
}

export interface ToProxy {
  readonly id: number
  readonly word: ProxyWord
}

export type FromProxy =
  | { readonly id: number; readonly answer: ProxyAnswers[keyof ProxyAnswers] }
  | { readonly id: number; readonly failure: string }
