import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { file } from '../../src/drivers/file/index.ts'
import { memory, virtualClock } from '../../src/testing/index.ts'
import { type Kind, keepsLivePromises, keepsPromises } from './promises.ts'

const stores: readonly Kind[] = [
  {
    name: 'memory',
    async make() {
      const clock = virtualClock()
      return { driver: memory({ clock }), clock, [Symbol.asyncDispose]: async () => {} }
    },
  },
  {
    name: 'file',
    async make() {
      const dir = await mkdtemp(join(tmpdir(), 'narrowcast-conformance-'))
      return {
        driver: file({ dir }),
        [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
      }
    },
  },
]

for (const kind of stores) {
  keepsPromises(kind, ['queue', 'stream'])
  keepsLivePromises(kind)
}
