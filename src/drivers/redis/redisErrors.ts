import { type ErrorCode, type ErrorDetails, NarrowcastError } from '../../core/errors.ts'

type Meaning = readonly [code: ErrorCode, hint?: string]

const moving = 'The slots of the cluster are moving; it is tried again.'
const tooOld = 'Redis 7.0 and newer will do, and Valkey 8 and newer.'

/** What a reply that begins with this word means. It was certainly not carried out. */
const replies: Readonly<Record<string, Meaning>> = {
  NOSCRIPT: ['UNAVAILABLE'],
  MOVED: ['UNAVAILABLE', moving],
  ASK: ['UNAVAILABLE', moving],
  TRYAGAIN: ['UNAVAILABLE', moving],
  CROSSSLOT: ['INTERNAL'],
  CLUSTERDOWN: ['UNAVAILABLE', 'A part of the cluster has no primary: look at CLUSTER NODES.'],
  READONLY: ['UNAVAILABLE', 'This server is a replica now: a failover is under way.'],
  LOADING: ['UNAVAILABLE', 'The server reads its data from disk; it answers when it is done.'],
  MASTERDOWN: ['UNAVAILABLE'],
  NOREPLICAS: ['UNAVAILABLE', 'min-replicas-to-write asks for more replicas than are connected.'],
  MISCONF: ['UNAVAILABLE', 'The server cannot write its data: look at its log and its disk.'],
  BUSY: ['UNAVAILABLE', 'A script of somebody runs for long: look at SCRIPT KILL.'],
  OOM: ['UNAVAILABLE', 'maxmemory is reached: settle or purge what waits, or give it more.'],
  NOAUTH: ['LOGIN_REFUSED', 'The server wants a password: redis://:PASSWORD@HOST.'],
  WRONGPASS: ['LOGIN_REFUSED', 'Check user and password of the URL.'],
  NOPERM: ['LOGIN_REFUSED', 'Its ACL user needs more rights: docs/drivers/redis.md lists them.'],
  DENIED: [
    'LOGIN_REFUSED',
    'The server is in protected mode: give it a password, or bind it to an address that is reached.',
  ],
  WRONGTYPE: [
    'CONFLICT',
    'Another program keeps something else there: use another name. docs/drivers/redis.md says what lies where.',
  ],
  NOPROTO: ['UNSUPPORTED', tooOld],
}

/** Of replies that begin with ERR the text says what they mean. */
const texts: readonly (readonly [RegExp, Meaning])[] = [
  [/max number of clients/, ['UNAVAILABLE', 'maxclients of the server is reached: raise it.']],
  [
    /DB index is out of range|SELECT is not allowed/,
    ['INVALID_CONFIG', 'The number after the host is that of a database: 0 is always there.'],
  ],
  [
    /without any password configured/,
    ['LOGIN_REFUSED', 'The server has no password: leave it out of the URL.'],
  ],
  [
    /user executing the script can't/,
    ['LOGIN_REFUSED', 'Its ACL user needs more rights: docs/drivers/redis.md lists them.'],
  ],
  [/unknown (sub)?command|Error compiling script/, ['UNSUPPORTED', tooOld]],
]

/** It speaks of commands that nobody has typed. */
const noLogin = /^NOAUTH HELLO must be called/
const noLoginText = 'the server wants a password, and was given none'

/** Names of the client's classes: its package is loaded only when it is needed. */
const replyClasses: readonly string[] = ['ErrorReply', 'SimpleError', 'BlobError']

/** The first word of an error reply of the server; null for anything else. */
export function replyCode(error: unknown): string | null {
  if (!(error instanceof Error) || !replyClasses.includes(error.constructor.name)) return null
  return /^-?([A-Z]+)(?= )/.exec(error.message)?.[1] ?? 'ERR'
}

export function redisError(
  code: ErrorCode,
  operation: string,
  text: string,
  details: ErrorDetails = {},
): NarrowcastError {
  return new NarrowcastError(code, `redis: ${operation}: ${text}`, {
    driver: 'redis',
    operation,
    ...details,
  })
}

/** What an error of ours says, without who says it where. */
export function reasonOf({ message, operation }: NarrowcastError): string {
  const before = `redis: ${operation}: `
  return message.startsWith(before) ? message.slice(before.length) : message
}

export function closedError(operation: string): NarrowcastError {
  return redisError('CLOSED', operation, 'the session was closed')
}

/**
 * What an error reply of the server means for us. Anything else is a defect. It is told in the words
 * of the server, where there are no better ones.
 */
export function asReplyError(error: unknown, operation: string, better?: string): NarrowcastError {
  if (error instanceof NarrowcastError) return error
  const text = error instanceof Error ? error.message : String(error)
  const [code, hint] = meaningOf(replyCode(error) ?? '', text)
  // What the steps of a script before the one that was refused have written stays.
  const halfway = / script: \S+, on @user_script:\d+/.test(text) ? { definite: false } : {}
  const advice = hint ? { hint } : {}
  const told = better ?? (noLogin.test(text) ? noLoginText : text)
  return redisError(code, operation, told, { cause: error, ...halfway, ...advice })
}

function meaningOf(word: string, text: string): Meaning {
  const known = replies[word]
  if (known !== undefined || word !== 'ERR') return known ?? ['INTERNAL']
  return texts.find(([form]) => form.test(text))?.[1] ?? ['INTERNAL']
}

/** The reply that an error of ours was made of: `MOVED`, `READONLY`; null where there is none. */
export function repliedWith(error: unknown): string | null {
  return error instanceof NarrowcastError ? replyCode(error.cause) : null
}
