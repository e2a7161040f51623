import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import type { Driver } from '../../src/core/driver.ts'
import { NarrowcastError } from '../../src/core/errors.ts'
import { memory } from '../../src/drivers/memory/index.ts'

test('a signal that has fired ends every connect in the same way, with its reason', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'narrowcast-connect-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  for (const target of [`file:${dir}/store`, 'memory:', memory()]) {
    for (const reason of [new Error('enough'), 'enough']) {
      const error = await connect(target, { signal: AbortSignal.abort(reason) }).catch(
        (thrown: unknown) => thrown,
      )
      expect(error).toBeInstanceOf(NarrowcastError)
      expect(error).toMatchObject({ code: 'ABORTED', definite: true, cause: reason })
      expect(error).toHaveProperty('message', 'connect was aborted: enough')
    }
  }
})

test('a signal that fires while a driver opens is an abort, whatever the driver throws', async () => {
  const stop = new AbortController()
  const driver: Driver = {
    ...memory(),
    open: (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
        stop.abort('enough')
      }),
  }
  await expect(connect(driver, { signal: stop.signal })).rejects.toMatchObject({
    code: 'ABORTED',
    cause: 'enough',
  })
  await using bus = await connect(memory(), { signal: new AbortController().signal })
  expect(bus.driver).toBe('memory')
})

test('what is neither a URL nor a driver is refused', async () => {
  for (const target of [undefined, null, 5, {}]) {
    const told = { code: 'INVALID_ARGUMENT', hint: expect.stringContaining('file:./store') }
    await expect(connect(target as unknown as string)).rejects.toMatchObject(told)
  }
})
