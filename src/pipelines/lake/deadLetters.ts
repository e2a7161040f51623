import { open } from 'node:fs/promises'
import type { Durability } from '../disk.ts'
import { diskTrouble } from '../disk.ts'
import type { Raw, Refusal } from '../sink.ts'
import { crashesOf } from '../stage.ts'
import { hasDate } from './layout.ts'

export interface DeadFacts {
  readonly pipeline: string
  readonly channel: string
  readonly worker: string
  readonly diedMs: number
}

/** One line of a dead letter file; `raw` is in base64 where it is no UTF-8 text. */
export function deadLine(raw: Raw, refusal: Refusal, facts: DeadFacts): string {
  const { message, data, failures, redrives, position } = raw
  const text = textOf(data)
  return `${JSON.stringify({
    time: new Date(facts.diedMs).toISOString(),
    pipeline: facts.pipeline,
    channel: facts.channel,
    id: message.id,
    position: position ?? null,
    attempts: failures + 1,
    cause: refusal.cause,
    error: refusal.error,
    schema: refusal.schema,
    crashes: crashesOf(raw),
    redrives,
    worker: facts.worker,
    message: {
      time: hasDate(message.timeMs) ? new Date(message.timeMs).toISOString() : null,
      key: message.key,
      type: message.type,
      source: message.source,
      headers: message.headers,
    },
    ...(text === null
      ? { raw: Buffer.from(data as Uint8Array).toString('base64'), encoding: 'base64' }
      : { raw: text }),
  })}\n`
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOf(data: string | Uint8Array): string | null {
  if (typeof data === 'string') return data.isWellFormed() ? data : null
  try {
    return utf8.decode(data)
  } catch {
    return null // not UTF-8: it goes as base64
  }
}

/** Writes, syncs and closes a new file. @throws DISK_FULL, STORE_UNUSABLE */
export async function writeText(
  path: string,
  text: string,
  durability: Durability,
): Promise<number> {
  const bytes = Buffer.from(text)
  try {
    const file = await open(path, 'wx')
    try {
      await file.writeFile(bytes)
      if (durability === 'fsync') await file.datasync()
    } finally {
      await file.close()
    }
  } catch (error) {
    throw diskTrouble(`cannot write ${path}`, error)
  }
  return bytes.length
}
