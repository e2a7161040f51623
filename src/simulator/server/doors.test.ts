import { expect, test } from 'vitest'
import { startServer } from '../server.ts'
import { cannotListen } from './doors.ts'

test.for([
  ['EADDRINUSE', true, 'Port 0 takes a free one.'],
  ['EADDRINUSE', false, 'Port 0 takes a free one.'],
  [
    'ENOTSUP',
    true,
    'Where processes cannot share a port, give each its own, behind a load balancer.',
  ],
] as const)('a port that cannot be had: %s, shared: %s', ([code, isShared, hint]) => {
  const cause = Object.assign(new Error(`listen ${code}`), { code })
  const error = cannotListen('127.0.0.1', 5678, isShared, cause)
  expect(error).toMatchObject({ code: 'INVALID_CONFIG', hint, cause })
  expect(error.message).toBe(`sim server: cannot listen on 127.0.0.1 port 5678: listen ${code}`)
})

test.runIf(process.platform === 'linux')(
  'two servers share a port when both allow it, and only then',
  async () => {
    await using first = await startServer({ port: 0, reusePort: true })
    await using second = await startServer({ port: first.port, reusePort: true })
    expect(second.port).toBe(first.port)
    const third = startServer({ port: first.port })
    await expect(third).rejects.toMatchObject({ code: 'INVALID_CONFIG' })
  },
)
