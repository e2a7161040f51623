import { createRequire } from 'node:module'
import type * as Api from '@opentelemetry/api'
import { NarrowcastError } from '../../core/errors.ts'

const name = '@opentelemetry/api'

/**
 * The API of OpenTelemetry, which is installed beside narrowcast where somebody wants it. All its
 * copies in one process share what an SDK has registered. @throws CLIENT_MISSING
 */
export function loadApi(
  load: (name: string) => unknown = createRequire(import.meta.url),
): typeof Api {
  try {
    return load(name) as typeof Api
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw cause
    throw new NarrowcastError(
      'CLIENT_MISSING',
      `tracing: the package ${name} is needed and is not installed`,
      { operation: 'tracing', hint: `npm install ${name}`, cause },
    )
  }
}
