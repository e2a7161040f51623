// Lets the examples import 'narrowcast' from this checkout, without a build: what package.json
// exports from dist comes from src. Where the package is installed nobody needs this file.
import { registerHooks } from 'node:module'
import packageJson from '../package.json' with { type: 'json' }

const entries: Readonly<Record<string, unknown>> = packageJson.exports

registerHooks({
  resolve(name, context, next) {
    const entry = entries[name.replace(/^narrowcast\/?/, './').replace(/\/$/, '')]
    if (!/^narrowcast(\/|$)/.test(name) || typeof entry !== 'object') return next(name, context)
    const { default: built } = entry as { readonly default: string }
    const source = built.replace('./dist/', '../src/').replace(/\.js$/, '.ts')
    return { url: new URL(source, import.meta.url).href, shortCircuit: true }
  },
})
