import type { ChannelSpec } from '../../../core/channel.ts'
import type { Context } from '../session.ts'

/** What was declared of a channel when it was made; what a process asks for later changes nothing. */
export interface Declared {
  readonly dedupeWindowMs: number | null
  readonly retention: ChannelSpec['retention']
  /** Something may be forgotten. */
  readonly isRetained: boolean
}

export async function declaredOf({ catalog }: Context, channel: ChannelSpec): Promise<Declared> {
  const { dedupeWindowMs, retention } = (await catalog.find(channel.name)) ?? channel
  const { ageMs, messages, bytes } = retention
  const isRetained = channel.pattern === 'stream' && (ageMs ?? messages ?? bytes) !== null
  return { dedupeWindowMs, retention, isRetained }
}
