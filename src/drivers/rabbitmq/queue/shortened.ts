import type { DeadLetter, ErrorInfo } from '../../../core/message.ts'

/** All headers of a message have 64 KiB together in the client. */
const textCharsMax = 4_000

const short = (text: string) =>
  text.length <= textCharsMax ? text : `${text.slice(0, textCharsMax)}… (${text.length} characters)`

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
