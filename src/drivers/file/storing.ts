import { type ErrorCode, NarrowcastError } from '../../core/errors.ts'
import type { OutgoingMessage } from '../../core/message.ts'
import { payloadBytesMax } from './contract.ts'
import { pause } from './pause.ts'
import { emptyLog } from './reserve.ts'
import type { Store } from './store.ts'

interface StoringOptions {
  readonly signal: AbortSignal
  /** @default true */
  readonly durable?: boolean
}

/**
 * A transaction that brings messages: slowed down while the log is too long, and refused where the
 * disk has no room for it. @throws DISK_FULL, and as the writer does
 */
export async function storing<T>(
  { db, writer, pace, room }: Store,
  messages: readonly OutgoingMessage[],
  work: () => T,
  options: StoringOptions,
): Promise<T> {
  const bytes = () => messages.reduce((sum, { body }) => sum + bytesOf(body), 0)
  const checked = () => {
    room.checkPublish(bytes)
    return work()
  }
  for (let isCopied = false; ; isCopied = true) {
    const waitMs = pace.waitMs()
    if (waitMs > 0) await pause(waitMs)
    try {
      return await writer.run('publish', checked, { ...options, isStoring: true })
    } catch (error) {
      // Pages that settling has freed count from the moment that the log is copied.
      const isFull = error instanceof NarrowcastError && error.code === 'DISK_FULL'
      if (isCopied || !isFull || !(await emptyLog(db))) throw error
    }
  }
}

/** What is wrong with a message, whatever the channel; null: nothing. */
export function messageFault(
  { id, body, timeMs }: OutgoingMessage,
  channelBytesMax: number,
): { code: ErrorCode; text: string } | null {
  const bytesMax = Math.min(channelBytesMax, payloadBytesMax)
  const bytes = sizeOf(body, bytesMax)
  if (bytes > bytesMax) {
    const text = `message ${id} has ${bytes} bytes, at most ${bytesMax} are taken`
    return { code: 'PAYLOAD_TOO_LARGE', text }
  }
  if (Number.isSafeInteger(timeMs)) return null
  const text = `message ${id} has the time ${timeMs}, expected whole milliseconds`
  return { code: 'INVALID_ARGUMENT', text }
}

function bytesOf(body: string | Uint8Array): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength
}

/** Counts the bytes of a text only where it may matter: one character has at most three. */
function sizeOf(body: string | Uint8Array, bytesMax: number): number {
  if (typeof body !== 'string') return body.byteLength
  return body.length * 3 <= bytesMax ? body.length : Buffer.byteLength(body)
}
