import { describe, expect, it } from 'vitest'
import { contracts } from '../../drivers/memory/contract.ts'
import { unmet } from './require.ts'

const { stream, queue } = contracts

describe('unmet', () => {
  it.for([
    ['delivery=at-least-once'],
    ['replay'],
    ['replay=true'],
    ['order=channel'],
    ['order.scope=channel'],
    ['delay'],
    ['stored=memory'],
    ['peek=exact'],
  ])('%s holds for a stream in memory', ([fact]) =>
    expect(unmet(stream, fact as string)).toBeNull(),
  )

  it.for([
    ['survives=power-loss', 'survives nothing'],
    ['replay', 'replay=false'],
    ['stored=disk', 'memory'],
    ['order=key', 'channel'],
  ])('%s does not hold for a queue in memory', ([fact, why]) => {
    expect(unmet(queue, fact as string)).toContain(why)
  })

  it.for([
    ['reply', 'Did you mean replay?'],
    ['survives=sunday', 'Known are worker-crash'],
    ['a=b=c', 'Known are'],
  ])('%s is no fact', ([fact, hint]) => {
    expect(() => unmet(queue, fact as string)).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        hint: expect.stringContaining(hint as string),
      }),
    )
  })
})
