import type { Engine } from '../engine.ts'
import { redisError } from '../redisErrors.ts'
import type { Context } from '../session.ts'

export function streamEngine(_context: Context): Engine {
  throw redisError('UNSUPPORTED', 'open', 'not built yet')
}
