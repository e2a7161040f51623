import { ErrorReply, SimpleError } from '@redis/client'
import { expect, test } from 'vitest'
import { asReplyError, redisError, repliedWith, replyCode } from './redisErrors.ts'

test.each([
  ['TRYAGAIN Multiple keys request during rehashing of slot', 'UNAVAILABLE'],
  ['CLUSTERDOWN The cluster is down', 'UNAVAILABLE'],
  ['MOVED 866 127.0.0.1:7001', 'UNAVAILABLE'],
  ['LOADING Redis is loading the dataset in memory', 'UNAVAILABLE'],
  ["READONLY You can't write against a read only replica.", 'UNAVAILABLE'],
  ['NOREPLICAS Not enough good replicas to write.', 'UNAVAILABLE'],
  ["OOM command not allowed when used memory > 'maxmemory'.", 'UNAVAILABLE'],
  ['MISCONF Errors writing to the AOF file: No space left on device', 'UNAVAILABLE'],
  ['BUSY Redis is busy running a script.', 'UNAVAILABLE'],
  ['ERR max number of clients reached', 'UNAVAILABLE'],
  ['NOAUTH Authentication required.', 'LOGIN_REFUSED'],
  ['WRONGPASS invalid username-password pair or user is disabled.', 'LOGIN_REFUSED'],
  ["NOPERM User shop has no permissions to run the 'eval' command", 'LOGIN_REFUSED'],
  ['DENIED Redis is running in protected mode', 'LOGIN_REFUSED'],
  ['ERR AUTH <password> called without any password configured', 'LOGIN_REFUSED'],
  ['WRONGTYPE Operation against a key holding the wrong kind of value', 'CONFLICT'],
  ['ERR DB index is out of range', 'INVALID_CONFIG'],
  ["ERR unknown command 'HELLO', with args beginning with: '3'", 'UNSUPPORTED'],
  ['NOPROTO unsupported protocol version', 'UNSUPPORTED'],
  ['ERR syntax error', 'INTERNAL'],
  ['SOMETHING new', 'INTERNAL'],
])('%s', (text, code) => {
  const reply = new SimpleError(text)
  const error = asReplyError(reply, 'publish')
  expect(error).toMatchObject({ code, operation: 'publish', driver: 'redis', cause: reply })
  // What the server refused was not carried out; what nobody understands is not said to be that.
  expect(error.definite).toBe(code !== 'INTERNAL')
  expect(error.message).toBe(`redis: publish: ${text}`)
})

test.each([
  [
    "ERR The user executing the script can't publish to the channel mentioned in the script",
    'LOGIN_REFUSED',
  ],
  ['WRONGTYPE Operation against a key holding the wrong kind of value', 'CONFLICT'],
])('what is refused in the middle of a script may have begun: %s', (text, code) => {
  const whole = `${text} script: 4a2267357833227dd98abdedb8cf24b15a986445, on @user_script:3.`
  expect(asReplyError(new SimpleError(whole), 'publish')).toMatchObject({ code, definite: false })
})

test('a word of a reply is read from replies alone', () => {
  expect(replyCode(new ErrorReply('MOVED 1 a:1'))).toBe('MOVED')
  expect(replyCode(new ErrorReply('own text of a script'))).toBe('ERR')
  expect(replyCode(new Error('MOVED 1 a:1'))).toBeNull()
  expect(replyCode('MOVED')).toBeNull()
})

test('an error of ours remembers the reply that it was made of', () => {
  expect(repliedWith(asReplyError(new ErrorReply('READONLY no'), 'settle'))).toBe('READONLY')
  expect(repliedWith(redisError('UNAVAILABLE', 'settle', 'no'))).toBeNull()
  expect(repliedWith(new ErrorReply('READONLY no'))).toBeNull()
})

test('what is ours already stays as it is', () => {
  const own = redisError('CLOSED', 'receive', 'closed')
  expect(asReplyError(own, 'publish')).toBe(own)
})
