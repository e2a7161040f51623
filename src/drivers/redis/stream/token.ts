import type { Token } from '../../../core/message.ts'

/**
 * What a token of ours knows beside its name: which entry, and the how manieth delivery of it. The
 * server compares both with its pending list.
 */
export interface StreamToken extends Token {
  readonly entry: string
  readonly count: number
}
