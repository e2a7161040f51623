import { type ErrorCode, type ErrorDetails, NarrowcastError } from '../../core/errors.ts'

/** What a reply that begins with this word means. It was certainly not carried out. */
const replies: Readonly<Record<string, readonly [ErrorCode, string?]>> = {
  NOSCRIPT: ['UNAVAILABLE'],
  MOVED: ['UNAVAILABLE', 'The slots of the cluster are moving; it is tried again.'],
  ASK: ['UNAVAILABLE', 'The slots of the cluster are moving; it is tried again.'],
  TRYAGAIN: ['UNAVAILABLE', 'The slots of the cluster are moving; it is tried again.'],
  CLUSTERDOWN: ['UNAVAILABLE', 'A part of the cluster has no primary: look at CLUSTER NODES.'],
  READONLY: ['UNAVAILABLE', 'This server is a replica now: a failover is under way.'],
  LOADING: ['UNAVAILABLE', 'The server reads its data from disk; it answers when it is done.'],
  MASTERDOWN: ['UNAVAILABLE'],
  NOREPLICAS: ['UNAVAILABLE', 'min-replicas-to-write asks for more replicas than are connected.'],
  MISCONF: ['UNAVAILABLE', 'The server cannot write its snapshot: look at its log and its disk.'],
  BUSY: ['UNAVAILABLE', 'A script of somebody runs for long: look at SCRIPT KILL.'],
  OOM: ['UNAVAILABLE', 'maxmemory is reached: settle or purge what waits, or give it more.'],
  NOAUTH: ['LOGIN_REFUSED', 'The server wants a password: redis://:PASSWORD@host.'],
  WRONGPASS: ['LOGIN_REFUSED', 'Check user and password of the URL.'],
  NOPERM: ['LOGIN_REFUSED', 'Its ACL user needs more rights: docs/drivers/redis.md lists them.'],
  WRONGTYPE: ['CONFLICT', 'Another program keeps something else under this key: use another name.'],
}

/** The first word of an error reply of the server; null for anything else. */
export function replyCode(error: unknown): string | null {
  const isReply = error instanceof Error && error.constructor.name.endsWith('Error')
  const found = isReply ? /^([A-Z]+)(?= )/.exec(error.message) : null
  return found?.[1] ?? null
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

export function closedError(operation: string): NarrowcastError {
  return redisError('CLOSED', operation, 'the session was closed')
}

/** What an error reply of the server means for us. Anything else is a defect. */
export function asReplyError(error: unknown, operation: string): NarrowcastError {
  if (error instanceof NarrowcastError) return error
  const text = error instanceof Error ? error.message : String(error)
  const [code, hint] = replies[replyCode(error) ?? ''] ?? ['INTERNAL']
  return redisError(code, operation, text, { cause: error, ...(hint ? { hint } : {}) })
}
