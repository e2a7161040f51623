import type { ChannelSpec, SubscriberSpec } from '../../../core/channel.ts'
import type { Live, LiveEvents, LiveSource, Publisher } from '../../../core/driver.ts'
import { redisError } from '../redisErrors.ts'
import type { Context } from '../session.ts'

export class RedisLive implements Live {
  readonly context: Context

  constructor(context: Context) {
    this.context = context
  }

  publisher(_channel: ChannelSpec): Promise<Publisher> {
    throw redisError('UNSUPPORTED', 'publisher', 'not built yet')
  }

  subscribe(
    _channel: ChannelSpec,
    _subscriber: SubscriberSpec,
    _on: LiveEvents,
    _signal: AbortSignal,
  ): Promise<LiveSource> {
    throw redisError('UNSUPPORTED', 'subscribe', 'not built yet')
  }
}
