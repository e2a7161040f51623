import type { Argument } from '../connection.ts'
import { helperKey } from '../keys.ts'
import { redisError, replyCode } from '../redisErrors.ts'
import type { Script } from '../script.ts'
import type { Context } from '../session.ts'
import { groupKeys } from './keys.ts'
import { type Noted, readNoted } from './noted.ts'
import { publishWord } from './words.ts'

/** One group of one channel: where its messages go, whoever reads them. */
export interface Line {
  readonly channel: string
  readonly group: string
  /** Runs a script of the group for a reader, or for the source that was opened as `opened`. */
  run<T>(
    script: Script,
    reader: string,
    opened: string,
    args: readonly Argument[],
    as?: 'text' | 'bytes',
  ): Promise<T>
  send<T>(args: readonly Argument[], as?: 'text' | 'bytes'): Promise<T>
  /** Of the failures of an entry. */
  noted(entry: string): Promise<Noted | null>
}

export function lineOf(context: Context, channel: string, group: string): Line {
  const home = context.home(channel)
  const word = publishWord(context, channel)
  return {
    channel,
    group,
    async run<T>(
      script: Script,
      reader: string,
      opened: string,
      args: readonly Argument[],
      as: 'text' | 'bytes' = 'text',
    ) {
      const keys = groupKeys(channel, group, reader)
      try {
        return await home.run<T>(script, keys, [word, group, reader, opened, ...args], 'source', as)
      } catch (error) {
        throw groupGone(error, channel, group)
      }
    },
    async send<T>(args: readonly Argument[], as: 'text' | 'bytes' = 'text') {
      try {
        return await home.send<T>(args, 'source', as)
      } catch (error) {
        throw groupGone(error, channel, group)
      }
    },
    async noted(entry) {
      const key = helperKey(channel, `counts:${group}`)
      return readNoted(await home.send<string | null>(['HGET', key, entry], 'source'))
    },
  }
}

/** The group was destroyed by somebody, or lost in a crash: the source is opened anew. */
function groupGone(error: unknown, channel: string, group: string): unknown {
  if (!(error instanceof Error) || replyCode(error.cause) !== 'NOGROUP') return error
  return redisError('NOT_FOUND', 'source', `"${channel}" has no group "${group}" any more`, {
    channel,
    cause: error.cause,
  })
}
