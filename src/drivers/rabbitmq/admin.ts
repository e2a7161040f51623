import type { Admin } from '../../core/admin.ts'
import { type CountingOptions, counting } from './counting.ts'
import { managing } from './managing.ts'
import { checkPage } from './page.ts'
import { checkKept, rabbitmqError } from './rabbitmqErrors.ts'

export function rabbitmqAdmin(options: CountingOptions): Admin {
  const { declarations, dead, checkOpen } = options
  return {
    ...counting(options),
    ...managing(options),
    async ensure(channel, signal) {
      checkOpen('ensure')
      return await declarations.ensure(channel, signal)
    },
    async deadLetters(channel, group, query, signal) {
      checkOpen('deadLetters')
      checkKept('deadLetters', channel)
      checkPage(query)
      return await dead.page(channel.name, group, query, signal)
    },
    async redrive(channel, refs, to, signal) {
      checkOpen('redrive')
      checkKept('redrive', channel)
      const target = to ?? channel
      checkKept('redrive', target)
      if (!(await declarations.isThere(target))) {
        const text = `there is no ${target.pattern} "${target.name}"`
        throw rabbitmqError('NOT_FOUND', 'redrive', text, { channel: target.name })
      }
      return await dead.redrive(channel.name, refs, to, signal)
    },
    async removeDead(channel, refs, signal) {
      checkOpen('removeDead')
      checkKept('removeDead', channel)
      return await dead.remove(channel.name, refs, signal)
    },
  }
}
