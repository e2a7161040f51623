import { describe, expect, it } from 'vitest'
import { withPassword } from './password.ts'

const from = { context: 'x', timeoutMs: 5_000 }

describe('withPassword', () => {
  it.for([
    ['redis://host', 'redis://:pw@host'],
    ['redis://me@host:6379/0?lease=1s', 'redis://me:pw@host:6379/0?lease=1s'],
    ['kafka://a:1,b:2', 'kafka://:pw@a:1,b:2'],
    ['amqps://me@host/v%2Fhost', 'amqps://me:pw@host/v%2Fhost'],
  ])('%s becomes %s', async ([url, whole]) => {
    expect(await withPassword(url as string, 'echo pw', from)).toBe(whole)
  })

  it('hides what means something in a URL, and takes one line break away', async () => {
    const command = `printf 'p@ss:/#\\n\\n'`
    expect(await withPassword('redis://me@host', command, from)).toBe(
      'redis://me:p%40ss%3A%2F%23%0A@host',
    )
  })

  it.for(['file:./x', 'file:///x', 'memory:', 'redis://me:pw@host'])(
    '%s has no room for it, so the command is not run',
    async (url) => {
      await expect(withPassword(url, 'exit 1', from)).rejects.toMatchObject({
        ...{ code: 'INVALID_CONFIG', message: expect.stringContaining('passwordCommand is wrong') },
      })
    },
  )
})
