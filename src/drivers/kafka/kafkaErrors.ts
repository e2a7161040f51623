import { type ErrorCode, type ErrorDetails, NarrowcastError } from '../../core/errors.ts'

export function kafkaError(
  code: ErrorCode,
  operation: string,
  text: string,
  details: ErrorDetails = {},
): NarrowcastError {
  return new NarrowcastError(code, `kafka: ${operation}: ${text}`, {
    driver: 'kafka',
    operation,
    ...details,
  })
}

export function closedError(operation: string): NarrowcastError {
  return kafkaError('CLOSED', operation, 'the session was closed')
}

interface Known {
  readonly name: string
  readonly code: ErrorCode
}

/**
 * The error codes of the protocol that mean something of their own to us.
 * @see https://kafka.apache.org/protocol#protocol_error_codes
 */
const known: Readonly<Record<number, Known>> = {
  2: { name: 'CORRUPT_MESSAGE', code: 'UNAVAILABLE' },
  3: { name: 'UNKNOWN_TOPIC_OR_PARTITION', code: 'NOT_FOUND' },
  5: { name: 'LEADER_NOT_AVAILABLE', code: 'UNAVAILABLE' },
  6: { name: 'NOT_LEADER_OR_FOLLOWER', code: 'UNAVAILABLE' },
  7: { name: 'REQUEST_TIMED_OUT', code: 'UNAVAILABLE' },
  8: { name: 'BROKER_NOT_AVAILABLE', code: 'UNAVAILABLE' },
  10: { name: 'MESSAGE_TOO_LARGE', code: 'PAYLOAD_TOO_LARGE' },
  13: { name: 'NETWORK_EXCEPTION', code: 'UNAVAILABLE' },
  14: { name: 'COORDINATOR_LOAD_IN_PROGRESS', code: 'UNAVAILABLE' },
  15: { name: 'COORDINATOR_NOT_AVAILABLE', code: 'UNAVAILABLE' },
  16: { name: 'NOT_COORDINATOR', code: 'UNAVAILABLE' },
  17: { name: 'INVALID_TOPIC_EXCEPTION', code: 'INVALID_ARGUMENT' },
  18: { name: 'RECORD_LIST_TOO_LARGE', code: 'PAYLOAD_TOO_LARGE' },
  19: { name: 'NOT_ENOUGH_REPLICAS', code: 'UNAVAILABLE' },
  20: { name: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', code: 'UNAVAILABLE' },
  24: { name: 'INVALID_GROUP_ID', code: 'INVALID_ARGUMENT' },
  29: { name: 'TOPIC_AUTHORIZATION_FAILED', code: 'LOGIN_REFUSED' },
  30: { name: 'GROUP_AUTHORIZATION_FAILED', code: 'LOGIN_REFUSED' },
  31: { name: 'CLUSTER_AUTHORIZATION_FAILED', code: 'LOGIN_REFUSED' },
  36: { name: 'TOPIC_ALREADY_EXISTS', code: 'CONFLICT' },
  37: { name: 'INVALID_PARTITIONS', code: 'INVALID_ARGUMENT' },
  38: { name: 'INVALID_REPLICATION_FACTOR', code: 'INVALID_CONFIG' },
  40: { name: 'INVALID_CONFIG', code: 'INVALID_CONFIG' },
  41: { name: 'NOT_CONTROLLER', code: 'UNAVAILABLE' },
  44: { name: 'POLICY_VIOLATION', code: 'LOGIN_REFUSED' },
  56: { name: 'KAFKA_STORAGE_ERROR', code: 'UNAVAILABLE' },
  58: { name: 'SASL_AUTHENTICATION_FAILED', code: 'LOGIN_REFUSED' },
  69: { name: 'GROUP_ID_NOT_FOUND', code: 'NOT_FOUND' },
  72: { name: 'LISTENER_NOT_FOUND', code: 'UNAVAILABLE' },
  74: { name: 'FENCED_LEADER_EPOCH', code: 'UNAVAILABLE' },
  75: { name: 'UNKNOWN_LEADER_EPOCH', code: 'UNAVAILABLE' },
  78: { name: 'OFFSET_NOT_AVAILABLE', code: 'UNAVAILABLE' },
  81: { name: 'GROUP_MAX_SIZE_REACHED', code: 'UNAVAILABLE' },
  100: { name: 'UNKNOWN_TOPIC_ID', code: 'UNAVAILABLE' },
}

/** What an error code of the protocol means for what was asked, in its own words. */
export function protocolError(
  errorCode: number,
  operation: string,
  what: string,
  details: ErrorDetails = {},
): NarrowcastError {
  const { name, code } = known[errorCode] ?? { name: `error ${errorCode}`, code: 'INTERNAL' }
  return kafkaError(code, operation, `${what}: ${name}`, details)
}

export function nameOfError(errorCode: number): string {
  return known[errorCode]?.name ?? `error ${errorCode}`
}

export function codeOfError(errorCode: number): ErrorCode {
  return known[errorCode]?.code ?? 'INTERNAL'
}
