import { once } from 'node:events'
import { createServer } from 'node:net'
import { NotStarted } from './ownProcess.ts'

/**
 * For a program that needs several ports, and seconds to find out that one is taken: looks at all of
 * them first. @throws NotStarted where one is taken, as `onFreePort` takes it
 */
export async function expectFree(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const server = createServer().listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
    } catch (error) {
      throw new NotStarted(`port ${port} is not free`, String(error))
    }
    server.close()
    await once(server, 'close')
  }
}
