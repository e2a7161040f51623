import { expect, test } from 'vitest'
import { asRabbitmqError, rabbitmqError, replyTextOf } from './rabbitmqErrors.ts'

const refusal = (code: number, text: string) =>
  Object.assign(new Error(`Operation failed: QueueDeclare; ${code} (X) with message "${text}"`), {
    code,
  })

test.each([
  [311, 'PAYLOAD_TOO_LARGE'],
  [403, 'LOGIN_REFUSED'],
  [404, 'NOT_FOUND'],
  [405, 'UNAVAILABLE'],
  [406, 'CONFLICT'],
])('reply %d is %s, certainly not carried out, in the words of the broker', (reply, code) => {
  const cause = refusal(reply, `said of "a"`)
  expect(asRabbitmqError(cause, 'open', 'orders')).toMatchObject({
    ...{ code, definite: true, driver: 'rabbitmq', operation: 'open', channel: 'orders', cause },
    message: 'rabbitmq: open: said of "a"',
  })
})

test('what the broker said nothing of is a lost connection, of which nothing is sure', () => {
  const cause = new Error('Channel ended, no reply will be forthcoming')
  expect(asRabbitmqError(cause, 'open')).toMatchObject({ code: 'CONNECTION_LOST', definite: false })
  expect(asRabbitmqError('text', 'open').message).toBe('rabbitmq: open: text')
  expect(replyTextOf(cause)).toBe(cause.message)
})

test('what is ours already stays as it is', () => {
  const own = rabbitmqError('CLOSED', 'receive', 'closed')
  expect(asRabbitmqError(own, 'publish')).toBe(own)
})
