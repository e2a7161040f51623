const refused = { definite: true, retryable: false } as const
const retry = { definite: true, retryable: true } as const

/**
 * Every way in which narrowcast says no. `definite`: it certainly did not happen, so doing it
 * again cannot duplicate. `exit` is the exit code of the command line. The documents and
 * `narrowcast help CODE` are made from this table.
 */
export const errorCodes = {
  INVALID_ARGUMENT: { ...refused, exit: 2, doc: 'A value given by the caller is wrong.' },
  INVALID_CONFIG: { ...refused, exit: 2, doc: 'A file, flag, variable or URL is wrong.' },
  INVALID_MESSAGE: { ...refused, exit: 2, doc: 'The message does not fit the schema.' },
  PAYLOAD_TOO_LARGE: { ...refused, exit: 2, doc: 'The message exceeds payloadBytesMax.' },
  CLIENT_MISSING: { ...refused, exit: 2, doc: 'A client package is not installed.' },
  CONFLICT: {
    ...refused,
    exit: 2,
    doc: 'The object exists with another value, pattern or engine.',
  },
  CONNECT_FAILED: { ...retry, exit: 3, doc: 'The broker cannot be reached.' },
  CONNECTION_LOST: {
    definite: false,
    retryable: true,
    exit: 3,
    doc: 'The connection broke while work was in flight.',
  },
  LOGIN_REFUSED: { ...refused, exit: 3, doc: 'The broker refused the login or the permission.' },
  UNAVAILABLE: { ...retry, exit: 3, doc: 'The broker cannot do it now.' },
  DISK_FULL: { ...retry, exit: 1, doc: 'No space is left on our disk.' },
  STORE_UNUSABLE: {
    ...refused,
    exit: 3,
    doc: 'The store is damaged, read-only, of a newer format, or on a network disk.',
  },
  NOT_FOUND: {
    ...refused,
    exit: 4,
    doc: 'The channel, group, message or file does not exist.',
  },
  NO_WORKER: { ...retry, exit: 4, doc: 'No live worker is there to be given the message.' },
  CONSENT_NEEDED: { ...refused, exit: 5, doc: 'The change needs a yes that was not given.' },
  READ_ONLY: { ...refused, exit: 5, doc: 'Changes are switched off.' },
  UNSUPPORTED: { ...refused, exit: 6, doc: 'This backend does not offer that.' },
  TIMEOUT: { definite: false, retryable: true, exit: 7, doc: 'No answer came in time.' },
  BUSY: { ...retry, exit: 7, doc: 'The outbox is full; await writable() first.' },
  LAKE_DAMAGED: { ...refused, exit: 8, doc: 'A file that a commit names is gone.' },
  LATE: {
    ...refused,
    exit: 1,
    doc: 'The work finished, but the message was no longer owned; nothing was changed.',
  },
  FENCED: { ...refused, exit: 1, doc: 'Another process took over this slot.' },
  HANDLER_FAILED: {
    definite: false,
    retryable: true,
    exit: 1,
    doc: 'A handler threw or asked for a retry; the channel decides what follows.',
  },
  STUCK: { ...refused, exit: 1, doc: 'A handler passed its time limit and did not stop.' },
  CLOSED: { ...refused, exit: 1, doc: 'The object was already closed.' },
  ABORTED: { definite: false, retryable: false, exit: 130, doc: "The caller's signal fired." },
  INTERNAL: {
    definite: false,
    retryable: false,
    exit: 1,
    doc: 'A defect of narrowcast, or an impossible answer of a broker. Please report it.',
  },
} as const satisfies Record<
  string,
  { definite: boolean; retryable: boolean; exit: number; doc: string }
>

export type ErrorCode = keyof typeof errorCodes

export interface ErrorDetails {
  /** Overrides the table: a connection can break before or after the bytes have left. */
  readonly definite?: boolean
  readonly driver?: string
  readonly channel?: string
  readonly operation?: string
  /** What to do next, one or more lines. */
  readonly hint?: string
  readonly cause?: unknown
}

/**
 * The one error class. Branch on `code`, never on the text. The text says who did what to which
 * thing, what was expected and what came; `hint` says what to do next, and is null where the text
 * says it all. Neither holds a secret.
 */
export class NarrowcastError extends Error {
  override readonly name = 'NarrowcastError'
  readonly code: ErrorCode
  /** It certainly did not happen: doing it again cannot duplicate. */
  readonly definite: boolean
  readonly retryable: boolean
  readonly driver: string | null
  readonly channel: string | null
  readonly operation: string | null
  readonly hint: string | null

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.definite = details.definite ?? errorCodes[code].definite
    this.retryable = errorCodes[code].retryable
    this.driver = details.driver ?? null
    this.channel = details.channel ?? null
    this.operation = details.operation ?? null
    this.hint = details.hint ?? null
  }
}

/** The error itself when it is ours, else wrapped once as `code` with the original as `cause`. */
export function asNarrowcastError(
  error: unknown,
  code: ErrorCode = 'INTERNAL',
  details: ErrorDetails = {},
): NarrowcastError {
  if (error instanceof NarrowcastError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new NarrowcastError(code, message, { ...details, cause: error })
}
