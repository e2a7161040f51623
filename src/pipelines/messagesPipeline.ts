import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Pattern } from '../core/message.ts'
import { definePipeline, type Pipeline } from './definePipeline.ts'
import type { Table } from './defineTable.ts'

interface MessageRow {
  readonly _id: string
  readonly _time: number
  readonly key: string | null
  readonly headers: Readonly<Record<string, string>>
  readonly data: unknown
}

/** Its rows are made below and fit by themselves. */
const asItIs: StandardSchemaV1<MessageRow, unknown> = {
  '~standard': { version: 1, vendor: 'narrowcast', validate: (value) => ({ value }) },
}

const messages: Table<MessageRow> = {
  name: 'messages',
  key: ['_id'],
  schema: asItIs,
  columns: [
    { name: '_id', type: 'string', nullable: false },
    { name: '_time', type: 'timestamp', nullable: false },
    { name: 'key', type: 'string', nullable: true },
    { name: 'headers', type: 'json', nullable: false },
    { name: 'data', type: 'json', nullable: true },
  ],
}

/**
 * The pipeline without a file: one row per message, `_id, _time, key, headers, data` (JSON), in
 * the table `messages`. Its name is the channel's.
 */
export function messagesPipeline(channel: {
  readonly name: string
  readonly pattern?: Pattern
}): Pipeline {
  return definePipeline({
    name: channel.name.slice(0, 60).replace(/[.-]+$/, ''),
    channel,
    tables: [messages],
    transform(data, { emit, message }) {
      const { id, timeMs, key, headers } = message
      emit(messages, { _id: id, _time: timeMs, key, headers, data })
    },
  })
}
