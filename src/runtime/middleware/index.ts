/** The public list: what `import … from 'narrowcast/middleware'` offers. */
export type { CircuitState } from './circuit.ts'
export { type CircuitBreakerOptions, circuitBreaker } from './circuitBreaker.ts'
export type { TracingOptions } from './openTelemetry.ts'
export { type ThrottleOptions, throttle } from './throttle.ts'
export { type TimeoutOptions, timeout } from './timeout.ts'
export { tracing } from './tracing.ts'
