/** The public list: what `import … from 'narrowcast/middleware'` offers. */
export { type TimeoutOptions, timeout } from './timeout.ts'
