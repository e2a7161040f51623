import type { PageQuery } from '../../../core/admin.ts'
import { kafkaError } from '../kafkaErrors.ts'

const pageMax = 1_000

/** @throws INVALID_ARGUMENT */
export function checkPage({ limit }: Pick<PageQuery, 'limit'>): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= pageMax) return
  throw kafkaError('INVALID_ARGUMENT', 'page', `limit is ${limit}; expected 1 to ${pageMax}`)
}
