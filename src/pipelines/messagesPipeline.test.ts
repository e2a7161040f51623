import { expect, test } from 'vitest'
import { virtualClock } from '../testing/virtualClock.ts'
import { messagesPipeline } from './messagesPipeline.ts'
import type { Raw } from './sink.ts'
import { Stage } from './stage.ts'

test.for(['null', '0', 'false', '""', '[]', '{"a":null}'])('the message %s is a row', (data) => {
  const limits = { attempts: 2, deliveriesMax: 2 }
  const { signal } = new AbortController()
  const stage = new Stage(messagesPipeline({ name: 'lobby' }), limits, virtualClock(), signal)
  const message = { id: 'm1', timeMs: 0, key: null, headers: {}, bytes: 1 }
  const raw = { data, message, failures: 0, crashes: 0, redrives: 0 } as unknown as Raw
  expect(stage.stage(raw)).toMatchObject({ kind: 'staged', staged: { refusal: null } })
})
