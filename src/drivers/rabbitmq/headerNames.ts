/** Names of our own among the headers: those of CloudEvents 1.0 for AMQP, and what a copy keeps. */
export const headerNames = {
  id: 'ce-id',
  time: 'ce-time',
  subject: 'ce-subject',
  type: 'ce-type',
  source: 'ce-source',
  redrives: 'ce-redrivecount',
  failures: 'ce-errorcount',
  crashes: 'ce-crashcount',
  firstFailed: 'ce-firstfailed',
  lastError: 'ce-lasterror',
  letter: 'ce-deadletter',
  expiration: 'ce-expiration',
  userId: 'ce-userid',
  cc: 'ce-cc',
} as const

const own: ReadonlySet<string> = new Set(Object.values(headerNames))
/** What the broker writes there by itself. */
const ofBroker = /^x-(stream-offset|death|(first|last)-death-.*|delivery-count|acquired-count)$/
/** The broker sends a message to every queue that these name; the client cannot read the last. */
const withMeaning = /^(B?CC|__proto__)$/

export const isOfBroker = (name: string): boolean => ofBroker.test(name)

/** A header that is nobody's own: it says something to us, or to the broker. */
export const isReserved = (name: string): boolean =>
  own.has(name) || isOfBroker(name) || withMeaning.test(name)
