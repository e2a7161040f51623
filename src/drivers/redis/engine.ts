import type { Admin, DeadEntry, Depth, Page, PageQuery } from '../../core/admin.ts'
import type { ChannelRef, ChannelSpec, ReaderSpec } from '../../core/channel.ts'
import type { Marks, Publisher, Source, SourceEvents } from '../../core/driver.ts'
import type { PublishOutcome } from '../../core/message.ts'

/** How a queue or a stream is kept: a stream is always kept as `stream`, a queue as either. */
export type EngineName = 'list' | 'stream'

/**
 * Everything about channels that are kept in one way. The session has found the channel declared,
 * of this pattern and kept by this engine, before it asks.
 */
export interface Engine {
  publisher(channel: ChannelSpec, signal: AbortSignal): Promise<Publisher>
  source(
    channel: ChannelSpec,
    reader: ReaderSpec,
    on: SourceEvents,
    signal: AbortSignal,
  ): Promise<Source>
  marks(channel: ChannelSpec, group: string | null): Marks
  readonly admin: EngineAdmin
}

type Asked = Required<
  Pick<
    Admin,
    'groups' | 'peek' | 'message' | 'removeDead' | 'pause' | 'seek' | 'purge' | 'removeGroup'
  >
> &
  Required<Pick<Admin, 'removeMessage'>>

export interface EngineAdmin extends Asked {
  depth(channel: ChannelRef, signal: AbortSignal): Promise<Depth>
  deadLetters(
    channel: ChannelRef,
    group: string | null,
    query: PageQuery,
    signal: AbortSignal,
  ): Promise<Page<DeadEntry>>
  /** The dead letters of these refs, null for one that is gone. */
  dead(
    channel: ChannelRef,
    refs: readonly string[],
    signal: AbortSignal,
  ): Promise<(DeadEntry | null)[]>
  /** Back to where each died, its dead letter gone in the same step. */
  revive(
    channel: ChannelRef,
    refs: readonly string[],
    signal: AbortSignal,
  ): Promise<PublishOutcome[]>
  /** All keys of the channel; its declaration is the session's. */
  removeKeys(channel: ChannelRef, signal: AbortSignal): Promise<void>
}
