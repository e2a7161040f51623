/** The public list: what `import … from 'narrowcast/middleware'` offers. */

export { type ThrottleOptions, throttle } from './throttle.ts'
export { type TimeoutOptions, timeout } from './timeout.ts'
