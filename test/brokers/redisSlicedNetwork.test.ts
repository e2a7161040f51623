import type { ProxyRule } from '../../src/lab/proxy/rule.ts'
import { keepsLivePromises, keepsPromises } from './promises.ts'
import { throughProxy } from './redisThroughProxy.ts'

const sliced: ProxyRule = { kind: 'slice', bytes: 500 }
/** It takes what has come when the publish was answered: here a large message is still on its way. */
const only = /^(?!live: beyond hold)/

throughProxy('sliced', sliced, (kind) => keepsPromises(kind, ['stream']))
throughProxy('sliced', sliced, (kind) => keepsLivePromises({ ...kind, only }, ['broadcast']))
