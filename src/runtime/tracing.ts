import type { NarrowcastError } from '../core/errors.ts'
import type { PublishOptions, Receipt, Received } from './api.ts'
import type { ChannelFacts } from './handlerRun.ts'
import type { Ending } from './policy.ts'

/** Follows messages of a bus from who publishes them to who works on them. Never throws. */
export interface Tracing {
  /** A message is about to be encoded. */
  send(channel: ChannelFacts, options: PublishOptions | undefined): Sending
  /** A handler is about to be called, with one message, or with a batch, of one message even. */
  process(
    channel: ChannelFacts,
    given: Received<unknown> | readonly Received<unknown>[],
  ): Processing
}

export interface Sending {
  /** To be used in the place of what was given: with headers that name the trace. */
  readonly options: PublishOptions | undefined
  end(answer: Receipt | NarrowcastError): void
}

export interface Processing {
  /** Calls the handler, so that what it does belongs to the trace. */
  run<R>(work: () => R): R
  /** How each message ended, in their order. */
  end(endings: readonly Ending[]): void
}
