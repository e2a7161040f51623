import type { Pattern } from '../core/message.ts'
import type { ChannelOptions } from './api.ts'

/** One channel in the project file, in the words that people type. */
export interface ChannelConfig {
  pattern?: Pattern
  /** `30s`; this and the next four on queues and streams only. */
  lease?: string
  attempts?: number
  /** `100ms..30s` */
  backoff?: string
  /** `publish:120s` or `consume:10m` */
  dedupe?: string
  /** `7d`, `1000000`, `2GiB`, or several with commas; streams only. */
  retention?: string
  /** Who chooses the worker, on narrowcast channels only: the publisher, or a relay. */
  narrowcast?: 'direct' | 'relay'
}

/** The project file `narrowcast.config.mts`, `.mjs` or `.json`. */
export interface Config {
  /** `${NAME}` and `${NAME:-default}` are taken from the environment. */
  url?: string
  channels?: Record<string, ChannelConfig>
}

/** What a channel is given when the call does not say. */
export type ChannelDefaults = Pick<
  ChannelOptions,
  'leaseMs' | 'attempts' | 'backoff' | 'dedupe' | 'retention' | 'via'
>
