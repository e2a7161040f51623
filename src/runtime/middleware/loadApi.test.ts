import { expect, test } from 'vitest'
import { loadApi } from './loadApi.ts'

const failing = (error: Error, code: string) => () => {
  throw Object.assign(error, { code })
}

test('a package that is not installed is said with what to do; any other trouble as it is', () => {
  const missing = failing(new Error('Cannot find module'), 'MODULE_NOT_FOUND')
  expect(() => loadApi(missing)).toThrow(
    expect.objectContaining({
      code: 'CLIENT_MISSING',
      hint: 'npm install @opentelemetry/api',
      message: 'tracing: the package @opentelemetry/api is needed and is not installed',
    }),
  )
  const broken = new SyntaxError('Unexpected end of input')
  expect(() => loadApi(failing(broken, 'ERR_INVALID'))).toThrow(broken)
  expect(loadApi().trace).toBeDefined()
})
