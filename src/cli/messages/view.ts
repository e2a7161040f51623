import type { DeadEntry, Stored } from '../../core/driver.ts'
import type { IncomingMessage } from '../../core/message.ts'
import { harmless } from '../output/displayWidth.ts'
import { isoTime, isoTimeOrNull, showBytes, showDuration } from '../output/quantities.ts'
import type { Column, Json } from '../output/table.ts'
import { textOf } from './facts.ts'

const idLengthShort = 8
/** More of a body is not shown in a table, however wide it is. */
const previewLengthMax = 300

/** The end of an id, as tables print it. */
export function shortId(id: string): string {
  return shownId(id.slice(-idLengthShort))
}

/** `-` where there is none yet. */
export function shownId(id: string): string {
  return harmless(id) || '-'
}

/** The beginning of a body in one harmless line. */
export function preview({ body }: IncomingMessage): string {
  const part = typeof body === 'string' ? body : body.subarray(0, previewLengthMax * 4)
  return harmless(textOf(part).slice(0, previewLengthMax))
}

/** A whole body in one harmless line. */
export function wholeBody({ body }: IncomingMessage): string {
  return harmless(textOf(body))
}

/**
 * A message in JSON: `data` where it is JSON, else `data_base64`. Its own type is `message_type`,
 * because `type` says what the object is.
 */
export function messageJson(message: IncomingMessage): { readonly [name: string]: Json } {
  const { id, key, timeMs, type, source, headers, bytes } = message
  const time = isoTimeOrNull(timeMs)
  return { id, key, time, message_type: type, source, headers, bytes, ...dataJson(message) }
}

function dataJson({ body }: IncomingMessage): { readonly [name: string]: Json } {
  try {
    const text =
      typeof body === 'string' ? body : new TextDecoder('utf-8', { fatal: true }).decode(body)
    return { data: JSON.parse(text) as Json }
  } catch {
    return { data_base64: Buffer.from(body as string).toString('base64') } // no JSON, and so said
  }
}

export function storedJson(stored: Stored): { readonly [name: string]: Json } {
  const { message, position, state, worker, failures, crashes, redrives, group } = stored
  return {
    ...messageJson(message),
    position: position ?? null,
    state,
    attempt: failures + 1,
    crashes,
    redrives,
    group: group ?? null,
    worker: worker ?? null,
  }
}

export function deadJson({ ref, message, letter }: DeadEntry): { readonly [name: string]: Json } {
  const { error } = letter
  return {
    ref,
    channel: letter.channel,
    ...messageJson(message),
    cause: letter.cause,
    reason: letter.reason,
    error: error && {
      name: error.name,
      message: error.message,
      code: error.code ?? null,
      stack: error.stack ?? null,
    },
    failures: letter.failures,
    crashes: letter.crashes,
    redrives: letter.redrives,
    first_failed: letter.firstFailedMs === null ? null : isoTime(letter.firstFailedMs),
    died: isoTime(letter.diedMs),
    group: letter.group,
    worker: letter.worker,
  }
}

function begunTries({ state, failures }: Stored): number {
  return state === 'in-flight' ? failures + 1 : failures
}

function ageMs({ timeMs }: IncomingMessage, nowMs: number): number | null {
  return Number.isNaN(timeMs) ? null : Math.max(0, nowMs - timeMs)
}

/** Where it is, and of a copy for one group alone for which. */
export function stateText({ state, group }: Stored): string {
  return group === undefined ? state : `${state}, for group ${harmless(group)}`
}

/** The columns of a message list, the newest information first where room is short. */
export function storedColumns(nowMs: number): readonly Column<Stored>[] {
  return [
    {
      name: 'id',
      value: ({ message }) => message.id,
      text: ({ message }) => shortId(message.id),
      wide: ({ message }) => shownId(message.id),
    },
    {
      name: 'position',
      head: 'SEQ',
      align: 'right',
      value: ({ position }) => position ?? null,
      goes: 3,
    },
    {
      name: 'key',
      value: ({ message }) => message.key,
      text: ({ message }) => harmless(message.key ?? '-'),
      widthMin: 4,
      goes: 2,
    },
    {
      name: 'age_ms',
      head: 'AGE',
      align: 'right',
      value: ({ message }) => ageMs(message, nowMs),
      text: ({ message }) => showDuration(ageMs(message, nowMs)),
    },
    {
      name: 'bytes',
      head: 'SIZE',
      value: ({ message }) => message.bytes,
      text: ({ message }) => showBytes(message.bytes),
      goes: 5,
    },
    { name: 'state', value: ({ state }) => state, text: stateText, widthMin: 7, goes: 4 },
    {
      name: 'attempt',
      head: 'TRY',
      value: ({ failures }) => failures + 1,
      text: (stored) => String(begunTries(stored) || '-'),
      goes: 6,
    },
    { name: 'worker', value: ({ worker }) => worker ?? null, onlyWide: true },
    {
      name: 'preview',
      align: 'left',
      value: ({ message }) => preview(message),
      wide: ({ message }) => wholeBody(message),
      widthMin: 8,
    },
  ]
}
