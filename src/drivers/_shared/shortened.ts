import type { DeadLetter, ErrorInfo } from '../../core/message.ts'

/**
 * Of RabbitMQ all headers of a message have 64 KiB together, of Kafka we keep as much beside the data. A dead letter has the error twice, and
 * JSON makes up to six bytes of one character.
 */
const textBytesMax = 4_000

const bytesOf = (text: string) => Buffer.byteLength(JSON.stringify(text))

/** In JSON it has at most `textBytesMax`, and what says how long it was. */
export function short(text: string): string {
  if (text.length * 6 <= textBytesMax || bytesOf(text) <= textBytesMax) return text
  let kept = text.slice(0, textBytesMax)
  while (bytesOf(kept) > textBytesMax) kept = kept.slice(0, Math.floor(kept.length * 0.9))
  return `${kept.toWellFormed()}… (${text.length} characters)`
}

/** As it fits among the headers of a message. */
export function shortError({ stack, ...error }: ErrorInfo): ErrorInfo {
  const { name, message } = error
  return {
    ...error,
    ...{ name: short(name), message: short(message) },
    ...(stack === undefined ? {} : { stack: short(stack) }),
  }
}

/** As it fits among the headers of a message. */
export function shortLetter(letter: DeadLetter): DeadLetter {
  const { reason, error } = letter
  return { ...letter, reason: short(reason), error: error === null ? null : shortError(error) }
}
